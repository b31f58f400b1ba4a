"""The runs there are, in rows of words. No torch: it answers at once."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.runs.find import run_folders
from holdfast.runs.folder import Run

__all__ = ["HEADER", "run_rows"]

HEADER = ("run", "state", "clean", "worst")


def run_rows(root: Path) -> list[tuple[str, ...]]:
    """Return one row of :data:`HEADER` for each run folder; a garbled one is a row too.

    Parameters
    ----------
    root
        Folder of run folders.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    return [_run_row(Run(folder)) for folder in run_folders(root)]


def _run_row(run: Run) -> tuple[str, ...]:
    try:
        if not run.is_done:
            return run.folder.name, "unfinished", "", ""
        if run.record.kind == "imported" and run.has("weights") and not run.has("audit"):
            return run.folder.name, "imported", "", ""
        first = run.audit.tasks[0]
        return run.folder.name, "done", str(first.clean["accuracy"]), str(first.worst["accuracy"])
    except InputError as error:
        return run.folder.name, f"garbled: {error}", "", ""
