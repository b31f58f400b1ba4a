"""Calibration: random settings, cross-validation and checkpoints decide a model's settings and its training's length.

Follows Alipanahi et al. (2015), doi:10.1038/nbt.3300. The authors count gradient steps. A recipe counts epochs, so
steps become the nearest whole number of epochs, and checkpoints stand at ends of epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from holdfast.core.device import evaluating
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.space import Plan
from holdfast.data.dataset import SequenceDataset
from holdfast.data.split import fold_numbers
from holdfast.models.base import SequenceModel
from holdfast.robustness.attacks import ShiftAttack
from holdfast.training.fit import EVALUATION_BATCH, Diverged, Watch, fit
from holdfast.training.recipe import Recipe

__all__ = [
    "Score",
    "Trial",
    "best_trial",
    "divided",
    "epochs_of",
    "performance",
    "planned_recipe",
    "score_checkpoints",
]

Metric = Literal["auroc", "accuracy"]
Selection = Literal["validation", "training"]


@dataclass(frozen=True, kw_only=True)
class Score:
    """One checkpoint of one training.

    Parameters
    ----------
    setting
        Number of the setting.
    fold
        Number of the fold that was held out.
    epoch, steps
        Behind the weights.
    validation, training
        Performance there on what was held out and on what was trained on; NaN where the training diverged.
    """

    setting: int
    fold: int
    epoch: int
    steps: int
    validation: float
    training: float

    def by(self, selection: Selection) -> float:
        """Return the performance that a selection goes by."""
        return self.training if selection == "training" else self.validation


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting and the length of training that go with it, by their mean over folds."""

    setting: int
    epoch: int
    steps: int
    value: float


def divided(data: SequenceDataset, n_folds: int, seed: int) -> list[tuple[SequenceDataset, SequenceDataset]]:
    """Return what to train on and what to hold out, for each fold.

    Parameters
    ----------
    data
        The whole data set; its test part is never among them.
    n_folds
        1 is the data's own train and validation parts; more divide both together, by whole groups.
    seed
        Another seed, other folds.
    """
    if n_folds == 1:
        return [(data.part("train"), data.part("validation"))]
    seen = data.training_examples()
    number = fold_numbers(seen.group, seen.labels[:, 0], n_folds, seed)
    return [(seen.take(np.flatnonzero(number != k)), seen.take(np.flatnonzero(number == k))) for k in range(n_folds)]


def score_checkpoints(
    model: SequenceModel,
    train: SequenceDataset,
    held_out: SequenceDataset,
    attack: ShiftAttack,
    recipe: Recipe,
    plan: Plan,
    *,
    seed: int,
    device: str = "auto",
) -> dict[int, tuple[float, float]]:
    """Train once and return the performance at each checkpoint, by the epochs behind it.

    Parameters
    ----------
    model
        Untrained; trained in place.
    train, held_out
        One fold.
    attack
        Of training and of scoring.
    recipe
        As :func:`planned_recipe` gives it.
    plan
        Says how many checkpoints, and what is measured. With one checkpoint the weights are scored that the training
        leaves, which may be those of its best epoch.
    seed
        Of order and dropout.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Returns
    -------
    dict of int to two floats
        On the held-out and on the training examples; NaN where the training diverged before.
    """
    found = dict.fromkeys(_marks(recipe, plan.checkpoints), (math.nan, math.nan))

    def look(epoch: int, now: SequenceModel) -> None:
        if len(found) > 1 and epoch in found:
            found[epoch] = both(now)

    def both(now: SequenceModel) -> tuple[float, float]:
        return performance(now, held_out, attack, plan.metric), performance(now, train, attack, plan.metric)

    try:
        fit(model, train, held_out, attack, recipe, seed=seed, device=device, watch=Watch(weights=look))
    except Diverged:
        return found
    if len(found) == 1:
        found = dict.fromkeys(found, both(model))
    return found


def best_trial(scores: list[Score], selection: Selection = "validation") -> Trial:
    """Return the setting and epoch of the largest mean over folds; of equal ones the first setting, the fewest epochs.

    Raises
    ------
    InputError
        If every training diverged.
    """
    grouped: dict[tuple[int, int], list[Score]] = {}
    for score in scores:
        grouped.setdefault((score.setting, score.epoch), []).append(score)
    means = {key: float(np.mean([score.by(selection) for score in group])) for key, group in sorted(grouped.items())}
    finite = {key: value for key, value in means.items() if math.isfinite(value)}
    if not finite:
        raise InputError("calibration: every setting diverged; look at the data, or lower the learning rates")
    setting, epoch = max(finite, key=lambda key: finite[key])
    steps = round(float(np.mean([score.steps for score in grouped[setting, epoch]])))
    return Trial(setting=setting, epoch=epoch, steps=steps, value=finite[setting, epoch])


def planned_recipe(page: Recipe, plan: Plan, n_train: int) -> Recipe:
    """Return a recipe with the plan's batch size, and epochs that make about its steps.

    Raises
    ------
    ConfigError
        If checkpoints are asked of a schedule that depends on the length of the training.
    """
    if plan.checkpoints > 1 and page.schedule == "one-cycle":
        raise ConfigError("a one-cycle schedule has no checkpoints: a shorter training is another one; use constant")
    page = page.model_copy(update={"batch_size": plan.batch_size or page.batch_size})
    if plan.steps is not None:
        page = page.model_copy(update={"epochs": epochs_of(plan.steps, page.batch_size, n_train)})
    return page


def epochs_of(steps: int, batch_size: int, n_train: int) -> int:
    """Return the whole number of epochs nearest to a number of steps, at least one.

    Examples
    --------
    >>> epochs_of(1000, 128, 30_000), epochs_of(10, 128, 30_000)
    (4, 1)
    """
    return max(1, round(steps / -(-n_train // batch_size)))


@torch.no_grad()
def performance(model: SequenceModel, data: SequenceDataset, attack: ShiftAttack, metric: Metric) -> float:
    """Return the performance on the windows an attack shows, averaged over tasks with both classes.

    Parameters
    ----------
    model
        On any device; its mode is left as it is.
    data
        Labelled contexts of the attack's length.
    attack
        Chooses the windows.
    metric
        ``auroc`` (ties count half) or ``accuracy``.
    """
    where = next(model.parameters()).device
    logits, labels = [], []
    with evaluating(model, where):
        for batch in data.batches(EVALUATION_BATCH):
            shown = attack(model, batch.to(where))
            logits.append(model(shown.one_hot()).float().cpu().numpy())
            labels.append(shown.labels.cpu().numpy())
    score, label = np.concatenate(logits), np.concatenate(labels)
    per_task = [_measured(score[:, t], label[:, t], metric) for t in range(label.shape[1])]
    return float(np.nanmean(per_task)) if np.isfinite(per_task).any() else math.nan


def _measured(score: NDArray[np.float32], label: NDArray[np.float32], metric: Metric) -> float:
    known = np.isfinite(label)
    score, label = score[known], label[known]
    if not np.isfinite(score).all() or len(np.unique(label)) < 2:
        return math.nan
    return float(roc_auc_score(label, score)) if metric == "auroc" else float(np.mean((score > 0) == (label > 0.5)))


def _marks(page: Recipe, checkpoints: int) -> list[int]:
    """Return the epochs after which a training is scored, evenly spaced, the last one among them."""
    spaced = np.linspace(0, page.epochs, checkpoints + 1)[1:]
    return sorted({max(1, round(float(epoch))) for epoch in spaced})
