"""One door for all formats."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.io import READERS, ReadOptions, detect_format, read

TEXTS = {
    "fasta": ">a|1\nACGT\n>b|0\nACGT\n",
    "table": "sequence,label\nACGT,1\n",
    "deepbind": "FoldID\tEventID\tseq\tBound\nA\ts1\tACGT\t1\n",
    "zeng": ">chr1:11-14 ACGT 1\n>chr1:21-24 ACGT 0\n",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", TEXTS)
def test_the_format_is_told_by_the_content(tmp_path: Path, name: str, packed: bool):
    path = tmp_path / "no_ending"
    raw = TEXTS[name].encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert detect_format([path]) == name
    assert read([path]).length == 4
    assert read([path], format=name).length == 4


def test_every_reader_is_told_by_some_content(tmp_path: Path):
    x, y = np.eye(4)[None, None], np.array([[0, 1]])
    np.savez(tmp_path / "x.npz", x, y, x, y)
    np.savez(tmp_path / "e.npz", x=x[0], y=y)
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    (tmp_path / "x.target").write_text("1\t0\n")
    found = {detect_format([tmp_path / "x.npz"]), detect_format([tmp_path / "e.npz"])}
    found |= {detect_format([tmp_path / "x.fa", tmp_path / "x.target"])}
    assert found | set(TEXTS) == set(READERS)


def test_a_fasta_with_a_three_word_header_is_not_zeng_text(tmp_path: Path):
    path = tmp_path / "x.fa"
    path.write_text(">seq1 Homo sapiens\nACGT\n")
    assert detect_format([path]) == "fasta"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["ACGT\n"], "not recognised; it begins with 'ACGT'"),
        (["1 0\n"], "labels without sequences"),
        ([TEXTS["fasta"], TEXTS["table"]], "different formats"),
        ([""], "empty"),
        ([], "no file given"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, texts: list[str], message: str):
    paths = [tmp_path / str(number) for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read(paths)


def test_unknown_formats_and_options_get_a_hint(tmp_path: Path):
    path = tmp_path / "x.fa"
    path.write_text(TEXTS["fasta"])
    with pytest.raises(ConfigError, match="unknown format 'fata': did you mean 'fasta'"):
        read([path], format="fata")
    with pytest.raises(ConfigError, match="format 'fasta' has no option 'sequence_column'"):
        read([path], options=ReadOptions(sequence_column="seq"))


def test_options_reach_the_reader(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("dna,a,b\nACRT,1,0\n")
    records = read([path], options=ReadOptions(unknown_letters="n", sequence_column="dna", label_columns=["a", "b"]))
    assert records.codes.tolist() == [[0, 1, 4, 3]]
    assert records.tasks == ("a", "b")
