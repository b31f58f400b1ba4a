"""Where it breaks: accuracy by offset, and how fast the worst case falls as the reach grows."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Board, Study
from holdfast.report.template import fill

__all__ = ["curves"]


def curves(study: Study) -> Markup | None:
    """Return two charts for each board that has windows to slide to."""
    boards = [
        (board, _by_offset(board).draw(), _by_max_shift(board).draw()) for board in study.boards if board.can_slide
    ]
    return fill("curves.html.j2", {"boards": boards}) if boards else None


def _by_offset(board: Board) -> LineChart:
    shifts = [offset - board.shift.centre for offset in board.shift.offsets]
    return LineChart(
        title=f"Accuracy by offset, {board.title}",
        x_label="shift of the window from the centre (bp)",
        y_label="accuracy (fraction)",
        lines=[
            Line(
                label=row.label,
                x=shifts,
                y=row.result.accuracy_by_offset,
                colour=row.entry.colour,
                dash=row.entry.dash,
            )
            for row in board.rows
        ],
        uprights=[(0, "centre")],
    )


def _by_max_shift(board: Board) -> LineChart:
    return LineChart(
        title=f"Worst accuracy against max_shift, {board.title}",
        x_label="max_shift, the farthest a window may lie (bp)",
        y_label="certified accuracy (fraction)",
        lines=[
            Line(
                label=row.label,
                x=list(range(len(row.result.worst_by_max_shift))),
                y=row.result.worst_by_max_shift,
                colour=row.entry.colour,
                dash=row.entry.dash,
            )
            for row in board.rows
        ],
        level=(board.one_class_accuracy, "one answer for all"),
    )
