"""`holdfast list`: what there is to choose from, and the runs there are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["list_names"]


# From here on all columns have room; below it the first two.
_WIDE = 78
_FEW = 2


class Kind(StrEnum):
    """What can be listed."""

    MODELS = "models"
    ATTACKS = "attacks"
    LOSSES = "losses"
    ATTRIBUTIONS = "attributions"
    PERTURBATIONS = "perturbations"
    PRESETS = "presets"
    FORMATS = "formats"
    SPLITS = "splits"
    RUNS = "runs"
    DATA = "data"


def list_names(
    kind: Annotated[Kind, typer.Argument(help="What to list.")] = Kind.RUNS,
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
) -> None:
    """List models, attacks, perturbations, attributions, presets, formats, published data sets, runs and more."""
    from holdfast.cli.tables import plain_table, to_stdout
    from holdfast.jobs.run_table import HEADER, run_rows

    console = to_stdout()
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    if kind is Kind.RUNS:
        header, rows = HEADER, run_rows(runs)
    else:
        from holdfast.jobs.listing import LISTS  # loads every model, which takes seconds

        listed = LISTS[kind.value]()
        few = None if console.width >= _WIDE else _FEW
        header, rows = listed.header[:few], [row[:few] for row in listed.rows]
    table = plain_table(*header)
    for column in table.columns:
        column.justify = "left"
    for row in rows:
        table.add_row(*row)
    if kind is not Kind.RUNS:  # the name of a run may be longer than the line
        for column in table.columns:
            column.no_wrap = all(" " not in str(cell) for cell in column.cells)
    console.print(table, markup=False)
