"""Our numbers beside a paper's, for the terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from holdfast.cli.tables import cell, plain_table

__all__ = ["print_comparison"]

# From here on the difference has room beside the two numbers it is made of.
_WIDE = 52


def print_comparison(console: Console, comparison: pd.DataFrame) -> None:
    """Print a table for each transcription factor, task and length.

    Parameters
    ----------
    console
        Where to print.
    comparison
        As :func:`holdfast.jobs.reproduce.compare` returns it.
    """
    wide = console.width >= _WIDE
    columns = ("trained", "attacked", "ours", "paper", *(("difference",) if wide else ()))
    for (tf, task, length), rows in comparison.groupby(["tf", "task", "length"], sort=False):
        console.print(f"\n{tf}, {task}, {length} bp", style="bold", markup=False)
        table = plain_table(*columns)
        table.columns[1].justify = "left"
        for row in rows.to_dict("records"):
            cells = [row["train"], row["eval"], cell(row["ours"], 4), cell(row["paper"], 4)]
            difference = "–" if pd.isna(row["difference"]) else f"{row['difference']:+.4f}"
            table.add_row(*cells, *((difference,) if wide else ()))
        console.print(table, markup=False)
