"""Grouping and naming of runs."""

from pathlib import Path

from made_records import task_audit
from study_builder import build_run, build_study

from holdfast.report.study import MAX_TASKS, Study


def test_only_runs_of_the_same_data_and_threat_model_share_a_setting(tmp_path: Path) -> None:
    runs = build_study(tmp_path, data_names=("b", "a"), windows=(90, 75))
    study = Study.read(runs)
    assert [(s.data_name, s.shift.window, len(s.entries)) for s in study.settings] == [
        ("a", 75, 4),
        ("a", 90, 4),
        ("b", 75, 4),
        ("b", 90, 4),
    ]


def test_data_of_the_same_name_and_another_fingerprint_is_another_setting(tmp_path: Path) -> None:
    runs = [build_run(tmp_path / "one"), build_run(tmp_path / "two", seed=2)]
    runs[1].write_data(runs[1].data.model_copy(update={"fingerprint": "another"}))
    assert len(Study.read(runs).settings) == 2


def test_twins_are_told_apart_by_model_then_seed(tmp_path: Path) -> None:
    runs = [build_run(tmp_path, strategy="Rnd", seed=seed) for seed in (1, 2)]
    other = build_run(tmp_path, strategy="Rnd", seed=3)
    other.write_record(other.record.model_copy(update={"model": "pap_megyeri"}))
    entries = Study.read([*runs, other]).settings[0].entries
    assert [entry.label for entry in entries] == ["Rnd, holdfast, seed 1", "Rnd, holdfast, seed 2", "Rnd, pap_megyeri"]
    assert [entry.dash for entry in entries] == [0, 1, 2]
    assert {entry.colour for entry in entries} == {"rnd"}


def test_twins_alike_in_everything_are_told_apart_by_name(tmp_path: Path) -> None:
    runs = [build_run(tmp_path / "one"), build_run(tmp_path / "two")]
    runs[1].write_record(runs[1].record.model_copy(update={"name": "again"}))
    assert [entry.label for entry in Study.read(runs).entries] == ["No Shift, SP1 75 No Shift 1", "No Shift, again"]


def test_of_many_tasks_the_first_are_drawn_and_the_rest_counted(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    audit = run.audit
    tasks = [task_audit(audit.shift, clean=0.8, worst=0.7, task=f"task {n}") for n in range(MAX_TASKS + 3)]
    run.write_audit(audit.model_copy(update={"tasks": tasks}))
    study = Study.read([run])
    assert len(study.boards) == MAX_TASKS
    assert study.boards[1].title == "SP1, task task 1, 75 of 101 bp, 27 windows"
    assert study.n_tasks_left_out == 3
