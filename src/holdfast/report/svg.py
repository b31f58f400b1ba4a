"""Small pieces of SVG. Colours come from the page's CSS, so a chart follows the theme and the printer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

__all__ = ["chart", "decimals_of", "element", "number", "path_through", "ticks_between", "upright_words"]


def number(value: float) -> str:
    """Return a coordinate with one decimal at most.

    Examples
    --------
    >>> number(3.0), number(2.25)
    ('3', '2.2')
    """
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, attributes: Mapping[str, str | float], *children: str) -> Markup:
    """Return an element; attributes and plain text are escaped, Markup children are taken as they are.

    Examples
    --------
    >>> print(element("text", {"x": 1.5, "class": "tick"}, "a<b"))
    <text x="1.5" class="tick">a&lt;b</text>
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key, value if isinstance(value, str) else number(value))
        for key, value in attributes.items()
    )
    tag = Markup(name)
    return Markup("<{}{}>{}</{}>").format(tag, written, Markup("").join(map(escape, children)), tag)


def chart(width: float, height: float, label: str, *children: str) -> Markup:
    """Return a chart that scales with its box; ``label`` says in words what it shows."""
    attributes = {
        "class": "chart",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "preserveAspectRatio": "xMinYMin",  # one lower than its box is wide stands above its caption's first letter
        "role": "img",
        "aria-label": label,
    }
    return element("svg", attributes, *children)


def upright_words(words: str, x: float, y: float) -> Markup:
    """Return the label of an upright axis, read from below, with its middle at a place."""
    turn = f"translate({number(x)} {number(y)})rotate(-90)"
    return element("text", {"class": "axis-label middle", "transform": turn}, words)


def path_through(points: Sequence[tuple[float, float]]) -> str:
    """Return path data through points; a point that is not a number breaks the line.

    Examples
    --------
    >>> path_through([(0, 1), (2, 3), (4, math.nan), (6, 7)])
    'M0 1L2 3M6 7'
    """
    parts, pen_down = [], False
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            parts.append(f"{'L' if pen_down else 'M'}{number(x)} {number(y)}")
        pen_down = math.isfinite(x) and math.isfinite(y)
    return "".join(parts)


def decimals_of(ticks: Sequence[float]) -> int:
    """Return how many decimals tell all ticks exactly.

    Examples
    --------
    >>> decimals_of([0.5, 0.55, 0.6]), decimals_of([1, 2])
    (2, 0)
    """
    return max((len(f"{tick:.9g}".partition(".")[2]) for tick in ticks), default=0)


def ticks_between(low: float, high: float, *, at_most: int, whole: bool = False) -> list[float]:
    """Return round numbers that cover [low, high] from inside: steps of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high
        Ends of the axis.
    at_most
        Largest number of ticks.
    whole
        Only whole numbers.

    Examples
    --------
    >>> ticks_between(0.48, 0.83, at_most=5)
    [0.5, 0.6, 0.7, 0.8]
    >>> ticks_between(-13, 13, at_most=7, whole=True)
    [-10, -5, 0, 5, 10]
    """
    spread = max(high - low, 1e-9)
    exponent = math.floor(math.log10(spread / max(1, at_most))) - 1
    for power in range(exponent, exponent + 4):
        for factor in (1, 2, 5):
            step = factor * 10.0**power
            if whole and step < 1:
                continue
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= at_most:
                ticks = [round(place * step, 10) for place in range(first, last + 1)]
                return [int(tick) for tick in ticks] if whole else ticks
    return []
