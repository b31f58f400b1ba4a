"""A motif as a logo: letters as tall as their share of the column's information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from holdfast.report.svg import chart, element

__all__ = ["draw_letters", "draw_logo", "letter_heights"]

LETTERS = "ACGT"
COLUMN, HEIGHT, LEFT, TOP = 15, 60, 20, 4
BITS = 2.0
# A letter lower than this is not seen and only makes the page heavier.
LOWEST = 0.03

# Outlines in a unit square, y down; drawn for this page, so that no font is needed.
_OUTLINES = {
    "A": "M0 1L.36 0H.64L1 1H.79L.715 .76H.285L.21 1ZM.345 .575H.655L.5 .11Z",
    "C": "M1 .66C.97 .87 .79 1 .53 1C.2 1 0 .81 0 .5C0 .19 .2 0 .53 0C.79 0 .97 .13 1 .34H.78C.75 .23 .66 .17 .53 .17"
    "C.33 .17 .21 .29 .21 .5C.21 .71 .33 .83 .53 .83C.66 .83 .75 .77 .78 .66Z",
    "G": "M.53 .46H1V1H.84L.815 .885C.74 .965 .64 1 .51 1C.2 1 0 .81 0 .5C0 .19 .2 0 .53 0C.79 0 .96 .12 .99 .32H.77"
    "C.74 .22 .66 .17 .53 .17C.33 .17 .21 .29 .21 .5C.21 .72 .33 .83 .53 .83C.68 .83 .77 .76 .79 .63H.53Z",
    "T": "M0 0H1V.18H.605V1H.395V.18H0Z",
}


def draw_letters() -> Markup:
    """Return the hidden drawing that holds the four letters; a page with logos has it once."""
    paths = [element("path", {"id": f"letter-{letter}", "d": outline}) for letter, outline in _OUTLINES.items()]
    hidden: dict[str, str | float] = {"width": 0, "height": 0, "aria-hidden": "true", "class": "letters"}
    return element("svg", hidden, element("defs", {}, *paths))


def letter_heights(probabilities: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return the height of each letter in bits: its probability times the column's information.

    Parameters
    ----------
    probabilities
        W rows of A, C, G, T.

    Returns
    -------
    ndarray
        (W, 4); a column adds up to 2 bits where the base is certain and to 0 where all four are alike.

    Examples
    --------
    >>> letter_heights([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0]]).tolist()
    [[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]
    """
    matrix = np.asarray(probabilities, dtype=np.float64).reshape(-1, 4)
    logarithm = np.log2(np.where(matrix > 0, matrix, 1.0))
    information = BITS + (matrix * logarithm).sum(axis=1, keepdims=True)
    return np.asarray(matrix * np.maximum(information, 0.0))


def draw_logo(probabilities: Sequence[Sequence[float]], label: str) -> Markup:
    """Return a logo with an axis from 0 to 2 bits.

    Parameters
    ----------
    probabilities
        W rows of A, C, G, T.
    label
        What it is, for readers who cannot see it.
    """
    heights = letter_heights(probabilities)
    parts = [
        element("path", {"class": "axis", "d": f"M{LEFT - 4} {TOP}V{TOP + HEIGHT}H{LEFT + COLUMN * len(heights)}"})
    ]
    for bits in (0, 1, 2):
        y = TOP + HEIGHT * (1 - bits / BITS)
        parts.append(element("text", {"class": "tick end", "x": LEFT - 7, "y": y + 4}, str(bits)))
    for column, row in enumerate(heights):
        parts.extend(_column(row, LEFT + COLUMN * column))
    return chart(LEFT + COLUMN * len(heights), TOP + HEIGHT + 6, label, *parts)


def _column(heights: NDArray[np.float64], x: float) -> list[Markup]:
    letters, floor = [], float(TOP + HEIGHT)
    for base in np.argsort(heights, kind="stable"):
        height = float(heights[base]) / BITS * HEIGHT
        floor -= height
        if heights[base] >= LOWEST:
            place = f"translate({x + 0.5:g} {floor:.1f})scale({COLUMN - 1} {height:.1f})"
            letters.append(
                element("use", {"href": f"#letter-{LETTERS[base]}", "class": LETTERS[base], "transform": place})
            )
    return letters
