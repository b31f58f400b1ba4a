"""`holdfast demo`: the main job on simulated data, from nothing to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for data, runs and the report.")] = Path("demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew instead of reusing finished runs.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: 2, or 1 on one core]")] = None,
) -> None:
    """Simulate three factors, train with and without shifts, attack each model every way, write one report.

    No download. A few minutes on two cores.
    """
    from holdfast.cli.grid import print_failures
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.study import print_study
    from holdfast.cli.tables import to_stdout
    from holdfast.jobs.demo import run_demo

    found = run_demo(out, jobs=jobs, fresh=fresh, progress=progress_to_stderr())
    console = to_stdout()
    if found.result.runs:
        for sentence in found.opening:
            console.print(sentence, markup=False)
        print_study(console, found.result.runs)
        console.print()
        for sentence in found.truths:
            console.print(sentence, markup=False)
        console.print(f"\nreport  {found.report}", markup=False, soft_wrap=True)
    print_failures(console, found.result)
