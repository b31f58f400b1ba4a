"""The runs under a folder."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.runs.folder import Run

__all__ = ["find_runs", "run_folders"]


def find_runs(root: Path) -> list[Run]:
    """Return the runs under a folder, by name; the folder itself where it is a run.

    Parameters
    ----------
    root
        A run folder or a folder of run folders.

    Raises
    ------
    InputError
        If the folder is not there, or a run in it is garbled.
    """
    return [Run.open(folder) for folder in run_folders(root)]


def run_folders(root: Path) -> list[Path]:
    """Return the folders under a folder that have a first page, by name; the folder itself where it has one.

    Nothing is opened, so a garbled run is among them.

    Raises
    ------
    InputError
        If the folder is not there.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of runs; give that of your runs, or train a model first")
    if Run(root).has("record"):
        return [root]
    return sorted(child for child in root.iterdir() if child.is_dir() and Run(child).has("record"))
