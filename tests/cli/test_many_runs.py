"""Commands of many runs: what they print, and their exit codes."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from rich.console import Console
from tiny_runs import holdfast, tiny_data, tiny_page

from holdfast.cli.comparison import print_comparison
from holdfast.core.progress import Progress
from holdfast.execution.base import Failure, Outcome, Task, Work
from holdfast.jobs import demo as demo_job
from holdfast.jobs.demo import DemoSettings


class OneFails:
    """Does every task here, except those whose words hold `-s2`; their worker was killed."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def run(self, work: Work, tasks: Sequence[Task], *, words: str, progress: Progress) -> list[Outcome]:
        killed = {task.words: Failure(words=task.words, reason="the worker was killed by SIGKILL") for task in tasks}
        return [
            Outcome(task=task, failure=killed[task.words])
            if "-s2" in task.words
            else Outcome(task=task, result=work(task.payload, progress))
            for task in tasks
        ]


def test_a_grid_with_a_failed_run_shows_the_others_names_it_and_ends_with_1(
    holdfast: Any, tiny_page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.execution.local.LocalExecutor", OneFails)
    Path("grid.yaml").write_text(yaml.safe_dump({"base": tiny_page, "product": {"seed": [1, 2]}}))
    result = holdfast("grid", "grid.yaml")
    assert result.exit_code == 1
    assert "SP1" in result.stdout or "tiny" in result.stdout
    assert "Worst" in result.stdout
    assert "failed: tiny-holdfast-33-worst-s2-batch_size=32-epochs=2" in result.stderr
    assert ": the worker was killed by SIGKILL" in result.stderr
    assert "1 of 2 runs failed; the same command tries them again" in result.stderr
    assert Path("runs/summary.csv").is_file()
    monkeypatch.setattr("holdfast.execution.local.LocalExecutor", lambda jobs: OneFails())
    Path("grid.yaml").write_text(yaml.safe_dump({"base": tiny_page, "product": {"seed": [1]}}))
    assert holdfast("grid", "grid.yaml").exit_code == 0


def test_the_demo_prints_a_table_for_each_factor_and_names_the_report_last(
    holdfast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_job, "LocalExecutor", OneFails)
    small = DemoSettings(factors=("SP1", "MAFK"), positives=60, epochs=1)
    monkeypatch.setattr(demo_job.run_demo, "__defaults__", (small,))
    result = holdfast("demo", "--out", "shown")
    assert result.exit_code == 0, result.output
    for words in ("SP1: 75 of 101 bp", "MAFK: 75 of 101 bp", "No Shift", "Rnd", "Worst", "control"):
        assert words in result.stdout
    assert result.stdout.strip().splitlines()[-1] == "report  shown/report.html"


def _comparison(width: int) -> list[str]:
    keys = {"tf": "S", "task": "discovery", "length": 75, "eval": "No Shift"}
    table = pd.DataFrame(
        [
            keys | {"train": "Worst", "ours": 0.62, "paper": 0.5015, "difference": 0.1185},
            keys | {"train": "control", "ours": 0.574, "paper": float("nan"), "difference": float("nan")},
        ]
    )
    console = Console(file=io.StringIO(), width=width)
    print_comparison(console, table, ["tf", "task", "length"])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_comparison_shows_the_difference_with_its_sign_and_a_dash_where_the_paper_has_nothing() -> None:
    lines = _comparison(80)
    assert "S, discovery, 75 bp" in lines
    worst = next(line for line in lines if "Worst" in line)
    assert worst.split() == ["Worst", "No", "Shift", "0.6200", "0.5015", "+0.1185"]
    assert next(line for line in lines if "control" in line).split()[-2:] == ["–", "–"]


def test_a_comparison_on_40_columns_keeps_both_numbers_whole() -> None:
    lines = _comparison(40)
    assert max(map(len, lines)) <= 40
    assert next(line for line in lines if "Worst" in line).split() == ["Worst", "No", "Shift", "0.6200", "0.5015"]
