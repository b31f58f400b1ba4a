"""What there is to choose from, in rows of words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from holdfast.core.errors import InputError
from holdfast.core.registry import Registry
from holdfast.data.sources import published_sets
from holdfast.data.split import SPLITS
from holdfast.io import READERS
from holdfast.models import MODELS
from holdfast.robustness.attacks import ATTACKS
from holdfast.robustness.losses import LOSSES
from holdfast.runs.folder import Run
from holdfast.training.recipe import PRESETS

__all__ = ["LISTS", "run_rows"]

Rows = list[tuple[str, ...]]


def _registered(registry: Registry[Any]) -> Callable[[], Rows]:
    return lambda: [(name, _first_sentence(registry[name])) for name in registry]


def _first_sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line, without its markup."""
    text = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return " ".join(text.split()).replace("``", "").replace(":class:", "").replace("`", "")


def _presets() -> Rows:
    return [
        (
            name,
            f"{preset.epochs} epochs of batches of {preset.batch_size}, {preset.optimiser} at "
            f"{preset.learning_rate:g}, {preset.schedule} schedule"
            + (f", {len(preset.curriculum)} curriculum stages" if preset.curriculum else "")
            + (f", patience {preset.patience}" if preset.patience else ""),
        )
        for name, preset in PRESETS.items()
    ]


def _published() -> Rows:
    return [(one.name, one.title if one.files else f"{one.title} (no address known)") for one in published_sets()]


LISTS: Mapping[str, Callable[[], Rows]] = {
    "models": _registered(MODELS),
    "attacks": _registered(ATTACKS),
    "losses": _registered(LOSSES),
    "presets": _presets,
    "formats": _registered(READERS),
    "splits": _registered(SPLITS),
    "data": _published,
}


def run_rows(root: Path) -> tuple[tuple[str, ...], Rows]:
    """Return a header and one row for each run folder; a garbled one is a row too.

    Parameters
    ----------
    root
        Folder of run folders.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of runs; give --runs, or train a model first")
    folders = sorted(child for child in root.iterdir() if child.is_dir() and Run(child).has("record"))
    return ("run", "state", "clean", "worst"), [_run_row(Run(folder)) for folder in folders]


def _run_row(run: Run) -> tuple[str, ...]:
    try:
        if not run.is_done:
            return run.folder.name, "unfinished", "", ""
        first = run.audit.tasks[0]
        return run.folder.name, "done", str(first.clean["accuracy"]), str(first.worst["accuracy"])
    except InputError as error:
        return run.folder.name, f"garbled: {error}", "", ""
