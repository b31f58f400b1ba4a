"""Out-of-distribution inputs: whether a model's own certainty tells real windows from made ones."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import Study
from holdfast.report.template import fill

__all__ = ["nonsense"]


def nonsense(study: Study) -> Markup | None:
    """Return a table for each run that was asked."""
    groups = [
        (study.title_of(setting, entry), entry.audit.out_of_distribution)
        for setting in study.settings
        for entry in setting.entries
        if entry.audit.out_of_distribution
    ]
    return fill("nonsense.html.j2", {"groups": groups}) if groups else None
