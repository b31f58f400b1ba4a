"""A drawing of what slides: the context, and the first, the centre and the last window in it."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.svg import chart, element
from holdfast.runs.records import ShiftFacts

__all__ = ["draw_sliding"]

WIDTH, LEFT, RIGHT, STEP = 400, 1, 399, 25


def draw_sliding(shift: ShiftFacts) -> Markup:
    """Return the drawing of a threat model, to scale."""
    windows = _windows(shift)
    height = 30 + STEP * len(windows)
    parts = [
        element("text", {"class": "tick", "x": LEFT, "y": 11}, f"context, {shift.context} bp"),
        element("rect", {"class": "strand", "x": LEFT, "y": 17, "width": RIGHT - LEFT, "height": 6, "rx": 3}),
    ]
    for place, (offset, words) in enumerate(windows):
        x, y = _x(shift, offset), 30 + STEP * place
        wide = _x(shift, shift.window) - _x(shift, 0)
        look = "window" if offset == shift.centre else "ghost"
        parts.append(element("rect", {"class": look, "x": x, "y": y, "width": wide, "height": 19, "rx": 4}))
        # Words stand where the window is, or beside it where it is too short for them.
        room = 6.4 * len(words)
        start = x + 8 if wide > room + 12 else min(x + wide + 6, RIGHT - room)
        parts.append(element("text", {"class": "tick", "x": start, "y": y + 13.5}, words))
    words = "; ".join(words for _, words in windows)
    return chart(WIDTH, height, f"Windows of {shift.window} bp in a context of {shift.context} bp: {words}.", *parts)


def _x(shift: ShiftFacts, base: float) -> float:
    return LEFT + base / shift.context * (RIGHT - LEFT)


def _windows(shift: ShiftFacts) -> list[tuple[int, str]]:
    first, last = shift.offsets[0], shift.offsets[-1]
    windows = [(shift.centre, f"centre window, {shift.window} bp, offset {shift.centre}")]
    if first < shift.centre:
        windows.insert(0, (first, f"first window, {shift.centre - first} bp to the left"))
    if last > shift.centre:
        windows.append((last, f"last window, {last - shift.centre} bp to the right"))
    return windows
