"""A motif as a logo: letters as tall as their share of the column's information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from holdfast.report.svg import chart, element, upright_words

__all__ = ["COLUMN", "draw_letters", "draw_logo", "information_axis", "letter_heights", "stacked_letters"]

LETTERS = "ACGT"
COLUMN, HEIGHT, LEFT, TOP = 15, 60, 34, 9
BITS = 2.0
# A letter lower than this, in units of the drawing, is not seen and only makes the page heavier.
LOWEST = 0.9

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
    parts = information_axis(LEFT, TOP, len(heights))
    for column, row in enumerate(heights):
        parts.extend(stacked_letters(row * HEIGHT / BITS, LEFT + COLUMN * column, TOP + HEIGHT))
    return chart(LEFT + COLUMN * len(heights), TOP + HEIGHT + 6, label, *parts)


def information_axis(left: float, top: float, width: int) -> list[Markup]:
    """Return the axis of a logo: a line from 2 bits down to 0 and along the columns, three ticks and the unit."""
    floor = top + HEIGHT
    line = f"M{left - 4:g} {top:g}V{floor:g}H{left + COLUMN * width:g}"
    parts = [element("path", {"class": "axis", "d": line}), upright_words("bits", left - 21, top + HEIGHT / 2)]
    for bits in (0, 1, 2):
        y = floor - HEIGHT * bits / BITS
        parts.append(element("text", {"class": "tick end", "x": left - 7, "y": y + 4}, str(bits)))
    return parts


def stacked_letters(heights: NDArray[np.floating], x: float, floor: float, *, column: float = COLUMN) -> list[Markup]:
    """Return the letters of a column, one on the other from the lowest to the highest; negative ones hang down.

    Parameters
    ----------
    heights
        (4,) of A, C, G, T, in units of the drawing.
    x
        Left end of the column.
    floor
        Where the letters stand, or hang from.
    column
        Width of a column.
    """
    letters, up, down = [], floor, floor
    for base in np.argsort(np.abs(heights), kind="stable"):
        height = abs(float(heights[base]))
        up -= height if heights[base] > 0 else 0
        if height >= LOWEST:
            place = f"translate({x + 0.5:g} {up if heights[base] > 0 else down:.1f})scale({column - 1:g} {height:.1f})"
            letters.append(
                element("use", {"href": f"#letter-{LETTERS[base]}", "class": LETTERS[base], "transform": place})
            )
        down += height if heights[base] < 0 else 0
    return letters
