"""Tables of any length in parquet files, a bounded number of rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet as pq

from holdfast.core.files import writing

__all__ = ["read_blocks", "write_blocks"]

# Rows in memory at a time.
ROW_GROUP = 1 << 13


def write_blocks(path: Path, blocks: Iterable[pd.DataFrame]) -> None:
    """Write blocks of one table, whole or not at all.

    Parameters
    ----------
    path
        The file.
    blocks
        One or more, of the same columns; their indices are dropped.
    """
    with writing(path) as handle, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for group in _row_groups(blocks):
            # Threads made anew for each group would each leave memory behind.
            table = pyarrow.Table.from_pandas(group, preserve_index=False, nthreads=1)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(handle, table.schema))
            writer.write_table(table)


def read_blocks(path: Path) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table in their order, a bounded number at a time.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.parquet"
    >>> write_blocks(path, (pd.DataFrame({"number": [n]}) for n in range(3)))
    >>> [block["number"].tolist() for block in read_blocks(path)]
    [[0, 1, 2]]
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=ROW_GROUP, use_threads=False):
            yield batch.to_pandas(use_threads=False)


def _row_groups(blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the blocks joined to groups of at least :data:`ROW_GROUP` rows, so that the file's index stays short."""
    held: list[pd.DataFrame] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= ROW_GROUP:
            yield pd.concat(held)
            held = []
    if held:
        yield pd.concat(held)
