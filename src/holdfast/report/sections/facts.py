"""What was measured on what: data sets and runs."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import Study
from holdfast.report.template import fill

__all__ = ["data_facts", "run_facts"]


def data_facts(study: Study) -> Markup:
    """Return each data set once."""
    facts = {entry.data.fingerprint: entry.data for entry in study.entries}
    return fill("data.html.j2", {"sets": list(facts.values())})


def run_facts(study: Study) -> Markup:
    """Return a row and a folded page of facts for each run."""
    rows = [(setting, entry) for setting in study.settings for entry in setting.entries]
    versions = sorted({tuple(sorted(entry.record.versions.items())) for entry in study.entries})
    return fill("runs.html.j2", {"study": study, "rows": rows, "versions": versions})
