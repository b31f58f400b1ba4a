"""Many intervals at once, as arrays: the bins of a genome-wide data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError

__all__ = ["Bins"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """N intervals, 0-based and half-open.

    Parameters
    ----------
    names
        The chromosomes that occur, each once.
    chrom
        (N,) int32, places in ``names``.
    start, end
        (N,) int64.

    Raises
    ------
    InputError
        If an interval is empty, backwards or before its chromosome's first base, or the arrays do not fit together.

    Examples
    --------
    >>> bins = Bins.of(["chr2", "chr1", "chr2"], [0, 5, 9], [3, 8, 12])
    >>> bins.names, bins.chrom.tolist(), len(bins.take(np.array([0, 2])))
    (('chr1', 'chr2'), [1, 0, 1], 2)
    """

    names: tuple[str, ...]
    chrom: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.chrom) == len(self.start) == len(self.end):
            raise InputError(f"{len(self.chrom)} chromosomes, {len(self.start)} starts, {len(self.end)} ends; one each")
        wrong = (self.start < 0) | (self.end <= self.start)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"interval {row} (counted from 0) is {self.described(row)}; intervals are 0-based half-open,"
                " 0 <= start < end"
            )

    @classmethod
    def of(cls, chrom: object, start: object, end: object) -> Bins:
        """Return the bins of N names, starts and ends."""
        names, number = np.unique(np.asarray(chrom, dtype=str), return_inverse=True)
        return cls(
            names=tuple(names.tolist()),
            chrom=number.astype(np.int32),
            start=np.asarray(start, dtype=np.int64),
            end=np.asarray(end, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: NDArray[np.int64]) -> Bins:
        """Return the bins with these numbers, in this order."""
        return Bins(names=self.names, chrom=self.chrom[index], start=self.start[index], end=self.end[index])

    def described(self, row: int) -> str:
        """Return one bin as ``chrom:start-end``."""
        return f"{self.names[self.chrom[row]]}:{self.start[row]}-{self.end[row]}"
