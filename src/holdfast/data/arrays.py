"""The arrays of a data set and its table of names, with what they may hold; in memory or mapped from files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.data.parts import PARTS, TRAIN
from holdfast.dna.codes import UNKNOWN, Codes

__all__ = ["BLOCK_BYTES", "DTYPES", "PLACES_SCHEMA", "Arrays", "Places", "array_digests", "blocks"]

DTYPES: dict[str, np.dtype[Any]] = {
    "codes": np.dtype(np.uint8),
    "labels": np.dtype(np.int8),
    "split": np.dtype(np.uint8),
    "group": np.dtype("<i8"),
    "core": np.dtype("<i4"),
}
PLACES_SCHEMA = pa.schema(
    [pa.field("name", pa.string(), nullable=False), ("chrom", pa.string()), ("start", pa.int64())]
)
BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """The arrays of a data set, in memory or mapped from files; N examples of L bp with T tasks.

    Parameters
    ----------
    codes
        (N, L) uint8.
    labels
        (N, T) int8: 1 bound, 0 unbound, -1 unknown.
    split
        (N,) uint8: see :mod:`holdfast.data.parts`.
    group
        (N,) int64: examples with one number must stay together.
    core
        (N, 2) int32, ``[start, end)`` of the binding core, -1, -1 where it is not known.

    Raises
    ------
    InputError
        If an array has another type or shape, or holds a value that it cannot hold.
    """

    codes: Codes
    labels: NDArray[np.int8]
    split: NDArray[np.uint8]
    group: NDArray[np.int64]
    core: NDArray[np.int32]

    def __post_init__(self) -> None:
        for name, array in self.items():
            if not isinstance(array, np.ndarray):
                raise InputError(f"{name} is of type {type(array).__name__}; expected a numpy array of {DTYPES[name]}")
        if self.codes.ndim != 2 or self.labels.ndim != 2:
            raise InputError(
                f"codes must be (N, L) and labels (N, T), got shapes {self.codes.shape} and {self.labels.shape};"
                " write labels[:, None] for one task"
            )
        if 0 in (self.codes.shape[1], self.labels.shape[1]):
            raise InputError(
                f"codes {self.codes.shape} and labels {self.labels.shape}: there must be at least one base and one task"
            )
        for name, shape in self.shapes(len(self.codes), self.codes.shape[1], self.labels.shape[1]).items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != DTYPES[name]:
                raise InputError(f"{name} is {array.dtype} {array.shape}, expected {DTYPES[name]} {shape}")

    @classmethod
    def completed(
        cls,
        codes: Codes,
        labels: NDArray[np.int8],
        *,
        split: NDArray[np.uint8] | None = None,
        group: NDArray[np.int64] | None = None,
        core: NDArray[np.int32] | None = None,
        first: int = 0,
    ) -> Arrays:
        """Return checked arrays: what is left out is all train, each example its own group, core not known.

        Parameters
        ----------
        codes, labels, split, group, core
            As in :class:`Arrays`.
        first
            Number of the first example; groups are counted from it.

        Raises
        ------
        InputError
            If an array is not what it has to be.
        """
        count = len(codes)
        arrays = cls(
            codes=codes,
            labels=labels,
            split=np.full(count, TRAIN, dtype=np.uint8) if split is None else split,
            group=np.arange(first, first + count, dtype=np.int64) if group is None else group,
            core=np.full((count, 2), -1, dtype=np.int32) if core is None else core,
        )
        arrays.check_values()
        return arrays

    @staticmethod
    def shapes(examples: int, context: int, tasks: int) -> dict[str, tuple[int, ...]]:
        """Return the shape each array has to have."""
        return {
            "codes": (examples, context),
            "labels": (examples, tasks),
            "split": (examples,),
            "group": (examples,),
            "core": (examples, 2),
        }

    def items(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield name and array."""
        return ((name, getattr(self, name)) for name in DTYPES)

    def check_values(self) -> None:
        """Refuse codes above 4, labels other than 1, 0, -1, unknown parts and cores outside the context.

        Raises
        ------
        InputError
            Naming the first example that is wrong.
        """
        context = self.codes.shape[1]
        rows = max(1, BLOCK_BYTES // max(context, 1))
        for start in range(0, len(self.codes), rows):
            block = slice(start, start + rows)
            _refuse_rows(start, (self.codes[block] > UNKNOWN).any(axis=1), "has a code above 4 (A, C, G, T, N = 0..4)")
        _refuse_rows(0, ((self.labels < -1) | (self.labels > 1)).any(axis=1), "has a label other than 1, 0 or -1")
        _refuse_rows(0, self.split >= len(PARTS), f"is in none of the parts {', '.join(PARTS)} (0, 1, 2)")
        first, last = self.core[:, 0], self.core[:, 1]
        legal = ((first == -1) & (last == -1)) | ((first >= 0) & (first < last) & (last <= context))
        _refuse_rows(0, ~legal, f"has a core that is neither inside the {context} bp nor -1, -1")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Name and, where known, coordinates of each example: (N,) each; ``start`` is 0-based."""

    names: tuple[str, ...]
    chrom: tuple[str, ...] | None = None
    start: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[np.int64]) -> Places:
        """Return the places of some rows."""
        picked = rows.tolist()
        return Places(
            names=tuple(self.names[row] for row in picked),
            chrom=None if self.chrom is None else tuple(self.chrom[row] for row in picked),
            start=None if self.start is None else self.start[rows],
        )

    def table(self) -> pa.Table:
        """Return the table that a stored data set keeps; what is not known is null."""
        nothing = [None] * len(self.names)
        columns = (self.names, self.chrom or nothing, nothing if self.start is None else self.start)
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(columns, PLACES_SCHEMA, strict=True)],
            schema=PLACES_SCHEMA,
        )


def array_digests(arrays: Arrays) -> dict[str, str]:
    """Return the SHA-256 of each array's bytes, read in blocks."""
    digests = {}
    for name, array in arrays.items():
        digest = hashlib.sha256()
        for block in blocks(array):
            digest.update(block)
        digests[name] = digest.hexdigest()
    return digests


def blocks(array: NDArray[Any]) -> Iterator[bytes]:
    """Yield the bytes of an array in C order, some rows at a time.

    Examples
    --------
    >>> [list(block) for block in blocks(np.array([[1, 2], [3, 4]], dtype=np.uint8))]
    [[1, 2, 3, 4]]
    """
    rows = max(1, BLOCK_BYTES // max(1, array.itemsize * int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), rows):
        yield array[start : start + rows].tobytes()


def _refuse_rows(first: int, wrong: Any, what: str) -> None:
    if wrong.any():
        raise InputError(f"example {first + int(np.argmax(wrong))} {what}")
