"""`holdfast grid`: many experiments, some at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.guard import SOME_FAILED
from holdfast.core.files import check_folder

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast.jobs.grid import GridResult

__all__ = ["grid", "print_failures"]


def grid(
    page: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="Grid file: base, product, include, exclude.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Change a path of every experiment.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    out: Annotated[Path | None, typer.Option(help="Folder of the summary and the report. [default: --runs]")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: half the cores]")] = None,
) -> None:
    """Run every experiment of a grid that is not done yet; write summary.csv, summary.md and one report."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.study import print_study
    from holdfast.cli.tables import to_stdout
    from holdfast.execution.local import LocalExecutor
    from holdfast.jobs.grid import load_grid, run_grid
    from holdfast.jobs.summary import write_study

    progress = progress_to_stderr()
    experiments = load_grid(page, sets or [])
    check_folder(out or runs)
    result = run_grid(experiments, runs, LocalExecutor(jobs), progress=progress)
    console = to_stdout()
    if result.runs:
        written = write_study(result.runs, out or runs)
        print_study(console, result.runs)
        console.print(f"\nsummary {written.csv}", markup=False, soft_wrap=True)
        console.print(f"report  {written.report}", markup=False, soft_wrap=True)
    print_failures(console, result)


def print_failures(console: Console, result: GridResult) -> None:
    """Say on stderr what failed, and end with exit code 1 if anything did."""
    for failure in result.failures:
        bug = f"\n{failure.trace}this is a bug of holdfast's; please report it" if failure.trace else ""
        typer.echo(f"failed: {failure.words}: {failure.reason}{bug}", err=True)
    if result.failures:
        total = len(result.failures) + len(result.runs)
        typer.echo(f"{len(result.failures)} of {total} runs failed; the same command tries them again", err=True)
        raise typer.Exit(SOME_FAILED)
