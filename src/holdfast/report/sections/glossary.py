"""The words that the page uses, folded away."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.study import Study
from holdfast.report.template import fill

__all__ = ["glossary"]


def glossary(study: Study) -> Markup:
    """Return the definitions."""
    return fill("glossary.html.j2", {"n_try": sorted({entry.audit.n_try for entry in study.entries})})
