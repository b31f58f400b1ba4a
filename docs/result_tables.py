"""Which tables each benchmark's JSON becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from accuracy_tables import (
    accuracy,
    accuracy_beside_the_paper,
    beside_language_models,
    demo_against_deepbind,
    robust_training,
)
from attribution_tables import attribution_truth
from explanation_tables import cleaner_explanations
from markdown_tables import Page
from model_tables import contract, parity
from motif_tables import learned_motifs, motif_oracles, zoops
from speed_tables import (
    attribution,
    audit_memory,
    class_optimisation,
    read_fasta,
    scan,
    scan_pooled,
    shuffle,
    store,
    training_step,
)

__all__ = ["table_of"]

TABLES: Mapping[str, Callable[[Page], str]] = {
    "learned_motifs": learned_motifs,
    "accuracy_sp1_discovery": accuracy_beside_the_paper,  # before its prefix
    "accuracy_gue_tf": beside_language_models,  # before its prefix
    "accuracy": accuracy,
    "scan_pooled": scan_pooled,  # before its prefix
    "scan": scan,
    "parity": parity,
    "contract": contract,
    "training_step": training_step,
    "robust_training": robust_training,
    "read_fasta": read_fasta,
    "shuffle": shuffle,
    "store": store,
    "audit_memory": audit_memory,
    "demo_against_deepbind": demo_against_deepbind,
    "motif_oracles": motif_oracles,
    "attribution_truth": attribution_truth,  # before its prefix
    "attribution": attribution,
    "class_optimisation": class_optimisation,
    "zoops": zoops,
    "cleaner_explanations": cleaner_explanations,
}
"""What draws a result whose name starts so; the first that fits."""


def table_of(name: str) -> Callable[[Page], str]:
    """Return what draws the result of that name."""
    return next(table for start, table in TABLES.items() if name.startswith(start))
