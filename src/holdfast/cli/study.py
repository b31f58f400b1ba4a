"""The table of the field: trained one way per row, attacked another way per column."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from holdfast.cli.tables import cell, plain_table
from holdfast.jobs.summary import EVALUATIONS, summary
from holdfast.runs.folder import Run

__all__ = ["print_study"]


def print_study(console: Console, runs: Sequence[Run]) -> None:
    """Print accuracy by training strategy and attack, for each data set, window and task.

    Parameters
    ----------
    console
        Where to print.
    runs
        Finished runs.
    """
    for title, rows in summary(runs).groupby("setting", sort=False):
        console.print(f"\n{title}", style="bold", markup=False)
        table = plain_table("trained", *EVALUATIONS.values())
        for row in rows.to_dict("records"):
            table.add_row(row["label"], *(cell(row[f"{attack}_accuracy"]) for attack in EVALUATIONS))
        console.print(table, markup=False)
