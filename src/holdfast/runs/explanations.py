"""Explanations in a run folder: maps of chosen windows in one npz, what every shift does to them in a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.runs.arrays import AskedWindows, read_arrays, write_arrays
from holdfast.runs.files import STABILITY_COLUMNS
from holdfast.runs.folder import Run
from holdfast.runs.tables import write_blocks

__all__ = [
    "StoredMaps",
    "read_maps",
    "read_stability_table",
    "write_maps",
    "write_stability_table",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredMaps(AskedWindows):
    """Maps of N windows, several of one example.

    Parameters
    ----------
    context
        L.
    role
        (N,) what the window is to its example: ``first`` (the leftmost legal one), ``centre`` or ``worst``.
    offset
        (N,) where the window starts in its context.
    per_base
        (N, W) float32 contributions of the bases that are there.
    hypothetical
        (N, 4, W) float16, rows A, C, G, T, for methods that have them.
    gap
        (N,) completeness gaps, for methods that promise completeness.
    incomplete
        (N,) bool: the gap is too large.
    chrom, start
        (N,) where the contexts lie, 0-based, if known.
    """

    context: int
    role: NDArray[Any]
    offset: NDArray[np.int64]
    per_base: NDArray[np.float32]
    hypothetical: NDArray[np.float16] | None = None
    gap: NDArray[np.float32] | None = None
    incomplete: NDArray[np.bool_] | None = None
    chrom: NDArray[Any] | None = None
    start: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        values = (getattr(self, field.name) for field in fields(self))
        rows = {len(value) for value in values if isinstance(value, np.ndarray)}
        if len(rows) != 1 or self.per_base.shape != self.codes.shape:
            raise ValueError("its arrays do not agree")


def write_maps(run: Run, maps: StoredMaps) -> None:
    """Write maps of chosen windows."""
    write_arrays(run, "attributions", maps)


def read_maps(run: Run) -> StoredMaps:
    """Return the maps of a run's chosen windows.

    Raises
    ------
    InputError
        If they are not there or the file is garbled; the message names the command that brings them back.
    """
    return read_arrays(run, "attributions", StoredMaps)


def write_stability_table(run: Run, blocks: Iterable[pd.DataFrame]) -> None:
    """Write what every shift does to the explanation of each example, given in one block or more.

    Raises
    ------
    KeyError
        If a column of :data:`~holdfast.runs.files.STABILITY_COLUMNS` is missing.
    """
    write_blocks(run.path("stability_table"), (block[list(STABILITY_COLUMNS)] for block in blocks))


def read_stability_table(run: Run) -> pd.DataFrame:
    """Return one row per example, columns :data:`~holdfast.runs.files.STABILITY_COLUMNS`; the last five hold L numbers.

    Raises
    ------
    InputError
        If the table is not there or garbled.
    """
    run.require("stability_table")
    path, remedy = run.path("stability_table"), f"run `holdfast explain stability {run.folder}`"
    try:
        table = pd.read_parquet(path)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); {remedy}") from error
    missing = [column for column in STABILITY_COLUMNS if column not in table]
    if missing:
        raise InputError(f"{path}: no column '{missing[0]}'; expected {', '.join(STABILITY_COLUMNS)}; {remedy}")
    return table[list(STABILITY_COLUMNS)]
