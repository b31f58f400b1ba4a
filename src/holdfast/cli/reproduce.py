"""`holdfast reproduce`: a paper's table, beside our numbers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["reproduce"]


class PaperTable(StrEnum):
    """Tables that can be reproduced."""

    TABLE1 = "table1"


class Preset(StrEnum):
    """Presets with a default model."""

    FAST = "fast"
    PAPER = "paper"


def reproduce(
    table: Annotated[PaperTable, typer.Argument(help="table1: Pap & Megyeri (2022), accuracy under shifts.")],
    data: Annotated[Path, typer.Option(help="Folder of .npz containers or data set folders named like the paper's.")],
    preset: Annotated[Preset, typer.Option(help="Training preset.")] = Preset.FAST,
    model: Annotated[
        str | None, typer.Option(help="[default: holdfast with preset fast, pap_megyeri with preset paper]")
    ] = None,
    lengths: Annotated[list[int] | None, typer.Option("--length", help="Again for more. [default: all four]")] = None,
    seed: Annotated[int, typer.Option(help="Of every run.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="In place of the preset's.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders; data sets go to its folder `data`.")] = Path(
        "runs/table1"
    ),
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: half the cores]")] = None,
) -> None:
    """Run the paper's grid on the sets in a folder and compare: our number, the paper's, the difference."""
    from holdfast.cli.comparison import print_comparison
    from holdfast.cli.grid import print_failures
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import to_stdout
    from holdfast.execution.local import LocalExecutor
    from holdfast.jobs.reproduce import LENGTHS, Table1, reproduce_table1

    asked = Table1(
        data=data, preset=preset.value, model=model, lengths=tuple(lengths or LENGTHS), seed=seed, epochs=epochs
    )
    found = reproduce_table1(asked, runs, LocalExecutor(jobs), progress=progress_to_stderr())
    console = to_stdout()
    if found.result.runs:
        print_comparison(console, found.comparison)
        console.print(f"\ntable   {found.csv}", markup=False, soft_wrap=True)
        console.print(f"report  {found.report}", markup=False, soft_wrap=True)
    print_failures(console, found.result)
