"""Several trainings of one model from different first weights; what learned its training examples best stays."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from holdfast.core.errors import ConfigError
from holdfast.core.random import mix_seed
from holdfast.data.dataset import SequenceDataset
from holdfast.models.base import SequenceModel
from holdfast.robustness.attacks import ShiftAttack
from holdfast.robustness.perturbations import Perturbation
from holdfast.training.fit import Diverged, Fitted, Watch, fit
from holdfast.training.recipe import Recipe
from holdfast.training.search import performance

__all__ = ["fit_trials"]


def fit_trials(
    model: SequenceModel,
    again: Callable[[], SequenceModel],
    train: SequenceDataset,
    validation: SequenceDataset,
    attack: ShiftAttack,
    recipe: Recipe,
    *,
    trials: int,
    perturbation: Perturbation | None = None,
    seed: int = 0,
    device: str = "auto",
    devices: int = 1,
    checkpoint: Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
) -> Fitted:
    """Train a number of times and leave the model with the weights of the largest training AUROC.

    Parameters
    ----------
    model
        Of the first trial, trained in place.
    again
        Makes the untrained model of a further trial.
    train, validation, attack, recipe, perturbation, seed, device, devices, checkpoint, resume, watch
        As :func:`~holdfast.training.fit.fit` takes them. Only a single trial keeps a checkpoint.
    trials
        How many; one is :func:`~holdfast.training.fit.fit` itself.

    Raises
    ------
    ConfigError
        If several trials are asked of a distributed training.
    Diverged
        If every trial diverges.
    """
    train_once = partial(
        fit,
        train=train,
        validation=validation,
        attack=attack,
        recipe=recipe,
        perturbation=perturbation,
        device=device,
        watch=watch,
    )
    if trials == 1:
        return train_once(model, seed=seed, devices=devices, checkpoint=checkpoint, resume=resume)
    if devices > 1:
        raise ConfigError("several trials run in one process; give --devices 1 or training.trials 1")
    best: tuple[float, Fitted] | None = None
    weights, notes = copy.deepcopy(model.state_dict()), []
    for number in range(trials):
        own = seed if number == 0 else mix_seed(seed, "trial", number)
        torch.manual_seed(mix_seed(own, "weights"))
        tried = model if number == 0 else again()
        try:
            fitted = train_once(tried, seed=own)
        except Diverged as error:
            if best is None and number == trials - 1:
                raise
            notes.append(f"Trial {number + 1} of {trials} diverged ({error}).")
            continue
        value = performance(tried, train, attack, "auroc")
        notes.append(f"Trial {number + 1} of {trials}: training AUROC {value:.4f}.")
        if best is None or value > best[0] or math.isnan(best[0]):
            best, weights = (value, fitted), copy.deepcopy(tried.state_dict())
    assert best is not None
    model.load_state_dict(weights)
    kept = best[1]
    if watch is not None:
        watch.epoch(kept.history)
    return Fitted(kept.history, kept.best_epoch, kept.best_loss, kept.stopped_early, kept.notes + notes)
