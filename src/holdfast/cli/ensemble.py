"""`holdfast ensemble`: several finished runs as one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["ensemble"]


def ensemble(
    members: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.", show_default=False)],
    mean: Annotated[Literal["logits", "probabilities"], typer.Option(help="What is averaged.")] = "logits",
    name: Annotated[str | None, typer.Option(help="Of the run. [default: made of data, members and window]")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Average finished runs on one data set, audit them as one model, write its run and report."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import print_audit, to_stdout
    from holdfast.jobs.ensemble import ensemble_of

    run = ensemble_of(members, runs, mean=mean, name=name, device=device, progress=progress_to_stderr())
    console = to_stdout()
    print_audit(console, run.audit)
    console.print(f"\nrun     {run.folder}", markup=False, soft_wrap=True)
    console.print(f"report  {run.path('report')}", markup=False, soft_wrap=True)
