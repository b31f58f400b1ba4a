"""The table of the study: how each training does under each evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.dumbbell import draw_dumbbells, shared_range
from holdfast.report.study import Board, Row, Study
from holdfast.report.template import fill
from holdfast.runs.records import Estimate

__all__ = ["tables"]


@dataclass(frozen=True)
class Cell:
    """A number of the table, and whether it is the best of its column."""

    estimate: Estimate
    is_best: bool


def tables(study: Study) -> Markup:
    """Return one table for each data set, threat model and task."""
    # A lone board has its picture at the top of the page.
    several = len(study.boards) > 1
    low, high = shared_range(study.boards)
    boards = [
        (
            board,
            [(row, _cells(board, row)) for row in board.rows],
            draw_dumbbells(board, low, high) if several and board.can_slide else None,
        )
        for board in study.boards
    ]
    return fill("table.html.j2", {"study": study, "boards": boards})


def _cells(board: Board, row: Row) -> list[Cell]:
    best = [max(_written(estimate) for estimate in column) for column in zip(*map(_estimates, board.rows), strict=True)]
    several = len(board.rows) > 1
    return [
        Cell(estimate, several and _written(estimate) == highest)
        for estimate, highest in zip(_estimates(row), best, strict=True)
    ]


def _estimates(row: Row) -> list[Estimate]:
    result = row.result
    evaluated = [result.clean, result.random, result.worst]
    return [*(metrics["accuracy"] for metrics in evaluated), result.certified_accuracy]


def _written(estimate: Estimate) -> float:
    """Return a value as the table writes it: numbers that read alike are equally good."""
    return round(estimate.value, 3)
