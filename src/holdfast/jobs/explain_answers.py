"""What further `holdfast explain` commands share: an answer that is kept, and the centre windows of chosen examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.progress import Progress
from holdfast.core.registry import Spec
from holdfast.interpret.asking import asking
from holdfast.jobs.explain import Chosen, Question, Subject, fragile_and_robust, named
from holdfast.runs.answers import StoredWindows
from holdfast.runs.files import FileKind
from holdfast.runs.folder import Run

__all__ = ["Answer", "ask_of_windows", "asked_about", "choose", "stored_before"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer(Generic[T]):
    """What came of a question.

    Parameters
    ----------
    run
        Whose folder has it.
    found
        The answer, as it is stored.
    reused
        Whether it was there already.
    """

    run: Run
    found: T
    reused: bool


def stored_before(run: Run, kind: FileKind, read: Callable[[], T], progress: Progress) -> T | None:
    """Return an earlier answer, if there is one; what cannot be read is told and will be written over."""
    if not run.has(kind):
        return None
    try:
        return read()
    except InputError as error:
        progress.say(f"writing over a file that cannot be used: {error}")
        return None


def asked_about(question: Question, name: str, **settings: Any) -> Question:
    """Return a question with the name and the settings of what answers it."""
    return Question(
        method=Spec(name=name, params=settings),
        task=question.task,
        part=question.part,
        n=question.n,
        index=question.index,
    )


def choose(subject: Subject, question: Question) -> Chosen:
    """Return the examples of a question: those named, or the n most fragile and the n most robust bound ones.

    Raises
    ------
    InputError
        If there are none.
    """
    return named(subject, question.index) if question.index else fragile_and_robust(subject, question.n)


def ask_of_windows(subject: Subject, question: Question, chosen: Chosen) -> StoredWindows:
    """Return the centre windows of chosen examples with their logits."""
    examples, offset = subject.data.take(chosen.rows), int(subject.shift.offsets[subject.shift.centre_choice])
    codes: NDArray[np.uint8] = np.ascontiguousarray(examples.codes[:, offset : offset + subject.shift.window])
    with asking(subject.model, task=subject.task, device=subject.device) as asked:
        logits = asked.logits(codes)
    return StoredWindows(
        settings=json.dumps(subject.settings(question, chosen.rows), sort_keys=True),
        method=question.method_words,
        task=subject.task_name,
        chosen=chosen.words,
        names=np.array(examples.names),
        index=chosen.rows,
        label=examples.labels[:, subject.task],
        offset=offset,
        core=examples.core,
        logits=logits,
        codes=codes,
    )
