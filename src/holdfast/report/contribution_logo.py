"""Contributions as letters: above the line where a base speaks for the task, below it where it speaks against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from holdfast.report.logo import stacked_letters
from holdfast.report.svg import chart, decimals_of, element, number, ticks_between, upright_words
from holdfast.report.words import decimal

__all__ = ["Panel", "draw_contributions"]

COLUMN, HEIGHT, LEFT, RIGHT, WORDS, BOTTOM, GAP = 10, 68, 52, 12, 17, 32, 12

# So much of the drawing a phone shows at a time.
SEEN = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One window's contributions.

    Parameters
    ----------
    words
        Written above it.
    contributions
        (W, 4), columns A, C, G, T.
    offset
        Where the window starts in its context.
    """

    words: str
    contributions: NDArray[np.floating]
    offset: int = 0


def draw_contributions(
    panels: Sequence[Panel],
    *,
    label: str,
    span: tuple[int, int] | None = None,
    core: tuple[int, int] | None = None,
    focus: float = 0.0,
) -> Markup:
    """Return windows of one context below each other, on one axis of bases and one scale of contributions.

    Parameters
    ----------
    panels
        At least one.
    label
        What it is, for readers who cannot see it.
    span
        [start, end) of the context that is drawn; as far as the panels reach, if not given.
    core
        [start, end) of the context to shade.
    focus
        What a narrow screen has in its middle, as a share of the drawing: the panels' words stand where they are seen.
    """
    first, last = span or (
        min(panel.offset for panel in panels),
        max(panel.offset + len(panel.contributions) for panel in panels),
    )
    scale = _Scale.around(panels, first, last)
    parts: list[Markup] = []
    wide = LEFT + COLUMN * (last - first) + RIGHT
    words = max(LEFT, min(focus * wide - SEEN / 2, wide - SEEN) + GAP)
    for number_, panel in enumerate(panels):
        top = number_ * (WORDS + HEIGHT + GAP)
        parts.append(element("text", {"class": "tick", "x": words, "y": top + 10}, panel.words))
        parts += _panel(panel, scale, top, core)
    floor = len(panels) * (WORDS + HEIGHT + GAP) - GAP
    for tick in ticks_between(first, last - 1, at_most=12, whole=True):
        x = scale.x(tick) + COLUMN / 2
        parts.append(element("path", {"class": "axis", "d": f"M{number(x)} {floor + 3}v4"}))
        parts.append(element("text", {"class": "tick middle", "x": x, "y": floor + 19}, str(tick)))
    middle = scale.x((first + last) / 2)
    parts.append(
        element("text", {"class": "axis-label middle", "x": middle, "y": floor + BOTTOM}, "base of the context")
    )
    return chart(wide, floor + BOTTOM + 4, label, *parts)


@dataclass(frozen=True)
class _Scale:
    """Bases and contributions to page coordinates of a panel."""

    first: int
    last: int
    low: float
    high: float

    @classmethod
    def around(cls, panels: Sequence[Panel], first: int, last: int) -> _Scale:
        shown = np.concatenate([_part(panel, first, last)[1] for panel in panels])
        low = float(np.where(shown < 0, shown, 0.0).sum(axis=1).min(initial=0.0))
        high = float(np.where(shown > 0, shown, 0.0).sum(axis=1).max(initial=0.0))
        room = high - low
        return cls(first, last, low, high) if room > 0 else cls(first, last, 0.0, 1.0)

    def x(self, base: float) -> float:
        return LEFT + COLUMN * (base - self.first)

    def y(self, value: float) -> float:
        return HEIGHT * (self.high - value) / (self.high - self.low)


def _part(panel: Panel, first: int, last: int) -> tuple[int, NDArray[np.floating]]:
    """Return where the drawn part of a panel starts in its context, and its contributions."""
    start = max(first, panel.offset)
    return start, panel.contributions[start - panel.offset : max(0, last - panel.offset)]


def _panel(panel: Panel, scale: _Scale, top: float, core: tuple[int, int] | None) -> list[Markup]:
    ceiling = top + WORDS
    start, shown = _part(panel, scale.first, scale.last)
    parts: list[Markup] = []
    end = start + len(shown)
    if core is not None and max(start, core[0]) < min(end, core[1]):
        x, wide = scale.x(max(start, core[0])), COLUMN * (min(end, core[1]) - max(start, core[0]))
        parts.append(element("rect", {"class": "core-box", "x": x, "y": ceiling, "width": wide, "height": HEIGHT}))
    heights = ticks_between(scale.low, scale.high, at_most=3)
    for tick in heights:
        y = ceiling + scale.y(tick)
        parts.append(
            element("text", {"class": "tick end", "x": LEFT - 5, "y": y + 4}, decimal(tick, decimals_of(heights)))
        )
    parts.append(upright_words("logit", 11, ceiling + HEIGHT / 2))
    zero = ceiling + scale.y(0.0)
    parts.append(
        element("path", {"class": "axis", "d": f"M{number(scale.x(start))} {number(zero)}H{number(scale.x(end))}"})
    )
    unit = HEIGHT / (scale.high - scale.low)
    for column, row in enumerate(shown):
        parts += stacked_letters(row * unit, scale.x(start + column), zero, column=COLUMN)
    return parts
