"""What each base contributes, under three windows of one context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from holdfast.report.contribution_logo import Panel, draw_contributions
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.explanations import StoredMaps

__all__ = ["contributions"]

# Examples drawn of a run, at most, and of all runs of a page, which stays small; one of each run at least.
MOST, IN_ALL = 8, 24
# Of a longer context so many bases are drawn, around the largest contributions.
LONGEST = 110
# About as wide as a site.
SITE = 15
WORDS = {"first": "leftmost window", "centre": "centre window", "worst": "worst window"}
LABELS = {1: "bound", 0: "unbound", -1: "label unknown"}


@dataclass(frozen=True)
class Drawn:
    """An example with its words."""

    name: str
    label: str
    story: str
    picture: Markup
    focus: float
    """Where most is contributed, as a share of what is drawn: a narrow screen shows it first."""


def contributions(study: Study) -> Markup | None:
    """Return the contribution logos of each run that was asked."""
    entries = [entry for entry in study.entries if entry.maps is not None]
    most = min(MOST, max(1, IN_ALL // max(1, len(entries))))
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            if entry.maps is not None:
                groups.append((study.title_of(setting, entry), entry.maps, list(_drawn(entry.maps, most))))
    has_core = any((maps.core[:, 0] >= 0).any() for _, maps, _ in groups)
    return fill("contributions.html.j2", {"groups": groups, "has_core": has_core}) if groups else None


def _drawn(maps: StoredMaps, most: int) -> Iterator[Drawn]:
    examples = list(dict.fromkeys(maps.index.tolist()))
    # The most fragile come first, the most robust in the middle of the list: both are drawn.
    half = (len(examples) + 1) // 2
    mixed = [index for pair in zip(examples[:half], [*examples[half:], None], strict=False) for index in pair]
    for index in [index for index in mixed if index is not None][:most]:
        rows = np.flatnonzero(maps.index == index)
        yield Drawn(
            str(maps.names[rows[0]]),
            LABELS[int(maps.label[rows[0]])],
            _story(maps, rows),
            _picture(maps, rows),
            _focus(maps, rows),
        )


def _story(maps: StoredMaps, rows: np.ndarray) -> str:
    called = {str(maps.role[row]): "bound" if maps.logits[row] > 0 else "unbound" for row in rows}
    if called["centre"] == called["worst"]:
        return f"called {called['centre']} in every window"
    return f"called {called['centre']} at the centre, {called['worst']} at the worst window"


def _picture(maps: StoredMaps, rows: np.ndarray) -> Markup:
    core = (int(maps.core[rows[0], 0]), int(maps.core[rows[0], 1]))
    panels = [
        Panel(words=_words(maps, row), contributions=_at_letters(maps, row), offset=int(maps.offset[row]))
        for row in rows
    ]
    label = f"Contributions of each base of {maps.names[rows[0]]}: {'; '.join(panel.words for panel in panels)}"
    known = core if core[0] >= 0 else None
    return draw_contributions(panels, label=label, span=_span(maps, rows), core=known, focus=_focus(maps, rows))


def _words(maps: StoredMaps, row: int) -> str:
    offset, logit = int(maps.offset[row]), decimal(float(maps.logits[row]), 2)
    doubt = "; contributions do not add up" if maps.incomplete is not None and maps.incomplete[row] else ""
    return f"{WORDS[str(maps.role[row])]}, offset {offset}, logit {logit}{doubt}"


def _at_letters(maps: StoredMaps, row: int) -> np.ndarray:
    """Return (W, 4): the contribution of the base that is there in its column."""
    return np.where(maps.codes[row][:, None] == np.arange(4), maps.per_base[row][:, None], 0.0)


def _span(maps: StoredMaps, rows: np.ndarray) -> tuple[int, int]:
    """Return the part of the context that is drawn: all of a short one, of a long one where most is contributed."""
    if maps.context <= LONGEST:
        return 0, maps.context
    best = _busiest(maps, rows, LONGEST)
    return best, best + LONGEST


def _focus(maps: StoredMaps, rows: np.ndarray) -> float:
    start, end = _span(maps, rows)
    width = min(SITE, end - start)
    return (_busiest(maps, rows, width) + width / 2 - start) / (end - start)


def _busiest(maps: StoredMaps, rows: np.ndarray, width: int) -> int:
    """Return where the stretch of so many bases begins that contributes most in all windows together."""
    size = np.zeros(maps.context)
    for row in rows:
        size[maps.offset[row] : maps.offset[row] + maps.window] += np.abs(maps.per_base[row])
    return int(np.convolve(size, np.ones(width), mode="valid").argmax())
