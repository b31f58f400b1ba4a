"""The picture of the headline: from the centre window down to the worst one, a row per run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from holdfast.report.study import Board, Row
from holdfast.report.svg import chart, element, number, ticks_between
from holdfast.report.words import decimal

__all__ = ["draw_dumbbells", "shared_range"]

WIDTH, ROW, TOP, BOTTOM = 390, 32, 24, 40
LETTER = 7.6
ROOM = 40  # for the numbers left and right of the dots
LONGEST_LABEL = 20


def shared_range(boards: Sequence[Board]) -> tuple[float, float]:
    """Return one range of accuracies for all boards, so that their pictures can be compared."""
    values = [value for board in boards for row in board.rows for value in (row.clean, row.worst)]
    values += [board.one_class_accuracy for board in boards]
    return min(values) - 0.01, max(values) + 0.01


def draw_dumbbells(board: Board, low: float, high: float) -> Markup:
    """Return a board's picture: hollow dot = worst, tick = random, full dot = clean.

    Parameters
    ----------
    board
        The rows.
    low, high
        Accuracies at the ends of the axis.
    """
    left = 10 + LETTER * max(len(_short(row.label)) for row in board.rows) + ROOM
    right, floor = WIDTH - ROOM - 6, TOP + ROW * len(board.rows)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    guess = x(board.one_class_accuracy)
    middle = (left + right) / 2
    parts = [
        element("path", {"class": "reference", "d": f"M{number(guess)} {TOP - 6}V{floor}"}),
        element("text", {"class": "tick middle", "x": guess, "y": TOP - 10}, "one answer for all"),
        element("path", {"class": "axis", "d": f"M{number(left)} {floor}H{number(right)}"}),
        element("text", {"class": "axis-label middle", "x": middle, "y": floor + 34}, "accuracy (fraction)"),
    ]
    for tick in ticks_between(low, high, at_most=5):
        parts.append(element("path", {"class": "axis", "d": f"M{number(x(tick))} {floor}v4"}))
        parts.append(element("text", {"class": "tick middle", "x": x(tick), "y": floor + 17}, f"{tick:g}"))
    for place, row in enumerate(board.rows):
        parts.append(_row(row, TOP + ROW * (place + 0.5), x))
    return chart(WIDTH, floor + BOTTOM, _description(board), *parts)


def _row(row: Row, y: float, x: Callable[[float], float]) -> Markup:
    clean, random, worst = x(row.clean), x(row.result.random["accuracy"].value), x(row.worst)
    return element(
        "g",
        {"class": row.entry.colour},
        element("text", {"class": "name", "x": 0, "y": y + 4}, _short(row.label)),
        element("path", {"class": "bar", "d": f"M{number(worst)} {number(y)}H{number(clean)}"}),
        element("path", {"class": "bar", "d": f"M{number(random)} {number(y - 6)}v12"}),
        element("circle", {"class": "hollow", "cx": worst, "cy": y, "r": 5}),
        element("circle", {"class": "dot", "cx": clean, "cy": y, "r": 5}),
        element("text", {"class": "value end", "x": min(worst, clean) - 9, "y": y + 4}, decimal(row.worst)),
        element("text", {"class": "value", "x": max(worst, clean) + 9, "y": y + 4}, decimal(row.clean)),
    )


def _description(board: Board) -> str:
    rows = "; ".join(
        f"{row.label}: clean {decimal(row.clean)}, random {decimal(row.result.random['accuracy'].value)}, "
        f"worst {decimal(row.worst)}"
        for row in board.rows
    )
    return f"Accuracy of {board.title}. {rows}."


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
