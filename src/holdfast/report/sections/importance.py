"""What planting a pattern does to the logit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Entry, Study
from holdfast.report.template import fill
from holdfast.runs.answers import PlantedEffect, PlantedEffects

__all__ = ["importance"]

# k-mers in the table.
MOST = 12
AXES = {
    "position": "first base of the pattern in the window",
    "number": "copies planted",
    "spacing": "bases between the patterns",
}


@dataclass(frozen=True)
class Drawn:
    """An experiment with its picture, or with the rows of its table."""

    found: PlantedEffects
    picture: Markup | None

    @property
    def rows(self) -> list[PlantedEffect]:
        """The table's cases: the first of many, and the last."""
        effects = self.found.effects
        return effects if len(effects) <= MOST + 1 else [*effects[:MOST], effects[-1]]


def importance(study: Study) -> Markup | None:
    """Return the experiments of each run that was asked."""
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            if entry.answers.importance is not None:
                drawn = [Drawn(found, _chart(entry, found)) for found in entry.answers.importance.experiments]
                groups.append((study.title_of(setting, entry), drawn))
    return fill("importance.html.j2", {"groups": groups}) if groups else None


def _chart(entry: Entry, found: PlantedEffects) -> Markup | None:
    """Return effects over what was varied; nothing where it was no number, or one."""
    if found.experiment not in AXES or len(found.effects) < 2:
        return None
    effects = sorted(found.effects, key=lambda row: row.value)
    interval = [(row.low, row.high) for row in effects if math.isfinite(row.low)]
    line = Line(
        label="effect",
        x=[row.value for row in effects],
        y=[row.mean for row in effects],
        colour=entry.colour,
        interval=interval if len(interval) == len(effects) else (),
    )
    return LineChart(
        title=f"Effect of {found.words}",
        x_label=AXES[found.experiment],
        y_label="effect on the logit",
        lines=[line],
        level=(0.0, "no effect"),
    ).draw()
