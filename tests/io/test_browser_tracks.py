"""Tracks for a genome browser, read back by somebody else's code."""

from pathlib import Path

import numpy as np
import pybigtools
import pytest

from holdfast.core.errors import InputError
from holdfast.io.browser import write_bed, write_bigwig


def test_a_bed_is_sorted_and_its_scores_are_whole_thousandths(tmp_path: Path) -> None:
    start = np.array([7, 5, 90])
    score = np.array([0.0, 1.2, 0.2504])
    write_bed(
        tmp_path / "a.bed",
        chrom=["chr2", "chr2", "chr1"],
        start=start,
        end=start + 3,
        names=["x", "", "z"],
        score=score,
    )
    lines = (tmp_path / "a.bed").read_text().splitlines()
    assert lines == ["chr1\t90\t93\tz\t250", "chr2\t5\t8\t.\t1000", "chr2\t7\t10\tx\t0"]


def test_a_bigwig_holds_each_base_and_the_mean_where_regions_overlap(tmp_path: Path) -> None:
    path = tmp_path / "a.bw"
    values = np.array([[1.0, 2.0, np.nan], [4.0, 8.0, 16.0], [0.5, -0.5, 0.25]])
    write_bigwig(path, chrom=["chr2", "chr2", "chr10"], start=np.array([5, 6, 100]), values=values)
    track = pybigtools.open(str(path))
    assert track.chroms() == {"chr10": 103, "chr2": 9}
    assert list(track.records("chr2")) == [(5, 6, 1.0), (6, 7, 3.0), (7, 8, 8.0), (8, 9, 16.0)]
    assert list(track.records("chr10")) == [(100, 101, 0.5), (101, 102, -0.5), (102, 103, 0.25)]
    assert [one.name for one in tmp_path.iterdir()] == ["a.bw"]


def test_a_track_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no number to write"):
        write_bigwig(tmp_path / "a.bw", chrom=["chr1"], start=np.array([0]), values=np.full((1, 3), np.nan))
