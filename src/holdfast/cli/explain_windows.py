"""`holdfast explain attention`, `temporal` and `interactions`: chosen examples, read in their centre windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli.explain import Data, Device, Index, Part, RunFolder, Task, numbers_of, print_files

if TYPE_CHECKING:
    from rich.table import Table

    from holdfast.jobs.explain import Question
    from holdfast.runs.answers import StoredWindows

__all__ = ["attention", "interactions", "temporal"]

Examples = Annotated[int, typer.Option(min=1, help="So many most fragile and most robust bound ones.")]


def attention(
    run: RunFolder,
    *,
    examples: Examples = 4,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    windows: Annotated[
        Path | None,
        typer.Option(metavar="OUT.fa", help="Also write 20 bp around the greatest attention, of all bound examples."),
    ] = None,
    centre: Annotated[
        Literal["field", "blocks"], typer.Option(help="Of these: the middle of what a step sees, or as published.")
    ] = "field",
    data: Data = None,
    device: Device = None,
) -> None:
    """Lay a model's attention over the bases of chosen examples.

    The maps go into the run folder and its report; asked the same again, they are read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import cell, to_stdout
    from holdfast.jobs.explain_windows import explain_attention, write_attention_windows

    question, progress = _question(examples, index, part, task), progress_to_stderr()
    if windows is not None:  # first: they need no example that is called right
        n = write_attention_windows(run, windows, question, centre=centre, data=data, device=device, progress=progress)
        to_stdout().print(f"wrote   {windows}: {n:,} windows of 20 bp", markup=False, soft_wrap=True)
    found = explain_attention(run, question, data=data, device=device, progress=progress)
    table = _opened(found.found, "layer", "peak at base", "largest")
    for row in range(len(found.found)):
        for number, layer in enumerate(found.found.layers):
            largest = found.found.largest(row, number)
            peak = str(found.found.peak[row, number])
            table.add_row(str(found.found.names[row]), str(layer), peak, cell(largest))
    to_stdout().print(table)
    print_files(found.run, "attention", "report", reused=found.reused)


def temporal(
    run: RunFolder,
    *,
    examples: Examples = 4,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    unread: Annotated[
        Literal["cut", "unknown"], typer.Option(help="What becomes of the bases not read: cut off, or N.")
    ] = "cut",
    data: Data = None,
    device: Device = None,
) -> None:
    """Find what the model would say had it read only so far, from the left and from the right.

    P+ of every prefix and suffix goes into the run folder and its report; asked the same again, it is read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import cell, to_stdout
    from holdfast.jobs.explain_windows import explain_temporal

    question = _question(examples, index, part, task)
    found = explain_temporal(run, question, unread=unread, data=data, device=device, progress=progress_to_stderr())
    table = _opened(found.found, "P+", "bound from the left at base", "from the right at base")
    for row, name in enumerate(found.found.names):
        left, right = found.found.decided(row)
        whole = cell(float(found.found.forward[row, -1]))
        table.add_row(str(name), whole, "–" if left is None else str(left), "–" if right is None else str(right))
    to_stdout().print(table)
    print_files(found.run, "temporal", "report", reused=found.reused)


def interactions(
    run: RunFolder,
    *,
    kind: Annotated[
        Literal["pairs", "gradient", "hessian"], typer.Option(help="Two substitutions, gradients, or Hessians.")
    ] = "pairs",
    start: Annotated[int, typer.Option(min=0, help="First base of the window to look at.")] = 0,
    end: Annotated[int | None, typer.Option(help="Base behind the last one. [default: the window's end]")] = None,
    examples: Examples = 1,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    data: Data = None,
    device: Device = None,
) -> None:
    """Find which pairs of bases of chosen examples act together.

    The maps go into the run folder and its report; asked the same again, they are read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import cell, to_stdout
    from holdfast.jobs.explain_windows import Pairs, explain_interactions

    question, pairs = _question(examples, index, part, task), Pairs(kind=kind, start=start, end=end)
    found = explain_interactions(run, question, pairs, data=data, device=device, progress=progress_to_stderr())
    table = _opened(found.found, "strongest pair", "strength")
    for row, name in enumerate(found.found.names):
        first, second, strength = found.found.strongest(row)
        table.add_row(str(name), f"{first}, {second}", cell(strength))
    to_stdout().print(table)
    if found.found.incomplete is not None and found.found.incomplete.any():
        words = f"{int(found.found.incomplete.sum()):,} of {len(found.found):,} examples"
        to_stdout().print(f"interactions of {words} do not add up to the logit: do not trust them")
    print_files(found.run, "interactions", "report", reused=found.reused)


def _question(examples: int, index: str | None, part: str | None, task: int) -> Question:
    from holdfast.jobs.explain import Question

    return Question(task=task, part=part, n=examples, index=numbers_of(index) if index is not None else ())


def _opened(found: StoredWindows, *columns: str) -> Table:
    """Say what was asked of which examples, and return a table for the answer."""
    from holdfast.cli.tables import plain_table, to_stdout

    to_stdout().print(f"{found.method}; {found.chosen}; task {found.task}", markup=False)
    return plain_table("example", *columns)
