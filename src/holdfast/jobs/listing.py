"""What there is to choose from, in rows of words. Loads every model; :mod:`holdfast.jobs.run_table` does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from holdfast.core.registry import Registry
from holdfast.data.sources import published_sets
from holdfast.data.split import SPLITS
from holdfast.io import READERS
from holdfast.models import MODELS
from holdfast.robustness.attacks import ATTACKS
from holdfast.robustness.losses import LOSSES
from holdfast.training.recipe import PRESETS

__all__ = ["LISTS"]

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
