"""Arrays in an ``.npz``, read in runs of whole rows: none of them has to fit in memory. Nothing is unpickled."""

from __future__ import annotations

import lzma
import math
import os
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

__all__ = ["Member", "check_members", "explaining_damage", "member_names", "open_member"]

_PIECE_BYTES = 1 << 22
# A row is read whole, so a damaged header must not ask for more than this.
_LONGEST_ROW_BYTES = 1 << 26
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
class Member:
    """One array of a container, opened at its first row.

    Parameters
    ----------
    where
        File and array, for messages.
    shape, dtype
        As its header says.
    stream
        At the first byte of the data.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    stream: IO[bytes]

    def pieces(self, *, first: int = 0, rows: int | None = None) -> Iterator[NDArray[np.generic]]:
        """Yield rows in order, some at a time; once.

        Parameters
        ----------
        first
            The row to begin with.
        rows
            At a time; left out, as many as make 4 MiB.

        Raises
        ------
        InputError
            If the data end early, or a row is longer than 64 MiB.
        """
        row_bytes = self.dtype.itemsize * math.prod(self.shape[1:])
        if row_bytes > _LONGEST_ROW_BYTES:
            raise InputError(f"{self.where}: shape {self.shape}; a data set holds windows, not chromosomes")
        rows = rows or max(1, _PIECE_BYTES // max(row_bytes, 1))
        self.stream.seek(first * row_bytes, os.SEEK_CUR)
        for row in range(first, self.shape[0], rows):
            wanted = min(rows, self.shape[0] - row) * row_bytes
            raw = self.stream.read(wanted)
            if len(raw) != wanted:
                raise InputError(f"{self.where}: the data end at row {row + len(raw) // row_bytes} of {self.shape[0]}")
            yield np.frombuffer(raw, dtype=self.dtype).reshape(-1, *self.shape[1:])


@contextmanager
def explaining_damage(path: Path) -> Iterator[None]:
    """Turn whatever a damaged container raises into an InputError that names it."""
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(f"{path}: not a readable .npz container ({error}); fetch it again") from error


def member_names(container: zipfile.ZipFile) -> tuple[str, ...]:
    """Return the names of the arrays in a container."""
    return tuple(name.removesuffix(".npy") for name in container.namelist() if name.endswith(".npy"))


def check_members(path: Path, container: zipfile.ZipFile, wanted: Sequence[str], *, what: str) -> None:
    """Refuse a container that lacks an array, or has it packed otherwise than numpy does.

    Parameters
    ----------
    path
        For messages.
    container
        Opened.
    wanted
        Names of arrays.
    what
        What a container of this format has.

    Raises
    ------
    InputError
        Naming what is missing and what there is.
    """
    names = member_names(container)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InputError(f"{path}: no array {', '.join(missing)}; {what}; this one has {', '.join(names) or 'none'}")
    for name in wanted:
        info = container.getinfo(f"{name}.npy")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path}: array {name} is encrypted or packed in another way than numpy does")


@contextmanager
def open_member(path: Path, container: zipfile.ZipFile, name: str) -> Iterator[Member]:
    """Open an array of a container at its first row.

    Raises
    ------
    InputError
        If it holds no numbers, or is stored column by column.
    """
    with container.open(f"{name}.npy") as stream:
        yield _with_header(f"{path}, {name}", stream)


def _with_header(where: str, stream: IO[bytes]) -> Member:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise InputError(f"{where}: array format version {version}; save it again with numpy.savez")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, column_major, dtype = read(stream)
    if dtype.kind not in "biuf" or dtype.fields is not None:
        raise InputError(f"{where}: type {dtype}; one-hot arrays are numbers")
    if column_major and len(shape) > 1:
        raise InputError(f"{where}: stored column by column; save numpy.ascontiguousarray of it")
    return Member(where=where, shape=shape, dtype=dtype, stream=stream)
