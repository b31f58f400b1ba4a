"""Two motifs one above the other as they were aligned: a query, and under it what it matches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from markupsafe import Markup

from holdfast.report.logo import BITS, COLUMN, HEIGHT, LEFT, TOP, information_axis, letter_heights, stacked_letters
from holdfast.report.svg import chart, element

__all__ = ["draw_logo_pair"]

# Between the two logos: a name fits in.
GAP = 20
# Width of a letter of a name, generously.
LETTER = 7


def draw_logo_pair(
    query: Sequence[Sequence[float]],
    target: Sequence[Sequence[float]],
    *,
    offset: int,
    strand: Literal["+", "-"],
    names: tuple[str, str],
) -> Markup:
    """Return the logo of a motif over that of its match, columns under columns.

    Parameters
    ----------
    query
        W rows of A, C, G, T.
    target
        Rows of the match as its data base has it.
    offset
        Column of the target, turned if the strand is ``-``, under the query's column 0; may be negative.
    strand
        ``-`` draws the target's reverse complement.
    names
        Of query and target, written beside them.
    """
    upper, lower = letter_heights(query), letter_heights(target)
    if strand == "-":
        lower = lower[::-1, ::-1]
    shifts = max(0, offset), max(0, -offset)
    width = max(shift + len(rows) for shift, rows in zip(shifts, (upper, lower), strict=True))
    turned = " (reverse complement)" if strand == "-" else ""
    longest = max(len(names[0]), len(names[1]) + len(turned))
    parts = list[Markup]()
    for number, (rows, shift, words) in enumerate(
        ((upper, shifts[0], names[0]), (lower, shifts[1], names[1] + turned))
    ):
        top = TOP + GAP * (number + 1) + HEIGHT * number
        parts.append(element("text", {"class": "axis-label", "x": LEFT - 4, "y": top - 6}, words))
        parts += information_axis(LEFT, top, width)
        for column, heights in enumerate(np.asarray(rows), start=shift):
            parts += stacked_letters(heights * HEIGHT / BITS, LEFT + COLUMN * column, top + HEIGHT)
    overlap = min(shifts[0] + len(upper), shifts[1] + len(lower)) - max(shifts)
    label = f"Logo of {names[0]} over {names[1]}{turned}, {overlap} columns aligned"
    return chart(max(LEFT + COLUMN * width, LEFT + LETTER * longest), TOP + 2 * (GAP + HEIGHT) + 6, label, *parts)
