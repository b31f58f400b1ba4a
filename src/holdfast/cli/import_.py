"""`holdfast import`: a published model as a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.core.errors import ConfigError

__all__ = ["import_"]


def import_(
    file: Annotated[
        Path, typer.Argument(help="Keras 1 or 2 model (HDF5), or DeepBind's parameters (text).", show_default=False)
    ],
    *,
    name: Annotated[str | None, typer.Option(help="Of the run. [default: the file's]")] = None,
    window: Annotated[int | None, typer.Option(min=1, help="Bases the model reads. [default: the file's]")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ACGT", help="Order of the bases in the file. [default: the family's]")
    ] = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Constant for a track, or for static features (one, or a list)."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
) -> None:
    """Turn a published model file into a run, which can be audited and asked for predictions.

    Nothing in the file is executed. A file that is not what it has to be is refused with the layer named.
    """
    from holdfast.cli.tables import to_stdout
    from holdfast.jobs.import_model import import_model
    from holdfast.models.published import Wanted

    constants = dict(_constant(text) for text in assume or [])
    wanted = Wanted(columns=columns, window=window, assume=constants)
    run = import_model(file, runs, name=name, wanted=wanted)
    record, console = run.record, to_stdout()
    console.print(record.model_words, markup=False, soft_wrap=True)
    for note in record.extra["source"]["notes"]:
        console.print(f"note    {note}", markup=False, soft_wrap=True)
    console.print(f"window  {record.window} bp", markup=False)
    console.print(f"\nrun     {run.folder}", markup=False, soft_wrap=True)


def _constant(text: str) -> tuple[str, list[float]]:
    """Return a name and its numbers; without a number float() refuses the empty text."""
    name, _, numbers = text.partition("=")
    try:
        return name, [float(number) for number in numbers.split(",")]
    except ValueError as error:
        raise ConfigError(f"--assume {text}: expected name=number, or static=number,number,...") from error
