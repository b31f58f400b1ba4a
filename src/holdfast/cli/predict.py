"""`holdfast predict`: what a run's model says of sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["predict"]


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder, trained or imported.", show_default=False)],
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Sequences of one length: FASTA, table, npz ...", show_default=False),
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="Table (TSV) to write. [default: stdout]")] = None,
    windows: Annotated[Literal["centre", "all"], typer.Option(help="Which windows of longer sequences.")] = "centre",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Ask a run's model about sequences: a table of name, window start, task, logit and probability."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.core.files import write_text
    from holdfast.jobs.predict import predict as ask

    table = ask(run, files, windows=windows, device=device, progress=progress_to_stderr())
    text = table.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    typer.echo(f"{len(table):,} rows in {out}", err=True)
