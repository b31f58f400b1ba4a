"""Stopped at any moment, a run goes on to the same result, to the bit."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import holdfast, page_file, tiny_data, tiny_page

import holdfast.jobs.train as train_job
from holdfast.runs.find import find_runs
from holdfast.runs.folder import Run

EPOCHS = "training.changes.epochs=40"


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
