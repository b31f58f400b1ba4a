"""Numbers and names as the page writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holdfast.runs.records import ShiftFacts

__all__ = ["NO_SHIFT", "count", "decimal", "described", "duration", "listed", "percent", "points", "span"]

NO_SHIFT = "No Shift"
MISSING = "–"
NARROW = "\u202f"  # a space that no line breaks at


def decimal(value: float, digits: int = 3) -> str:
    """Return a number with fixed digits and a true minus, or a dash where there is none.

    Examples
    --------
    >>> decimal(0.7654), decimal(-0.5), decimal(float("nan"))
    ('0.765', '−0.500', '–')
    """
    return f"{value:.{digits}f}".replace("-", "−") if math.isfinite(value) else MISSING


def percent(value: float) -> str:
    """Return a fraction as a percentage.

    Examples
    --------
    >>> percent(0.7654)
    '76.5\u202f%'
    """
    return f"{decimal(100 * value, 1)}{NARROW}%" if math.isfinite(value) else MISSING


def points(value: float) -> str:
    """Return a difference of fractions in percentage points.

    Examples
    --------
    >>> points(0.157)
    '15.7 points'
    """
    return f"{decimal(100 * value, 1)} points"


def span(low: float, high: float, digits: int = 3) -> str:
    """Return an interval, or nothing where there is none.

    Examples
    --------
    >>> span(0.5, 0.75), span(float("nan"), 1.0)
    ('0.500–0.750', '')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    joint = " to " if min(low, high) < 0 else "–"
    return f"{decimal(low, digits)}{joint}{decimal(high, digits)}"


def count(number: int) -> str:
    """Return a whole number with its thousands apart.

    Examples
    --------
    >>> count(255006)
    '255,006'
    """
    return f"{number:,}"


def duration(seconds: float) -> str:
    """Return a length of time in two units at most.

    Examples
    --------
    >>> duration(3.21), duration(125), duration(7260)
    ('3.2 s', '2 min 5 s', '2 h 1 min')
    """
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def listed(parts: Sequence[str]) -> str:
    """Return a list as prose.

    Examples
    --------
    >>> listed(["75"]), listed(["75", "90", "95"])
    ('75', '75, 90 and 95')
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def described(shift: ShiftFacts) -> str:
    """Return a threat model in words, with its limit where it has one.

    Examples
    --------
    >>> same = {"protect_core": False, "strands": "forward", "centre": 2, "words": "8 of 12 bp, 3 windows"}
    >>> described(ShiftFacts(context=12, window=8, max_shift=1, offsets=[1, 2, 3], **same))
    '8 of 12 bp, 3 windows, at most 1 bp from the centre'
    """
    limit = "" if shift.max_shift is None else f", at most {shift.max_shift} bp from the centre"
    return f"{shift.words}{limit}"
