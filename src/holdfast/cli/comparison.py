"""Our numbers beside a paper's, for the terminal."""

from __future__ import annotations

import pandas as pd
from rich.console import Console

from holdfast.cli.tables import cell, plain_table

__all__ = ["print_comparison"]


def print_comparison(console: Console, comparison: pd.DataFrame) -> None:
    """Print a table for each transcription factor, task and length.

    Parameters
    ----------
    console
        Where to print.
    comparison
        As :func:`holdfast.jobs.reproduce.compare` returns it.
    """
    for (tf, task, length), rows in comparison.groupby(["tf", "task", "length"], sort=False):
        table = plain_table("trained", "attacked", "ours", "paper", "ours - paper")
        console.print(f"\n{tf}, {task}, {length} bp", style="bold", markup=False)
        table.columns[1].justify = "left"
        for row in rows.to_dict("records"):
            difference = "–" if pd.isna(row["difference"]) else f"{row['difference']:+.3f}"
            table.add_row(row["train"], row["eval"], cell(row["ours"]), cell(row["paper"]), difference)
        console.print(table, markup=False)
