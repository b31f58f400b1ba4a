"""A small heat map of pairs of bases, in a few shades."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from holdfast.report.svg import chart, element, number, ticks_between
from holdfast.report.words import decimal

__all__ = ["draw_heat_map"]

SIDE, LEFT, TOP, BOTTOM, RIGHT = 320, 34, 8, 44, 60
SHADES = 5
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
    place = f"translate({LEFT} {TOP})scale({SIDE / bases:.4f})"
    parts = []
    for sign, colour in ((1, "more"), (-1, "less")):
        for shade in range(SHADES):
            low = BLANK + (1 - BLANK) * shade / SHADES
            high = np.inf if shade == SHADES - 1 else BLANK + (1 - BLANK) * (shade + 1) / SHADES
            share = sign * shown / (largest or 1.0)
            path = _squares((share >= low) & (share < high))
            if path:
                parts.append(element("path", {"class": f"heat {colour} shade-{shade}", "d": path, "transform": place}))
    box = element("path", {"class": "axis", "d": f"M{LEFT} {TOP}h{SIDE}v{SIDE}h-{SIDE}z"})
    words = f"{label}: bases {first + start} to {first + start + bases}, largest {decimal(largest)}"
    return chart(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, words, *parts, box, *_axes(first + start, bases))


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
    words: dict[str, str | float] = {"class": "axis-label middle", "x": LEFT + SIDE / 2, "y": floor + 37}
    return [*parts, element("text", words, "base of the window")]
