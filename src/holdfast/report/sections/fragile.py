"""The sequences that a shift breaks, written out."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from holdfast.report.sequence import draw_sequence
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.records import FragileExample

__all__ = ["fragile"]

# Examples drawn of a lone run, and of each run of a study.
OF_ONE, OF_EACH = 12, 4


@dataclass(frozen=True)
class Drawn:
    """An example with its words."""

    example: FragileExample
    sequence: Markup
    label: str
    story: str


def fragile(study: Study) -> Markup | None:
    """Return the most fragile examples of each run; those of the control say nothing and are left out."""
    entries = [entry for entry in study.entries if not entry.record.is_control] or study.entries
    most = OF_ONE if len(entries) == 1 else OF_EACH
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            if entry in entries and entry.audit.fragile:
                drawn = [_drawn(example, setting.shift.window) for example in entry.audit.fragile[:most]]
                groups.append((study.title_of(setting, entry), drawn))
    has_core = any(one.example.core is not None for _, drawn in groups for one in drawn)
    return fill("fragile.html.j2", {"study": study, "groups": groups, "has_core": has_core}) if groups else None


def _drawn(example: FragileExample, window: int) -> Drawn:
    label = "bound" if example.label == 1 else "unbound"
    return Drawn(example, draw_sequence(example, window), label, _story(example))


def _story(example: FragileExample) -> str:
    shift = example.worst_offset - example.centre_offset
    way = f"{abs(shift)} bp to the {'left' if shift < 0 else 'right'}" if shift else "in place"
    strand = ", read on the other strand" if example.worst_strand == "-" else ""
    radius = example.radius_bp
    return (
        f"logit {decimal(example.centre_logit, 2)} at the centre, {decimal(example.worst_logit, 2)} with the window "
        f"{way}{strand}; "
        + (f"the call holds for {radius} bp either way" if radius > 0 else "the next window flips the call")
    )
