"""Train a model, audit it, show its filters: one experiment, one run folder."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import holdfast
from holdfast.core.device import resolve_device
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import check_values
from holdfast.core.progress import SILENT, Advance, Progress
from holdfast.core.random import mix_seed
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import contradiction_note
from holdfast.interpret.filters import first_layer_motifs
from holdfast.jobs.audit import audit_run
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.logbook import Logbook
from holdfast.jobs.tensorboard import event_writer
from holdfast.models.base import ClosedFormModel, SequenceModel
from holdfast.models.stored import n_parameters, save_weights
from holdfast.report import write_report
from holdfast.robustness.adversaries import refuse_unattackable
from holdfast.robustness.attacks import CentreShift, ShiftAttack
from holdfast.runs.explanation_records import FilterRecord
from holdfast.runs.files import HISTORY_COLUMNS
from holdfast.runs.folder import Run
from holdfast.runs.records import DataFacts, RunRecord, TrainingFacts
from holdfast.training.fit import Fitted, Watch
from holdfast.training.trials import fit_trials

__all__ = [
    "N_FILTERS",
    "assist",
    "data_facts",
    "epochs_done",
    "existing_run",
    "filter_records",
    "located_run",
    "prepare",
    "train",
    "versions",
]

# Filters drawn in a report.
N_FILTERS = 24

Events = Callable[[dict[str, Any]], None]


def train(
    experiment: Experiment,
    root: Path,
    *,
    resume: bool = False,
    devices: int = 1,
    tensorboard: bool = False,
    progress: Progress = SILENT,
) -> Run:
    """Carry out an experiment and return its finished run.

    Parameters
    ----------
    experiment
        What to do.
    root
        Folder of run folders.
    resume
        Go on with an unfinished run of the same experiment.
    devices
        Processes, when started by ``torchrun``.
    tensorboard
        Write the history as TensorBoard events into the run folder too.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the data do not fit, or a run of this experiment is there already.
    ConfigError
        If a setting is impossible for these data.
    """
    check_values(train, {"experiment": experiment}, "train")
    data, model, attack = _prepared(experiment)
    record = _first_page(experiment, data, model)
    run = Run.create(root, record, config=experiment.plain(), resume=resume)
    progress = Logbook(progress, run.path("log"))
    run.write_data(data_facts(experiment.data_name, data, experiment.data, run.folder))
    watching = _Watching(run, event_writer(run.folder) if tensorboard else None)
    facts = _learn(model, data, attack, experiment, watching, resume=resume, devices=devices, progress=progress)
    save_weights(model, run.path("weights"))
    run.write_model_spec(experiment.resolved_model)
    audit_run(run, model, data, progress=progress)
    run.write_filters(filter_records(model, data))
    run.finish(record.model_copy(update={"training": facts}))
    # A report reads finished runs only, and can be written again at any time.
    write_report([run], run.path("report"))
    run.path("checkpoint").unlink(missing_ok=True)
    return run


def assist(experiment: Experiment, root: Path, *, resume: bool = False, devices: int) -> None:
    """Take part in the training that :func:`train` leads, as one of the processes that keep nothing.

    ``torchrun`` starts ``devices`` processes; the one of rank 0 calls :func:`train`, the others this.
    """
    data, model, attack = _prepared(experiment)
    fit_trials(
        model,
        lambda: experiment.build_model(len(data.tasks)),
        _seen(experiment, data),
        data.part("validation"),
        attack,
        experiment.training.recipe(),
        trials=experiment.training.trials,
        perturbation=experiment.build_perturbation(),
        seed=experiment.seed,
        device=experiment.device,
        devices=devices,
        checkpoint=located_run(experiment, root).path("checkpoint"),
        resume=resume,
    )


def _prepared(experiment: Experiment) -> tuple[SequenceDataset, SequenceModel, ShiftAttack]:
    """Return data, untrained model and training attack, after checking that they fit."""
    data = SequenceDataset.open(experiment.data)
    return data, *prepare(experiment, data)


def prepare(experiment: Experiment, data: SequenceDataset) -> tuple[SequenceModel, ShiftAttack]:
    """Return the untrained model and the training attack of an experiment that can be carried out.

    Raises
    ------
    InputError
        If the data lack a part that is needed.
    ConfigError
        If a setting is impossible, by itself, for these data or on this machine.
    """
    attack = experiment.build_attack(data.context)
    torch.manual_seed(mix_seed(experiment.seed, "weights"))
    model = experiment.build_model(n_tasks=len(data.tasks))
    resolve_device(experiment.device)
    _check(experiment, data, model, attack)
    return model, attack


def located_run(experiment: Experiment, root: Path) -> Run:
    """Return where the run of an experiment is or will be."""
    fingerprint = SequenceDataset.open(experiment.data, verify=False).fingerprint
    return Run(Run.folder_for(root, name=experiment.run_name, config_hash=experiment.identity(fingerprint)))


def existing_run(experiment: Experiment, root: Path) -> Run | None:
    """Return the finished run of an experiment, if there is one under ``root``."""
    run = located_run(experiment, root)
    return run if run.has("record") and run.is_done else None


def epochs_done(experiment: Experiment, root: Path) -> int:
    """Return how many epochs an unfinished run has behind it."""
    run = located_run(experiment, root)
    return int(run.history["epoch"].iloc[-1]) if run.has("history") else 0


def data_facts(name: str, data: SequenceDataset, folder: Path, seen_from: Path) -> DataFacts:
    """Return what a report says about a data set, and where it lies, also seen from a run folder."""
    manifest = data.manifest
    origin = manifest.provenance
    counts = {
        row.part: {"positive": row.bound, "negative": row.unbound}
        for row in manifest.counts
        if row.task == manifest.tasks[0]
    }
    notes = [f"Negatives: {origin.negatives}.", f"Parts: {origin.split}."]
    for row in origin.leakage.counts if origin.leakage is not None else ():
        notes.append(
            f"Of {row.examples} {row.part} examples, {row.duplicates} stand also in {' and '.join(row.seen_in)}, "
            f"{row.reverse_complements} as reverse complement, and {row.shuffled_twins} have their shuffled twin there."
        )
    if origin.contradictory:
        notes.append(contradiction_note(origin.contradictory))
    return DataFacts(
        name=name,
        fingerprint=manifest.fingerprint,
        source=origin.source,
        context=manifest.context_length,
        tasks=list(manifest.tasks),
        counts=counts,
        notes=notes,
        places=[str(folder.resolve()), os.path.relpath(folder.resolve(), seen_from.resolve())],
    )


def versions() -> dict[str, str]:
    """Return the versions a result depends on."""
    return {
        "holdfast": holdfast.__version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _check(experiment: Experiment, data: SequenceDataset, model: SequenceModel, attack: ShiftAttack) -> None:
    for part in ("train", "validation", experiment.audit.part):
        if len(data.part(part)) == 0:
            raise InputError(f"{experiment.data}: no {part} examples; build the data set with a split that has them")
    for row in data.manifest.counts:
        if row.part == experiment.audit.part and row.bound + row.unbound == 0:
            raise InputError(
                f"{experiment.data}: task '{row.task}' has no known label among the {row.part} examples to audit on; "
                "build the data set with other parts, or without that task"
            )
    if attack.shift.window < model.min_window:
        raise ConfigError(
            f"model '{experiment.model.name}' reads at least {model.min_window} bp; window is {attack.shift.window}"
        )
    if model.fixed_window not in (None, attack.shift.window):
        raise ConfigError(
            f"model '{experiment.model.name}' was built for windows of {model.fixed_window} bp; "
            f"the experiment's window is {attack.shift.window}"
        )
    if isinstance(model, ClosedFormModel) and not isinstance(attack, CentreShift):
        raise ConfigError(f"model '{experiment.model.name}' is solved for centre windows; set attack: centre")
    perturbation = experiment.build_perturbation()
    if isinstance(model, ClosedFormModel) and perturbation is not None:
        raise ConfigError(f"model '{experiment.model.name}' is solved for one-hot windows; leave perturbation out")
    tried = [*experiment.audit.build_perturbations(), *([perturbation] if perturbation is not None else [])]
    refuse_unattackable(model, tried, window=attack.shift.window, n_tasks=len(data.tasks))


def _first_page(experiment: Experiment, data: SequenceDataset, model: SequenceModel) -> RunRecord:
    params = ", ".join(f"{key}={value}" for key, value in experiment.model.params.items())
    return RunRecord(
        name=experiment.run_name,
        status="running",
        model=experiment.model.name,
        model_words=f"{experiment.model.name} ({params})" if params else experiment.model.name,
        n_parameters=n_parameters(model),
        strategy=experiment.strategy,
        window=experiment.shift.window,
        context=data.context,
        seed=experiment.seed,
        data_name=experiment.data_name,
        is_control=isinstance(model, ClosedFormModel),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device=str(resolve_device(experiment.device)),
        config_hash=experiment.identity(data.fingerprint),
        settings=experiment.settings,
    )


def _learn(
    model: SequenceModel,
    data: SequenceDataset,
    attack: ShiftAttack,
    experiment: Experiment,
    watching: _Watching,
    *,
    resume: bool,
    devices: int,
    progress: Progress,
) -> TrainingFacts | None:
    """Train the model in place, keep its history, and return how it went."""
    if isinstance(model, ClosedFormModel):
        part = data.part("train")
        with progress.task(f"fitting {experiment.model.name}", None):
            windows = attack.show(batch := part.batch(np.arange(len(part))), attack.choose(model, batch))
            model.fit_windows(windows.codes.numpy(), part.labels)
        return None
    began = time.perf_counter()
    recipe, seen = experiment.training.recipe(), _seen(experiment, data)
    steps = recipe.epochs * -(-len(seen) // recipe.batch_size)
    with progress.task(f"training {experiment.strategy} at {experiment.shift.window} bp", steps) as advance:
        fitted = fit_trials(
            model,
            lambda: experiment.build_model(len(data.tasks)),
            seen,
            data.part("validation"),
            attack,
            recipe,
            trials=experiment.training.trials,
            perturbation=experiment.build_perturbation(),
            seed=experiment.seed,
            device=experiment.device,
            devices=devices,
            checkpoint=watching.run.path("checkpoint"),
            resume=resume,
            watch=watching.watch(advance),
        )
    watching.keep(fitted.history)  # whole, also where the last epoch was behind a run that goes on
    for note in fitted.notes:
        progress.say(note)
    return _facts(fitted, experiment, time.perf_counter() - began)


def _seen(experiment: Experiment, data: SequenceDataset) -> SequenceDataset:
    """Return the examples to train on."""
    return data.training_examples() if experiment.training.all_data else data.part("train")


class _Watching:
    """Keeps the history on disk and the bar moving while a model trains."""

    def __init__(self, run: Run, events: Events | None) -> None:
        self.run, self.events, self.note = run, events, ""

    def watch(self, advance: Advance) -> Watch:
        return Watch(step=lambda done, _: advance(done, self.note), epoch=self._epoch)

    def keep(self, history: list[dict[str, Any]]) -> None:
        self.run.write_history(pd.DataFrame(history, columns=list(HISTORY_COLUMNS)))

    def _epoch(self, history: list[dict[str, Any]]) -> None:
        last = history[-1]
        self.note = f"epoch {last['epoch']}: validation loss {last['validation_loss']:.3f}"
        self.keep(history)
        if self.events is not None:
            self.events(last)


def _facts(fitted: Fitted, experiment: Experiment, seconds: float) -> TrainingFacts:
    return TrainingFacts(
        attack=experiment.attack.name,
        preset=experiment.training.preset,
        epochs=len(fitted.history),
        best_epoch=fitted.best_epoch,
        best_validation_loss=fitted.best_loss,
        seconds=seconds,
        seconds_per_epoch=sum(row["seconds"] for row in fitted.history) / max(1, len(fitted.history)),
        stopped_early=fitted.stopped_early,
        notes=fitted.notes,
    )


def filter_records(
    model: SequenceModel,
    data: SequenceDataset,
    *,
    part: str = "test",
    threshold: float = 0.5,
    limit: int = N_FILTERS,
) -> list[FilterRecord]:
    """Return the most informative first-layer filters, as motifs of a part of the data."""
    return [
        FilterRecord(
            name=motif.name,
            probabilities=motif.probabilities.T.tolist(),
            n_sites=int(motif.sites or 0),
            information_bits=float(motif.information().sum()),
        )
        for motif in first_layer_motifs(model, data.part(part), threshold=threshold)[:limit]
    ]
