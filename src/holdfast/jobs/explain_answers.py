"""What `holdfast explain` commands share: an answer that is kept, and the centre windows of chosen examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from holdfast.core.errors import InputError
from holdfast.core.progress import Progress
from holdfast.core.registry import Spec
from holdfast.interpret.asking import asking
from holdfast.jobs.explain import Chosen, Question, Subject
from holdfast.report import write_report
from holdfast.runs.answers import StoredWindows
from holdfast.runs.files import FileKind
from holdfast.runs.folder import Run

__all__ = ["Answer", "Settled", "answered", "ask_of_windows", "asked_about", "stored_before"]

T = TypeVar("T")


class Settled(Protocol):
    """A stored answer that knows what was asked."""

    @property
    def settings(self) -> object:
        """Equal settings give equal answers."""


S = TypeVar("S", bound=Settled)


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


def stored_before(run: Run, kind: FileKind, read: Callable[[], T | None], progress: Progress) -> T | None:
    """Return an earlier answer, if there is one; what cannot be read is told and will be written over."""
    if not run.has(kind):
        return None
    try:
        return read()
    except InputError as error:
        progress.say(f"writing over a file that cannot be used: {error}")
        return None


def answered(
    run: Run,
    kind: FileKind,
    *,
    settings: object,
    read: Callable[[], S | None],
    find: Callable[[], S],
    words: Callable[[S], str],
    progress: Progress,
) -> Answer[S]:
    """Return an earlier answer to the same question; else find one and make the report anew.

    Parameters
    ----------
    run
        Whose folder keeps the answer.
    kind
        The file that it is read from.
    settings
        What decides it.
    read
        Reads the earlier one; None where it is not whole.
    find
        Computes the answer and writes it.
    words
        What is written over, of an answer to another question.
    progress
        Whom to tell so.
    """
    there = stored_before(run, kind, read, progress)
    if there is not None and there.settings == settings:
        return Answer(run=run, found=there, reused=True)
    if there is not None:
        progress.say(f"writing over {words(there)} in {run.path(kind)}")
    found = find()
    write_report([run], run.path("report"))
    return Answer(run=run, found=found, reused=False)


def asked_about(question: Question, name: str, **settings: Any) -> Question:
    """Return a question with the name and the settings of what answers it, which tell one answer from another."""
    return Question(
        method=Spec(name=name, params=settings),
        task=question.task,
        part=question.part,
        n=question.n,
        index=question.index,
    )


def ask_of_windows(subject: Subject, question: Question, chosen: Chosen, words: str) -> StoredWindows:
    """Return the centre windows of chosen examples with their logits, and in words what is asked of them."""
    examples, codes = subject.data.take(chosen.rows), subject.centre_windows(chosen.rows)
    with asking(subject.model, task=subject.task, device=subject.device) as asked:
        logits = asked.logits(codes)
    return StoredWindows(
        settings=subject.settings_text(question, chosen.rows),
        method=words,
        task=subject.task_name,
        chosen=chosen.words,
        names=np.array(examples.names),
        index=chosen.rows,
        label=examples.labels[:, subject.task],
        offset=subject.shift.centre,
        core=examples.core,
        logits=logits,
        codes=codes,
    )
