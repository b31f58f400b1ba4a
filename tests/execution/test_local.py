"""Tasks in processes: results in order, failures and kills that stop nothing else, cores shared out."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT, Progress, Silent
from holdfast.execution.base import Outcome, Task, Work
from holdfast.execution.local import LocalExecutor, available_cores


def square(number: int, progress: Progress) -> tuple[int, int]:
    """Return the square and the process."""
    return number * number, os.getpid()


def misbehave(what: str, progress: Progress) -> str:
    """Fail as asked, or return what was asked for."""
    if what == "refuse":
        raise InputError("peaks.bed line 14: no")
    if what == "bug":
        raise ZeroDivisionError("ours")
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        os._exit(3)
    return what


def threads(name: str, progress: Progress) -> str | None:
    """Return a variable of the worker's environment."""
    return os.environ.get(name)


def talk(_: None, progress: Progress) -> None:
    """Report progress and a sentence."""
    with progress.task("training", 10) as advance:
        for done in (5, 10):
            advance(done, f"epoch {done}")
            time.sleep(0.25)  # longer than the pause between two messages
    progress.say("collapsed and restarted")


def wait_for_ever(path: str, progress: Progress) -> None:
    """Leave a sign of life, then wait; clear up when asked to end."""
    sign = Path(path)
    sign.write_text(str(os.getpid()))
    try:
        time.sleep(600)
    finally:
        sign.write_text("cleared up")


class _Heard(Silent):
    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.steps: list[tuple[int, str]] = []

    def task(self, words: str, total: int | None) -> Any:
        heard = self

        class _Task:
            def __enter__(self) -> Any:
                return lambda done, note="": heard.steps.append((done, note))

            def __exit__(self, *_: object) -> None:
                pass

        return _Task()

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)


def _run(work: Work, payloads: list[Any], workers: int = 1, progress: Progress = SILENT) -> list[Outcome]:
    tasks = [Task(words=f"task {payload}", payload=payload) for payload in payloads]
    return LocalExecutor(workers, cores=workers).run(work, tasks, words="tasks", progress=progress)


def test_results_come_in_the_order_of_the_tasks_and_a_process_does_several() -> None:
    results = [outcome.result for outcome in _run(square, [1, 2, 3, 4, 5], workers=2)]
    assert [square for square, _ in results] == [1, 4, 9, 16, 25]
    assert len({process for _, process in results}) <= 2
    assert os.getpid() not in {process for _, process in results}


def test_a_task_that_fails_or_is_killed_stops_no_other() -> None:
    heard = _Heard()
    outcomes = _run(misbehave, ["a", "refuse", "kill", "bug", "exit", "b"], progress=heard)
    reasons = {o.task.payload: o.failure.reason for o in outcomes if o.failure is not None}
    assert [o.result for o in outcomes if o.failure is None] == ["a", "b"]
    assert reasons["refuse"] == "peaks.bed line 14: no"
    assert reasons["kill"].startswith("the worker was killed by SIGKILL")
    assert reasons["exit"].startswith("the worker ended with exit code 3")
    assert reasons["bug"] == "ZeroDivisionError: ours"
    assert len(heard.sentences) == 4


def test_only_a_bug_carries_a_traceback() -> None:
    refuse, bug = (outcome.failure for outcome in _run(misbehave, ["refuse", "bug"]))
    assert refuse is not None
    assert refuse.trace is None
    assert bug is not None
    assert "raise ZeroDivisionError" in (bug.trace or "")


def test_cores_are_shared_out_and_the_parents_environment_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    executor = LocalExecutor(2, cores=7)
    tasks = [Task(words=name, payload=name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")]
    outcomes = executor.run(threads, tasks, words="", progress=SILENT)
    assert [outcome.result for outcome in outcomes] == ["3", "3"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_progress_rises_to_the_whole_and_sentences_carry_the_task() -> None:
    heard = _Heard()
    _run(talk, [None], progress=heard)
    done = [step for step, _ in heard.steps]
    assert done == sorted(done)
    assert done[-1] == 1000
    assert 0 < done[0] < 1000
    assert heard.sentences == ["task None: collapsed and restarted"]


class _Interrupting(_Heard):
    """Interrupts the parent as Ctrl-C does, once the worker is at work."""

    def __init__(self, sign: Path) -> None:
        super().__init__()
        self.sign = sign

    def task(self, words: str, total: int | None) -> Any:
        signal.signal(signal.SIGALRM, self._interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        return super().task(words, total)

    def _interrupt(self, *_: object) -> None:
        if self.sign.exists():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt


def test_an_interrupted_parent_ends_its_workers_which_clear_up(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    with pytest.raises(KeyboardInterrupt):
        _run(wait_for_ever, [str(sign)], progress=_Interrupting(sign))
    assert sign.read_text() == "cleared up"


def test_no_tasks_need_no_workers() -> None:
    assert _run(square, []) == []


def test_the_default_leaves_two_threads_to_each_worker() -> None:
    assert (LocalExecutor(cores=8).workers, LocalExecutor(cores=8).threads) == (4, 2)
    assert (LocalExecutor(cores=1).workers, LocalExecutor(cores=1).threads) == (1, 1)
    assert LocalExecutor(1000, cores=2).threads == 1
    assert available_cores() >= 1


def test_no_workers_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        LocalExecutor(0)
