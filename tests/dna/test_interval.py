"""Intervals are 0-based half-open, and wrong ones cannot be made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.dna.interval import Interval


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from(["+", "-", None]))
def test_text_of_an_interval_parses_to_the_interval(start: int, length: int, strand: str | None):
    interval = Interval("chrUn_KI270302v1", start, start + length, strand)
    assert Interval.parse(str(interval), one_based_inclusive=False) == interval
    assert len(interval) == length


def test_one_based_text_has_one_more_base_than_its_difference():
    assert len(Interval.parse("chr1:10-20", one_based_inclusive=True)) == 11
    assert Interval.parse("chr1:10-20", one_based_inclusive=True).start == 9


def test_thousands_separators_and_colons_in_names_are_read():
    assert Interval.parse("HLA-A*01:01:1,000-2,000", one_based_inclusive=False) == Interval("HLA-A*01:01", 1000, 2000)


@pytest.mark.parametrize(
    ("chrom", "start", "end"), [("chr1", 5, 5), ("chr1", 6, 5), ("chr1", -1, 5), ("", 0, 1), ("chr 1", 0, 1)]
)
def test_impossible_intervals_are_refused(chrom: str, start: int, end: int):
    with pytest.raises(InputError):
        Interval(chrom, start, end)


def test_another_strand_is_refused():
    with pytest.raises(InputError, match="strand"):
        Interval("chr1", 0, 1, ".")


@pytest.mark.parametrize(
    "text", ["chr1", "chr1:1", "chr1:-5-10", "chr1:a-b", ":1-2", "", "chr1:1-2(*)", "c:0-" + "9" * 5000]
)
def test_text_that_is_no_interval_is_refused(text: str):
    with pytest.raises(InputError):
        Interval.parse(text, one_based_inclusive=False)


def test_the_first_base_is_1_where_text_is_one_based():
    with pytest.raises(InputError, match="start -1"):
        Interval.parse("chr1:0-10", one_based_inclusive=True)
