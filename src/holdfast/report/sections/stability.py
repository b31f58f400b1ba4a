"""Whether explanations survive a shift: the model's numbers, and how they are spread over examples."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Entry, Setting, Study
from holdfast.report.template import fill

__all__ = ["stability"]


def stability(study: Study) -> Markup | None:
    """Return a table and a chart for each setting with a run that was asked."""
    groups = []
    for setting in study.settings:
        asked = [entry for entry in setting.entries if entry.stability is not None]
        if asked:
            rows = [(entry, _one_answer(setting, entry)) for entry in asked]
            groups.append((setting.title, rows, _chart(setting, asked).draw(), _alike(asked)))
    return fill("stability.html.j2", {"groups": groups}) if groups else None


def _one_answer(setting: Setting, entry: Entry) -> bool:
    """Return whether the model gives one answer to everything, whose explanation explains nothing."""
    assert entry.stability is not None
    task = entry.stability.task
    return any(
        row.one_answer
        for board in setting.boards
        for row in board.rows
        if row.entry is entry and row.result.task == task
    )


def _alike(entries: list[Entry]) -> bool:
    """Return whether the runs were asked the same, so that their numbers may be compared."""
    return len({str(entry.stability.settings) for entry in entries if entry.stability is not None}) == 1


def _chart(setting: Setting, entries: list[Entry]) -> LineChart:
    """Return the share of examples that are at most so stable."""
    lines = []
    for entry in entries:
        scores = np.sort(np.array([score for score in entry.stability_scores if np.isfinite(score)]))
        share = (np.arange(len(scores)) + 1) / max(1, len(scores))
        lines.append(Line(label=entry.label, x=scores.tolist(), y=share.tolist(), colour=entry.colour, dash=entry.dash))
    return LineChart(
        title=f"Share of sequences by stability, {setting.title}",
        x_label="stability of a sequence's explanation",
        y_label="sequences at most so stable (fraction)",
        lines=lines,
        whole=False,
    )
