"""Other adversaries beside shifts: changed centre windows, the runs of a setting in one table."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import Board, Study
from holdfast.report.template import fill

__all__ = ["adversaries"]


def adversaries(study: Study) -> Markup | None:
    """Return a table for each task whose runs were attacked otherwise than by shifts."""
    tables = [table for board in study.boards if (table := _table(board))]
    return fill("adversaries.html.j2", {"tables": tables}) if tables else None


def _table(board: Board) -> dict[str, object] | None:
    """Return a row for each run: accuracy in centre and worst window, then under each adversary that any was asked."""
    task = board.rows[0].result.task
    found = [
        (row, {one.words: one.metrics["accuracy"] for one in row.entry.audit.adversaries if one.task == task})
        for row in board.rows
    ]
    words = list(dict.fromkeys(name for _, under in found for name in under))
    if not words:
        return None
    rows = [(row, [under.get(name) for name in words]) for row, under in found if under]
    return {"title": board.title, "words": words, "rows": rows}
