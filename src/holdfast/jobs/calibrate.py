"""Find the settings of a model on the training part of a data set, and write the experiment that uses them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import torch
import yaml

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.files import write_text
from holdfast.core.progress import SILENT, Progress
from holdfast.core.random import mix_seed
from holdfast.core.registry import Spec
from holdfast.core.space import Plan, SearchSpace, Setting
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.base import Executor, Task
from holdfast.jobs.experiment import Experiment, TrainingSettings
from holdfast.models import MODELS
from holdfast.training.search import (
    Score,
    Trial,
    best_trial,
    divided,
    epochs_of,
    planned_recipe,
    score_checkpoints,
)

__all__ = ["Calibration", "calibrate", "plan_of", "search_of", "write_calibration"]


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
    space = search_of(experiment.model.name)
    plan = space.quick if quick else space.plan
    return plan if selection is None else dataclasses.replace(plan, selection=selection)


def calibrate(
    experiment: Experiment,
    plan: Plan,
    *,
    kept: Path | None = None,
    executor: Executor | None = None,
    progress: Progress = SILENT,
) -> Calibration:
    """Search the model's space on the data's training examples.

    Parameters
    ----------
    experiment
        Data, window, attack and seed; what it sets of the model or the recipe is not searched, and wins over the
        plan's steps and batch size. The recipe is the preset of the model's search.
    plan
        How much to try, see :func:`plan_of`.
    kept
        Folder that keeps the scores of finished searches, so that the same search is not done twice: not when it is
        repeated, and not when it is judged by other examples.
    executor
        Where to train; left out, here, one training after another.
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
        If the model has no search, or inputs are to be perturbed.
    InputError
        If the data do not fit, a worker fails, or every setting diverges.
    """
    if experiment.perturbation is not None:
        raise ConfigError("a calibration trains on unperturbed windows; leave perturbation out and add it afterwards")
    given = experiment.training.changes
    plan = dataclasses.replace(
        plan,
        steps=None if "epochs" in given else plan.steps,
        batch_size=None if "batch_size" in given else plan.batch_size,
    )
    space = _left_open(search_of(experiment.model.name), experiment)
    data = SequenceDataset.open(experiment.data)
    settings = space.draw(plan, experiment.seed)
    pages = [_with(experiment, space, setting) for setting in settings]
    pieces = [
        _Piece(page=page.plain(), plan=plan, setting=number, fold=fold)
        for number, page in enumerate(pages)
        for fold in range(plan.folds)
    ]
    scores = _searched(pieces, data, kept, executor, progress)
    best = best_trial(scores, plan.selection)
    return Calibration(
        experiment=_final(pages[best.setting], plan, best, data), best=best, table=_table(settings, scores)
    )


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One training of the search, of plain types, so that another process can do it."""

    page: dict[str, Any]
    plan: Plan
    setting: int
    fold: int


def _searched(
    pieces: list[_Piece], data: SequenceDataset, kept: Path | None, executor: Executor | None, progress: Progress
) -> list[Score]:
    """Return the scores of all pieces, from a file if the same search has been done."""
    if kept is None:
        return _all_scores(pieces, executor, progress)
    # Neither the name changes the scores, nor what they are judged by, nor how the best setting is trained.
    plans = [dataclasses.replace(piece.plan, selection="validation", trials=1, final_steps=None) for piece in pieces]
    asked = [[piece.page | {"name": ""}, plan, piece.fold] for piece, plan in zip(pieces, plans, strict=True)]
    digest = hashlib.sha256(json.dumps([data.fingerprint, asked], default=dataclasses.asdict).encode()).hexdigest()
    path = kept / f"{digest[:16]}.json"
    if not path.is_file():
        scores = _all_scores(pieces, executor, progress)
        write_text(path, json.dumps([dataclasses.asdict(score) for score in scores], indent=1) + "\n")
    return [Score(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _all_scores(pieces: list[_Piece], executor: Executor | None, progress: Progress) -> list[Score]:
    words = f"calibrating: {len(pieces)} trainings"
    if executor is None:
        scores = []
        with progress.task(words, len(pieces)) as advance:
            for done, piece in enumerate(pieces, start=1):
                scores += _scores(piece)
                advance(done)
        return scores
    tasks = [Task(words=f"setting {piece.setting}, fold {piece.fold}", payload=piece) for piece in pieces]
    outcomes = executor.run(_carry_out, tasks, words=words, progress=progress)
    for outcome in outcomes:
        if outcome.failure is not None:
            raise InputError(f"calibration, {outcome.failure.words}: {outcome.failure.reason}")
    return [score for outcome in outcomes for score in outcome.result]


def _carry_out(piece: _Piece, progress: Progress) -> list[Score]:
    """Do one training in a worker."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return _scores(piece)


def _scores(piece: _Piece) -> list[Score]:
    experiment, plan = Experiment.parse(piece.page), piece.plan
    data = SequenceDataset.open(experiment.data, verify=False)
    folds = divided(data, plan.folds, experiment.seed)
    train, held_out = folds[piece.fold]
    # By the smallest fold, so that a checkpoint is the same epoch in all of them.
    page = planned_recipe(experiment.training.recipe(), plan, min(len(seen) for seen, _ in folds))
    seed = mix_seed(experiment.seed, "calibration", piece.setting, piece.fold)
    torch.manual_seed(seed)
    model, attack = experiment.build_model(len(data.tasks)), experiment.build_attack(data.context)
    values = score_checkpoints(model, train, held_out, attack, page, plan, seed=seed, device=experiment.device)
    per_epoch = -(-len(train) // page.batch_size)
    return [
        Score(
            setting=piece.setting,
            fold=piece.fold,
            epoch=epoch,
            steps=epoch * per_epoch,
            validation=validation,
            training=training,
        )
        for epoch, (validation, training) in values.items()
    ]


def write_calibration(found: Calibration, folder: Path) -> tuple[Path, Path]:
    """Write ``experiment.yaml`` and ``calibration.csv`` into a folder and return both paths."""
    page, table = folder / "experiment.yaml", folder / "calibration.csv"
    write_text(page, yaml.safe_dump(found.experiment.plain(), sort_keys=False))
    write_text(table, found.table.to_csv(index=False))
    return page, table


def search_of(model: str) -> SearchSpace:
    """Return what may be searched of a registered model.

    Raises
    ------
    ConfigError
        If the model has no search.
    """
    space = getattr(MODELS[model], "search", None)
    if not isinstance(space, SearchSpace):
        able = ", ".join(name for name in MODELS if isinstance(getattr(MODELS[name], "search", None), SearchSpace))
        raise ConfigError(f"model '{model}' has no search of settings; these have: {able}")
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
    n_train = len(data.training_examples() if crossed else data.part("train"))
    if crossed or plan.checkpoints > 1:
        changes |= {"epochs": epochs_of(best.steps, batch_size, n_train), "keep": "last"}
    if plan.final_steps is not None:
        changes["epochs"] = epochs_of(plan.final_steps, batch_size, n_train)
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
