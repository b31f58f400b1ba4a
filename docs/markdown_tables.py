"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Page", "markdown_table"]

Page = dict[str, Any]
"""What a JSON file of a benchmark holds, or a row of it."""


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """Return a Markdown table whose first columns hold words, the others numbers."""
    rule = "|".join(":--" if number < words else "--:" for number in range(len(columns)))
    return "\n".join([f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])
