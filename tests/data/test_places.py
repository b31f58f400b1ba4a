"""Names and coordinates of a stored data set, row by row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.core.errors import InputError
from holdfast.data import places as places_module
from holdfast.data.arrays import PLACES_SCHEMA, Places
from holdfast.data.places import StoredPlaces


def stored(path: Path, *parts: Places) -> StoredPlaces:
    with pq.ParquetWriter(path, PLACES_SCHEMA) as writer:
        for part in parts:
            writer.write_table(part.table())
    return StoredPlaces.read(path)


def test_any_rows_come_back_in_any_order_whatever_was_read_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    names = tuple("é" * int(n) + str(n) for n in rng.integers(0, 9, 50))
    whole = Places(names=names, chrom=tuple(f"chr{n % 3}" for n in range(50)), start=rng.integers(0, 10**9, 50))
    rows = rng.permutation(50)[:20]
    for at_a_time in (7, 1000):
        monkeypatch.setattr(places_module, "ROWS", at_a_time)
        found = stored(tmp_path / "p.parquet", whole.take(np.arange(30)), whole.take(np.arange(30, 50))).take(rows)
        expected = whole.take(rows)
        assert (found.names, found.chrom) == (expected.names, expected.chrom)
        np.testing.assert_array_equal(found.start, expected.start)


def test_coordinates_that_are_not_known_of_all_are_known_of_none(tmp_path: Path) -> None:
    known = Places(names=("a", ""), chrom=("chr1", "chr2"), start=np.array([1, 2]))
    found = stored(tmp_path / "p.parquet", known, Places(names=("c",))).take(np.array([1, 2]))
    assert (found.names, found.chrom, found.start) == (("", "c"), None, None)


def test_no_examples_have_no_places(tmp_path: Path) -> None:
    found = stored(tmp_path / "p.parquet", Places(names=())).take(np.zeros(0, dtype=np.int64))
    assert (found.names, found.chrom, found.start) == ((), None, None)


def test_a_damaged_or_foreign_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match=r"p\.parquet: not readable .* build the data set again"):
        StoredPlaces.read(path)
    pq.write_table(pa.table({"title": ["a"]}), path)
    with pytest.raises(InputError, match="its columns are title"):
        StoredPlaces.read(path)
