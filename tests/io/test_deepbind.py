"""DeepBind's table of events."""

from pathlib import Path

import pytest

from holdfast.core.errors import InputError
from holdfast.io.deepbind import read_deepbind

HEADER = "FoldID\tEventID\tseq\tBound\n"


@pytest.fixture
def deepbind(tmp_path: Path):
    def write(text: str, name: str = "x.seq") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_uracil_is_thymine_and_twins_share_a_group_within_a_file(deepbind):
    first = deepbind(HEADER + "A\ts1_peak\tACGU\t1\nA\ts1_shuf\tacgt\t0\n\n", "a.seq")
    second = deepbind(HEADER + "A\ts1_peak\tACGN\t1\n", "b.seq")
    records = read_deepbind([first, second])
    assert records.codes.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 4]]
    assert records.labels.ravel().tolist() == [1, 0, 1]
    assert records.group.tolist() == [0, 0, 1]
    assert records.chrom is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FoldID\tseq\tBound\nA\tAC\t1\n", "line 1: the header"),
        ("A\ts1\tAC\t1\n", "line 1: the header"),
        (HEADER, "no sequences in this DeepBind file"),
        (HEADER + "A\ts1\tAC\n", "line 2: 3 columns"),
        (HEADER + "A\ts1\tAC\t1\t2\n", "line 2: 5 columns"),
        (HEADER + "A\ts1\tAC\t0.5\n", "line 2: Bound is '0.5'"),
        (HEADER + "A\ts1\tAC\t1\nA\ts2\tACG\t1\n", "line 3: 3 bases"),
        (HEADER + "A\ts1\tAC\t1\n\nA\ts2\tA!\t1\n", "line 4: letter '!'"),
        (HEADER + "A\ts1_shuf\tAC\t1\n", "line 2: 's1_shuf' is a shuffled negative"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(deepbind, text: str, message: str):
    with pytest.raises(InputError, match=r"x\.seq.*" + message):
        read_deepbind([deepbind(text)])


def test_no_file_is_refused():
    with pytest.raises(InputError, match="no DeepBind file"):
        read_deepbind([])


def test_a_real_test_set_is_500_peaks_and_their_shuffles(real_data):
    records = read_deepbind([real_data("deepbind_encode/SP1_GM12878_SP1_HudsonAlpha_B.seq.gz")])
    assert records.codes.shape == (1000, 101)
    assert records.labels.sum() == 500
    assert len(set(records.group.tolist())) == 500


def test_a_real_training_set_holds_positives_only(real_data):
    records = read_deepbind([real_data("deepbind_encode/SP1_GM12878_SP1_HudsonAlpha_AC.seq.gz")])
    assert records.codes.shape == (17748, 101)
    assert records.labels.all()
    assert records.group is None
