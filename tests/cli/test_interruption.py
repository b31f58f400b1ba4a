"""Stopped at any moment, a run goes on to the same result, to the bit."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import contextlib
import importlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from tiny_runs import holdfast, page_file, tiny_data, tiny_page

import holdfast.jobs.train as train_job
from holdfast.cli import interrupts
from holdfast.cli.guard import guarded
from holdfast.cli.interrupts import raise_if_interrupted
from holdfast.cli.progress import LineProgress, TerminalProgress
from holdfast.runs.find import find_runs
from holdfast.runs.folder import Run

EPOCHS = "training.changes.epochs=40"


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """A process started in the background ignores Ctrl-C, and so do the tests in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _unbroken_weights(holdfast: Any, page_file: Path, *options: str) -> bytes:
    assert holdfast("train", page_file, "--runs", "unbroken", *options).exit_code == 0
    return find_runs(Path("unbroken"))[0].path("weights").read_bytes()


def test_a_killed_run_resumes_to_the_weights_of_an_unbroken_one(holdfast: Any, page_file: Path) -> None:
    command = [sys.executable, "-c", "from holdfast.cli.app import main; main()", "train", str(page_file)]
    process = subprocess.Popen([*command, "--set", EPOCHS], env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not list(Path("runs").glob("*/checkpoint")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = Run(next(Path("runs").iterdir()))
    assert not run.is_done
    assert 1 <= len(run.history) < 40
    refused = holdfast("train", page_file, "--set", EPOCHS)
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert holdfast("train", page_file, "--set", EPOCHS, "--resume").exit_code == 0
    assert len(run.history) == 40
    assert run.path("weights").read_bytes() == _unbroken_weights(holdfast, page_file, "--set", EPOCHS)
    assert not run.has("checkpoint")


def test_ctrl_c_says_where_it_stopped_and_how_to_go_on(
    holdfast: Any, page_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = train_job._Watching._epoch

    def interrupted(self: Any, history: list[dict[str, Any]]) -> None:
        epoch(self, history)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_job._Watching, "_epoch", interrupted)
        stopped = holdfast("train", page_file)
    assert stopped.exit_code == 130
    assert stopped.stderr.strip() == "stopped after epoch 1; go on with the same command and --resume"
    assert holdfast("train", page_file, "--resume").exit_code == 0
    run = find_runs(Path("runs"))[0]
    assert run.path("weights").read_bytes() == _unbroken_weights(holdfast, page_file)


@pytest.mark.parametrize("terminal", [False, True])
def test_ctrl_c_that_a_callback_from_c_dropped_stops_the_command_at_its_next_step(
    terminal: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal)
    done: list[int] = []

    def command() -> None:
        with (TerminalProgress if terminal else LineProgress)(console).task("working", 3) as advance:
            for step in range(3):
                with contextlib.suppress(KeyboardInterrupt):  # as C does, that has nowhere to put it
                    signal.raise_signal(signal.SIGINT)
                done.append(step)
                advance(step + 1)

    with pytest.raises(typer.Exit) as ended:
        guarded(command)()
    assert ended.value.exit_code == 130
    assert done == [0]
    assert capsys.readouterr().err == "stopped; what was finished is kept\n"
    raise_if_interrupted()  # the next command begins with nothing pressed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_listener_to_ctrl_c_is_left_in_place() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        guarded(lambda: signal.raise_signal(signal.SIGINT))()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


@pytest.mark.parametrize("terminal", [False, True])
def test_ctrl_c_that_was_dropped_in_work_that_is_not_counted_stops_the_command_before_the_next(terminal: bool) -> None:
    progress = (TerminalProgress if terminal else LineProgress)(Console(file=io.StringIO(), force_terminal=terminal))
    begun: list[str] = []

    def command() -> None:
        for words in ("reading", "storing"):
            with progress.task(words, None):
                begun.append(words)
                with contextlib.suppress(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGINT)

    with pytest.raises(typer.Exit) as ended:
        guarded(command)()
    assert ended.value.exit_code == 130
    assert begun == ["reading"]


PRESSED_TWICE = """
import signal, sys, typer
from holdfast.cli import interrupts
from holdfast.cli.guard import guarded

def again(place):
    # At that line of what a Ctrl-C calls comes another one.
    seen = 0
    def trace(frame, event, arg):
        nonlocal seen
        seen += event == "line"
        if seen == place and event == "line":
            signal.raise_signal(signal.SIGINT)
        return trace
    return trace

signal.signal(signal.SIGINT, signal.default_int_handler)

def command(place):
    sys.settrace(again(place))
    signal.raise_signal(signal.SIGINT)

for place in range(12):
    try:
        guarded(command)(place)
    except typer.Exit as ended:
        assert ended.exit_code == 130
    else:
        raise AssertionError(place)
    finally:
        sys.settrace(None)
"""


def test_a_second_ctrl_c_while_the_first_is_heard_stops_the_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESSED_TWICE], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == 12 * "stopped; what was finished is kept\n"


@pytest.mark.parametrize("steps", [0, 1])
def test_the_import_of_torch_is_finished_before_ctrl_c_stops_the_command(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "UNBROKEN", "pressed_while_imported")
    (tmp_path / "pressed_while_imported.py").write_text(
        "import signal\ntry:\n    signal.raise_signal(signal.SIGINT)\nexcept BaseException:\n    pass\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    done: list[object] = []

    def command() -> None:
        module = importlib.import_module("pressed_while_imported")
        done.append(module.whole)
        for _ in range(steps):
            with LineProgress(Console(file=io.StringIO())).task("working", None):
                done.append("begun")

    try:
        with pytest.raises(typer.Exit) as ended:
            guarded(command)()
    finally:
        sys.modules.pop("pressed_while_imported", None)
    assert ended.value.exit_code == 130
    assert done == [True]


@pytest.mark.parametrize("unbroken", ["pressed_twice", "torch"])
def test_a_second_ctrl_c_stops_any_import(unbroken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "UNBROKEN", unbroken)
    (tmp_path / "pressed_twice.py").write_text(
        "import signal\nfor _ in range(2):\n    signal.raise_signal(signal.SIGINT)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(typer.Exit) as ended:
        guarded(lambda: importlib.import_module("pressed_twice"))()
    assert ended.value.exit_code == 130
    assert "pressed_twice" not in sys.modules
