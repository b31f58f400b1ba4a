"""How results/cleaner_explanations.json becomes tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from markdown_tables import Page, markdown_table, mean, signed_interval

__all__ = ["cleaner_explanations"]


def cleaner_explanations(page: Page) -> str:
    """Return, for each data set and training, stability, movement, truth and agreement; then the motifs shown."""
    groups: dict[tuple[str, ...], list[Page]] = {}
    for row in page["rows"]:
        groups.setdefault(_trained(row), []).append(row)
    agreed = {_trained(row): row["rank_correlation"] for row in page["agreement"]}
    changed = {_trained(row): row for row in page["against_no_shift"]}
    titles = ["data", "model", "trained", "seeds", "worst accuracy", "stability", "less that of No Shift", "movement"]
    titles += ["truth (AUROC)", "less that of No Shift", "agreement of seeds"]
    body = [
        [
            *key,
            str(len(rows)),
            mean([row["worst"] for row in rows]),
            mean([row["stability"][0] for row in rows]),
            _change(changed.get(key), "stability"),
            mean([row["movement"][0] for row in rows]),
            mean([row["truth"]["mean_auroc"] for row in rows if row["truth"]]),
            _change(changed.get(key), "truth_auroc"),
            f"{agreed[key]:.2f}" if key in agreed else "",
        ]
        for key, rows in groups.items()
    ]
    said = (
        f"{page['window_bp']} of 101 bp, preset {page['preset']}; maps by {page['method']} of {page['examples']} bound"
        " test examples; means over seeds. Less that of No Shift: example by example, with the 95 % interval over"
        " examples."
    )
    return f"{markdown_table(titles, body, words=3)}\n\n{said}\n\n{_shown_motifs(page, groups)}"


def _shown_motifs(page: Page, groups: Mapping[tuple[str, ...], list[Page]]) -> str:
    """Return in how many of the trainings the factor's motif is among what a model shows, in three ways."""
    titles = ["data", "model", "trained", "in filters", "in the optimised input", "in what maps point at"]
    titles += ["first in what maps point at"]
    body = []
    for key, rows in groups.items():
        first = [row["recall"]["attributed"] for row in rows]
        leads = f"{sum(one['found'] and one['place'] == 1 for one in first)} of {len(first)}"
        body.append([*key, *(_recalled(rows, way) for way in ("filters", "class_optimisation", "attributed")), leads])
    said = (
        "Trainings that show JASPAR's motif of the factor: the best match has p < .05, times the motifs asked."
        f" Beside it the correlation of the aligned columns. Up to {page['attributed_motifs']} motifs are looked for in"
        " what maps point at; first is the one that most maps share."
    )
    return f"{markdown_table(titles, body, words=3)}\n\n{said}"


def _trained(row: Page) -> tuple[str, ...]:
    return row["data"], row["model"], row["trained"]


def _change(row: Page | None, name: str) -> str:
    if row is None or name not in row:
        return ""
    return signed_interval(row[name])


def _recalled(rows: Sequence[Page], way: str) -> str:
    found = [row["recall"][way] for row in rows]
    alike = [one["correlation"] for one in found if one["found"]]
    return f"{sum(one['found'] for one in found)} of {len(found)}" + (
        f", {statistics.mean(alike):.2f}" if alike else ""
    )
