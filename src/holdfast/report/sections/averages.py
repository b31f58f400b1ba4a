"""Means over the tasks of runs that have several."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import Study
from holdfast.report.template import fill

__all__ = ["averages"]

NAMES = {"auroc": "AUROC", "aupr_trapezoid": "AUPR"}


def averages(study: Study) -> Markup | None:
    """Return a table for each setting with several tasks; nothing where there is none."""
    settings = [setting for setting in study.settings if any(entry.audit.averages for entry in setting.entries)]
    return fill("averages.html.j2", {"settings": settings, "names": NAMES}) if settings else None
