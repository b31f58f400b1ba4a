"""The first layer's filters as logos."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from holdfast.report.logo import draw_logo
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.explanation_records import FilterRecord

__all__ = ["filters"]

# Filters drawn of a lone run, and of each run of a study.
OF_ONE, OF_EACH = 12, 6


def filters(study: Study) -> Markup | None:
    """Return each run's filters, those with most information first."""
    entries = [entry for entry in study.entries if entry.filters]
    most = OF_ONE if len(entries) == 1 else OF_EACH
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            drawable = [row for row in entry.filters if _is_drawable(row)]
            drawable.sort(key=lambda row: (-row.information_bits, row.name))
            if entry.filters:
                logos = [(row, draw_logo(row.probabilities, _words(row))) for row in drawable[:most]]
                silent = len(entry.filters) - len(drawable)
                groups.append((study.title_of(setting, entry), logos, len(entry.filters), silent))
    return fill("filters.html.j2", {"groups": groups}) if groups else None


def _is_drawable(row: FilterRecord) -> bool:
    return bool(row.n_sites > 0 and row.probabilities and np.isfinite(row.probabilities).all())


def _words(row: FilterRecord) -> str:
    consensus = "".join("ACGT"[int(np.argmax(column))] for column in row.probabilities)
    return f"Logo of {row.name}: {consensus}, {decimal(row.information_bits, 1)} bits from {row.n_sites} sites"
