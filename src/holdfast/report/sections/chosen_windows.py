"""Where attention falls, what the model says of the window read so far, and which bases act together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from holdfast.report.heat_map import draw_heat_map, draw_strips
from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.answers import Answers, StoredAttention, StoredInteractions, StoredTemporal, StoredWindows

__all__ = ["attention", "interactions", "temporal"]

# Examples drawn of a lone run, of each of a few runs, and of each of many.
OF_ONE, OF_EACH, OF_MANY = 6, 2, 1
FEW = 6
# Heads or channels from which on the tenth that varies most is drawn too.
MANY = 10
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
        "What each step is given, laid over the bases that it sees: the mean over all heads or channels, and over the "
        "tenth of them that vary most along the window, where there are ten or more. The strips below have a row for "
        "each head or channel, like beside like. Where pairs of steps have a weight, a step is given the sum "
        "over all that look at it. Attention says where the model looks, not what it makes of it."
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
        "In units of the logit, on a scale of each example's own: the stronger the colour, the more, red where it is "
        "negative; pairs below a tenth of the strongest are blank. Bases are counted from 0 at the start of the "
        "window. Pairs of substitutions: the largest size of what two do together beyond what each does alone. Change "
        "of gradients: how much the slope at the base below changes, in the row of its greatest change, when the base "
        "at the side is exchanged. Integrated Hessians: what a pair adds to the logit beyond its members, from no "
        "bases at all on."
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
    words = f"{asked.names[row]}, {LABELS[int(asked.label[row])]}, logit {decimal(float(asked.logits[row]), 2)}"
    flags = asked.incomplete if isinstance(asked, StoredInteractions) else None
    return words + ("; interactions do not add up to it" if flags is not None and flags[row] else "")


def _attention(asked: StoredAttention, row: int) -> Markup:
    lines = [line for layer in range(len(asked.layers)) for line in _layer_lines(asked, row, layer)]
    over = LineChart(
        title=f"Attention over the bases of {asked.names[row]}",
        x_label="base of the window",
        y_label="attention given to the steps that see a base",
        lines=lines,
        uprights=_core(asked, row),
    )
    return Markup("").join([over.draw(), *_strips(asked, row, over.right)])


def _layer_lines(asked: StoredAttention, row: int, layer: int) -> list[Line]:
    """Return the mean over all heads or channels of a layer and, of many, over those that vary most."""
    several, colour = len(asked.layers) > 1, COLOURS[layer % len(COLOURS)]
    drawn = [(str(asked.layers[layer]) if several else "all", asked.per_base)]
    if (asked.layer_of == layer).sum() >= MANY:
        drawn.append(("most varied", asked.focus))
    elif not several:
        drawn = [("attention", asked.per_base)]
    bases = list(range(asked.window))
    return [
        Line(label=label, x=bases, y=values[row, layer].tolist(), colour=colour, dash=number)
        for number, (label, values) in enumerate(drawn)
    ]


def _strips(asked: StoredAttention, row: int, right: float) -> list[Markup]:
    """Return the heads or channels of each layer that has several."""
    pictures = []
    for layer, name in enumerate(asked.layers):
        rows, edges = asked.channels(row, layer)
        if len(rows) > 1:
            words = f"{len(rows)} heads or channels of layer {name}"
            pictures.append(draw_strips(rows, edges, window=asked.window, label=words, right=right))
    return pictures


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
    """Return the known core's ends that lie in the window, the first of them named."""
    if asked.core[row, 0] < 0:
        return []
    start, end = (int(place) - asked.offset for place in asked.core[row])
    ends = [float(base) for base in (start, end - 1) if 0 <= base < asked.window]
    return list(zip(ends, ("core", ""), strict=False))
