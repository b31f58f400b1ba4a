"""One report on several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.report import write_report
from holdfast.runs.folder import Run, find_runs

__all__ = ["report_on"]


def report_on(folders: Sequence[Path], out: Path, *, progress: Progress = SILENT) -> Path:
    """Write a report on the finished runs in some folders and return its path.

    Parameters
    ----------
    folders
        Run folders, or folders of run folders; a run named twice is read once.
    out
        HTML file.
    progress
        Is told which runs are left out.

    Raises
    ------
    InputError
        If a folder is no run and holds none, or none is finished.
    """
    runs = [run for folder in folders for run in _runs_in(folder)]
    unique = list({run.folder.resolve(): run for run in runs}.values())
    done = [run for run in unique if run.is_done]
    for run in unique:
        if run not in done:
            progress.say(f"left out, because it is not finished: {run.folder}")
    if not done:
        raise InputError(f"{folders[0]}: no finished run; finish one with --resume first")
    with progress.task("writing the report", None):
        return write_report(done, out)


def _runs_in(folder: Path) -> list[Run]:
    runs = find_runs(folder)
    # A folder without runs may be a half-written run: opening it says what is missing and how to mend it.
    return runs or [Run.open(folder)]
