"""Every file in examples/ runs as its comment says, on less data and with a smaller model."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.jobs.experiment import read_yaml
from holdfast.runs.find import find_runs

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.yaml"))
SMALL = "{name: holdfast, params: {widths: [5, 3], filters: [4, 4], hidden: 4}}"


def _command(path: Path, kind: str) -> list[str]:
    """Return the words of the command in an example's comment, without the program's name."""
    found = re.search(rf"^# {kind}: +holdfast (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{path.name}: no line `# {kind}: holdfast ...`"
    return shlex.split(found[1])


def _run(arguments: list[str]) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def _smaller(page: dict[str, Any]) -> list[str]:
    sets = ["training.changes.epochs=1", "audit.bootstrap=3"]
    sets += [f"model={SMALL}"] if page.get("model", "holdfast") == "holdfast" else []
    return [part for one in sets for part in ("--set", one)]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.stem != "grid"], ids=lambda path: path.stem)
def test_an_experiment_runs_as_its_comment_says(path: Path) -> None:
    _run([*_command(path, "Data"), "--positives", "50"])
    command = _command(path, "Run")
    assert command[:2] == ["train", f"examples/{path.name}"]
    _run(["train", str(path), *command[2:], *_smaller(read_yaml(path))])
    assert [run.is_done for run in find_runs(Path("runs"))] == [True]


def test_the_grid_runs_as_its_comment_says_and_a_second_time_reuses_everything() -> None:
    path = next(path for path in EXAMPLES if path.stem == "grid")
    _run([*_command(path, "Data"), "--positives", "50"])
    command = ["grid", str(path), *_command(path, "Run")[2:], "--jobs", "1"]
    # The model differs between the runs, so it stays as it is.
    command += ["--set", "training.changes.epochs=1", "--set", "audit.bootstrap=3"]
    shown = _run(command)
    runs = find_runs(Path("runs/sp1"))
    assert len(runs) == 2 * 3 + 2
    assert "summary runs/sp1/summary.csv" in shown
    again = CliRunner().invoke(app, command)
    assert "8 of 8 runs are done already" in again.stderr
    assert Path("runs/sp1/report.html").is_file()
