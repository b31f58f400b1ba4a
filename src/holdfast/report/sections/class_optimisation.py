"""The inputs that a model takes for bound most surely, as logos."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.logo import draw_logo
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.answers import ClassOptimisationRecord, OptimisedStart

__all__ = ["class_optimisation"]

# A wider input is drawn with so many columns, about its strongest columns.
WIDEST = 110


@dataclass(frozen=True)
class Drawn:
    """The best start: the part of its input that is drawn, its strongest columns, and what all starts share."""

    start: OptimisedStart
    first: int
    whole: Markup
    run: Markup
    shared: Markup | None

    @property
    def focus(self) -> float:
        """Where the run's middle stands in the part that is drawn, as a share of it."""
        middle = (self.start.run_start + self.start.run_end) / 2 - self.first
        return middle / min(WIDEST, len(self.start.probabilities))


def class_optimisation(study: Study) -> Markup | None:
    """Return the best start of each run that was asked."""
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            record = entry.answers.class_optimisation
            if record is not None:
                groups.append((study.title_of(setting, entry), record, _drawn(record)))
    return fill("class_optimisation.html.j2", {"groups": groups}) if groups else None


def _drawn(record: ClassOptimisationRecord) -> Drawn:
    best, shared = record.best[0], record.shared
    first = _first(best)
    shown = best.probabilities[first : first + WIDEST]
    whole = f"Logo of {len(shown)} columns of the optimised input, from base {first}"
    run = f"Logo of its strongest columns: {best.consensus}, {decimal(best.information_bits, 1)} bits"
    common = draw_logo(shared.probabilities, f"Logo of what the starts share: {shared.consensus}") if shared else None
    return Drawn(best, first, draw_logo(shown, whole), draw_logo(best.run, run), common)


def _first(best: OptimisedStart) -> int:
    """Return the first column that is drawn."""
    middle = (best.run_start + best.run_end) // 2
    return max(0, min(middle - WIDEST // 2, len(best.probabilities) - WIDEST))
