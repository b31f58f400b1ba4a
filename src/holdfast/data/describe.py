"""What is in a data set, counted in one pass over it: a record that the command line prints and a report shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from holdfast.data.arrays import BLOCK_BYTES
from holdfast.data.dataset import SequenceDataset
from holdfast.data.leakage import Hashes, contradictory, leakage
from holdfast.data.manifest import Leakage, PartCount
from holdfast.dna.codes import UNKNOWN

__all__ = ["Composition", "Description", "describe"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Composition(_Record):
    """Bases of the examples of one class.

    Parameters
    ----------
    label
        ``bound`` (in any task) or ``unbound`` (in none, as far as known).
    examples
        Examples of the class.
    share
        Of A, C, G, T among the known bases; None where there are none.
    unknown_bases
        N.
    examples_with_unknown
        Examples with at least one N.
    examples_all_unknown
        Examples of N only.
    """

    label: str
    examples: int
    share: dict[str, float] | None
    unknown_bases: int
    examples_with_unknown: int
    examples_all_unknown: int


class Description(_Record):
    """What is in a data set.

    Parameters
    ----------
    source, negatives, split, seed, fingerprint
        From the manifest.
    examples, context_length, tasks, counts, balance
        Sizes and labels, from the manifest.
    one_class_tasks
        Tasks without a bound or without an unbound example.
    composition
        Bases by class.
    repeated
        Examples whose sequence some earlier example has already.
    contradictory
        Examples with the sequence of another example and the opposite label in some task.
    grouped
        Groups of more than one example.
    chromosomes
        Examples by chromosome; None where coordinates are not known.
    known_cores
        Examples whose binding core is known.
    core_reach_bp
        Least start and greatest end of the known cores; None where none is known.
    leakage
        Counted now, whatever the manifest says.
    """

    source: str
    negatives: str
    split: str
    seed: int | None
    fingerprint: str
    examples: int
    context_length: int
    tasks: tuple[str, ...]
    counts: tuple[PartCount, ...]
    balance: dict[str, float | None]
    one_class_tasks: tuple[str, ...]
    composition: tuple[Composition, ...]
    repeated: int
    contradictory: int
    grouped: int
    chromosomes: dict[str, int] | None
    known_cores: int
    core_reach_bp: tuple[int, int] | None
    leakage: Leakage


def describe(dataset: SequenceDataset) -> Description:
    """Count what is in a whole data set, block by block.

    Examples
    --------
    >>> codes = np.array([[0, 0, 1, 4], [0, 0, 1, 4], [3, 3, 2, 2]], dtype=np.uint8)
    >>> data = SequenceDataset.in_memory(codes, np.array([[1], [1], [0]], dtype=np.int8))
    >>> found = describe(data)
    >>> found.repeated, found.composition[0].unknown_bases, found.composition[1].share["T"]
    (1, 2, 0.5)
    """
    manifest = dataset.manifest
    hashes = Hashes.of(dataset)
    known = dataset.core[dataset.core[:, 0] >= 0]
    chrom = dataset.places.chrom
    return Description(
        source=manifest.provenance.source,
        negatives=manifest.provenance.negatives,
        split=manifest.provenance.split,
        seed=manifest.provenance.seed,
        fingerprint=manifest.fingerprint,
        examples=manifest.examples,
        context_length=manifest.context_length,
        tasks=manifest.tasks,
        counts=manifest.counts,
        balance=manifest.balance,
        one_class_tasks=tuple(task for task, share in manifest.balance.items() if share in (None, 0, 1)),
        composition=_bases(dataset),
        repeated=len(dataset) - len(np.unique(hashes.forward)),
        contradictory=int(contradictory(hashes.forward, dataset.labels)[1].any(axis=1).sum()),
        grouped=int((np.unique(dataset.group, return_counts=True)[1] > 1).sum()),
        chromosomes=None if chrom is None else _tally(chrom),
        known_cores=len(known),
        core_reach_bp=(int(known[:, 0].min()), int(known[:, 1].max())) if len(known) else None,
        leakage=leakage(dataset, hashes),
    )


def _bases(dataset: SequenceDataset) -> tuple[Composition, ...]:
    member = _classes(dataset.labels)
    letters = {name: np.zeros(UNKNOWN + 1, dtype=np.int64) for name in member}
    with_unknown, all_unknown = dict.fromkeys(member, 0), dict.fromkeys(member, 0)
    # Counting takes eight bytes per base.
    rows = max(1, BLOCK_BYTES // 8 // dataset.context)
    for start in range(0, len(dataset), rows):
        block = np.arange(start, min(start + rows, len(dataset)))
        codes = dataset.codes_at(block)
        for name, chosen in member.items():
            of_class = codes[chosen[block]]
            letters[name] += np.bincount(of_class.ravel(), minlength=UNKNOWN + 1)
            with_unknown[name] += int((of_class.max(axis=1) == UNKNOWN).sum())
            all_unknown[name] += int((of_class.min(axis=1) == UNKNOWN).sum())
    return tuple(
        Composition(
            label=name,
            examples=int(member[name].sum()),
            share=_shares(letters[name][:UNKNOWN]),
            unknown_bases=int(letters[name][UNKNOWN]),
            examples_with_unknown=with_unknown[name],
            examples_all_unknown=all_unknown[name],
        )
        for name in member
    )


def _classes(labels: NDArray[np.int8]) -> dict[str, NDArray[np.bool_]]:
    """Return which of N examples are bound in any task, and which are unbound as far as known."""
    bound, unbound = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    rows = max(1, BLOCK_BYTES // labels.shape[1])
    for start in range(0, len(labels), rows):
        block = np.asarray(labels[start : start + rows])
        bound[start : start + rows] = (block == 1).any(axis=1)
        unbound[start : start + rows] = (block == 0).any(axis=1)
    return {"bound": bound, "unbound": unbound & ~bound}


def _shares(counts: NDArray[np.int64]) -> dict[str, float] | None:
    total = int(counts.sum())
    return {base: int(count) / total for base, count in zip("ACGT", counts, strict=True)} if total else None


def _tally(names: tuple[str, ...]) -> dict[str, int]:
    found, counts = np.unique(np.array(names), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
