"""Tasks on this machine: some processes, each with its share of the cores, replaced when they are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from holdfast.core.errors import ConfigError
from holdfast.core.progress import Advance, Progress
from holdfast.execution.base import Failure, Outcome, Task, Work
from holdfast.execution.worker import THREAD_VARIABLES, Message, serve

__all__ = ["LocalExecutor", "available_cores"]

# A task's share of the bar: its first counted stretch (training) fills nine tenths, the rest comes with its end.
_PARTS = 1000
_COUNTED = 0.9
_STOP_S = 5.0


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalExecutor:
    """Runs tasks in spawned processes.

    Cores are shared out: with ``workers`` processes each computes on ``cores // workers`` threads. A process does one
    task after another; one that dies takes only its task along and is replaced.

    Parameters
    ----------
    workers
        Processes; left out, half the cores.
    cores
        Left out, those this process may use.

    Raises
    ------
    ConfigError
        If there are less than one worker.

    Examples
    --------
    >>> LocalExecutor(2, cores=8).threads
    4
    """

    def __init__(self, workers: int | None = None, *, cores: int | None = None) -> None:
        cores = cores or available_cores()
        self.workers = max(1, cores // 2) if workers is None else workers
        if self.workers < 1:
            raise ConfigError(f"{workers} workers; at least 1 is needed")
        self.threads = max(1, cores // self.workers)

    def run(self, work: Work, tasks: Sequence[Task], *, words: str, progress: Progress) -> list[Outcome]:
        """Do the work on every task; see :class:`~holdfast.execution.base.Executor`."""
        if not tasks:
            return []
        with progress.task(words, _PARTS * len(tasks)) as advance:
            round_ = _Round(work, tasks, self.threads, progress, advance)
            try:
                return round_.finish(min(self.workers, len(tasks)))
            finally:
                round_.stop()


@dataclass(eq=False)
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: Connection
    number: int | None = None
    """Of the task it is busy with."""
    share: float = 0.0
    note: str = ""


@dataclass(eq=False)
class _Round:
    """One call of ``run``."""

    work: Work
    tasks: Sequence[Task]
    threads: int
    progress: Progress
    advance: Advance
    workers: list[_Worker] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def finish(self, n_workers: int) -> list[Outcome]:
        """Start workers, hand out tasks and hear them until all are over."""
        waiting = deque(range(len(self.tasks)))
        while len(self.outcomes) < len(self.tasks):
            while waiting and len(self.workers) < n_workers:
                self.workers.append(_start(self.threads))
            for worker in self.workers:
                if worker.number is None and waiting:
                    self._hand_out(worker, waiting)
            # The end of a pipe is readable too, so a killed worker wakes us.
            for pipe in wait([worker.pipe for worker in self.workers if worker.number is not None]):
                self._hear(next(worker for worker in self.workers if worker.pipe is pipe))
            self._show()
        return [self.outcomes[number] for number in range(len(self.tasks))]

    def stop(self) -> None:
        """End the workers: idle ones by closing their pipes, busy ones by asking, then by force."""
        for worker in self.workers:
            if worker.number is not None:
                worker.process.terminate()
            worker.pipe.close()
        deadline = time.monotonic() + _STOP_S
        for worker in self.workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _hand_out(self, worker: _Worker, waiting: deque[int]) -> None:
        worker.number, worker.share, worker.note = waiting.popleft(), 0.0, ""
        try:
            worker.pipe.send((self.work, self.tasks[worker.number].payload))
        except (BrokenPipeError, ConnectionResetError):
            self._bury(worker)

    def _hear(self, worker: _Worker) -> None:
        try:
            message: Message = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._bury(worker)
            return
        kind, *values = message
        if kind == "progress":
            done, total, note = values
            worker.note = note or worker.note
            worker.share = max(worker.share, _COUNTED * done / total) if total else worker.share
        elif kind == "say":
            self.progress.say(f"{self._task(worker).words}: {values[0]}")
        elif kind == "done":
            self._close(worker, result=values[0])
        else:
            reason, trace = values
            self._close(worker, failure=Failure(words=self._task(worker).words, reason=reason, trace=trace))

    def _bury(self, worker: _Worker) -> None:
        """Note that a worker died with its task; another one will take its place."""
        worker.process.join()
        self._close(worker, failure=Failure(words=self._task(worker).words, reason=_how_it_died(worker.process)))
        worker.pipe.close()
        self.workers.remove(worker)

    def _close(self, worker: _Worker, *, result: Any = None, failure: Failure | None = None) -> None:
        assert worker.number is not None
        self.outcomes[worker.number] = Outcome(task=self._task(worker), result=result, failure=failure)
        if failure is not None:
            self.progress.say(f"failed: {failure.words}: {failure.reason}")
        worker.number = None

    def _task(self, worker: _Worker) -> Task:
        assert worker.number is not None
        return self.tasks[worker.number]

    def _show(self) -> None:
        busy = [worker for worker in self.workers if worker.number is not None]
        done = _PARTS * (len(self.outcomes) + sum(worker.share for worker in busy))
        failed = sum(outcome.failure is not None for outcome in self.outcomes.values())
        note = f"{len(self.outcomes)} of {len(self.tasks)} done" + (f", {failed} failed" if failed else "")
        self.advance(round(done), note)


def _start(threads: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    # The libraries read these when they are loaded, and a spawned process loads them anew.
    with _environment(dict.fromkeys(THREAD_VARIABLES, str(threads))):
        process.start()
    theirs.close()  # or the end of the worker would not end the pipe
    return _Worker(process, ours)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _how_it_died(process: multiprocessing.process.BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = " (often: out of memory)" if -code == signal.SIGKILL else ""
        return f"the worker was killed by {name}{hint}; what it had finished is kept"
    return f"the worker ended with exit code {code}; what it had finished is kept"
