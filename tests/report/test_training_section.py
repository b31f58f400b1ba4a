"""Training curves: restarts, stages and the epoch that was kept."""

from pathlib import Path

import pandas as pd
from made_records import history
from study_builder import build_run

from holdfast.report.sections.training import training
from holdfast.report.study import Study


def test_a_restart_is_marked_and_epochs_count_on(tmp_path: Path) -> None:
    run = build_run(tmp_path, strategy="Worst")
    first, second = history().iloc[:5], history().assign(restart=1)
    run.write_history(pd.concat([first, second], ignore_index=True))
    section = training(Study.read([run])) or ""
    assert "restart 1" in section
    assert ">16</text>" in section or ">15</text>" in section


def test_a_change_of_stage_is_marked_once(tmp_path: Path) -> None:
    section = training(Study.read([build_run(tmp_path, strategy="Worst")])) or ""
    # Once in each of the two charts.
    assert section.count(">worst within 13 bp</text>") == 2


def test_notes_of_the_training_are_told_with_the_runs_name(tmp_path: Path) -> None:
    section = training(Study.read([build_run(tmp_path, strategy="Worst")])) or ""
    assert "<li>SP1 75 Worst 1: The learning rate was lowered in epoch 7." in section


def test_an_empty_history_is_no_history(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    run.write_history(history().iloc[:0])
    assert training(Study.read([run])) is None
