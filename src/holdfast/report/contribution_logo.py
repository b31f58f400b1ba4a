"""Contributions of bases as a logo: what speaks for binding stands above the line, what speaks against hangs below."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from holdfast.report.logo import COLUMN, stacked_letters
from holdfast.report.svg import chart, decimals_of, element, ticks_between

__all__ = ["draw_contribution_logo"]

HEIGHT, LEFT, TOP = 70, 40, 6


def draw_contribution_logo(contributions: ArrayLike, label: str, *, span: tuple[float, float] | None = None) -> Markup:
    """Return a logo whose letters are as high as their contributions, above and below a line at nought.

    Parameters
    ----------
    contributions
        (W, 4), columns A, C, G, T: of a sequence all but the base that is there 0, or a contribution weight matrix.
        What is no finite number is not drawn.
    label
        What it is, for readers who cannot see it.
    span
        Least and largest value of the axis, so that several logos can be compared; None: those of this one. Nought is
        always on it.
    """
    values = np.asarray(contributions, dtype=np.float64).reshape(-1, 4)
    values = np.where(np.isfinite(values), values, 0.0)
    sums = np.maximum(values, 0).sum(axis=1), np.minimum(values, 0).sum(axis=1)
    low, high = span or (float(sums[1].min(initial=0)), float(sums[0].max(initial=0)))
    low, high = min(low, 0.0), max(high, 0.0)
    unit = HEIGHT / (high - low) if high > low else 0.0
    nought, right = TOP + high * unit, LEFT + COLUMN * len(values)
    parts = [
        element("path", {"class": "axis", "d": f"M{LEFT - 4} {TOP}V{TOP + HEIGHT}"}),
        element("path", {"class": "axis", "d": f"M{LEFT - 4} {nought:.1f}H{right}"}),
    ]
    ticks = ticks_between(low, high, at_most=4) if high > low else [0.0]
    for tick in ticks:
        words = f"{tick:.{decimals_of(ticks)}f}"
        parts.append(element("text", {"class": "tick end", "x": LEFT - 7, "y": nought - tick * unit + 4}, words))
    for column, row in enumerate(values):
        parts += stacked_letters(row * unit, LEFT + COLUMN * column, nought)
    return chart(right, TOP + HEIGHT + 8, label, *parts)
