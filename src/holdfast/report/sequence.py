"""A context written out: the centre window overlined, the worst one underlined, the core shaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup

from holdfast.runs.records import FragileExample

__all__ = ["draw_sequence"]

# A longer context is drawn only where its two windows differ, with this many bases around.
LONGEST_WHOLE = 240
AROUND = 12


def draw_sequence(example: FragileExample, window: int) -> Markup:
    """Return an example's context as letters that wrap like text.

    Parameters
    ----------
    example
        Sequence, windows and core.
    window
        W, in bp.
    """
    shown = _shown(example, window)
    places = range(len(example.sequence))
    parts = []
    for (drawn, marks), run in groupby(places, lambda place: (shown[place], _marks(example, window, place))):
        inside = list(run)
        # Marks change only where bases are drawn, so a gap is one run.
        words = _letters(example.sequence[inside[0] : inside[-1] + 1]) if drawn else f" ⋯ {len(inside)} bp ⋯ "
        parts.append(Markup('<span class="{}">{}</span>').format(marks if drawn else f"gap {marks}", words))
    return Markup("").join(parts)


def _marks(example: FragileExample, window: int, place: int) -> str:
    in_centre = example.centre_offset <= place < example.centre_offset + window
    in_worst = example.worst_offset <= place < example.worst_offset + window
    in_core = example.core is not None and example.core[0] <= place < example.core[1]
    outside = not (in_centre or in_worst)
    facts = {"centre": in_centre, "worst-window": in_worst, "core": in_core, "outside": outside}
    return " ".join(name for name, fact in facts.items() if fact)


def _shown(example: FragileExample, window: int) -> list[bool]:
    """Return which bases are drawn: all of a short context, of a long one those near an end of a window or the core."""
    length = len(example.sequence)
    if length <= LONGEST_WHOLE:
        return [True] * length
    shown = [False] * length
    for low, high in _interesting(example, window):
        for place in range(max(0, low - AROUND), min(length, high + AROUND)):
            shown[place] = True
    return shown


def _interesting(example: FragileExample, window: int) -> Iterator[tuple[int, int]]:
    for start in (example.centre_offset, example.worst_offset):
        yield start, start
        yield start + window, start + window
    if example.core is not None:
        yield example.core


def _letters(text: str) -> Markup:
    parts = []
    for letter, run in groupby(text):
        # An unknown base, whatever it is, gets no colour; Markup escapes it.
        frame = Markup(f'<b class="{letter.upper()}">{{}}</b>') if letter.upper() in tuple("ACGT") else Markup("{}")
        parts.append(frame.format("".join(run)))
    return Markup("").join(parts)
