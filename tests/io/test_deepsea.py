"""DeepSEA's files, written here in exactly their shapes."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from deepsea_writer import WIDTH, halves, write_hdf5, write_matlab, write_npz
from scipy.io import savemat

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.edit import reverse_complement
from holdfast.io import ReadOptions, RecordStream, deepsea_files, read, read_stream
from holdfast.io.deepsea import read_deepsea

WRITERS = {"train.mat": write_hdf5, "test.mat": write_matlab, "train_e.npz": write_npz}


@pytest.mark.parametrize("name", WRITERS)
def test_every_container_gives_the_codes_and_the_factor_columns_it_was_made_of(tmp_path: Path, name: str) -> None:
    codes, labels = halves(length=1000)
    labels = labels if name != "train_e.npz" else labels[:, 125:815]
    records = read([WRITERS[name](tmp_path / name, codes, labels)])
    assert np.array_equal(records.codes, codes)
    assert np.array_equal(records.labels, labels[:, 125:815] if name != "train_e.npz" else labels)
    assert (records.tasks[0], records.tasks[-1], len(records.tasks)) == ("tf_001", "tf_690", 690)
    assert records.group.tolist() == [*range(8), *range(8)]
    assert records.names[1] == f"{Path(name).stem}_1"
    assert records.names[9] == f"{Path(name).stem}_1_rc"
    assert (reverse_complement(records.codes[:8]) == records.codes[8:]).all()


@pytest.mark.parametrize(("part", "number"), [("train", 0), ("valid", 1), ("test", 2)])
@pytest.mark.parametrize("write", [write_hdf5, write_matlab])
def test_the_keys_say_the_part(tmp_path: Path, write, part: str, number: int) -> None:
    # The axes follow from the container, whatever the file is called.
    records = read([write(tmp_path / "trainlike.mat", *halves(), part=part)])
    assert set(records.split.tolist()) == {number}


def test_the_npz_form_says_no_part(tmp_path: Path) -> None:
    stream = read_stream([write_npz(tmp_path / "e.npz", *halves())])
    assert not stream.says_parts
    assert stream.gather().split is None


@pytest.mark.parametrize("name", WRITERS)
def test_blocks_of_any_size_give_the_same_records(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = WRITERS[name](tmp_path / name, *halves(20))
    whole = read([path])
    monkeypatch.setattr(deepsea_files, "_BLOCK_BYTES", 4 * 50 * 7)
    # h5py chooses chunks along the examples; seven at a time are asked for here.
    monkeypatch.setattr(deepsea_files, "_LARGEST_BLOCK_BYTES", 4 * 50 * 7)
    stream = read_stream([path])
    blocks = list(stream.blocks())
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 7, 5]
    assert np.array_equal(np.concatenate([block.codes for block in blocks]), whole.codes)
    assert np.array_equal(stream.gather().group, whole.group)
    assert stream.sentence() == whole.source


def test_unknown_labels_are_masked(tmp_path: Path) -> None:
    codes, labels = halves(width=3)
    labels = labels.astype(np.float64)
    labels[2, 1] = np.nan
    records = read([write_matlab(tmp_path / "test.mat", codes, labels)])
    assert records.labels[2, 1] == -1
    assert (records.labels == -1).sum() == 1
    labels[3, 2] = 0.5
    with pytest.raises(InputError, match=r"test\.mat: example 3 has 0\.5 in label column 2"):
        read([write_matlab(tmp_path / "test.mat", codes, labels)])


def test_differing_pairs_are_counted(tmp_path: Path) -> None:
    codes, labels = halves(100, width=3)
    codes[150, 0] ^= 1
    codes[160, 7] ^= 1
    labels[199, 2] ^= 1
    path = write_hdf5(tmp_path / "train.mat", codes, labels)
    assert "(2 of 100 pairs differ, 1 in their labels)" in read([path]).source
    with pytest.raises(InputError, match="keep both"):
        read([path], options=ReadOptions(reverse="drop"))


@pytest.mark.parametrize("name", WRITERS)
def test_reverse_complements_can_be_dropped(tmp_path: Path, name: str) -> None:
    codes, labels = halves(width=690)
    records = read([WRITERS[name](tmp_path / name, codes, labels)], options=ReadOptions(reverse="drop"))
    assert np.array_equal(records.codes, codes[:8])
    assert records.group.tolist() == list(range(8))
    assert records.source.endswith("(0 of 8 pairs differ, 0 in their labels), and were dropped")


def test_halves_that_are_none_are_told_and_cannot_be_dropped(tmp_path: Path) -> None:
    codes, labels = halves(width=3)
    # Reverse complements all the same, but not in the order of the first half.
    codes[8:] = codes[:7:-1]
    path = write_npz(tmp_path / "e.npz", codes, labels)
    records = read([path])
    assert records.group is None
    assert "are not the reverse complements" in records.source
    assert records.names[9] == "e_9"
    with pytest.raises(InputError, match="keep it"):
        read([path], options=ReadOptions(reverse="drop"))
    odd = write_npz(tmp_path / "odd.npz", codes[:15], labels[:15])
    assert read([odd]).group is None


def test_columns_are_chosen_by_number_and_named(tmp_path: Path) -> None:
    codes, labels = halves()
    path, names = write_matlab(tmp_path / "test.mat", codes, labels), tmp_path / "names.txt"
    names.write_text("".join(f"n{number % 200}\n" for number in range(WIDTH)))
    records = read([path], options=ReadOptions(label_columns=["0:2", "598"], task_names=names))
    assert records.tasks == ("n0", "n1", "n198")
    assert np.array_equal(records.labels, labels[:, [0, 1, 598]])
    assert read([path], options=ReadOptions(label_columns=["124:126", "918"])).tasks == (
        "dnase_125",
        "tf_001",
        "histone_104",
    )
    # DeepSEA's own list has names that occur again.
    assert read([path], options=ReadOptions(label_columns=["5", "205"], task_names=names)).tasks == ("n5", "n5#2")
    names.write_text("a\nb\n")
    assert read([path], options=ReadOptions(label_columns=["5", "205"], task_names=names)).tasks == ("a", "b")
    with pytest.raises(InputError, match=r"names\.txt: 2 names; expected one a line for all 919 .* 690 chosen"):
        read([path], options=ReadOptions(task_names=names))


@pytest.mark.parametrize("columns", [["919"], ["5:5"], ["6:5"], ["tf"], ["0:920"], ["-1"], ["3", "2:4"], []])
def test_columns_that_are_none_are_refused(tmp_path: Path, columns: list[str]) -> None:
    path = write_matlab(tmp_path / "test.mat", *halves())
    with pytest.raises(ConfigError, match="label column"):
        read([path], options=ReadOptions(label_columns=columns))


def test_files_of_all_parts_are_one_stream(tmp_path: Path) -> None:
    files = [
        write_hdf5(tmp_path / "train.mat", *halves(6)),
        write_matlab(tmp_path / "valid.mat", *halves(3, seed=1), part="valid"),
        write_matlab(tmp_path / "test.mat", *halves(4, seed=2)),
    ]
    records = read(files)
    assert np.bincount(records.split).tolist() == [12, 6, 8]
    # Six, three and four pairs, none of them shared between files.
    assert np.unique(records.group).tolist() == list(range(13))
    assert records.source.count("reverse complements of the first") == 3


def test_an_array_that_is_not_one_hot_is_named(tmp_path: Path) -> None:
    codes, labels = halves(width=2)
    with h5py.File(write_hdf5(tmp_path / "train.mat", codes, labels), "r+") as file:
        file["trainxdata"][7, :, 5] = [1, 1, 0, 0]
    with pytest.raises(InputError, match=r"trainxdata: sequence 5, position 7 .* is \[1, 1, 0, 0\]"):
        read([tmp_path / "train.mat"])


def rewritten(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write a file of the kind its ending says."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    else:
        savemat(path, arrays)
    return path


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("x.h5", {"trainxdata": np.zeros((5, 4, 6))}, "no pair of arrays .* this file has trainxdata"),
        ("x.h5", {"trainxdata": np.zeros((6, 4, 5)), "traindata": np.zeros((9, 4))}, r"expected \(L, 4, N\)"),
        ("x.h5", {"trainxdata": np.zeros((6, 5, 4)), "traindata": np.zeros((9, 5))}, r"expected \(L, 4, N\)"),
        ("x.h5", {"trainxdata": np.zeros((6, 4)), "traindata": np.zeros((9, 4))}, r"expected \(L, 4, N\)"),
        ("x.h5", {"trainxdata": np.zeros((6, 4, 0)), "traindata": np.zeros((9, 0))}, r"expected \(L, 4, N\)"),
        ("x.h5", {"trainxdata": np.full((2, 4, 2), b"a"), "traindata": np.zeros((9, 2))}, "not an array of numbers"),
        ("x.mat", {"validxdata": np.zeros((5, 4, 6))}, "no pair of arrays"),
        ("x.mat", {"testxdata": np.zeros((5, 6, 4)), "testdata": np.zeros((5, 2))}, r"expected \(N, 4, L\)"),
        ("x.mat", {"testxdata": np.zeros((5, 4, 6)), "testdata": np.full((5, 2), "a")}, "array of numbers"),
        (
            "x.mat",
            {key: np.zeros((5, 4, 6)) for key in ("testxdata", "testdata", "validxdata", "validdata")},
            "more than one pair",
        ),
        ("x.npz", {"x": np.zeros((5, 6, 4))}, "no array y"),
        ("x.npz", {"x": np.zeros((5, 4, 6)), "y": np.zeros((5, 2))}, r"expected \(N, L, 4\)"),
        ("x.npz", {"x": np.zeros((5, 6, 4)), "y": np.zeros((4, 2))}, r"expected \(N, L, 4\)"),
        ("x.npz", {"x": np.zeros((5, 6, 4)), "y": np.full((5, 2), "a")}, "type <U1"),
        ("x.npz", {"x": np.zeros((1, (1 << 20) + 1, 4), dtype=bool), "y": np.zeros((1, 2))}, "at most 1048576"),
    ],
)
def test_files_of_other_contents_are_refused(tmp_path: Path, name: str, arrays, message: str) -> None:
    with pytest.raises(InputError, match=rf"{name}.*{message}"):
        read([rewritten(tmp_path / name, arrays)], format="deepsea")


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, *halves())
    raw = path.read_bytes()
    for damaged in (raw[:-30], raw[: len(raw) // 2], raw[:200], raw[:5], b"", raw[:1000] + b"\0" * 1000 + raw[2000:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=name):
            read([path], format="deepsea")
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read([path], format="deepsea")


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keep or drop"):
        read_deepsea([tmp_path / "x"], reverse="both")
    with pytest.raises(InputError, match="no file"):
        read_deepsea([])
    (tmp_path / "x").write_text(">a\nACGT\n")
    with pytest.raises(InputError, match="begins like none of DeepSEA's files"):
        read([tmp_path / "x"], format="deepsea")


def test_a_virtual_or_external_array_is_refused(tmp_path: Path) -> None:
    # Such a file would make us read another one that it names.
    with h5py.File(tmp_path / "train.mat", "w") as file:
        file.create_dataset("trainxdata", (4, 4, 2), "u1", external=[(str(tmp_path / "other"), 0, 32)])
        file["traindata"] = np.zeros((3, 2))
    with pytest.raises(InputError, match="in the file itself"):
        read([tmp_path / "train.mat"])


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    first = write_hdf5(tmp_path / "train.mat", *halves(length=40, width=3))
    longer = write_matlab(tmp_path / "test.mat", *halves(length=50, width=3))
    with pytest.raises(InputError, match=r"one length: 40 in .*train\.mat.*, 50 in .*test\.mat"):
        read([first, longer])
    partless = write_npz(tmp_path / "e.npz", *halves(length=40, width=3))
    with pytest.raises(InputError, match="every source says its parts or none"):
        RecordStream.chain([read_stream([first]), read_stream([partless])])
