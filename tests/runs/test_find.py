"""Finding the runs under a folder."""

from pathlib import Path

import pytest
from first_page import record

from holdfast.core.errors import InputError
from holdfast.runs.find import find_runs, run_folders
from holdfast.runs.folder import Run


def made_run(root: Path, name: str) -> Run:
    return Run.create(root, record(name), config={})


def test_runs_are_listed_by_name_and_other_folders_passed_over(tmp_path: Path) -> None:
    for name in ("b", "a"):
        made_run(tmp_path, name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "summary.json").write_text("{}")
    assert [run.record.name for run in find_runs(tmp_path)] == ["a", "b"]


def test_a_run_folder_holds_that_run(tmp_path: Path) -> None:
    run = made_run(tmp_path, "a")
    assert [found.folder for found in find_runs(run.folder)] == [run.folder]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_runs(tmp_path / "nowhere")


def test_a_garbled_run_is_refused_but_its_folder_is_known(tmp_path: Path) -> None:
    run = made_run(tmp_path, "a")
    run.path("record").write_text("{")
    assert run_folders(tmp_path) == [run.folder]
    with pytest.raises(InputError, match=r"run\.json"):
        find_runs(tmp_path)
