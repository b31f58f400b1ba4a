"""Tables for the terminal, from 40 columns upward. Numbers come from run folders; nothing is computed here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table

from holdfast.runs.records import AdversaryAudit, AuditRecord, Estimate, LabelAverages, TaskAudit

__all__ = ["cell", "plain_table", "print_audit", "to_stdout"]

_METRICS = {
    "accuracy": "accuracy",
    "auroc": "AUROC",
    "aupr_trapezoid": "AUPR",
    "average_precision": "AP",
    "mcc": "MCC",
    "log_loss": "log loss",
}
# From here on the intervals and the worst-of-n column fit.
_WIDE = 78
_MAX_TASKS = 8
# What stays whole: numbers of so many characters, words of so many (an accession of JASPAR).
_NUMBER = 12
_WORD = 8


def to_stdout() -> Console:
    """Return the console for what a command was asked for."""
    return Console(highlight=False)


class PlainTable(Table):
    """A table that becomes a list where it is too wide: no number is broken in two, and nothing cut off.

    Long words and a motif's letters may go on in the next line. Where a column would have less than their share, each
    row is told in lines of its own, the column's name before the value.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the table, or the list."""
        room = options.max_width - 3 * len(self.columns) + 1
        widths, least = zip(*(_widths(column, console, options) for column in self.columns), strict=True)
        if sum(least) > room:
            yield from self._records(options.max_width)
            return
        for column, width in zip(self.columns, _fitted(widths, least, room), strict=True):
            column.width = width
        yield from super().__rich_console__(console, options)

    def _records(self, width: int) -> RenderResult:
        for row in zip(*(column.cells for column in self.columns), strict=True):
            record = Table.grid(padding=(0, 2))
            record.add_column(max_width=width // 2, overflow="fold")
            record.add_column(overflow="fold")
            for column, value in zip(self.columns, row, strict=True):
                record.add_row(column.header, value)
            yield record
            yield ""


def _widths(column: Column, console: Console, options: ConsoleOptions) -> tuple[int, int]:
    """Return the width of a column at ease, and the least that it can do with."""
    sizes = [Measurement.get(console, options, text) for text in (column.header, *column.cells)]
    width = max(size.maximum for size in sizes)
    share = _NUMBER if column.justify == "right" else _WORD
    return width, width if column.no_wrap else min(share, max(size.minimum for size in sizes))


def _fitted(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return widths that add up to the room or less; who has most to give gives first."""
    fitted = list(widths)
    while sum(fitted) > room:
        spare = [width - need for width, need in zip(fitted, least, strict=True)]
        fitted[spare.index(max(spare))] -= 1
    return fitted


def plain_table(*columns: str) -> PlainTable:
    """Return an empty table in the house's look: the first column words, the others numbers."""
    table = PlainTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    return table


def cell(value: float, digits: int = 3) -> str:
    """Return a number, or a dash where there is none.

    Examples
    --------
    >>> cell(0.76543), cell(float("nan"))
    ('0.765', '–')
    """
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def print_audit(console: Console, record: AuditRecord) -> None:
    """Print what an audit found, a table for each of the first tasks."""
    shift = record.shift
    console.print(f"{shift.words}; {record.part}; {record.n_windows_scanned:,} windows scanned", markup=False)
    if not record.is_exact:
        words = (
            f"{record.n_sampled} windows drawn for each example: worst-case numbers are bounds, the truth is no better"
        )
        console.print(words, markup=False)
    if record.strands != "given":
        console.print("mean probability of both strands", markup=False)
    if record.averages is not None:
        _print_averages(console, record.averages, record.n_try)
    for task in record.tasks[:_MAX_TASKS]:
        console.print(f"\n{task.task}: {task.n_examples:,} examples, {task.n_positive:,} bound", markup=False)
        wide = console.width >= _WIDE
        console.print(_metric_table(task, record.n_try, wide=wide))
        _print_exact(console, task, wide=wide, windows="window" if record.is_exact else "drawn window")
        _print_adversaries(console, [row for row in record.adversaries if row.task == task.task], wide=wide)
    if len(record.tasks) > _MAX_TASKS:
        console.print(f"and {len(record.tasks) - _MAX_TASKS} more tasks; a run's tasks.csv and --json have them all")


def _print_averages(console: Console, averages: LabelAverages, n_try: int) -> None:
    """Print the means over the tasks: first in one line, then as a table."""
    clean, worst = averages.clean, averages.worst
    line = "; ".join(
        f"{words} {cell(clean[metric].value)} clean, {cell(worst[metric].value)} worst"
        for metric, words in (("auroc", "AUROC"), ("aupr_trapezoid", "AUPR"))
    )
    console.print(f"{averages.n_tasks} tasks: label-averaged {line}; {averages.left_out}", markup=False)
    console.print(_metric_table(averages, n_try, wide=console.width >= _WIDE))


def _metric_table(task: TaskAudit | LabelAverages, n_try: int, *, wide: bool) -> Table:
    rows = {"clean": task.clean, "random": task.random, f"worst of {n_try}": task.worst_of_n, "worst": task.worst}
    if not wide:
        del rows[f"worst of {n_try}"]
    table = plain_table("", *rows)
    for metric, words in _METRICS.items():
        table.add_row(words, *(_estimate(column[metric], wide=wide) for column in rows.values()))
    return table


def _print_exact(console: Console, task: TaskAudit, *, wide: bool, windows: str) -> None:
    first = "certified" if windows == "window" else "no failure"  # nothing is certified by windows that were drawn
    console.print(f"{first:<11}  {_estimate(task.certified_accuracy, wide=wide)}  right in every {windows}")
    console.print(f"consistency  {_estimate(task.consistency, wide=wide)}  one call in every {windows}")
    console.print(f"radius       {cell(task.mean_radius_bp, 1)} of {task.reach_bp} bp before it flips")


def _print_adversaries(console: Console, rows: Sequence[AdversaryAudit], *, wide: bool) -> None:
    if not rows:
        return
    table = plain_table("centre window changed", "accuracy", "AUROC")
    for row in rows:
        table.add_row(row.words, *(_estimate(row.metrics[metric], wide=wide) for metric in ("accuracy", "auroc")))
    console.print(table)
    console.print("what was found, not the worst there is: the truth is no better", markup=False)


def _estimate(value: Estimate, *, wide: bool) -> str:
    if not wide or not math.isfinite(value.low):
        return cell(value.value)
    half = (value.high - value.low) / 2
    return f"{cell(value.value)} ±{cell(half)}"
