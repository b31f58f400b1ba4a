"""Several tasks from a table to a report."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.data.build import build, read_parts
from holdfast.dna.codes import decode
from holdfast.io import ReadOptions
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.train import train


def test_two_tasks_with_unknown_labels_are_trained_audited_and_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["sequence,CTCF,SP1"]
    for row in range(240):
        codes = rng.integers(0, 4, 40, dtype=np.uint8)
        first, second = row % 2, row // 2 % 2
        if first:
            codes[16:22] = [1, 1, 0, 1, 1, 0]
        if second:
            codes[24:30] = [2, 2, 2, 1, 2, 2]
        lines.append(f"{decode(codes)},{first},{'' if row % 10 == 7 else second}")
    (tmp_path / "tasks.csv").write_text("\n".join(lines) + "\n")
    options = ReadOptions(sequence_column="sequence", label_columns=["CTCF", "SP1"])
    records = read_parts([tmp_path / "tasks.csv"], options=options)
    build(records, tmp_path / "tasks")
    page = {
        "data": str(tmp_path / "tasks"),
        "shift": {"window": 36},
        "attack": "worst",
        "model": {"name": "holdfast", "params": {"filters": [16, 8], "widths": [5, 4], "hidden": 8}},
        "training": {"changes": {"epochs": 4, "batch_size": 16, "learning_rate": 0.01}},
        "audit": {"bootstrap": 5},
    }
    run = train(Experiment.parse(page), tmp_path / "runs")
    first, second = run.audit.tasks
    assert (first.task, second.task) == ("CTCF", "SP1")
    assert first.n_examples > second.n_examples
    assert min(task.clean["auroc"].value for task in run.audit.tasks) > 0.7
    page_text = run.path("report").read_text()
    assert "CTCF" in page_text
    assert "SP1" in page_text
    means = run.audit.averages
    assert means is not None
    table = pd.read_csv(run.path("tasks"))
    assert table["task"].tolist() == ["CTCF", "SP1"]
    # Each metric was written with all its digits.
    assert table["worst_auroc"].mean() == pytest.approx(means.worst["auroc"].value, abs=1e-12)
    assert "Means over the tasks" in page_text
    assert f"{means.clean['auroc'].value:.3f}" in page_text
    asked = ["audit", str(run.folder), "--windows", "2", "--average", "averaged", "--bootstrap", "0"]
    printed = CliRunner().invoke(app, asked)
    assert printed.exit_code == 0, printed.output
    words = " ".join(printed.output.split())  # lines are broken where the terminal ends
    assert "2 tasks: label-averaged AUROC" in words
    assert "2 windows drawn for each example" in words
    assert "right in every drawn window" in words
    assert "certified" not in words
    assert "mean probability of both strands" in words
