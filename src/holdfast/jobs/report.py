"""One report on several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.report import write_report
from holdfast.report.study import Entry, LeftOut
from holdfast.runs.find import run_folders
from holdfast.runs.folder import Run

__all__ = ["report_on"]

_UNFINISHED, _UNREADABLE = "is not finished", "cannot be read"


def report_on(folders: Sequence[Path], out: Path, *, progress: Progress = SILENT) -> Path:
    """Write a report on the finished runs in some folders and return its path.

    Parameters
    ----------
    folders
        Run folders, or folders of run folders; a run named twice is read once.
    out
        HTML file.
    progress
        Is told which runs are left out, and why.

    Raises
    ------
    InputError
        If a folder is no run and holds none, or no run is left that is finished and can be read.
    """
    runs = [run for folder in folders for run in _runs_in(folder)]
    unique = list({run.folder.resolve(): run for run in runs}.values())
    hindered = {run: why for run in unique if (why := _hindrance(run)) is not None}
    kept = [run for run in unique if run not in hindered]
    if not kept:
        raise InputError(_nothing_left(folders[0], list(hindered.values())))
    for reason, words in hindered.values():
        progress.say(f"left out, because it {reason}: {words}")
    left_out = [LeftOut(run.folder.resolve().name, reason) for run, (reason, _) in hindered.items()]
    with progress.task("writing the report", None):
        return write_report(kept, out, left_out)


def _runs_in(folder: Path) -> list[Run]:
    # A folder without runs may be a half-written run: opening it says what is missing and how to mend it.
    return [Run(found) for found in run_folders(folder)] or [Run.open(folder)]


def _hindrance(run: Run) -> tuple[str, str] | None:
    """Return why a run cannot be reported on, and the words that name it; None where it can."""
    try:
        if not run.is_done:
            return _UNFINISHED, str(run.folder)
        Entry.read(run)
    except InputError as error:
        return _UNREADABLE, str(error)
    return None


def _nothing_left(folder: Path, hindrances: Sequence[tuple[str, str]]) -> str:
    unreadable = [words for reason, words in hindrances if reason == _UNREADABLE]
    if not unreadable:
        return f"{folder}: no finished run; finish one with --resume first"
    one = len(hindrances) == 1
    return unreadable[0] if one else f"{folder}: none of {len(hindrances)} runs can be reported on; {unreadable[0]}"
