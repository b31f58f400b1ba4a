"""What a model's maps point at and what its filters answer to, with the data base's most alike underneath."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.logo import draw_logo
from holdfast.report.logo_pair import draw_logo_pair
from holdfast.report.study import Study
from holdfast.report.template import fill
from holdfast.report.words import decimal
from holdfast.runs.explanation_records import FoundMotif, MotifsRecord

__all__ = ["motifs"]

# Named filters drawn of a run: those whose match is least likely by chance.
MOST_FILTERS = 6


def motifs(study: Study) -> Markup | None:
    """Return each run's motifs with their best matches, as logos one over the other and as a table."""
    groups = []
    for setting in study.settings:
        for entry in setting.entries:
            if entry.motifs is not None:
                shown = [(row, _picture(row)) for row in _shown(entry.motifs)]
                n_filters = sum(row.kind == "filter" for row in entry.motifs.motifs)
                groups.append((study.title_of(setting, entry), entry.motifs, shown, n_filters))
    return fill("motifs.html.j2", {"groups": groups, "e_words": e_words}) if groups else None


def e_words(log10_e: float) -> str:
    """Return an E value too small for a number as a power of ten.

    Examples
    --------
    >>> e_words(-57.3), e_words(-0.3)
    ('1e-57', '0.5')
    """
    return f"1e{round(log10_e)}" if log10_e < -3 else decimal(10**log10_e, 1 if log10_e > -1 else 3)


def _shown(record: MotifsRecord) -> list[FoundMotif]:
    """Return what maps point at, then the filters with a match, best first."""
    filters = [row for row in record.motifs if row.kind == "filter" and row.matches]
    filters.sort(key=lambda row: (row.matches[0].p_value, row.name))
    return [row for row in record.motifs if row.kind == "attributed"] + filters[:MOST_FILTERS]


def _picture(row: FoundMotif) -> Markup:
    if not row.matches:
        return draw_logo(row.probabilities, f"Logo of {row.name}, which resembles nothing in the data base")
    best = row.matches[0]
    names = (row.name, f"{best.name} {best.target}" if best.name != best.target else best.name)
    return draw_logo_pair(row.probabilities, best.probabilities, offset=best.offset, strand=best.strand, names=names)
