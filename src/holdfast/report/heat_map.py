"""Small heat maps in a few shades: pairs of bases, and heads or channels over the steps they attend to."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from holdfast.report.line_chart import LEFT, WIDTH
from holdfast.report.svg import chart, element, number, ticks_between
from holdfast.report.words import decimal

__all__ = ["draw_heat_map", "draw_strips"]

SIDE, TOP, BOTTOM, RIGHT = 312, 22, 44, 74
SWATCH = 11
SHADES = 5
# Of all strips together.
TALLEST = 150
# Share of the largest size below which a pair is blank.
BLANK = 0.1
# Of a larger matrix so many bases are drawn, where most is going on.
LONGEST = 110


def draw_heat_map(values: NDArray[np.floating], *, first: int, label: str) -> Markup:
    """Return a matrix as squares: the darker, the larger; negative ones in another colour.

    Parameters
    ----------
    values
        (P, P).
    first
        Number of the first base.
    label
        What it is, for readers who cannot see it.
    """
    start = _start(values)
    shown = np.nan_to_num(values[start : start + LONGEST, start : start + LONGEST])
    np.fill_diagonal(shown, 0.0)
    bases, largest = len(shown), float(np.abs(shown).max(initial=0.0))
    share = shown / (largest or 1.0)
    place = f"translate({LEFT} {TOP})scale({SIDE / bases:.4f})"
    parts, legends = list[Markup](), list[Markup]()
    for sign, colour in ((1, "more"), (-1, "less")):
        shades = _shades(sign * share, colour, lowest=BLANK, transform=place)
        if shades:
            top = TOP + len(legends) * (SHADES * SWATCH + 26)
            low, high = sign * BLANK * largest, sign * largest
            legends.append(_legend(colour, low, high, left=LEFT + SIDE + 12, top=top))
        parts += shades
    box = element("path", {"class": "axis", "d": f"M{LEFT} {TOP}h{SIDE}v{SIDE}h-{SIDE}z"})
    words = f"{label}: bases {first + start} to {first + start + bases}, largest {decimal(largest)}"
    axes = _axes(first + start, bases)
    return chart(WIDTH, TOP + SIDE + BOTTOM, words, *parts, box, *axes, *legends)


def draw_strips(
    rows: NDArray[np.floating], edges: NDArray[np.floating], *, window: int, label: str, right: float
) -> Markup:
    """Return rows of steps as strips over the bases: the darker, the larger; the smallest of all is blank.

    Parameters
    ----------
    rows
        (R, S).
    edges
        (S + 1,) bases from which to which a step is drawn.
    window
        Bases of the axis.
    label
        Written above it.
    right
        Where the axis ends, to go with a line chart above it: see :attr:`~holdfast.report.line_chart.LineChart.right`.
    """
    low, high = float(rows.min()), float(rows.max())
    share = (rows - low) / ((high - low) or 1.0)
    tall, top, end = float(np.clip(TALLEST / len(rows), 2, 14)), TOP, min(right, WIDTH - RIGHT)
    unit, floor = (end - LEFT) / max(1, window - 1), top + tall * len(rows)
    x, wide = LEFT + unit * (float(edges[0]) - 0.5), unit * float(edges[1] - edges[0])
    place = f"translate({x:.2f} {top})scale({wide:.4f} {tall:.4f})"
    parts = [element("text", {"class": "axis-label", "x": 0, "y": 11}, label)]
    parts += _shades(share, "more", lowest=1e-9, transform=place)
    box = f"M{LEFT} {top}H{number(end)}V{number(floor)}H{LEFT}z"
    parts.append(element("path", {"class": "axis", "d": box}))
    for tick in ticks_between(0, window - 1, at_most=7, whole=True):
        at = LEFT + unit * tick
        parts.append(element("path", {"class": "axis", "d": f"M{number(at)} {number(floor)}v4"}))
        parts.append(element("text", {"class": "tick middle", "x": at, "y": floor + 17}, str(tick)))
    axis: dict[str, str | float] = {"class": "axis-label middle", "x": (LEFT + end) / 2, "y": floor + 37}
    parts.append(element("text", axis, "base of the window"))
    words = f"{label}: {rows.shape[1]} steps, from {decimal(low)} to {decimal(high)}"
    height = max(floor + BOTTOM, top + SHADES * SWATCH + 8)
    return chart(WIDTH, height, words, *parts, _legend("more", low, high, left=end + 12, top=top))


def _shades(share: NDArray[np.floating], colour: str, *, lowest: float, transform: str) -> list[Markup]:
    """Return the cells of each shade that has any: those whose share of the largest is within its bounds."""
    parts = []
    for shade in range(SHADES):
        low = lowest + (1 - lowest) * shade / SHADES
        high = np.inf if shade == SHADES - 1 else lowest + (1 - lowest) * (shade + 1) / SHADES
        path = _squares((share >= low) & (share < high))
        if path:
            parts.append(element("path", {"class": f"heat {colour} shade-{shade}", "d": path, "transform": transform}))
    return parts


def _legend(colour: str, low: float, high: float, *, left: float, top: float) -> Markup:
    """Return the shades one above the other, the darkest on top, with the values of both ends."""
    parts = []
    for shade in range(SHADES):
        y = top + (SHADES - 1 - shade) * SWATCH
        square = f"M{number(left)} {number(y)}h{SWATCH}v{SWATCH}h-{SWATCH}z"
        parts.append(element("path", {"class": f"swatch {colour} shade-{shade}", "d": square}))
    for value, y in ((high, top + 10), (low, top + SHADES * SWATCH)):
        parts.append(element("text", {"class": "tick", "x": left + SWATCH + 5, "y": y}, decimal(value)))
    return element("g", {}, *parts)


def _start(values: NDArray[np.floating]) -> int:
    """Return the first base that is drawn."""
    if len(values) <= LONGEST:
        return 0
    size = np.nan_to_num(np.abs(values)).sum(axis=0) + np.nan_to_num(np.abs(values)).sum(axis=1)
    return int(np.convolve(size, np.ones(LONGEST), mode="valid").argmax())


def _squares(inside: NDArray[np.bool_]) -> str:
    """Return path data of the cells, one unit wide, neighbours of a row in one piece."""
    parts = []
    for row, cells in enumerate(inside):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells.astype(np.int8), [0]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            parts.append(f"M{begin} {row}h{end - begin}v1h{begin - end}z")
    return "".join(parts)


def _axes(first: int, bases: int) -> list[Markup]:
    cell, floor, parts = SIDE / bases, TOP + SIDE, []
    for tick in ticks_between(first, first + bases - 1, at_most=7, whole=True):
        place = (tick - first + 0.5) * cell
        x, y = LEFT + place, TOP + place
        parts.append(element("path", {"class": "axis", "d": f"M{number(x)} {floor}v4M{LEFT} {number(y)}h-4"}))
        parts.append(element("text", {"class": "tick middle", "x": x, "y": floor + 17}, str(tick)))
        parts.append(element("text", {"class": "tick end", "x": LEFT - 7, "y": y + 4}, str(tick)))
    below: dict[str, str | float] = {"class": "axis-label middle", "x": LEFT + SIDE / 2, "y": floor + 37}
    above: dict[str, str | float] = {"class": "axis-label", "x": 0, "y": 11}
    return [*parts, *(element("text", place, "base of the window") for place in (below, above))]
