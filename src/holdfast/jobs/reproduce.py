"""Table 1 of Pap & Megyeri (2022): the paper's grid on the sets that are at hand, and the difference in every cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.build import build
from holdfast.data.dataset import SequenceDataset
from holdfast.data.split import Paper
from holdfast.execution.base import Executor
from holdfast.io import read
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.grid import run_grid
from holdfast.jobs.paper_table import Reproduction, beside, published, write_reproduction
from holdfast.jobs.summary import EVALUATIONS
from holdfast.runs.folder import Run

__all__ = ["LENGTHS", "Cell", "Table1", "compare", "identify", "paper_table1", "reproduce_table1"]

LENGTHS = (75, 90, 95, 101)
CONTROL = "control"

# A factor is known by any of these in a file's or folder's name, compared without case and punctuation.
_FACTORS = {
    "S": ("haibh1hescsp1pcr1x", "sp1"),
    "M": ("sydhimr90mafkiggrab", "mafk"),
    "Z": ("sydhk562znf143iggrab", "znf143"),
}
_TASKS = ("discovery", "occupancy")
_ATTACKS = {"No Shift": "centre", "Rnd": "random", "Worst": "worst"}
_DEFAULT_MODEL = {"fast": "holdfast", "paper": "pap_megyeri"}


@dataclass(frozen=True, kw_only=True)
class Table1:
    """What to reproduce, and how.

    Parameters
    ----------
    data
        Folder of D_s containers (``.npz``) or data set folders, see :func:`identify`.
    preset
        Of the training.
    model
        None: the preset's (``holdfast`` for fast, ``pap_megyeri`` for paper).
    lengths
        Windows, of :data:`LENGTHS`.
    seed
        Of every run.
    epochs
        None: the preset's.
    """

    data: Path
    preset: str = "fast"
    model: str | None = None
    lengths: tuple[int, ...] = LENGTHS
    seed: int = 0
    epochs: int | None = None

    def __post_init__(self) -> None:
        for length in self.lengths:
            if length not in LENGTHS:
                raise ConfigError(f"length {length}: the paper has {', '.join(map(str, LENGTHS))}")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A data set of the paper: S (SP1), M (MAFK) or Z (ZNF143), motif discovery or occupancy."""

    tf: str
    task: str


def paper_table1() -> pd.DataFrame:
    """Return the published table: tf, length, task, train, eval, accuracy, bold, no_regularisation.

    Examples
    --------
    >>> table = paper_table1()
    >>> len(table), float(table["accuracy"].max())
    (180, 0.9394)
    """
    return published("pap_megyeri_table1")


def identify(name: str) -> Cell:
    """Return which of the paper's data sets a file or folder is, by its name.

    Parameters
    ----------
    name
        Holds a factor (sp1, mafk or znf143, alone or as in wgEncodeAwgTfbsHaibH1hescSp1Pcr1xUniPk) and a task
        (discovery or occupancy).

    Raises
    ------
    InputError
        If the name says none or several of either.

    Examples
    --------
    >>> identify("sp1_h1hesc_discovery.npz")
    Cell(tf='S', task='discovery')
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    factors = [tf for tf, spellings in _FACTORS.items() if any(spelling in plain for spelling in spellings)]
    tasks = [task for task in _TASKS if task in plain]
    if len(factors) != 1 or len(tasks) != 1:
        raise InputError(
            f"{name}: cannot tell which of the paper's data sets this is; rename it so that it holds one of sp1, mafk, "
            "znf143 and one of discovery, occupancy, such as sp1_discovery.npz"
        )
    return Cell(tf=factors[0], task=tasks[0])


def reproduce_table1(asked: Table1, root: Path, executor: Executor, *, progress: Progress = SILENT) -> Reproduction:
    """Run the paper's grid and a control on every data set, and compare.

    Parameters
    ----------
    asked
        What to reproduce.
    root
        Folder of run folders; gets the data sets, the comparison and the report too.
    executor
        Where to run.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If there are no data sets, one cannot be told by its name, or two are the same one.
    """
    cells = _prepare(asked.data, root / "data", progress)
    plan = [row for cell, folder in cells.items() for row in _planned(asked, cell, folder)]
    result = run_grid([experiment for _, experiment in plan], root, executor, progress=progress)
    cell_of = {str(cell_folder): cell for cell, cell_folder in cells.items()}
    model = asked.model or _DEFAULT_MODEL[asked.preset]
    opening = [
        "# Table 1 of Pap & Megyeri (2022)",
        "",
        f"Test accuracy. Ours: model {model}, preset {asked.preset}, seed {asked.seed}. The control is a 6-mer "
        "logistic regression without a sense of position; the paper has none.",
    ]
    return write_reproduction(
        result, compare(result.runs, cell_of), root, name="table1", by=("tf", "task", "length"), opening=opening
    )


def compare(runs: Sequence[Run], cell_of: Mapping[str, Cell]) -> pd.DataFrame:
    """Return our accuracies beside the paper's.

    Parameters
    ----------
    runs
        Finished runs.
    cell_of
        Which of the paper's data sets each run's data folder is.

    Returns
    -------
    DataFrame
        tf, task, length, train, eval, ours, ours_low, ours_high, paper, difference (ours - paper), run. The control
        has no number in the paper.
    """
    rows = [row for run in runs for row in _our_rows(run, cell_of[str(Path(run.config["data"]))])]
    paper = paper_table1().rename(columns={"accuracy": "paper"})
    return beside(rows, paper, ["tf", "task", "length", "train", "eval"])


def _our_rows(run: Run, cell: Cell) -> list[dict[str, Any]]:
    record, result = run.record, run.audit.tasks[0]
    rows = []
    for attack, words in EVALUATIONS.items():
        accuracy = getattr(result, attack)["accuracy"]
        row = {"tf": cell.tf, "task": cell.task, "length": record.window, "eval": words}
        row |= {"train": CONTROL if record.is_control else record.strategy, "run": run.folder.name}
        rows.append(row | {"ours": accuracy.value, "ours_low": accuracy.low, "ours_high": accuracy.high})
    # The whole context has one window: every attack is No Shift.
    return rows[:1] if record.window == record.context else rows


def _prepare(folder: Path, made: Path, progress: Progress) -> dict[Cell, Path]:
    """Return the data set folder of each of the paper's sets that is there, built with the paper's split."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --data is a folder of .npz containers or data set folders")
    found: dict[Cell, Path] = {}
    for path in sorted(folder.iterdir()):
        is_store = (path / "manifest.json").is_file()
        if not is_store and path.suffix != ".npz":
            continue
        cell = identify(path.name)
        if cell in found:
            raise InputError(f"{path}: {found[cell].name} is there too, and both are {cell.tf}/{cell.task}; keep one")
        found[cell] = path
    if not found:
        raise InputError(
            f"{folder}: holds no .npz container and no data set folder; `holdfast list data` names the sets"
        )
    return {cell: _stored(path, made / f"{cell.tf}-{cell.task}", progress) for cell, path in found.items()}


def _stored(path: Path, folder: Path, progress: Progress) -> Path:
    if path.is_dir():
        SequenceDataset.open(path, verify=False)
        return path
    # Built anew each time: the same container gives the same fingerprint, so finished runs are still found.
    with progress.task(f"reading {path.name}", None):
        build(read([path], format="npz"), folder, split=Paper(), overwrite=True)
    return folder


def _planned(asked: Table1, cell: Cell, data: Path) -> list[tuple[Cell, Experiment]]:
    return [
        (cell, experiment)
        for length in asked.lengths
        for train in (*_strategies(length), CONTROL)
        if (experiment := _experiment(asked, cell, data, length=length, train=train))
    ]


def _strategies(length: int) -> tuple[str, ...]:
    return ("No Shift",) if length == max(LENGTHS) else tuple(_ATTACKS)


def _experiment(asked: Table1, cell: Cell, data: Path, *, length: int, train: str) -> Experiment:
    name = asked.model or _DEFAULT_MODEL[asked.preset]
    model: Any = name
    if name == "pap_megyeri" and _is_starred(cell, length, train):
        model = {"name": name, "params": {"regularised": False}}
    page = {
        "data": str(data),
        "shift": {"window": length},
        "model": "kmer" if train == CONTROL else model,
        "attack": _ATTACKS.get(train, "centre"),
        "training": {"preset": asked.preset, "changes": {} if asked.epochs is None else {"epochs": asked.epochs}},
        "seed": asked.seed,
    }
    return Experiment.parse(page, where="reproduce table1")


def _is_starred(cell: Cell, length: int, train: str) -> bool:
    """Return whether the paper trained this row without regularisation."""
    table = paper_table1()
    row = table[(table.tf == cell.tf) & (table.task == cell.task) & (table.length == length) & (table.train == train)]
    return bool(row["no_regularisation"].any())
