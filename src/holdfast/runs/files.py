"""The files of a run folder: their names and the columns of its tables. Only :mod:`holdfast.runs.folder` needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["EXPLAINED_BY", "FILES", "HISTORY_COLUMNS", "STABILITY_COLUMNS", "WINDOW_COLUMNS", "FileKind"]

FileKind = Literal[
    "record",
    "config",
    "data",
    "weights",
    "model_spec",
    "history",
    "audit",
    "tasks",
    "windows",
    "filters",
    "attributions",
    "attribution_regions",
    "attribution_track",
    "stability",
    "stability_table",
    "motifs",
    "motif_file",
    "matches",
    "class_optimisation",
    "importance",
    "attention",
    "temporal",
    "interactions",
    "report",
    "log",
    "checkpoint",
]

FILES: Mapping[FileKind, str] = {
    "record": "run.json",
    "config": "config.yaml",
    "data": "data.json",
    "weights": "model.safetensors",
    "model_spec": "model.json",
    "history": "history.csv",
    "audit": "audit.json",
    "tasks": "tasks.csv",
    "windows": "windows.parquet",
    "filters": "filters.json",
    "attributions": "attributions.npz",
    "attribution_regions": "attributions.bed",
    "attribution_track": "attributions.bw",
    "stability": "stability.json",
    "stability_table": "stability.parquet",
    "motifs": "motifs.json",
    "motif_file": "motifs.meme",
    "matches": "matches.tsv",
    "class_optimisation": "class_optimisation.json",
    "importance": "importance.json",
    "attention": "attention.npz",
    "temporal": "temporal.npz",
    "interactions": "interactions.npz",
    "report": "report.html",
    "log": "log.txt",
    "checkpoint": "checkpoint",
}

EXPLAINED_BY: Mapping[FileKind, str] = {
    "attributions": "attributions",
    "attribution_regions": "attributions",
    "attribution_track": "attributions",
    "stability": "stability",
    "stability_table": "stability",
    "class_optimisation": "class-optimisation",
    "importance": "importance",
    "attention": "attention",
    "temporal": "temporal",
    "interactions": "interactions",
    "motifs": "motifs",
    "motif_file": "motifs",
    "matches": "motifs",
}
"""Which ``holdfast explain`` command writes a file."""

HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
    "seconds",
    "stage",
    "restart",
)

WINDOW_COLUMNS = (
    "index",
    "task",
    "name",
    "label",
    "centre_logit",
    "worst_logit",
    "worst_offset",
    "worst_strand",
    "radius_bp",
    "certified",
)

STABILITY_COLUMNS = (
    "index",
    "name",
    "label",
    "score",
    "sign_score",
    "movement",
    "worst_offset",
    "n_windows",
    "n_fleeting",
    "count",
    "mean",
    "spread",
    "sign",
    "fleeting",
)
