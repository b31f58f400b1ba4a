"""`holdfast compare`: models side by side on a collection of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from holdfast.jobs.compare import Compared

__all__ = ["compare"]


def compare(
    data: Annotated[Path, typer.Option(help="Folder of data sets, or of DeepBind pairs or train and test files.")],
    models: Annotated[
        str, typer.Option(metavar="A,B,...", help="Registered models, or YAML files with model and training.")
    ],
    strategies: Annotated[
        str, typer.Option(metavar="A,B,...", help="Training attacks: centre, random, worst, worst-of-n.")
    ] = "centre",
    window: Annotated[int | None, typer.Option(min=1, help="In bp. [default: the whole context]")] = None,
    seed: Annotated[int, typer.Option(help="Of every run.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="In place of every preset's.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders; data sets go to its folder `data`.")] = Path(
        "runs/compare"
    ),
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time. [default: half the cores]")] = None,
) -> None:
    """Train and audit models on every data set of a folder; AUROC by set, medians, wins, Wilcoxon signed-rank."""
    from holdfast.cli.grid import print_failures
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import to_stdout
    from holdfast.execution.local import LocalExecutor
    from holdfast.jobs.compare import Comparison, compare_models, contender

    asked = Comparison(
        data=data,
        contenders=tuple(contender(name) for name in _words(models)),
        strategies=_words(strategies),
        window=window,
        seed=seed,
        changes=None if epochs is None else {"epochs": epochs},
    )
    found = compare_models(asked, runs, LocalExecutor(jobs), progress=progress_to_stderr())
    console = to_stdout()
    if found.result.runs:
        _print_sets(console, found)
        _print_pairs(console, found)
        console.print(f"\ntable   {found.csv}", markup=False, soft_wrap=True)
        console.print(f"report  {found.report}", markup=False, soft_wrap=True)
    print_failures(console, found.result)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _print_sets(console: Console, found: Compared) -> None:
    from holdfast.cli.tables import cell, plain_table
    from holdfast.jobs.compare import medians

    for strategy, rows in found.table.groupby("strategy", sort=False):
        console.print(f"\nAUROC, clean and worst, trained under {strategy}", style="bold", markup=False)
        table = plain_table("data", "model", "clean", "worst")
        table.columns[1].justify = "left"
        for row in rows.to_dict("records"):
            table.add_row(row["data"], row["model"], cell(row["clean_auroc"], 4), cell(row["worst_auroc"], 4))
        for row in medians(rows).to_dict("records"):
            table.add_row("median", row["model"], cell(row["clean_auroc"], 4), cell(row["worst_auroc"], 4))
        console.print(table, markup=False)


def _print_pairs(console: Console, found: Compared) -> None:
    from holdfast.cli.tables import plain_table

    console.print("\nset by set", style="bold", markup=False)
    table = plain_table("pair", "metric", "wins", "median", "p")
    table.columns[1].justify = "left"
    for row in found.pairs.to_dict("records"):
        wins, median = f"{row['wins_a']}:{row['wins_b']}", f"{row['median_difference']:+.4f}"
        metric = str(row["metric"]).removesuffix("_auroc")
        table.add_row(f"{row['a']} - {row['b']}, {row['strategy']}", metric, wins, median, f"{row['p']:.2g}")
    console.print(table, markup=False)
