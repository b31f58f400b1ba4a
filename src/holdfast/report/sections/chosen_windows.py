"""Where attention falls, what the model says of the window read so far, and which bases act together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from holdfast.report.heat_map import draw_heat_map
from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.answers import Answers, StoredAttention, StoredInteractions, StoredTemporal, StoredWindows

__all__ = ["attention", "interactions", "temporal"]

# Examples drawn of a lone run, of each of a few runs, and of each of many.
OF_ONE, OF_EACH, OF_MANY = 6, 2, 1
FEW = 6
LABELS = {1: "bound", 0: "unbound", -1: "label unknown"}
COLOURS = ("no-shift", "rnd", "worst", "worst-of-n", "control", "other")
Asked = TypeVar("Asked", bound=StoredWindows)


@dataclass(frozen=True)
class Drawn:
    """An example's picture with its words."""

    words: str
    picture: Markup


def attention(study: Study) -> Markup | None:
    """Return where the attention of each run that was asked falls."""
    title = "Where its attention falls"
    note = (
        "Attention laid over the bases that each step sees, mean over heads or channels. "
        "It says where the model looks, not what it makes of it."
    )
    return _section(study, lambda answers: answers.attention, _attention, title, note)


def temporal(study: Study) -> Markup | None:
    """Return what the models that were asked say of every prefix and suffix."""
    title = "As it reads"
    note = (
        "P+ of the window read so far: from the left up to a base, and from the right down to it. "
        "Where a line crosses one half, the bases just read have decided."
    )
    return _section(study, lambda answers: answers.temporal, _temporal, title, note)


def interactions(study: Study) -> Markup | None:
    """Return which pairs of bases act together."""
    title = "Which bases act together"
    note = (
        "What two bases do together beyond what each does alone: the darker, the more, red where it is negative; pairs "
        "below a tenth of the strongest are blank. Bases are counted from the start of the window."
    )
    return _section(study, lambda answers: answers.interactions, _interactions, title, note)


def _section(
    study: Study,
    of: Callable[[Answers], Asked | None],
    draw: Callable[[Asked, int], Markup],
    title: str,
    note: str,
) -> Markup | None:
    found = [(setting, entry, of(entry.answers)) for setting in study.settings for entry in setting.entries]
    asked = [(study.title_of(setting, entry), answer) for setting, entry, answer in found if answer is not None]
    most = OF_ONE if len(asked) == 1 else OF_EACH if len(asked) <= FEW else OF_MANY
    groups = [
        (name, answer, [Drawn(_words(answer, row), draw(answer, row)) for row in range(min(most, len(answer)))])
        for name, answer in asked
    ]
    return fill("chosen_windows.html.j2", {"title": title, "note": note, "groups": groups}) if groups else None


def _words(asked: StoredWindows, row: int) -> str:
    return f"{asked.names[row]}, {LABELS[int(asked.label[row])]}, logit {decimal(float(asked.logits[row]), 2)}"


def _attention(asked: StoredAttention, row: int) -> Markup:
    lines = [
        Line(
            label=str(layer),
            x=list(range(asked.window)),
            y=asked.per_base[row, number].tolist(),
            colour=COLOURS[number % len(COLOURS)],
            dash=number // len(COLOURS),
        )
        for number, layer in enumerate(asked.layers)
    ]
    return LineChart(
        title=f"Attention over the bases of {asked.names[row]}",
        x_label="base of the window",
        y_label="attention",
        lines=lines,
        uprights=_core(asked, row),
    ).draw()


def _temporal(asked: StoredTemporal, row: int) -> Markup:
    places = list(range(asked.window))
    return LineChart(
        title=f"P+ of the prefixes and suffixes of {asked.names[row]}",
        x_label="base of the window",
        y_label="P+",
        lines=[
            Line(label="from the left", x=places, y=asked.forward[row].tolist(), colour="no-shift"),
            Line(label="from the right", x=places, y=asked.backward[row].tolist(), colour="rnd", dash=1),
        ],
        uprights=_core(asked, row),
        level=(0.5, "one half"),
    ).draw()


def _interactions(asked: StoredInteractions, row: int) -> Markup:
    title = f"Interactions of the bases of {asked.names[row]}"
    return draw_heat_map(asked.strength[row], first=asked.first, label=title)


def _core(asked: StoredWindows, row: int) -> list[tuple[float, str]]:
    """Return the known core's ends in the window, where it has one."""
    start, end = (int(place) - asked.offset for place in asked.core[row])
    return [] if asked.core[row, 0] < 0 else [(start, "core"), (end - 1, "")]
