"""A line chart whose lines are named at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.svg import chart, decimals_of, element, number, path_through, ticks_between
from holdfast.report.words import decimal

__all__ = ["Line", "LineChart"]

WIDTH, HEIGHT = 430, 260
LEFT, TOP, BOTTOM = 44, 26, 44
LETTER = 7.7  # width of a letter of a label, a little on the safe side
LABEL_GAP = 15  # from one label to the next
LONGEST_LABEL = 22
DASHES = ("none", "7 3", "2 3", "9 3 2 3")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line.

    Parameters
    ----------
    label
        Written at the line's end.
    x, y
        Points, x ascending; a y that is not a number leaves a gap.
    colour
        CSS class.
    dash
        Number of the dash pattern.
    mark
        x of the point to mark with a dot.
    interval
        (low, high) of each point, drawn as bars; none, if not given.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dash: int = 0
    mark: float | None = None
    interval: Sequence[tuple[float, float]] = ()

    @property
    def finite(self) -> list[tuple[float, float]]:
        """Points that are numbers."""
        return [(x, y) for x, y in zip(self.x, self.y, strict=True) if math.isfinite(y)]


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """Lines over two axes.

    Parameters
    ----------
    title
        What the chart shows, for readers who cannot see it.
    x_label, y_label
        With units.
    lines
        At least one with a finite point.
    uprights
        (x, words) of vertical reference lines.
    level
        (y, words) of a horizontal reference line; drawn where it lies in the range of the lines.
    whole
        Ticks of x at whole numbers only.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    uprights: Sequence[tuple[float, str]] = ()
    level: tuple[float, str] | None = None
    whole: bool = True

    @property
    def right(self) -> float:
        """Where the axis of x ends, which depends on the labels."""
        return _right_of([line for line in self.lines if line.finite])

    def draw(self) -> Markup:
        """Return the chart."""
        drawn = [line for line in self.lines if line.finite]
        if not drawn:
            return Markup("")
        frame = _Frame.around(drawn)
        return chart(
            WIDTH,
            HEIGHT,
            self._description(drawn),
            *self._axes(frame),
            *(_upright(frame, mark, row) for row, mark in enumerate(self.uprights)),
            *(_line(frame, line) for line in drawn),
            *self._level(frame),
            *_labels(frame, drawn),
        )

    def _description(self, drawn: Sequence[Line]) -> str:
        parts = []
        for line in drawn:
            values = [y for _, y in line.finite]
            parts.append(
                f"{line.label}: starts at {decimal(values[0])}, ends at {decimal(values[-1])}, "
                f"between {decimal(min(values))} and {decimal(max(values))}"
            )
        return f"{self.title}. {'; '.join(parts)}."

    def _axes(self, frame: _Frame) -> list[Markup]:
        floor = HEIGHT - BOTTOM
        parts = [element("text", {"class": "axis-label", "x": 0, "y": 11}, self.y_label)]
        heights = ticks_between(frame.y_low, frame.y_high, at_most=6)
        digits = decimals_of(heights)
        for tick in heights:
            y = frame.y(tick)
            parts.append(element("path", {"class": "grid", "d": f"M{LEFT} {number(y)}H{number(frame.right)}"}))
            parts.append(element("text", {"class": "tick end", "x": LEFT - 6, "y": y + 4}, decimal(tick, digits)))
        places = ticks_between(frame.x_low, frame.x_high, at_most=7, whole=self.whole)
        for tick in places:
            x = frame.x(tick)
            parts.append(element("path", {"class": "axis", "d": f"M{number(x)} {floor}v4"}))
            parts.append(
                element("text", {"class": "tick middle", "x": x, "y": floor + 17}, decimal(tick, decimals_of(places)))
            )
        parts.append(element("path", {"class": "axis", "d": f"M{LEFT} {floor}H{number(frame.right)}"}))
        middle = (LEFT + frame.right) / 2
        parts.append(element("text", {"class": "axis-label middle", "x": middle, "y": HEIGHT - 6}, self.x_label))
        return parts

    def _level(self, frame: _Frame) -> list[Markup]:
        if self.level is None or not frame.y_low <= self.level[0] <= frame.y_high:
            return []
        y = frame.y(self.level[0])
        return [
            element("path", {"class": "reference", "d": f"M{LEFT} {number(y)}H{number(frame.right)}"}),
            element("text", {"class": "tick value", "x": LEFT + 4, "y": y - 4}, self.level[1]),
        ]


@dataclass(frozen=True)
class _Frame:
    """Data to page coordinates."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    right: float

    @classmethod
    def around(cls, lines: Sequence[Line]) -> _Frame:
        x = [x for line in lines for x, _ in line.finite]
        y = [y for line in lines for _, y in line.finite]
        y += [end for line in lines for pair in line.interval for end in pair]
        room = max(0.06 * (max(y) - min(y)), 0.004)
        widen = 0.5 if min(x) == max(x) else 0.0
        return cls(min(x) - widen, max(x) + widen, min(y) - room, max(y) + room, _right_of(lines))

    def x(self, value: float) -> float:
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (self.right - LEFT)

    def y(self, value: float) -> float:
        return TOP + (self.y_high - value) / (self.y_high - self.y_low) * (HEIGHT - BOTTOM - TOP)


def _right_of(lines: Sequence[Line]) -> float:
    return WIDTH - 12 - LETTER * max((len(_short(line.label)) for line in lines), default=0)


def _line(frame: _Frame, line: Line) -> Markup:
    points = [(frame.x(x), frame.y(y)) for x, y in zip(line.x, line.y, strict=True)]
    stroke = {"class": "line", "d": path_through(points), "stroke-dasharray": DASHES[line.dash % len(DASHES)]}
    dots = [
        element("circle", {"class": "dot", "cx": frame.x(x), "cy": frame.y(y), "r": 4})
        for x, y in line.finite
        if x == line.mark or len(line.finite) == 1
    ]
    return element("g", {"class": line.colour}, *_bars(frame, line), element("path", stroke), *dots)


def _bars(frame: _Frame, line: Line) -> list[Markup]:
    """Return the intervals of a line's points."""
    ends = [(frame.x(x), *map(frame.y, pair)) for x, pair in zip(line.x, line.interval, strict=False)]
    data = "".join(f"M{number(x)} {number(low)}V{number(high)}" for x, low, high in ends)
    return [element("path", {"class": "interval", "d": data})] if data else []


def _upright(frame: _Frame, mark: tuple[float, str], row: int) -> Markup:
    """Return a vertical line with its words; neighbours write one below the other."""
    x, words = mark
    if not frame.x_low <= x <= frame.x_high:
        return Markup("")
    place = frame.x(x)
    at_right_end = place > (LEFT + 2 * frame.right) / 3
    label = {
        "class": "tick end" if at_right_end else "tick",
        "x": place + (-4 if at_right_end else 4),
        "y": TOP + 3 + LABEL_GAP * (row % 3),
    }
    line = element("path", {"class": "reference", "d": f"M{number(place)} {TOP - 4}V{HEIGHT - BOTTOM}"})
    return element("g", {}, line, element("text", label, words))


def _labels(frame: _Frame, lines: Sequence[Line]) -> list[Markup]:
    """Return the names at the lines' ends, moved apart where they would overlap."""
    ends = sorted(((frame.y(line.finite[-1][1]), line) for line in lines), key=lambda pair: pair[0])
    places: list[float] = []
    for y, _ in ends:
        places.append(max(y, places[-1] + LABEL_GAP) if places else y)
    overflow = places[-1] - (HEIGHT - BOTTOM - 2)
    for place in range(len(places) - 1, -1, -1):
        limit = places[place + 1] - LABEL_GAP if place + 1 < len(places) else places[place] - max(0.0, overflow)
        places[place] = min(places[place], limit)
    return [
        element("text", {"class": f"name {line.colour}", "x": frame.right + 7, "y": place + 4}, _short(line.label))
        for place, (_, line) in zip(places, ends, strict=True)
    ]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
