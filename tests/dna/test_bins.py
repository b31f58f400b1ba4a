"""Intervals as arrays."""

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.dna.bins import Bins


def test_names_are_kept_once_and_order_is_kept() -> None:
    bins = Bins.of(["chrX", "chr1", "chrX"], [1, 2, 3], [4, 5, 6])
    assert bins.names == ("chr1", "chrX")
    assert [bins.described(row) for row in range(3)] == ["chrX:1-4", "chr1:2-5", "chrX:3-6"]
    assert bins.take(np.array([2, 0])).start.tolist() == [3, 1]


@pytest.mark.parametrize(("start", "end"), [([5], [5]), ([5], [4]), ([-1], [4])])
def test_impossible_intervals_are_refused(start: list[int], end: list[int]) -> None:
    with pytest.raises(InputError, match=r"interval 0 .* 0-based half-open"):
        Bins.of(["a"], start, end)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="2 starts"):
        Bins.of(["a"], [1, 2], [3, 4])
