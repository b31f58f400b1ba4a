"""FASTA with labels in headers, or as two files."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import encode
from holdfast.io import text as text_module
from holdfast.io.fasta import read_fasta, read_records


@pytest.fixture
def fasta(tmp_path: Path):
    def write(text: str | bytes, name: str = "x.fa") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        ">a label=1\nACGT\n>b label=0\nTTTT\n",
        ">a label=1\nAC\nGT\n>b label=0\nT\nTT\nT",
        ">a label=1\r\nACGT\r\n>b label=0\r\nTTTT\r\n\r\n",
        "\ufeff\n>a label=1\nacgt\n\n>b other words label=0 more\ntttt\n\n\n",
        ">a\tlabel=1\nACGT\n>b\tlabel=0\nTTTT\n",
    ],
    ids=["plain", "several lines", "windows", "mark and blank lines", "tabs"],
)
def test_the_same_records_are_read_however_they_are_laid_out(fasta, text: str):
    for raw in (text.encode(), gzip.compress(text.encode())):
        records = read_fasta([fasta(raw)])
        assert records.names == ("a", "b")
        assert records.labels.tolist() == [[1], [0]]
        assert records.codes.tolist() == [[0, 1, 2, 3], [3, 3, 3, 3]]


@given(
    st.lists(st.text(alphabet="ACGTNacgtn", min_size=7, max_size=7), min_size=1, max_size=8),
    st.integers(1, 9),
    st.integers(1, 40),
)
def test_wrapping_and_block_size_do_not_matter(tmp_path_factory, sequences: list[str], width: int, block: int):
    path = tmp_path_factory.mktemp("fasta") / "x.fa"
    wrapped = ["\n".join(s[i : i + width] for i in range(0, 7, width)) for s in sequences]
    path.write_text("".join(f">r{i}\n{text}\n" for i, text in enumerate(wrapped)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_BLOCK_BYTES", block)
        records = read_records(path)
    assert np.array_equal(records.codes, np.stack([encode(s) for s in sequences]))
    assert records.headers == tuple(f"r{i}" for i in range(len(sequences)))


def test_bare_labels_and_labels_behind_a_bar_are_read(fasta):
    bare = read_fasta([fasta(">1\nAC\n>0\nGT\n")])
    assert bare.labels.ravel().tolist() == [1, 0]
    assert bare.names == ("x.fa#1", "x.fa#2")
    barred = read_fasta([fasta(">a|1 words\nAC\n>b|0\nGT\n")])
    assert barred.labels.ravel().tolist() == [1, 0]
    assert barred.names == ("a", "b")
    twins = read_fasta([fasta(">chr1:5-7|1\nAC\n>chr1:5-7_shuf|0\nGT\n")])
    assert twins.start.tolist() == [5, 5]
    assert twins.group.tolist() == [0, 0]


def test_two_files_without_labels_are_positives_and_negatives(fasta):
    records = read_fasta([fasta(">a\nAC\n>b\nGT\n", "pos.fa"), fasta(">a_shuf\nTT\n", "neg.fa")])
    assert records.labels.ravel().tolist() == [1, 1, 0]
    assert records.group.tolist() == [0, 1, 0]
    assert "pos.fa" in records.source
    assert "neg.fa" in records.source


def test_one_file_without_labels_is_positives_only(fasta):
    records = read_fasta([fasta(">chr1:5-7\nAC\n")])
    assert records.labels.tolist() == [[1]]
    assert records.group is None
    assert (records.chrom, records.start.tolist()) == (("chr1",), [5])


def test_files_with_labels_follow_each_other(fasta):
    paths = [fasta(">a|1\nAC\n", "train.fa"), fasta(">b|0\nGG\n", "test.fa")]
    assert read_fasta(paths).names == ("a", "b")


def test_names_that_are_not_utf8_are_read(fasta):
    assert read_fasta([fasta(">caf\u00e9\nAC\n".encode("latin-1"))]).names == ("caf\u00e9",)


def test_ambiguous_letters_follow_the_policy(fasta):
    path = fasta(">a\nACRT\n")
    assert read_fasta([path], unknown_letters="n").codes.tolist() == [[0, 1, 4, 3]]
    assert "1 ambiguous" in read_fasta([path], unknown_letters="n").source
    with pytest.raises(ConfigError):
        read_fasta([path], unknown_letters="keep")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n>a\nAC\n", "line 1: text before the first '>'"),
        ("\n\n;c\n>a\nAC\n", "line 3: text before the first '>'"),
        (">a\nAC\n>b\n>c\nGT\n", r"line 3 \(record 'b'\): there is no sequence"),
        (">a\nAC\n>b\n", r"line 3 \(record 'b'\): there is no sequence"),
        (">a\nAC\n>\nGT\n", "line 3 .*without a name"),
        (">a\nAC\n> b\nGT\n", "line 3 .*without a name"),
        (">a\nACGT\n>b\nAC\nG\n>c\nACGT\n", r"line 3 \(record 'b'\): 3 bases, but the first sequence has 4"),
        (">a\nACGT\n>b\nAC\n\nG-\n", r"line 6 \(record 'b'\): letter '-' \(base 4\)"),
        (">a\nACGT\n>b\nAC T\n", "line 4 .*letter ' '"),
        (">a\nACGT\n>b\nACUT\n", "line 4 .*RNA"),
        (">a\nACGT\n>b\nACRT\n", "line 4 .*ambiguous"),
        (">a\nAC>GT\n", "line 2 .*letter '>'"),
        (">1\nAC\n>2\nGT\n", "line 3 .*'>2' has no label"),
        (">a label=1\nAC\n>b label=2\nGT\n", "line 3 .*no label 0 or 1"),
        (">a label=1\nAC\n>b\nGT\n", "line 3 .*no label 0 or 1"),
        (">a\nAC\nGT\n>b label=1\nACGT\n", "line 4 .*has a label, but the first"),
        (">a\nAC\n>1\nGT\n", "line 3 .*has a label, but the first"),
        (">a_shuf label=1\nAC\n", "line 1 .*shuffled negative"),
        ("\n\n", "no FASTA record"),
        ("", "empty"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(fasta, text: str, message: str):
    with pytest.raises(InputError, match=r"x\.fa.*" + message):
        read_fasta([fasta(text)])


@pytest.mark.parametrize("block", [1, 5, 17])
def test_line_numbers_of_errors_do_not_depend_on_the_block(fasta, monkeypatch, block: int):
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", block)
    with pytest.raises(InputError, match=r"line 6 \(record 'c'\): letter 'X'"):
        read_fasta([fasta(">a\nACGT\n>b\nACGT\n>c\nAXGT\n")])
    with pytest.raises(InputError, match=r"line 5 .*no label"):
        read_fasta([fasta(">a|1\nAC\n>b|0\nAC\n>c\nAC\n")])


def test_files_that_do_not_go_together_are_refused(fasta):
    plain, labelled = fasta(">a\nAC\n", "a.fa"), fasta(">b|1\nAC\n", "b.fa")
    with pytest.raises(InputError, match=r"b\.fa has labels .*a\.fa has not"):
        read_fasta([plain, labelled])
    with pytest.raises(InputError, match="3 FASTA files without labels"):
        read_fasta([plain, plain, plain])
    with pytest.raises(InputError, match="one length"):
        read_fasta([plain, fasta(">c\nACG\n", "c.fa")])
    with pytest.raises(InputError, match="no FASTA file"):
        read_fasta([])


def test_real_peaks_lie_where_their_names_say(real_data):
    peaks = read_fasta([real_data("peak_seqs/MAFK_hESC.hg19.train.fa")])
    assert peaks.codes.shape == (3900, 200)
    genome = read_records(real_data("genome/chr22_hg38_32000000_32300000.fa.gz")).codes[0]
    start = peaks.start - 32395987  # index i of the slice is hg19 chr22 32395987 + i, 0-based
    inside = (np.array(peaks.chrom) == "chr22") & (start >= 0) & (start + 200 <= len(genome))
    assert inside.any()
    for row in np.flatnonzero(inside):
        assert np.array_equal(genome[start[row] : start[row] + 200], peaks.codes[row])
