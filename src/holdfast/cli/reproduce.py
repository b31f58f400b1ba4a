"""`holdfast reproduce`: a paper's table, beside our numbers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.core.errors import ConfigError

if TYPE_CHECKING:
    from holdfast.jobs.paper_table import Reproduction

__all__ = ["reproduce"]


class PaperTable(StrEnum):
    """Tables that can be reproduced."""

    TABLE1 = "table1"
    TABLE2 = "table2"


class Preset(StrEnum):
    """Presets with a default model."""

    FAST = "fast"
    PAPER = "paper"
    TBINET = "tbinet"


def reproduce(
    table: Annotated[
        PaperTable,
        typer.Argument(help="Of Pap & Megyeri (2022). table1: accuracy under shifts; table2: TBiNet on 690 tasks."),
    ],
    data: Annotated[
        Path,
        typer.Option(help="table1: folder of .npz containers or data set folders named like the paper's; table2: one."),
    ],
    preset: Annotated[
        Preset | None, typer.Option(help="Training preset. [default: fast, and tbinet for table2]")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="[default: holdfast with preset fast, pap_megyeri with paper, tbinet for table2]")
    ] = None,
    lengths: Annotated[
        list[int] | None, typer.Option("--length", help="Again for more. [default: all the paper has]")
    ] = None,
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", help="For table2; again for more. [default: all three]")
    ] = None,
    windows: Annotated[
        int | None, typer.Option(min=0, help="For table2: windows audited per example; 0: all. [default: 20]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every run.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="In place of the preset's.")] = None,
    runs: Annotated[
        Path | None, typer.Option(help="Folder of run folders and results. [default: runs/table1, runs/table2]")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: half the cores]")] = None,
) -> None:
    """Run the paper's grid on the data in a folder and compare: our number, the paper's, the difference."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.execution.local import LocalExecutor

    if table is PaperTable.TABLE1 and (strategies or windows is not None or preset is Preset.TBINET):
        raise ConfigError("--strategy, --windows and preset tbinet are for table2")
    root, executor, progress = runs or Path("runs") / table.value, LocalExecutor(jobs), progress_to_stderr()
    if table is PaperTable.TABLE1:
        from holdfast.jobs import reproduce as one

        first = one.Table1(
            data=data,
            preset=preset.value if preset else "fast",
            model=model,
            lengths=tuple(lengths or one.LENGTHS),
            seed=seed,
            epochs=epochs,
        )
        _show(one.reproduce_table1(first, root, executor, progress=progress))
        return
    from holdfast.core.registry import Spec
    from holdfast.jobs import reproduce_table2 as two

    second = two.Table2(
        data=data,
        model=Spec(name=model or "tbinet"),
        preset=preset.value if preset else "tbinet",
        lengths=tuple(lengths or two.LENGTHS),
        strategies=tuple(strategies or two.STRATEGIES),
        windows=two.N_TRY if windows is None else windows or None,
        seed=seed,
        epochs=epochs,
    )
    _show(two.reproduce_table2(second, root, executor, progress=progress))


def _show(found: Reproduction) -> None:
    from holdfast.cli.comparison import print_comparison
    from holdfast.cli.grid import print_failures
    from holdfast.cli.tables import to_stdout

    console = to_stdout()
    if found.result.runs:
        print_comparison(console, found.comparison, found.by)
        console.print(f"\ntable   {found.csv}", markup=False, soft_wrap=True)
        console.print(f"report  {found.report}", markup=False, soft_wrap=True)
    print_failures(console, found.result)
