"""What there is to choose from, in rows of words. Loads every model; :mod:`holdfast.jobs.run_table` does not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from holdfast.core.registry import Registry, Spec
from holdfast.data.sources import published_sets
from holdfast.data.split import SPLITS
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.io import READERS
from holdfast.models import MODELS
from holdfast.models.base import ModelFacts
from holdfast.robustness.attacks import ATTACKS
from holdfast.robustness.losses import LOSSES
from holdfast.robustness.perturbations import PERTURBATIONS
from holdfast.training.recipe import PRESETS

__all__ = ["LISTS", "Listing", "models"]


@dataclass(frozen=True)
class Listing:
    """A table of words: the names of its columns, and its rows."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def models() -> Listing:
    """Return the registered models and what their papers say of them.

    ``scan`` says whether all windows of a context share work, with the constructor's defaults.

    Examples
    --------
    >>> listed = models()
    >>> [row[:4] for row in listed.rows if row[0] == "tbinet"]
    [('tbinet', '35,515,816', '1000 bp, 690 tasks', 'as given')]
    """
    header = ("name", "parameters", "input", "strands", "scan", "paper")
    return Listing(header, [_model_row(name) for name in MODELS])


def _model_row(name: str) -> tuple[str, ...]:
    facts: ModelFacts = MODELS[name].facts  # type: ignore[attr-defined]
    with torch.device("meta"):  # builds without storing a weight
        model = MODELS.build(Spec(name=name, params=dict(facts.needs)), n_tasks=facts.n_tasks, window=facts.window)
    size = f"{facts.window} bp" + (f", {facts.n_tasks} tasks" if facts.n_tasks > 1 else "")
    scan = "shared" if model.scans_fast else "window by window"
    return name, f"{facts.n_parameters:,}", size, facts.strands, scan, facts.paper


def _registered(registry: Registry[Any]) -> Callable[[], Listing]:
    return lambda: _named([(name, _first_sentence(registry[name])) for name in registry])


def _named(rows: list[tuple[str, ...]]) -> Listing:
    return Listing(("name", "what it is"), rows)


def _first_sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line, without its markup."""
    text = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return " ".join(text.split()).replace("``", "").replace(":class:", "").replace("`", "")


def _presets() -> Listing:
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{preset.epochs} epochs of batches of {preset.batch_size}, {preset.optimiser} at "
            f"{preset.learning_rate:g}, {preset.schedule} schedule"
            + (f", {len(preset.curriculum)} curriculum stages" if preset.curriculum else "")
            + (f", patience {preset.patience}" if preset.patience else ""),
        )
        for name, preset in PRESETS.items()
    ]
    return _named(rows)


def _published() -> Listing:
    return _named(
        [(one.name, one.title if one.files else f"{one.title} (no address known)") for one in published_sets()]
    )


LISTS: Mapping[str, Callable[[], Listing]] = {
    "models": models,
    "attacks": _registered(ATTACKS),
    "losses": _registered(LOSSES),
    "attributions": _registered(ATTRIBUTIONS),
    "perturbations": _registered(PERTURBATIONS),
    "presets": _presets,
    "formats": _registered(READERS),
    "splits": _registered(SPLITS),
    "data": _published,
}
