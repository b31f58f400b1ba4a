"""Tables in Markdown, and the numbers in them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Columns", "Page", "listed", "markdown_table", "mean", "number", "signed_interval"]

Page = dict[str, Any]
"""What a JSON file of a benchmark holds, or a row of it."""

Columns = Mapping[str, Callable[[Page], str]]
"""Titles, and what each column writes of a row."""


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """Return a Markdown table whose first columns hold words, the others numbers."""
    rule = "|".join(":--" if number < words else "--:" for number in range(len(columns)))
    return "\n".join([f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])


def listed(rows: Sequence[Page], columns: Columns) -> str:
    """Return a Markdown table with a line for each row."""
    return markdown_table(list(columns), [[write(row) for write in columns.values()] for row in rows])


def number(value: float) -> str:
    """Return a whole number, its thousands set apart."""
    return f"{value:,.0f}"


def mean(values: Sequence[float], *, places: int = 3) -> str:
    """Return a mean in words, nothing where there is no number."""
    return f"{statistics.mean(values):.{places}f}" if values else ""


def signed_interval(estimate: Sequence[float]) -> str:
    """Return a difference with its interval."""
    value, low, high = estimate
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
