"""Tables of any length in parquet files, a bounded number of rows in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet as pq

from holdfast.core.files import writing
from holdfast.runs.records import TaskAudit

__all__ = ["read_blocks", "task_table", "write_blocks"]

# Rows in memory at a time.
ROW_GROUP = 1 << 13


def task_table(tasks: Sequence[TaskAudit]) -> pd.DataFrame:
    """Return one row for each task.

    Returns
    -------
    DataFrame
        task, n_examples, n_positive, averaged (whether it has both classes, so that label averages count it), then
        ``{clean,random,worst,worst_of_n}_{metric}``, certified_accuracy, consistency and mean_radius_bp.
    """
    rows = []
    for task in tasks:
        row: dict[str, object] = {"task": task.task, "n_examples": task.n_examples, "n_positive": task.n_positive}
        row["averaged"] = 0 < task.n_positive < task.n_examples
        for attack in ("clean", "random", "worst", "worst_of_n"):
            row |= {f"{attack}_{name}": estimate.value for name, estimate in getattr(task, attack).items()}
        row |= {"certified_accuracy": task.certified_accuracy.value, "consistency": task.consistency.value}
        rows.append(row | {"mean_radius_bp": task.mean_radius_bp})
    return pd.DataFrame(rows)


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
