"""Find the settings of a model on the training part of a data set, and write the experiment that uses them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from holdfast.core.errors import ConfigError
from holdfast.core.files import write_text
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.core.space import Plan, SearchSpace, Setting
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.experiment import Experiment, TrainingSettings
from holdfast.models import MODELS
from holdfast.training.recipe import Recipe
from holdfast.training.search import Score, Trial, best_trial, epochs_of, search

__all__ = ["Calibration", "calibrate", "plan_of", "write_calibration"]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a calibration found.

    Parameters
    ----------
    experiment
        With the best settings written in; train it to have the final model.
    best
        The setting and length of training, and their mean score over folds.
    table
        One row per setting, fold and checkpoint, with the setting's values.
    """

    experiment: Experiment
    best: Trial
    table: pd.DataFrame


def plan_of(
    experiment: Experiment, *, quick: bool = False, selection: Literal["validation", "training"] | None = None
) -> Plan:
    """Return the plan registered beside the experiment's model.

    Parameters
    ----------
    experiment
        Names the model.
    quick
        The small one.
    selection
        In place of the plan's own.

    Raises
    ------
    ConfigError
        If the model has no search.
    """
    space = _space(experiment)
    plan = space.quick if quick else space.plan
    return plan if selection is None else dataclasses.replace(plan, selection=selection)


def calibrate(experiment: Experiment, plan: Plan, *, progress: Progress = SILENT) -> Calibration:
    """Search the model's space on the data's training examples.

    Parameters
    ----------
    experiment
        Data, window, attack and seed; what it sets of the model or the recipe is not searched. The recipe is the
        preset of the model's search.
    plan
        How much to try, see :func:`plan_of`.
    progress
        Whom to tell how far it is.

    Returns
    -------
    Calibration
        Its experiment trains on everything that is not for testing where folds were crossed, as many steps as the
        best checkpoint had behind it; otherwise on the train part.

    Raises
    ------
    ConfigError
        If the model has no search.
    InputError
        If the data do not fit, or every setting diverges.
    """
    space = _left_open(_space(experiment), experiment)
    if "epochs" in experiment.training.changes:
        plan = dataclasses.replace(plan, steps=None)
    data = SequenceDataset.open(experiment.data)

    def recipe_of(setting: Setting) -> Recipe:
        return _with(experiment, space, setting).training.recipe()

    settings, scores = search(
        space,
        plan,
        data,
        lambda setting: _with(experiment, space, setting).build_model(len(data.tasks)),
        experiment.build_attack(data.context),
        recipe_of,
        seed=experiment.seed,
        device=experiment.device,
        progress=progress,
    )
    best = best_trial(scores)
    final = _final(_with(experiment, space, settings[best.setting]), plan, best, data)
    return Calibration(experiment=final, best=best, table=_table(settings, scores))


def write_calibration(found: Calibration, folder: Path) -> tuple[Path, Path]:
    """Write ``experiment.yaml`` and ``calibration.csv`` into a folder and return both paths."""
    page, table = folder / "experiment.yaml", folder / "calibration.csv"
    write_text(page, yaml.safe_dump(found.experiment.plain(), sort_keys=False))
    write_text(table, found.table.to_csv(index=False))
    return page, table


def _space(experiment: Experiment) -> SearchSpace:
    space = getattr(MODELS[experiment.model.name], "search", None)
    if not isinstance(space, SearchSpace):
        able = ", ".join(name for name in MODELS if isinstance(getattr(MODELS[name], "search", None), SearchSpace))
        raise ConfigError(f"model '{experiment.model.name}' has no search of settings; these have: {able}")
    return space


def _left_open(space: SearchSpace, experiment: Experiment) -> SearchSpace:
    """Return the space without what the experiment sets itself."""

    def rest(values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name not in given}

    params, changes = experiment.model.params, experiment.training.changes
    return dataclasses.replace(
        space,
        model=rest(space.model, params),
        training=rest(space.training, changes),
        crossed=rest(space.crossed, params),
    )


def _with(experiment: Experiment, space: SearchSpace, setting: Setting) -> Experiment:
    """Return the experiment with a setting written in, under what the user set."""
    model = Spec(name=experiment.model.name, params=setting.model | experiment.model.params)
    training = TrainingSettings(preset=space.preset, changes=setting.training | experiment.training.changes)
    return experiment.model_copy(update={"model": model, "training": training})


def _final(experiment: Experiment, plan: Plan, best: Trial, data: SequenceDataset) -> Experiment:
    changes: dict[str, Any] = dict(experiment.training.changes)
    batch_size = plan.batch_size or experiment.training.recipe().batch_size
    crossed = plan.folds > 1
    if crossed or plan.checkpoints > 1:
        n_train = len(data.training_examples() if crossed else data.part("train"))
        changes |= {"epochs": epochs_of(best.steps, batch_size, n_train), "keep": "last"}
    if plan.batch_size is not None:
        changes["batch_size"] = plan.batch_size
    training = TrainingSettings(
        preset=experiment.training.preset, changes=changes, trials=plan.trials, all_data=crossed
    )
    return experiment.model_copy(update={"training": training})


def _table(settings: list[Setting], scores: list[Score]) -> pd.DataFrame:
    rows = []
    for score in scores:
        setting = settings[score.setting]
        rows.append(dataclasses.asdict(score) | setting.model | setting.training)
    return pd.DataFrame(rows)
