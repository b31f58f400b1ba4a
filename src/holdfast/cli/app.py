"""The `holdfast` command: its parts, and what becomes of an error. Nothing here imports torch, so help is instant."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast import __version__
from holdfast.cli.audit import audit
from holdfast.cli.calibrate import calibrate
from holdfast.cli.compare import compare
from holdfast.cli.data import data_app
from holdfast.cli.demo import demo
from holdfast.cli.ensemble import ensemble
from holdfast.cli.explain import explain_app
from holdfast.cli.explain_model import class_optimisation, importance
from holdfast.cli.explain_windows import attention, interactions, temporal
from holdfast.cli.grid import grid
from holdfast.cli.guard import guarded
from holdfast.cli.import_ import import_
from holdfast.cli.listing import list_names
from holdfast.cli.motifs import motifs_app
from holdfast.cli.predict import predict
from holdfast.cli.report import report
from holdfast.cli.reproduce import reproduce
from holdfast.cli.train import train
from holdfast.core.memory import keep_freed_memory

__all__ = ["app", "main"]

app = typer.Typer(
    name="holdfast",
    help="How far can a shift of the window push a transcription-factor-binding classifier? Exactly.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # square brackets in help are meant
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"holdfast {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    pass


app.command("demo")(guarded(demo))
app.command("train")(guarded(train))
app.command("calibrate")(guarded(calibrate))
app.command("audit")(guarded(audit))
app.command("ensemble")(guarded(ensemble))
app.command("import")(guarded(import_))
app.command("predict")(guarded(predict))
app.command("report")(guarded(report))
app.command("grid")(guarded(grid))
app.command("compare")(guarded(compare))
app.command("reproduce")(guarded(reproduce))
app.command("list")(guarded(list_names))
explain_app.command("class-optimisation")(guarded(class_optimisation))
explain_app.command("importance")(guarded(importance))
explain_app.command("attention")(guarded(attention))
explain_app.command("temporal")(guarded(temporal))
explain_app.command("interactions")(guarded(interactions))
app.add_typer(data_app, name="data")
app.add_typer(explain_app, name="explain")
app.add_typer(motifs_app, name="motifs")


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    keep_freed_memory()
    app()
