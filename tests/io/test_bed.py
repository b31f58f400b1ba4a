"""The first three columns of BED."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError, InputError
from holdfast.io.bed import read_bins


def test_columns_beyond_the_third_and_header_lines_are_passed_over(tmp_path: Path) -> None:
    text = "track name=x\nbrowser position\n#chrom\nchr2\t5\t9\tpeak\t7\t+\n\nchr1\t0\t3\n"
    (tmp_path / "x.bed").write_text(text)
    bins = read_bins(tmp_path / "x.bed")
    assert [bins.described(row) for row in range(len(bins))] == ["chr2:5-9", "chr1:0-3"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5", "line 2: .* separated by tabs"),
        ("chr1 5 9", "line 2: .* separated by tabs"),
        ("chr1\t-5\t9", "line 2: .* separated by tabs"),
        ("chr1\t5\t9.5", "line 2"),
        ("chr1\t5\t1_0", "line 2"),
        ("\t5\t9", "line 2"),
        ("chr1\t9\t9", "line 2: end 9 <= start 9"),
        ("chr1\t9\t5", "line 2: end 5 <= start 9; intervals are 0-based half-open"),
    ],
)
def test_other_lines_are_refused_by_number(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "x.bed").write_text(f"chr1\t0\t3\n{line}\n")
    with pytest.raises(InputError, match=rf"x\.bed {message}"):
        read_bins(tmp_path / "x.bed")
    (tmp_path / "x.bed").write_text("#\n")
    with pytest.raises(InputError, match="no interval"):
        read_bins(tmp_path / "x.bed")


@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200), start=st.sampled_from([b"", b"chr1\t0\t9\n", b"chr1\t"]))
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, raw: bytes, start: bytes) -> None:
    (tmp_path / "x").write_bytes(start + raw)
    try:
        bins = read_bins(tmp_path / "x")
    except HoldfastError:
        return
    assert (bins.end > bins.start).all()
