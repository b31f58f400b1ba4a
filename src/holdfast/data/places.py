"""Names and coordinates of a stored data set, of which any rows are read without holding the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.scratch import scratch
from holdfast.data.arrays import PLACES_SCHEMA, Places

__all__ = ["StoredPlaces"]

# Rows, and bytes of the file, in flight while the table is unpacked.
ROWS = 1 << 13
FILE_BYTES = 1 << 16


@dataclass(frozen=True, eq=False)
class _Texts:
    """N texts in a temporary file: text i is ``letters[ends[i] : ends[i + 1]]``."""

    ends: NDArray[np.int64]
    letters: NDArray[np.uint8]

    @classmethod
    def of(cls, path: Path, column: str) -> _Texts:
        """Unpack a column of a parquet file."""
        lengths = [pc.sum(pc.binary_length(part)).as_py() or 0 for part in _read(path, column)]
        texts = cls(scratch((pq.read_metadata(path).num_rows + 1,), np.int64), scratch((sum(lengths),), np.uint8))
        row = end = 0
        for part, length in zip(_read(path, column), lengths, strict=True):
            texts.ends[row + 1 : row + 1 + len(part)] = end + np.cumsum(pc.binary_length(part))
            texts.letters[end : end + length] = np.frombuffer("".join(part.to_pylist()).encode(), dtype=np.uint8)
            row, end = row + len(part), end + length
        return texts

    def take(self, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """Return some of the texts."""
        edges = zip(self.ends[rows].tolist(), self.ends[rows + 1].tolist(), strict=True)
        return tuple(self.letters[start:end].tobytes().decode() for start, end in edges)


@dataclass(frozen=True, eq=False)
class StoredPlaces:
    """Names and, where known of all examples, coordinates, unpacked into temporary files.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "places.parquet"
    >>> pq.write_table(Places(names=("first", "second", "third")).table(), path)
    >>> StoredPlaces.read(path).take(np.array([2, 0])).names
    ('third', 'first')
    """

    names: _Texts
    chrom: _Texts | None
    start: NDArray[np.int64] | None

    @classmethod
    def read(cls, path: Path) -> StoredPlaces:
        """Read the table of a stored data set.

        Raises
        ------
        InputError
            If the file is damaged, or there is no room for temporary files.
        """
        try:
            return cls._unpacked(path)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{path}: not readable ({error}); delete the folder and build the data set again"
            ) from error

    @classmethod
    def _unpacked(cls, path: Path) -> StoredPlaces:
        names = _Texts.of(path, "name")
        if len(names.ends) == 1 or not all(part.null_count == 0 for part in _read(path, "start")):
            return cls(names, None, None)
        if not all(part.null_count == 0 for part in _read(path, "chrom")):
            return cls(names, None, None)
        start: NDArray[np.int64] = scratch((len(names.ends) - 1,), np.int64)
        row = 0
        for part in _read(path, "start"):
            start[row : row + len(part)] = part
            row += len(part)
        return cls(names, _Texts.of(path, "chrom"), start)

    def take(self, rows: NDArray[np.int64]) -> Places:
        """Return the places of some rows."""
        return Places(
            names=self.names.take(rows),
            chrom=None if self.chrom is None else self.chrom.take(rows),
            start=None if self.start is None else self.start[rows],
        )


def _read(path: Path, column: str) -> Iterator[pa.Array]:
    """Yield a column some rows at a time."""
    with pq.ParquetFile(path, buffer_size=FILE_BYTES) as file:
        if not file.schema_arrow.equals(PLACES_SCHEMA):
            raise pa.ArrowInvalid(f"its columns are {', '.join(file.schema_arrow.names)}")
        for batch in file.iter_batches(batch_size=ROWS, columns=[column], use_threads=False):
            yield batch.column(0)
