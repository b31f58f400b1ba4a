"""Zeng's text, and FASTA with a target file."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.io.fasta import read_records
from holdfast.io.zeng import read_zeng, read_zeng_target


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "x.txt") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_twins_share_a_group_across_files_and_positions_are_one_based(write):
    train = write(">chr1:11-14 ACGT 1\n>chr2:1-4_shuf AGCT 0\n", "train.txt")
    test = write(">chr1:11-14_shuf\tAGCT\t0\n\n>chr2:1-4 acgt 1\n", "test.txt")
    records = read_zeng([train, test])
    assert records.labels.ravel().tolist() == [1, 0, 0, 1]
    assert records.group.tolist() == [0, 1, 0, 1]
    assert records.chrom == ("chr1", "chr2", "chr1", "chr2")
    assert records.start.tolist() == [10, 0, 10, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a AC 1\n>b AC\n", "line 2: '>b AC' is not"),
        (">a AC 1\nb AC 1\n", "line 2: 'b AC 1' is not"),
        (">a AC 1\n> AC 1\n", "line 2: '> AC 1' is not"),
        (">a AC 1 0\n", "line 1"),
        (">a AC 2\n", "line 1: label '2'"),
        (">a AC 1\n>b ACG 1\n", "line 2: 3 bases"),
        (">a AC 1\n>b A1 1\n", "line 2: letter '1'"),
        (">a_shuf AC 1\n", "line 1: 'a_shuf' is a shuffled negative"),
        ("\n", "no sequences"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(write, text: str, message: str):
    with pytest.raises(InputError, match=r"x\.txt.*" + message):
        read_zeng([write(text)])


def test_column_1_of_a_target_file_is_bound_in_either_order_of_files(write):
    fasta = write(">a\nAC\n>a_shuf\nAG\n", "x.fa")
    target = write("1\t0\n0 1\n\n", "x.target")
    for paths in ([fasta, target], [target, fasta]):
        records = read_zeng_target(paths)
        assert records.labels.ravel().tolist() == [1, 0]
        assert records.group.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("1 0\n", "2 sequences, .* has 1 lines"),
        ("1 0\n1 1\n", r"x\.target line 2: '1 1'"),
        ("1 0\n0\n", r"x\.target line 2"),
        ("0 1\n1 0\n", r"x\.target line 2: 'a_shuf' is a shuffled negative .*other way round"),
        ("labels\n", "2 FASTA and 0 target"),
    ],
)
def test_targets_that_do_not_fit_are_refused(write, target: str, message: str):
    fasta = write(">a\nAC\n>a_shuf\nAG\n", "x.fa")
    with pytest.raises(InputError, match=message):
        read_zeng_target([fasta, write(target, "x.target")])


def test_no_file_is_refused():
    with pytest.raises(InputError):
        read_zeng([])
    with pytest.raises(InputError):
        read_zeng_target([])


def test_real_text_files_hold_twins_with_equal_dinucleotides(real_data):
    names = ("zeng/Dnd41_EZH2.Train_seq.csv", "zeng/Dnd41_EZH2.Test_seq.csv")
    records = read_zeng([real_data(name) for name in names])
    assert records.codes.shape == (3350, 101)
    where = {name: row for row, name in enumerate(records.names)}
    twins = [(row, where[f"{name}_shuf"]) for name, row in where.items() if f"{name}_shuf" in where]
    assert len(twins) > 1600
    for one, other in twins[:200]:
        assert records.group[one] == records.group[other]
        counts = [Counter(pairwise(records.codes[row].tolist())) for row in (one, other)]
        assert counts[0] == counts[1]


def test_real_names_are_one_based(real_data):
    records = read_zeng_target(
        [real_data("zeng/kerasgenomics_CTCF.test.fa"), real_data("zeng/kerasgenomics_CTCF.test.target")]
    )
    assert records.codes.shape == (19544, 101)
    genome = read_records(real_data("genome/chr22_hg38_32000000_32300000.fa.gz")).codes[0]
    start = records.start - 32395987  # index i of the slice is hg19 chr22 32395987 + i, 0-based
    inside = (np.array(records.chrom) == "chr22") & (start >= 0) & (start + 101 <= len(genome))
    inside &= records.labels[:, 0] == 1
    assert inside.any()
    for row in np.flatnonzero(inside):
        assert np.array_equal(genome[start[row] : start[row] + 101], records.codes[row])
