"""The inputs that a run's model finds most like the bound class, as motifs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.core.progress import SILENT, Progress
from holdfast.interpret.class_optimisation import ClassOptimisation, OptimisedInputs, shared_site, strongest_columns
from holdfast.jobs.explain import Question, Subject, open_subject
from holdfast.jobs.explain_answers import Answer, answered, asked_about
from holdfast.runs.answers import ClassOptimisationRecord, OptimisedStart, SharedInput

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
    folder, data, device, progress
        See :func:`~holdfast.jobs.explain_attributions.explain_attributions`.
    method
        Objective, starts, steps and seed.
    task
        Whose class.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or it has no such task.
    """
    question = asked_about(Question(task=task), "class-optimisation", **_settings(method))
    subject = open_subject(folder, question, data=data, device=device)
    run, settings = subject.run, subject.settings(question, np.array([], dtype=np.int64))

    def find() -> ClassOptimisationRecord:
        record = _optimised(subject, method, settings, progress)
        run.write_page("class_optimisation", record)
        return record

    return answered(
        run,
        "class_optimisation",
        settings=settings,
        read=lambda: run.page("class_optimisation", ClassOptimisationRecord),
        find=find,
        words=lambda there: f"{there.method} of {there.task}",
        progress=progress,
    )


def _optimised(
    subject: Subject, method: ClassOptimisation, settings: dict[str, Any], progress: Progress
) -> ClassOptimisationRecord:
    began = time.perf_counter()
    with progress.task(f"optimising {method.starts} inputs in {method.steps:,} steps", None):
        found = method(subject.model, window=subject.shift.window, task=subject.task, device=subject.device)
    return ClassOptimisationRecord(
        settings=settings,
        method=_words(method),
        task=subject.task_name,
        n_starts=len(found),
        best=_best(found),
        shared=_shared(found) if len(found) > 1 else None,
        median_loss=float(np.median(found.losses[:, -1])),
        seconds=time.perf_counter() - began,
    )


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
