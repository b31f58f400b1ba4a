"""The D_s container: an ``.npz`` with one-hot sequences and labels for training and test.

``arr_0`` training sequences (N, 1, L, 4) in A, C, G, T order, ``arr_1`` their labels (N, 2), column 0 unbound, column 1
bound; ``arr_2`` and ``arr_3`` the same for test. The arrays are read in pieces, because as float64 they are 32 times
as large as the codes they become. Pickled objects are never loaded.
"""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.io.records import LabelledSequences

__all__ = ["read_npz"]

_MEMBERS = ("arr_0", "arr_1", "arr_2", "arr_3")
_SPLITS = ("train", "test")
_SPLIT_CODES = (0, 2)
_PIECE_BYTES = 1 << 22
# A row is read whole, so a damaged header must not ask for more than this.
_LONGEST = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    struct.error,
    SyntaxError,
    tokenize.TokenError,
)


@dataclass(frozen=True, kw_only=True)
class _Header:
    """Shape and type of one array, and where it is, for messages."""

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


def read_npz(paths: Sequence[Path]) -> LabelledSequences:
    """Return labelled sequences, with the container's own split into training and test.

    Parameters
    ----------
    paths
        Containers of one sequence length.

    Raises
    ------
    InputError
        If a container is damaged, lacks an array, or has other shapes or types, or a row that is neither one-hot nor
        all zeros (N).

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.npz"
    >>> x, y = np.eye(4)[None, None, [3, 0]], np.array([[0.0, 1.0]])
    >>> np.savez(path, x, y, x, 1 - y)
    >>> records = read_npz([path])
    >>> records.codes.tolist(), records.labels.ravel().tolist(), records.split.tolist()
    ([[3, 0], [3, 0]], [1, 0], [0, 2])
    """
    if not paths:
        raise InputError("no .npz container given")
    return LabelledSequences.concatenate([_read_file(path) for path in paths])


def _read_file(path: Path) -> LabelledSequences:
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    codes, labels = [], []
    with _explaining_damage(path), zipfile.ZipFile(path) as container:
        _check_members(path, container)
        for sequence_member, label_member in (_MEMBERS[:2], _MEMBERS[2:]):
            codes.append(_codes(path, container, sequence_member))
            labels.append(_labels(path, container, label_member))
    for number, name in enumerate(_SPLITS):
        if len(codes[number]) != len(labels[number]):
            raise InputError(f"{path}: {len(codes[number])} {name} sequences but {len(labels[number])} labels")
    if codes[0].shape[1] != codes[1].shape[1]:
        raise InputError(f"{path}: train has {codes[0].shape[1]} bases a sequence, test {codes[1].shape[1]}")
    counts = [len(part) for part in codes]
    return LabelledSequences(
        codes=np.concatenate(codes),
        labels=np.concatenate(labels)[:, None],
        names=tuple(f"{name}_{row}" for name, count in zip(_SPLITS, counts, strict=True) for row in range(count)),
        source=f"D_s container: {path.name}",
        split=np.repeat(np.array(_SPLIT_CODES, dtype=np.uint8), counts),
    )


@contextmanager
def _explaining_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{path}: not a readable .npz container ({error}); fetch it again") from error


def _check_members(path: Path, container: zipfile.ZipFile) -> None:
    members = {
        info.filename.removesuffix(".npy"): info for info in container.infolist() if info.filename.endswith(".npy")
    }
    missing = [name for name in _MEMBERS if name not in members]
    if missing:
        raise InputError(
            f"{path}: no array {', '.join(missing)}; a D_s container has {', '.join(_MEMBERS)} (train sequences and "
            f"labels, test sequences and labels); this one has {', '.join(members) or 'none'}"
        )
    for name in _MEMBERS:
        info = members[name]
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path}: array {name} is encrypted or packed in another way than numpy does")


def _codes(path: Path, container: zipfile.ZipFile, member: str) -> Codes:
    with container.open(f"{member}.npy") as stream:
        header = _read_header(path, member, stream)
        shape = header.shape
        if not (len(shape) in (3, 4) and shape[-1] == 4 and (len(shape) == 3 or shape[1] == 1) and 0 not in shape):
            raise InputError(
                f"{header.where}: shape {shape}; sequences are (N, 1, L, 4) or (N, L, 4), the last axis A, C, G, T"
            )
        if shape[-2] > _LONGEST:
            raise InputError(f"{header.where}: {shape[-2]} bases a sequence; a data set holds windows, not chromosomes")
        coded, row = bytearray(), 0
        for piece in _pieces(header, stream):
            bases = piece.reshape(len(piece), shape[-2], 4)
            coded += _from_one_hot(header.where, bases, row).data
            row += len(piece)
    return np.frombuffer(coded, dtype=np.uint8).reshape(shape[0], shape[-2])


def _from_one_hot(where: str, bases: NDArray[np.generic], row: int) -> Codes:
    ones = bases == 1
    total = ones.sum(axis=2, dtype=np.uint8)
    wrong = (total > 1) | ~(ones | (bases == 0)).all(axis=2)
    if wrong.any():
        example, position = (int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"{where}: sequence {row + example}, position {position} (counted from 0) is "
            f"{bases[example, position].tolist()}; a base is one 1 and three 0, an unknown base four 0"
        )
    codes: Codes = ones.argmax(axis=2).astype(np.uint8)
    codes[total == 0] = UNKNOWN
    return codes


def _labels(path: Path, container: zipfile.ZipFile, member: str) -> NDArray[np.int8]:
    with container.open(f"{member}.npy") as stream:
        header = _read_header(path, member, stream)
        if len(header.shape) != 2 or header.shape[1] != 2 or header.shape[0] == 0:
            raise InputError(f"{header.where}: shape {header.shape}; labels are (N, 2): unbound, bound")
        values = np.concatenate(list(_pieces(header, stream)))
    wrong = ~((values == 0) | (values == 1)).all(axis=1) | ((values == 1).sum(axis=1) != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{header.where}: label {row} (counted from 0) is {values[row].tolist()}, not one-hot")
    bound: NDArray[np.int8] = (values[:, 1] == 1).astype(np.int8)
    return bound


def _read_header(path: Path, member: str, stream: IO[bytes]) -> _Header:
    where = f"{path}, {member}"
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise InputError(f"{where}: array format version {version}; save it again with numpy.savez")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, column_major, dtype = read(stream)
    if dtype.kind not in "biuf" or dtype.fields is not None:
        raise InputError(f"{where}: type {dtype}; one-hot arrays are numbers")
    if column_major and len(shape) > 1:
        raise InputError(f"{where}: stored column by column; save numpy.ascontiguousarray of it")
    return _Header(where=where, shape=shape, dtype=dtype)


def _pieces(header: _Header, stream: IO[bytes]) -> Iterator[NDArray[np.generic]]:
    """Yield an array in runs of whole rows."""
    row_bytes = header.dtype.itemsize * math.prod(header.shape[1:])
    rows = max(1, _PIECE_BYTES // row_bytes)
    for first in range(0, header.shape[0], rows):
        wanted = min(rows, header.shape[0] - first) * row_bytes
        raw = stream.read(wanted)
        if len(raw) != wanted:
            raise InputError(
                f"{header.where}: the data end at row {first + len(raw) // row_bytes} of {header.shape[0]}"
            )
        yield np.frombuffer(raw, dtype=header.dtype).reshape(-1, *header.shape[1:])
