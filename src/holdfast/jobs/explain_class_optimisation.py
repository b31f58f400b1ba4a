"""The inputs that a run's model finds most like the bound class, as motifs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from holdfast.core.progress import SILENT, Progress
from holdfast.interpret.class_optimisation import ClassOptimisation, OptimisedInputs, shared_site, strongest_columns
from holdfast.jobs.explain import Question, Subject, open_subject
from holdfast.jobs.explain_answers import Answer, asked_about, stored_before
from holdfast.report import write_report
from holdfast.runs.answers import ClassOptimisationRecord, OptimisedStart, SharedInput
from holdfast.runs.folder import Run

__all__ = ["KEPT", "explain_class_optimisation"]

# Starts whose motifs are stored, the best ones.
KEPT = 5


def explain_class_optimisation(
    folder: Path,
    method: ClassOptimisation,
    *,
    task: int = 0,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[ClassOptimisationRecord]:
    """Find the inputs that a run's model finds most like the bound class, and keep them in its folder.

    Parameters
    ----------
    folder
        Run folder.
    method
        Objective, starts, steps and seed.
    task
        Whose class.
    data
        Where the run's data set lies now; left out, where it was.
    device
        Left out, the experiment's.
    progress
        Whom to tell how far it is, and what is written over.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or it has no such task.
    """
    question = asked_about(Question(task=task), "class-optimisation", **_settings(method))
    subject = open_subject(folder, question, data=data, device=device)
    run, settings = subject.run, subject.settings(question, np.array([], dtype=np.int64))
    there = stored_before(run, "class_optimisation", lambda: _read(run), progress)
    if there is not None and there.settings == settings:
        return Answer(run=run, found=there, reused=True)
    if there is not None:
        progress.say(f"writing over {there.method} of {there.task} in {run.path('class_optimisation')}")
    began = time.perf_counter()
    with progress.task(f"optimising {method.starts} inputs in {method.steps:,} steps", None):
        found = method(subject.model, window=subject.shift.window, task=task, device=subject.device)
    record = ClassOptimisationRecord(
        settings=settings,
        method=_words(method),
        task=subject.task_name,
        n_starts=len(found),
        best=_best(found),
        shared=_shared(found) if len(found) > 1 else None,
        median_loss=float(np.median(found.losses[:, -1])),
        seconds=time.perf_counter() - began,
    )
    return _kept(subject, record)


def _read(run: Run) -> ClassOptimisationRecord:
    return run.page("class_optimisation", ClassOptimisationRecord)


def _kept(subject: Subject, record: ClassOptimisationRecord) -> Answer[ClassOptimisationRecord]:
    run = subject.run
    run.write_page("class_optimisation", record)
    write_report([run], run.path("report"))
    return Answer(run=run, found=record, reused=False)


def _settings(method: ClassOptimisation) -> dict[str, object]:
    """Return what decides the result; the size of a batch does not.

    Answers that name no rule for the columns shown are from when it was their information; they are made anew.
    """
    return {name: value for name, value in vars(method).items() if name != "batch_size"} | {"columns": "strongest"}


def _words(method: ClassOptimisation) -> str:
    return f"{method.objective}, {method.steps:,} steps of {method.rate:g}, penalty {method.penalty:g}"


def _best(found: OptimisedInputs) -> list[OptimisedStart]:
    """Return the starts whose loss ended lowest; a loss that is not a number is the worst."""
    order = np.argsort(found.losses[:, -1], kind="stable")[:KEPT]
    return [_start(found, int(number)) for number in order]


def _shared(found: OptimisedInputs) -> SharedInput:
    site = shared_site(found)
    return SharedInput(probabilities=site.motif.probabilities.T.tolist(), likeness=site.likeness.tolist())


def _start(found: OptimisedInputs, number: int) -> OptimisedStart:
    motif = found.motifs[number]
    run_start, run_end = strongest_columns(found.inputs[number])
    return OptimisedStart(
        start=number,
        loss=float(found.losses[number, -1]),
        bound=float(found.probabilities[number]),
        bound_as_sequence=float(found.sequence_probabilities[number]),
        probabilities=motif.probabilities.T.tolist(),
        run_start=run_start,
        run_end=run_end,
    )
