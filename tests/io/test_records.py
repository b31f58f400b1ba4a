"""Labelled sequences are checked at birth."""

from dataclasses import replace

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.io.records import LabelledSequences


@pytest.fixture
def records() -> LabelledSequences:
    return LabelledSequences(
        codes=np.array([[0, 1, 2], [3, 4, 0], [1, 1, 1]], dtype=np.uint8),
        labels=np.array([[1, 0], [0, -1], [1, 1]], dtype=np.int8),
        names=("a", "b", "c"),
        source="typed by hand",
        tasks=("ctcf", "sp1"),
        chrom=("chr1", "chr2", "chr3"),
        start=np.array([5, 6, 7]),
        group=np.array([0, 0, 4]),
        split=np.array([0, 1, 2], dtype=np.uint8),
    )


def test_take_keeps_every_column_together(records: LabelledSequences):
    taken = records.take(np.array([2, 0]))
    assert taken.names == ("c", "a")
    assert taken.chrom == ("chr3", "chr1")
    assert taken.codes.tolist() == [[1, 1, 1], [0, 1, 2]]
    assert taken.labels.tolist() == [[1, 1], [1, 0]]
    assert [taken.start.tolist(), taken.group.tolist(), taken.split.tolist()] == [[7, 5], [4, 0], [2, 0]]


def test_concatenating_keeps_order_and_keeps_groups_apart(records: LabelledSequences):
    both = LabelledSequences.concatenate([records, replace(records, source="another", group=None)])
    assert len(both) == 6
    assert both.group.tolist() == [0, 0, 4, 5, 6, 7]
    assert both.start.tolist() == [5, 6, 7, 5, 6, 7]
    assert both.source == "typed by hand; another"


def test_coordinates_are_dropped_unless_every_part_has_them(records: LabelledSequences):
    both = LabelledSequences.concatenate([records, replace(records, chrom=None, start=None)])
    assert both.chrom is None
    assert both.start is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": None}, "split"),
        ({"tasks": ("ctcf", "mafk")}, "tasks"),
        ({"codes": np.zeros((3, 4), dtype=np.uint8)}, "one length: 3 .* 4"),
    ],
)
def test_parts_that_do_not_fit_are_refused(records: LabelledSequences, change, message: str):
    with pytest.raises(InputError, match=message):
        LabelledSequences.concatenate([records, replace(records, **change)])


def test_nothing_cannot_be_concatenated():
    with pytest.raises(InputError, match="at least one"):
        LabelledSequences.concatenate([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.zeros((3, 3))}, "uint8"),
        ({"codes": np.zeros(3, dtype=np.uint8)}, "uint8"),
        ({"codes": np.zeros((0, 3), dtype=np.uint8)}, "at least one sequence"),
        ({"codes": np.full((3, 3), 5, dtype=np.uint8)}, "sequence 0 .* has 5"),
        ({"labels": np.zeros((3, 1), dtype=np.int8)}, r"\(3, 2\) int8"),
        ({"labels": np.zeros((3, 2))}, "int8"),
        ({"labels": np.array([[0, 0], [0, 2], [0, 0]], dtype=np.int8)}, "sequence 1 .*'sp1' has 2"),
        ({"names": ("a",)}, "1 names for 3"),
        ({"tasks": ("x", "x")}, "task names"),
        ({"start": None}, "both"),
        ({"chrom": ("chr1",)}, "1 chromosome"),
        ({"start": np.array([-1, 0, 0])}, "start must be at least 0"),
        ({"group": np.array([0, 1])}, "group must be"),
        ({"split": np.array([0, 1, 3], dtype=np.uint8)}, "split must be 0..2"),
        ({"split": np.array([0, 1, 2])}, "split must be a"),
    ],
)
def test_parts_of_other_shapes_types_or_values_are_refused(records: LabelledSequences, change, message: str):
    with pytest.raises(InputError, match=message):
        replace(records, **change)
