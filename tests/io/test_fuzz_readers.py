"""Whatever is in a file, a reader returns sequences or says what is wrong; it never crashes and never hangs."""

import gzip
import io
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from deepsea_writer import halves, write_hdf5, write_matlab, write_npz
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError
from holdfast.io import READERS, LabelledSequences, ReadOptions, read

FUZZ = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


def container() -> bytes:
    x, y = np.eye(4)[np.array([[0, 1, 2], [3, 3, 0]])][:, None], np.eye(2)
    buffer = io.BytesIO()
    np.savez(buffer, x, y, x, y)
    return buffer.getvalue()


def deepsea(kind: str) -> bytes:
    write = {"hdf5": write_hdf5, "matlab": write_matlab, "npz": write_npz}[kind]
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "x.npz", *halves(2, length=4, width=3)).read_bytes()


SEEDS = {
    "fasta": b">a label=1\nACGT\nAC\n>b label=0\nTTTTNN\n>chr1:5-11_shuf label=0\nACGTAC\n",
    "table": b'name,sequence,label\n"a",ACGTAC,1\nb,TTTTTT,0\nchr1:5-11_shuf,NNNNNN,0\n',
    "deepbind": b"FoldID\tEventID\tseq\tBound\nA\ts1_peak\tACGU\t1\nA\ts1_shuf\tACGT\t0\n",
    "zeng": b">chr1:11-14 ACGT 1\n>chr1:11-14_shuf AGCT 0\n>chr2:1-4 ACGT 1\n",
    "zeng_target": b">a\nAC\n>a_shuf\nAG\n",
    "npz": container(),
    "deepsea": deepsea("npz"),
}
MATLAB = {kind: deepsea(kind) for kind in ("hdf5", "matlab")}
# Bytes that mean something to some format.
SNIPPETS = [
    b"\n",
    b"\r",
    b"\r\n",
    b">",
    b"\n>",
    b"\t",
    b",",
    b'"',
    b"\0",
    b"-",
    b" ",
    b"1",
    b"2",
    b"N",
    b"R",
    b"U",
    b"\xff",
]


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    raw = bytearray(seed)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(0, len(raw) - 1)))
        match draw(st.sampled_from(["cut", "flip", "insert", "delete", "repeat", "swap"])):
            case "cut":
                del raw[place:]
            case "flip" if raw:
                raw[place] ^= draw(st.integers(1, 255))
            case "insert":
                raw[place:place] = draw(st.sampled_from(SNIPPETS))
            case "delete":
                del raw[place : place + draw(st.integers(1, 20))]
            case "repeat":
                lines = bytes(raw).splitlines(keepends=True)
                number = draw(st.integers(0, max(0, len(lines) - 1)))
                raw = bytearray(b"".join([*lines[: number + 1], *lines[number:]]))
            case "swap":
                raw = raw[place:] + raw[:place]
    packed = draw(st.sampled_from(["plain", "gz", "cut gz", "flipped gz"]))
    result = bytes(raw)
    if packed != "plain":
        zipped = bytearray(gzip.compress(result, mtime=0))
        place = draw(st.integers(0, len(zipped) - 1))
        if packed == "cut gz":
            del zipped[place:]
        if packed == "flipped gz":
            zipped[place] ^= draw(st.integers(1, 255))
        result = bytes(zipped)
    return result


def assert_read_or_refused(paths: list[Path], name: str, **options: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            records = read(paths, format=name, options=ReadOptions(**options))
    except HoldfastError:
        return
    assert isinstance(records, LabelledSequences)
    assert len(records) > 0
    assert records.codes.max() <= 4


@pytest.mark.parametrize("name", [*SEEDS, "auto"])
@FUZZ
@given(raw=st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, name: str, raw: bytes):
    path = tmp_path / "x"
    path.write_bytes(raw)
    assert_read_or_refused([path], name)


@pytest.mark.parametrize("name", SEEDS)
@FUZZ
@given(data=st.data())
def test_mutated_files_are_read_or_refused_by_their_own_reader(tmp_path: Path, name: str, data: st.DataObject):
    path = tmp_path / "x"
    path.write_bytes(data.draw(mutated(SEEDS[name])))
    options = {} if name in ("npz", "deepsea") else {"unknown_letters": data.draw(st.sampled_from(["n", "refuse"]))}
    paths = [path]
    if name == "zeng_target":
        target = tmp_path / "x.target"
        target.write_bytes(data.draw(mutated(b"1\t0\n0\t1\n")))
        paths.append(target)
    assert_read_or_refused(paths, name, **options)


@pytest.mark.parametrize("name", SEEDS)
@FUZZ
@given(data=st.data())
def test_mutated_files_are_read_or_refused_whatever_they_are_taken_for(tmp_path: Path, name: str, data: st.DataObject):
    path = tmp_path / "x"
    path.write_bytes(data.draw(mutated(SEEDS[name])))
    assert_read_or_refused([path], data.draw(st.sampled_from(["auto", *READERS])))


@pytest.mark.parametrize("kind", ["hdf5", "matlab"])
@FUZZ
@given(data=st.data())
def test_mutated_matlab_files_are_read_or_refused(tmp_path: Path, kind: str, data: st.DataObject):
    path = tmp_path / "x"
    path.write_bytes(data.draw(mutated(MATLAB[kind])))
    assert_read_or_refused([path], "deepsea")


@FUZZ
@given(
    descr=st.sampled_from(["<f8", ">f4", "|u1", "|b1", "|O", "<U3", "<c16", "<M8[s]", "|V9", "<f2", "nonsense"]),
    shape=st.lists(st.sampled_from([-1, 0, 1, 2, 4, 101, 2**40, 2**70]), max_size=5),
    order=st.booleans(),
    body=st.binary(max_size=300),
)
def test_arrays_of_any_header_are_read_or_refused(
    tmp_path: Path, descr: str, shape: list[int], order: bool, body: bytes
):
    header = repr({"descr": descr, "fortran_order": order, "shape": tuple(shape)}).encode().ljust(117) + b"\n"
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as target:
        for name in ("arr_0", "arr_1", "arr_2", "arr_3", "x", "y"):
            target.writestr(f"{name}.npy", raw)
    assert_read_or_refused([path], "npz")
    assert_read_or_refused([path], "deepsea")


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_themselves_are_read(tmp_path: Path, name: str):
    path, target = tmp_path / "x", tmp_path / "x.target"
    path.write_bytes(SEEDS[name])
    target.write_bytes(b"1\t0\n0\t1\n")
    paths = [path, target] if name == "zeng_target" else [path]
    assert len(read(paths, format=name)) >= 2
    assert len(read(paths)) >= 2
