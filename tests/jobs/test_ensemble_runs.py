"""Finished runs put together as one."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from planted_runs import page, planted_data
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.core.errors import InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.jobs.audit import audit_again, load_run_model
from holdfast.jobs.ensemble import ensemble_of
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.report import report_on
from holdfast.jobs.train import train
from holdfast.runs.find import find_runs
from holdfast.runs.folder import Run


def trained(page: dict[str, Any], root: Path, **changes: Any) -> Run:
    return train(Experiment.parse({**page, **changes}), root)


@pytest.fixture
def members(page: dict[str, Any], tmp_path: Path) -> list[Run]:
    """Two seeds of one model and a model of another kind, the control."""
    root = tmp_path / "runs"
    return [trained(page, root), trained(page, root, seed=1), trained(page, root, model={"name": "kmer"})]


def window_logits(model: torch.nn.Module, data: SequenceDataset, offset: int, window: int = 25) -> np.ndarray:
    with torch.no_grad():
        return model(one_hot(torch.from_numpy(data.codes[:, offset : offset + window].copy())))[:, 0].numpy()


@pytest.mark.parametrize("mean", ["logits", "probabilities"])
def test_the_audit_is_that_of_the_plain_average_in_every_window(
    members: list[Run], planted_data: Path, tmp_path: Path, mean: Any
) -> None:
    run = ensemble_of([one.folder for one in members], tmp_path / "runs", mean=mean)
    test = SequenceDataset.open(planted_data).part("test")
    models = [load_run_model(one) for one in members]
    logits = np.stack([[window_logits(model, test, i) for i in range(7)] for model in models])  # (K, S, N)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    called = logits.mean(0) > 0 if mean == "logits" else probability.mean(0) > 0.5
    right = called == (test.labels[:, 0] == 1)
    task = run.audit.tasks[0]
    assert task.clean["accuracy"].value == pytest.approx(right[3].mean())
    assert task.worst["accuracy"].value == pytest.approx(right.all(axis=0).mean())
    assert task.accuracy_by_offset == pytest.approx(list(right.mean(axis=1)))


def test_an_ensemble_of_one_has_its_members_numbers(members: list[Run], tmp_path: Path) -> None:
    run = ensemble_of([members[0].folder], tmp_path / "runs")
    assert run.audit.model_copy(update={"seconds": 0.0}) == members[0].audit.model_copy(update={"seconds": 0.0})
    assert {row.name for row in run.filters} == {f"member 1 {row.name}" for row in members[0].filters}


def test_the_run_says_what_it_is_made_of_and_stands_alone(members: list[Run], tmp_path: Path) -> None:
    run = ensemble_of([one.folder for one in members], tmp_path / "runs", name="three")
    record = run.record
    assert (record.kind, record.model, record.name, record.strategy) == ("ensemble", "ensemble", "three", "No Shift")
    assert record.extra == {"members": [one.folder.name for one in members], "mean": "logits"}
    assert record.n_parameters == sum(one.record.n_parameters for one in members)
    assert not record.is_control
    for one in members:  # nothing is read from them any more
        one.path("weights").unlink()
    again = audit_again(run.folder, {})
    assert again.record.model_copy(update={"seconds": 0.0}) == run.audit.model_copy(update={"seconds": 0.0})
    page = report_on([run.folder, *(one.folder for one in members)], tmp_path / "report.html")
    assert "ensemble" in page.read_text(encoding="utf-8")


def test_the_command_prints_the_audit_and_the_folder(members: list[Run], tmp_path: Path) -> None:
    words = ["ensemble", *(str(one.folder) for one in members), "--runs", str(tmp_path / "made"), "--mean", "logits"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (run,) = find_runs(tmp_path / "made")
    assert done.stdout.strip().splitlines()[-2:] == [f"run     {run.folder}", f"report  {run.path('report')}"]
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2
    assert "this run is done already" in again.stderr


def test_an_interrupted_ensemble_is_made_anew(
    members: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    folders = [one.folder for one in members[:2]]
    with monkeypatch.context() as patched:
        patched.setattr("holdfast.jobs.ensemble.audit_run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ensemble_of(folders, tmp_path / "made")
    (left,) = find_runs(tmp_path / "made")
    assert not left.is_done
    assert ensemble_of(folders, tmp_path / "made").is_done


def test_members_that_differ_are_refused(members: list[Run], page: dict[str, Any], tmp_path: Path) -> None:
    first, root = members[0].folder, tmp_path / "runs"
    other = trained(page, root, shift={"window": 27})
    with pytest.raises(InputError, match=r"its threat model is \{'window': 27,.*is \{'window': 25"):
        ensemble_of([first, other.folder], root)
    with pytest.raises(InputError, match="named twice"):
        ensemble_of([first, first], root)
    facts = json.loads(members[1].path("data").read_text())
    members[1].path("data").write_text(json.dumps({**facts, "fingerprint": "f" * 64}))
    with pytest.raises(InputError, match=r"its data \(fingerprint\) is ffffffffffff"):
        ensemble_of([first, members[1].folder], root)
    members[2].path("weights").unlink()
    with pytest.raises(InputError, match="an ensemble is made of runs that have weights"):
        ensemble_of([first, members[2].folder], root)
