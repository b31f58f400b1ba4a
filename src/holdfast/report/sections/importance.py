"""What planting a pattern does to the logit: runs that were asked the same share a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Entry, Setting, Study
from holdfast.report.template import fill
from holdfast.report.words import decimal, listed
from holdfast.runs.answers import PlantedEffect, PlantedEffects

__all__ = ["importance"]

# k-mers in the table.
MOST = 12
AXES = {
    "position": "first base of the pattern in the window",
    "number": "copies planted",
    "spacing": "bases between the patterns",
}
Asked = list[tuple[Entry, PlantedEffects]]


@dataclass(frozen=True)
class Drawn:
    """An experiment as it was asked of some runs, with its picture, or with the rows of a table for the only one."""

    asked: Asked
    picture: Markup | None
    whose: str
    """Label of the only run, where the setting has others."""

    @property
    def found(self) -> PlantedEffects:
        """What was asked, as the first run has it."""
        return self.asked[0][1]

    @property
    def rows(self) -> list[PlantedEffect]:
        """The table's cases: the first of many, and the last."""
        effects = self.found.effects
        return effects if len(effects) <= MOST + 1 else [*effects[:MOST], effects[-1]]

    @property
    def background(self) -> str:
        """Mean logit of the sequences as they are, for each run."""
        if len(self.asked) == 1:
            return decimal(self.found.background, 2)
        return listed([f"{decimal(found.background, 2)} ({entry.label})" for entry, found in self.asked])


def importance(study: Study) -> Markup | None:
    """Return the experiments of each setting with a run that was asked."""
    groups = [(setting.title, drawn) for setting in study.settings if (drawn := _drawn(setting))]
    return fill("importance.html.j2", {"groups": groups}) if groups else None


def _drawn(setting: Setting) -> list[Drawn]:
    alike: dict[tuple[object, ...], Asked] = {}
    for entry in setting.entries:
        record = entry.answers.importance
        for found in record.experiments if record is not None else []:
            varied = found.experiment in AXES and len(found.effects) > 1
            key = (found.experiment, found.words, found.null, found.task, found.part, found.n)
            alike.setdefault(key if varied else (*key, entry.record.name), []).append((entry, found))
    several = len(setting.entries) > 1
    return [
        Drawn(asked, _chart(asked), asked[0][0].label if several and len(asked) == 1 else "")
        for asked in alike.values()
    ]


def _chart(asked: Asked) -> Markup | None:
    """Return effects over what was varied, a line for each run; nothing where it was no number, or one."""
    first = asked[0][1]
    if first.experiment not in AXES or len(first.effects) < 2:
        return None
    return LineChart(
        title=f"Effect of {first.words}",
        x_label=AXES[first.experiment],
        y_label="effect on the logit",
        lines=[_line(entry, found) for entry, found in asked],
        level=(0.0, "no effect"),
    ).draw()


def _line(entry: Entry, found: PlantedEffects) -> Line:
    effects = sorted(found.effects, key=lambda row: row.value)
    interval = [(row.low, row.high) for row in effects if math.isfinite(row.low)]
    return Line(
        label=entry.label,
        x=[row.value for row in effects],
        y=[row.mean for row in effects],
        colour=entry.colour,
        dash=entry.dash,
        interval=interval if len(interval) == len(effects) else (),
    )
