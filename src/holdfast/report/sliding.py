"""A drawing of what slides: the context, the centre window, and the farthest windows."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.svg import chart, element
from holdfast.runs.records import ShiftFacts

__all__ = ["draw_sliding"]

WIDTH, HEIGHT, LEFT, RIGHT = 460, 92, 2, 458


def draw_sliding(shift: ShiftFacts) -> Markup:
    """Return the drawing of a threat model, to scale."""

    def x(base: float) -> float:
        return LEFT + base / shift.context * (RIGHT - LEFT)

    wide = x(shift.window) - x(0)
    centre, first, last = x(shift.centre), x(shift.offsets[0]), x(shift.offsets[-1])
    parts = [element("rect", {"class": "strand", "x": LEFT, "y": 30, "width": RIGHT - LEFT, "height": 6, "rx": 3})]
    if len(shift.offsets) > 1:
        parts += [
            element("rect", {"class": "ghost", "x": place, "y": 24, "width": wide, "height": 18, "rx": 4})
            for place in dict.fromkeys((first, last))
        ]
    parts += [
        element("rect", {"class": "window", "x": centre, "y": 20, "width": wide, "height": 26, "rx": 4}),
        element("text", {"class": "name middle", "x": centre + wide / 2, "y": 13}, f"centre window, {shift.window} bp"),
        element("text", {"class": "tick middle", "x": centre + wide / 2, "y": 62}, _reach(shift)),
        element("text", {"class": "tick middle", "x": WIDTH / 2, "y": 84}, f"context, {shift.context} bp"),
        element("path", {"class": "axis", "d": f"M{LEFT} 68v4H{RIGHT}v-4"}),
    ]
    words = f"A window of {shift.window} bp in a context of {shift.context} bp; {_reach(shift)}."
    return chart(WIDTH, HEIGHT, words, *parts)


def _reach(shift: ShiftFacts) -> str:
    left, right = shift.centre - shift.offsets[0], shift.offsets[-1] - shift.centre
    if not left and not right:
        return "it cannot slide"
    strands = ", either strand" if shift.strands == "both" else ""
    return f"slides {left} bp left, {right} bp right: {len(shift.offsets)} windows{strands}"
