"""Our numbers beside a paper's, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Console

from holdfast.cli.tables import cell, plain_table
from holdfast.jobs.paper_table import heading

__all__ = ["print_comparison"]

# From here on the difference has room beside the two numbers it is made of.
_WIDE = 52


def print_comparison(console: Console, comparison: pd.DataFrame, by: Sequence[str]) -> None:
    """Print a table for each part of the paper's.

    Parameters
    ----------
    console
        Where to print.
    comparison
        As :func:`holdfast.jobs.paper_table.beside` returns it.
    by
        Columns that head a table.
    """
    wide = console.width >= _WIDE
    columns = ("trained", "attacked", "ours", "paper", *(("difference",) if wide else ()))
    for values, rows in comparison.groupby(list(by), sort=False):
        console.print(f"\n{heading(by, values)}", style="bold", markup=False)
        table = plain_table(*columns)
        table.columns[1].justify = "left"
        for row in rows.to_dict("records"):
            cells = [row["train"], row["eval"], cell(row["ours"], 4), cell(row["paper"], 4)]
            difference = "–" if pd.isna(row["difference"]) else f"{row['difference']:+.4f}"
            table.add_row(*cells, *((difference,) if wide else ()))
        console.print(table, markup=False)
