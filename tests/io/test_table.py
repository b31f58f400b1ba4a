"""Comma- and tab-separated tables."""

import gzip
from pathlib import Path

import pytest

from holdfast.core.errors import InputError
from holdfast.io import table as table_module
from holdfast.io.table import read_table


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str, name: str = "x.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "sequence,label\nACGT,1\nTTTT,0\n",
        "Label\tSEQ\n1\tACGT\n0\tTTTT",
        '"label","sequence"\r\n"1","ACGT"\r\n\r\n"0.0","tttt"\r\n\r\n',
        "\ufeffsequence, bound\nACGT, 1\nTTTT,0\n",
    ],
    ids=["csv", "tsv", "quoted", "mark and spaces"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_same_rows_are_read_however_they_are_laid_out(tmp_path: Path, text: str, packed: bool):
    path = tmp_path / "x.csv"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    records = read_table([path])
    assert records.codes.tolist() == [[0, 1, 2, 3], [3, 3, 3, 3]]
    assert records.labels.tolist() == [[1], [0]]
    assert records.tasks == ("bound",)
    assert records.names == ("x.csv#1", "x.csv#2")


def test_several_label_columns_are_tasks_and_may_be_unknown(table):
    path = table("id,dna,a,b,c\np1,AC,1,,0\np2,GT,-1,NA,1.0\n")
    records = read_table([path], sequence_column="dna", label_columns=["c", "a", "b"])
    assert records.tasks == ("c", "a", "b")
    assert records.labels.tolist() == [[0, 1, -1], [1, -1, -1]]
    assert records.names == ("p1", "p2")


def test_names_give_coordinates_and_twins(table):
    records = read_table([table("name,seq,label\nchr1:5-7,AC,1\nchr1:5-7_shuf,AC,0\n")])
    assert records.start.tolist() == [5, 5]
    assert records.group.tolist() == [0, 0]


def test_more_rows_than_a_block_keep_their_line_numbers(table, monkeypatch):
    monkeypatch.setattr(table_module, "_ROWS_A_BLOCK", 3)
    rows = [f"AC,{i % 2}" for i in range(10)]
    assert read_table([table("\n".join(["seq,label", *rows]))]).labels.ravel().tolist() == [0, 1] * 5
    rows[7] = "A-,1"
    with pytest.raises(InputError, match=r"x\.csv line 9: letter '-'"):
        read_table([table("\n".join(["seq,label", *rows]))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sequence,label\nACGT,2\n", "line 2: the label of 'bound' is '2'"),
        ("sequence,label\nACGT,\n", "line 2: the label of 'bound' is ''"),
        ("sequence,label\nACGT,-1\n", "line 2: the label"),
        ("sequence,label\nACGT,1\nACG,0\n", "line 3: 3 bases"),
        ("sequence,label\nACGT,1,7\n", "line 2: 3 columns, but the header promises 2"),
        ("sequence,label\nACGT\n", "line 2: 1 columns"),
        ("sequence,label\n,\n", "line 2"),
        ("sequence,label\n,1\n", "line 2: there is no sequence"),
        ("sequence,label\nAC GT,1\n", "line 2: letter ' '"),
        ("sequence,label,label\nAC,1,1\n", "line 1: column 'label' is there more than once"),
        ("sequence,seq,label\nAC,AC,1\n", "line 1: 2 columns are called sequence or seq"),
        ("dna,label\nAC,1\n", "line 1: no column is called sequence or seq"),
        ("sequence,y\nAC,1\n", "line 1: no column is called label"),
        ("sequence label\nAC 1\n", "neither commas nor tabs"),
        ("sequence,label\n", "no sequences below the header"),
        ('sequence,label\n"AC,1\n', "not a readable table row"),
        ("name,seq,label\na_shuf,AC,1\n", "line 2: 'a_shuf' is a shuffled negative"),
        ("\n\n", "neither commas nor tabs"),
        ("", "empty"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(table, text: str, message: str):
    with pytest.raises(InputError, match=r"x\.csv.*" + message):
        read_table([table(text)])


def test_columns_the_user_names_must_exist_and_serve_once(table):
    path = table("sequence,label\nAC,1\n")
    with pytest.raises(InputError, match="no column 'labels': did you mean 'label'"):
        read_table([path], label_columns=["labels"])
    with pytest.raises(InputError, match="serve once"):
        read_table([path], label_columns=["label", "label"])
    with pytest.raises(InputError, match="serve once"):
        read_table([path], label_columns=["sequence"])
    with pytest.raises(InputError, match="at least one"):
        read_table([path], label_columns=[])
    with pytest.raises(InputError, match="no table"):
        read_table([])


def test_real_gue_tables_have_half_their_sequences_bound(real_data):
    records = read_table([real_data("gue_tf/0.train.csv.gz"), real_data("gue_tf/0.test.csv.gz")])
    assert records.codes.shape == (32378 + 1000, 101)
    assert records.labels[-1000:].sum() == 500
