"""Coordinates and twins from names."""

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.io.names import coordinates, refuse_bound_twins, twin_groups


def test_the_frame_follows_from_the_length():
    assert coordinates(["chr1:100-110", "chrX:0-10(-)"], 10)[1].tolist() == [100, 0]
    assert coordinates(["chr1:100-109_shuf", "chrX:1-10(+)_shuf"], 10)[1].tolist() == [99, 0]


@pytest.mark.parametrize(
    "names",
    [
        ["peak_1"],
        ["chr1:100-110", "peak"],
        ["chr1:100-110", "chr1:100-109"],  # two frames
        ["chr1:100-150"],  # another length
        ["chr1:0-9"],  # 1-based, but before the first base
        ["chr1:-5-5"],
        ["chr1:a-b"],
        ["chr1:5", "chr1:5-15-25"],
        ["chr1:5-15\nchr2:5-15", "chr1"],
        ["chr1:" + "9" * 30 + "-" + "9" * 30],
        ["chr1:" + "9" * 5000 + "-10"],
        [":-"],
    ],
)
def test_names_that_leave_doubt_give_no_coordinates(names: list[str]):
    assert coordinates(names, 10) == (None, None)


def test_twins_share_a_group_and_without_shuffles_there_are_none():
    assert twin_groups(["s1_peak", "s2_peak", "s2_shuf", "s1_shuf"]).tolist() == [0, 1, 1, 0]
    assert twin_groups(["s1_peak", "s2_peak"]) is None
    assert twin_groups(["a_shuffled", "a"]) is None


def test_a_bound_shuffle_is_refused_and_an_unbound_one_is_not():
    refuse_bound_twins(["a", "a_shuf"], [1, 0], locate=str)
    with pytest.raises(InputError, match="1: 'a_shuf'"):
        refuse_bound_twins(["a", "a_shuf"], np.array([0, 1]).tolist(), locate=str)
