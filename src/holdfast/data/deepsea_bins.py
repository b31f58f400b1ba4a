"""Which bin of DeepSEA's list is which example: chromosomes by name, then start, and the published parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.data.parts import TEST, TRAIN, VALIDATION
from holdfast.dna.bins import Bins

__all__ = ["DeepseaParts"]

AUTOSOMES = tuple(f"chr{number}" for number in range(1, 23))
TEST_CHROMOSOMES = ("chr8", "chr9")
VALIDATION_CHROMOSOME = "chr7"


@dataclass(frozen=True, kw_only=True)
class DeepseaParts:
    """DeepSEA's parts: chr8 and chr9 test; some bins of chr7 validation; the other autosomes train, up to a number.

    Parameters
    ----------
    validation_from
        Validation takes bins of chr7 with this start or a later one ...
    validation_bins
        ... so many of them.
    train_bins
        How many bins train has at most, the first ones in order.

    References
    ----------
    Zhou & Troyanskaya (2015), doi:10.1038/nmeth.3547. The order by name (chr1, chr10, chr11, ...) is that of the
    published files.

    Examples
    --------
    >>> start = np.array([0, 0, 0, 0, 30_508_800])
    >>> bins = Bins.of(["chr2", "chr10", "chr8", "chrX", "chr7"], start, start + 200)
    >>> {part: rows.tolist() for part, rows in DeepseaParts().rows(bins).items()}
    {0: [1, 0], 1: [4], 2: [2]}
    """

    validation_from: int = 30_508_751
    validation_bins: int = 4_000
    train_bins: int = 2_200_000

    def rows(self, bins: Bins) -> dict[int, NDArray[np.int64]]:
        """Return, for each part, the numbers of its bins in DeepSEA's order; bins on other chromosomes are in none.

        Raises
        ------
        InputError
            If no bin lies on an autosome called ``chr1`` to ``chr22``.
        """
        # Bins keeps its names in the order of np.unique, which is not promised: rank them here.
        rank = np.argsort(np.argsort(np.array(bins.names)))
        order = np.lexsort((bins.start, rank[bins.chrom]))
        name = np.array(bins.names)[bins.chrom[order]]
        if not np.isin(name, AUTOSOMES).any():
            raise InputError(
                f"no bin on chr1 to chr22 (there are {', '.join(bins.names[:5])}); DeepSEA's parts go by these names"
            )
        test = np.isin(name, TEST_CHROMOSOMES)
        late = (name == VALIDATION_CHROMOSOME) & (bins.start[order] >= self.validation_from)
        validation = late & (np.cumsum(late) <= self.validation_bins)
        train = np.isin(name, AUTOSOMES) & ~test & ~validation
        return {TRAIN: order[train][: self.train_bins], VALIDATION: order[validation], TEST: order[test]}
