"""The D_s container."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.io import members
from holdfast.io.npz import read_npz


def one_hot(codes: list[list[int]]) -> np.ndarray:
    return np.vstack([np.eye(4), np.zeros(4)])[codes][:, None]


@pytest.fixture
def arrays() -> list[np.ndarray]:
    return [one_hot([[0, 1, 2, 3], [4, 4, 3, 3]]), np.eye(2), one_hot([[2, 2, 2, 2]]), np.array([[0.0, 1.0]])]


@pytest.fixture
def container(tmp_path: Path):
    def write(arrays, *, save=np.savez, name: str = "x.npz") -> Path:
        path = tmp_path / name
        save(path, *arrays)
        return path

    return write


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int64, np.bool_, ">f8"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_hot_becomes_codes_and_column_1_is_bound(container, arrays, dtype, save):
    records = read_npz([container([array.astype(dtype) for array in arrays], save=save)])
    assert records.codes.tolist() == [[0, 1, 2, 3], [4, 4, 3, 3], [2, 2, 2, 2]]
    assert records.labels.ravel().tolist() == [0, 1, 1]
    assert records.split.tolist() == [0, 0, 2]
    assert records.names == ("train_0", "train_1", "test_0")


def test_the_singleton_axis_may_be_absent(container, arrays):
    arrays[0], arrays[2] = arrays[0][:, 0], arrays[2][:, 0]
    assert read_npz([container(arrays)]).codes.shape == (3, 4)


def test_pieces_of_any_size_give_the_same_codes(container, monkeypatch):
    codes = np.random.default_rng(0).integers(0, 5, (50, 7)).tolist()
    labels = np.eye(2)[np.arange(50) % 2]
    path = container([one_hot(codes), labels, one_hot(codes), labels])
    monkeypatch.setattr(members, "_PIECE_BYTES", 7 * 4 * 8 * 3)
    assert read_npz([path]).codes.tolist() == codes + codes


def put(array: np.ndarray, where: tuple[int, ...], value: float) -> np.ndarray:
    array = array.copy()
    array[where] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: lambda x: put(x, (1, 0, 2, 0), 1)}, "arr_0: sequence 1, position 2"),
        ({0: lambda x: put(x, (1, 0, 2, 0), 0.25)}, "arr_0: sequence 1, position 2"),
        ({0: lambda x: put(x, (0, 0, 0, 0), np.nan)}, "arr_0: sequence 0, position 0"),
        ({0: lambda x: x.swapaxes(2, 3)[..., :3].copy()}, r"shape \(2, 1, 4, 3\); sequences are"),
        ({0: lambda x: x[:, 0, 0]}, "shape"),
        ({0: lambda x: np.zeros((0, 1, 4, 4))}, "shape"),
        ({0: lambda x: np.zeros((1, 1, (1 << 20) + 1, 4), dtype=np.uint8)}, "windows, not chromosomes"),
        ({0: lambda x: x.astype(object)}, "type object"),
        ({0: lambda x: x.astype(complex)}, "type complex"),
        ({0: np.asfortranarray}, "column by column"),
        ({1: lambda y: y[:1]}, "2 train sequences but 1 labels"),
        ({1: lambda y: np.ones((2, 2))}, "label 0 .* not one-hot"),
        ({1: lambda y: np.zeros((2, 1))}, r"labels are \(N, 2\)"),
        ({2: lambda x: x[:, :, :3]}, "train has 4 bases a sequence, test 3"),
    ],
)
def test_other_arrays_are_refused(container, arrays, change, message: str):
    changed = [change.get(number, lambda array: array)(array) for number, array in enumerate(arrays)]
    with pytest.raises(InputError, match=r"x\.npz.*" + message):
        read_npz([container(changed)])


def test_a_missing_array_is_named(container, arrays):
    with pytest.raises(InputError, match=r"no array arr_3; .*this one has arr_0, arr_1, arr_2"):
        read_npz([container(arrays[:3])])


def test_damaged_containers_are_refused(container, arrays, tmp_path):
    path = container(arrays)
    raw = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04", raw[:-30], raw[: len(raw) // 2], raw.replace(b"NUMPY", b"NUMPX")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.npz"):
            read_npz([path])
    with pytest.raises(InputError, match="no such file"):
        read_npz([tmp_path / "missing.npz"])
    with pytest.raises(InputError, match=r"no \.npz"):
        read_npz([])


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1, 4, 4), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 1, 4, 4), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 1, 4, 4), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1, 4, 4)",
        "((((((((((",
        "__import__('os')",
    ],
)
def test_headers_that_lie_are_refused(container, arrays, tmp_path, header: str):
    good, path = container(arrays, name="good.npz"), tmp_path / "x.npz"
    padded = header.encode().ljust(117) + b"\n"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            raw = source.read(name)
            target.writestr(name, raw if name != "arr_0.npy" else raw[:8] + len(padded).to_bytes(2, "little") + padded)
    with pytest.raises(InputError, match=r"x\.npz"):
        read_npz([path])


def test_the_papers_own_set_has_the_published_counts(real_data):
    records = read_npz([real_data("ds/sp1_h1hesc_discovery.npz")])
    train, test = records.split == 0, records.split == 2
    assert records.codes.shape == (29560, 101)
    assert (train.sum(), test.sum()) == (23648, 5912)
    assert (records.labels[train].sum(), records.labels[test].sum()) == (11833, 2947)
    assert records.codes.max() == 3
    assert len(np.unique(records.codes, axis=0)) == 29560
    for label in (0, 1):
        share = np.bincount(records.codes[records.labels[:, 0] == label].ravel(), minlength=4)
        # Published to three decimals.
        assert np.allclose(share / share.sum(), [0.219, 0.281, 0.282, 0.218], atol=6e-4)
