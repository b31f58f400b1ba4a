"""Every metric of every run, folded away."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import MAX_TASKS, Study
from holdfast.report.template import fill

__all__ = ["metrics"]

NAMES = {
    "accuracy": "Accuracy",
    "auroc": "AUROC",
    "aupr_trapezoid": "AUPR (trapezoid)",
    "average_precision": "Average precision",
    "mcc": "MCC",
    "log_loss": "Log loss (nats)",
}


def metrics(study: Study) -> Markup:
    """Return a table for each run and task."""
    groups = [
        (study.title_of(setting, entry), entry, entry.audit.tasks[:MAX_TASKS])
        for setting in study.settings
        for entry in setting.entries
    ]
    return fill("metrics.html.j2", {"groups": groups, "names": NAMES})
