"""The one protocol of executors: many tasks in, one outcome for each, whatever happens to the workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.core.progress import Progress

__all__ = ["Executor", "Failure", "Outcome", "Task", "Work"]

Work = Callable[[Any, Progress], Any]
"""What is done with a task's payload, telling a progress; importable by name, and so are its arguments and results."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to be done by one worker.

    Parameters
    ----------
    words
        What it is, for people.
    payload
        What the work is given; picklable.
    """

    words: str
    payload: Any


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a task has no result.

    Parameters
    ----------
    words
        What the task is.
    reason
        One sentence.
    trace
        The worker's traceback where the failure is a bug; None where the user can mend it or the worker was killed.
    """

    words: str
    reason: str
    trace: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a task: a result or a failure."""

    task: Task
    result: Any = None
    failure: Failure | None = None


class Executor(Protocol):
    """Somewhere to run tasks."""

    def run(self, work: Work, tasks: Sequence[Task], *, words: str, progress: Progress) -> list[Outcome]:
        """Do the work on every task and return the outcomes in the order of the tasks.

        A task that fails, or whose worker dies, does not stop the others.

        Parameters
        ----------
        work
            A function at the top level of a module.
        tasks
            What to do it on.
        words
            What all of it is, for the progress bar.
        progress
            Is told how far all of it is, and every sentence a worker says.
        """
