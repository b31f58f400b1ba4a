"""`holdfast report`: several runs on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or folders of run folders.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
) -> None:
    """Write one report on several runs; unfinished ones in a folder are left out and named."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.report import report_on

    written = report_on(runs, out, progress=progress_to_stderr())
    typer.echo(str(written))
