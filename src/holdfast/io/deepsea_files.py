"""The three containers of DeepSEA's examples: MATLAB v7.3 (HDF5), MATLAB v5, and the ``.npz`` of Pap & Megyeri.

All have sequences as one-hot columns A, G, C, T and labels of many tasks, and differ in the order of their axes, which
follows from the container: HDF5 is read as (L, 4, N) and (T, N), MATLAB v5 as (N, 4, L) and (N, T), ``.npz`` as
(N, L, 4) and (N, T).
"""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, whosmat
from scipy.io.matlab import MatReadError, MatReadWarning

from holdfast.core.errors import InputError
from holdfast.dna.codes import Codes
from holdfast.io.members import check_members, explaining_damage, open_member
from holdfast.io.onehot import codes_of

__all__ = ["DeepseaFile", "Rows", "open_deepsea_file"]

ORDER = "AGCT"
_KEYS = {0: ("trainxdata", "traindata"), 1: ("validxdata", "validdata"), 2: ("testxdata", "testdata")}
_BLOCK_BYTES = 1 << 24
# A chunk of an HDF5 file is unpacked whole, so blocks are made of whole chunks up to here.
_LARGEST_BLOCK_BYTES = 1 << 30
_LONGEST = 1 << 20
_HDF5_DAMAGE = (OSError, KeyError, ValueError, RuntimeError, TypeError)
_MATLAB_DAMAGE = (
    MatReadError,
    MatReadWarning,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
)

# From the number of an example: blocks of (n, L) codes and (n, T) labels as the file has them.
Rows = Callable[[int], Iterator[tuple[Codes, NDArray[Any]]]]


@dataclass(frozen=True, kw_only=True)
class DeepseaFile(ABC):
    """One file of examples.

    Parameters
    ----------
    path
        The file.
    part
        The number of the part that its keys name, or None.
    count, length, width
        N examples of L bp with T columns of labels.
    """

    path: Path
    part: int | None
    count: int
    length: int
    width: int

    @property
    def rows_a_block(self) -> int:
        """Examples whose one-hot bytes make a block."""
        return max(1, _BLOCK_BYTES // (4 * self.length))

    def slices(self, first: int, step: int) -> Iterator[slice]:
        """Yield runs of examples, from one on to the last."""
        return (slice(start, min(start + step, self.count)) for start in range(first, self.count, step))

    def coded(self, key: str, bases: NDArray[Any], first: int) -> Codes:
        """Return the codes of (n, L, 4) columns in DeepSEA's order."""
        return codes_of(bases, order=ORDER, where=f"{self.path}, {key}", first=first)

    @abstractmethod
    def opened(self) -> AbstractContextManager[Rows]:
        """Open the file; what it gives yields the blocks from an example on."""


def open_deepsea_file(path: Path) -> DeepseaFile:
    """Return a file's shape and a way to read it, by its content.

    Raises
    ------
    InputError
        If it is none of the three containers, is damaged, lacks an array, or has one of another shape.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    with path.open("rb") as handle:
        start = handle.read(128)
    if start.startswith(b"PK\x03\x04"):
        return _open_npz(path)
    if start.startswith(b"MATLAB 5.0"):
        return _open_matlab(path)
    if start.startswith((b"\x89HDF", b"MATLAB 7.3")):
        return _open_hdf5(path)
    raise InputError(
        f"{path}: begins like none of DeepSEA's files (MATLAB v7.3 or v5, .npz with x and y); unpack it if it is packed"
    )


@dataclass(frozen=True, kw_only=True)
class _Hdf5(DeepseaFile):
    """``train.mat``: chunks along the examples are read whole."""

    keys: tuple[str, str]

    @contextmanager
    def opened(self) -> Iterator[Rows]:
        """Open the file."""
        with _explaining_hdf5(self.path), h5py.File(self.path, "r") as file:
            bases, labels = (file[key] for key in self.keys)

            def rows(first: int) -> Iterator[tuple[Codes, NDArray[Any]]]:
                for block in self.slices(first, self._step(bases)):
                    codes = self.coded(self.keys[0], bases[:, :, block].transpose(2, 0, 1), block.start)
                    yield codes, labels[:, block].T

            yield rows

    def _step(self, bases: Any) -> int:
        """Return whole chunks, unless one alone would be too much to hold."""
        chunk = bases.chunks[2] if bases.chunks else 1
        step = -(-self.rows_a_block // chunk) * chunk
        return step if step * 4 * self.length * bases.dtype.itemsize <= _LARGEST_BLOCK_BYTES else self.rows_a_block


@dataclass(frozen=True, kw_only=True)
class _Matlab(DeepseaFile):
    """``valid.mat``, ``test.mat``: packed as one stream with the examples innermost, so read whole."""

    keys: tuple[str, str]

    @contextmanager
    def opened(self) -> Iterator[Rows]:
        """Read the file."""
        with _explaining_matlab(self.path):
            read = loadmat(self.path, variable_names=list(self.keys))
            bases, labels = (_numbers(self.path, key, read[key]) for key in self.keys)

        def rows(first: int) -> Iterator[tuple[Codes, NDArray[Any]]]:
            for block in self.slices(first, self.rows_a_block):
                yield self.coded(self.keys[0], bases[block].transpose(0, 2, 1), block.start), labels[block]

        yield rows


@dataclass(frozen=True, kw_only=True)
class _Npz(DeepseaFile):
    """``train_e.npz`` and the like: ``x`` and ``y`` side by side, in runs of rows."""

    @contextmanager
    def opened(self) -> Iterator[Rows]:
        """Open the container."""
        with explaining_damage(self.path), zipfile.ZipFile(self.path) as container:
            yield partial(self._rows, container)

    def _rows(self, container: zipfile.ZipFile, first: int) -> Iterator[tuple[Codes, NDArray[Any]]]:
        with (
            open_member(self.path, container, "x") as bases,
            open_member(self.path, container, "y") as labels,
        ):
            step = self.rows_a_block
            pieces, values = (member.pieces(first=first, rows=step) for member in (bases, labels))
            for block in self.slices(first, step):
                yield self.coded("x", next(pieces), block.start), next(values)


def _open_hdf5(path: Path) -> _Hdf5:
    with _explaining_hdf5(path), h5py.File(path, "r") as file:
        part = _part_of(path, list(file))
        keys = _KEYS[part]
        bases, labels = (_dataset(path, key, file) for key in keys)
        shape, of_labels = bases.shape, labels.shape
    expected = "(L, 4, N) and (T, N), as h5py sees MATLAB's arrays"
    _check_shapes(path, keys, (shape, of_labels), axes=((0, 1, 2), (0, 1)), expected=expected)
    return _Hdf5(path=path, part=part, count=shape[2], length=shape[0], width=of_labels[0], keys=keys)


def _open_matlab(path: Path) -> _Matlab:
    with _explaining_matlab(path):
        found = {name: tuple(shape) for name, shape, _ in whosmat(path)}
    part = _part_of(path, list(found))
    keys = _KEYS[part]
    shape, of_labels = (found[key] for key in keys)
    _check_shapes(path, keys, (shape, of_labels), axes=((2, 1, 0), (1, 0)), expected="(N, 4, L) and (N, T)")
    return _Matlab(path=path, part=part, count=shape[0], length=shape[2], width=of_labels[1], keys=keys)


def _open_npz(path: Path) -> _Npz:
    with explaining_damage(path), zipfile.ZipFile(path) as container:
        check_members(path, container, ("x", "y"), what="DeepSEA's examples as .npz have x (N, L, 4) and y (N, T)")
        with open_member(path, container, "x") as bases, open_member(path, container, "y") as labels:
            shape, of_labels = bases.shape, labels.shape
    _check_shapes(path, ("x", "y"), (shape, of_labels), axes=((1, 2, 0), (1, 0)), expected="(N, L, 4) and (N, T)")
    return _Npz(path=path, part=None, count=shape[0], length=shape[1], width=of_labels[1])


def _part_of(path: Path, names: Sequence[str]) -> int:
    found = [part for part, keys in _KEYS.items() if all(key in names for key in keys)]
    if len(found) != 1:
        wanted = ", or ".join(" and ".join(keys) for keys in _KEYS.values())
        raise InputError(
            f"{path}: {'no' if not found else 'more than one'} pair of arrays of DeepSEA's; expected {wanted}; this"
            f" file has {', '.join(names[:10]) or 'none'}"
        )
    return found[0]


def _dataset(path: Path, key: str, file: h5py.File) -> Any:
    found = file[key]
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "biuf" or found.external or found.is_virtual:
        raise InputError(f"{path}, {key}: not an array of numbers in the file itself")
    return found


def _numbers(path: Path, key: str, found: Any) -> NDArray[Any]:
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        raise InputError(f"{path}, {key}: {type(found).__name__}, not an array of numbers")
    return found


def _check_shapes(
    path: Path,
    keys: Sequence[str],
    shapes: tuple[Sequence[int], Sequence[int]],
    *,
    axes: tuple[tuple[int, int, int], tuple[int, int]],
    expected: str,
) -> None:
    """Refuse shapes that are not those expected; ``axes``: where L, 4, N and T, N are."""
    bases, labels = shapes
    fits = len(bases) == 3 and len(labels) == 2 and 0 not in (*bases, *labels) and min(*bases, *labels) > 0
    if fits:
        (length, four, count), (_, labelled) = axes
        fits = bases[four] == 4 and bases[length] <= _LONGEST and bases[count] == labels[labelled]
    if not fits:
        raise InputError(
            f"{path}: {keys[0]} is {tuple(bases)} and {keys[1]} is {tuple(labels)}; expected {expected}, the same N in"
            f" both and at most {_LONGEST} bases"
        )


@contextmanager
def _explaining_hdf5(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except _HDF5_DAMAGE as error:
        raise InputError(f"{path}: not a readable HDF5 file ({error}); fetch it again") from error


@contextmanager
def _explaining_matlab(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatReadWarning)
            yield
    except InputError:
        raise
    except _MATLAB_DAMAGE as error:
        raise InputError(f"{path}: not a readable MATLAB v5 file ({error}); fetch it again") from error
