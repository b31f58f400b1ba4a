"""A study in one table, read from its run folders: what is printed, and summary.csv, summary.md and report.html."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from holdfast.core.files import write_text
from holdfast.report import write_report
from holdfast.report.labels import distinct_labels
from holdfast.runs.folder import Run
from holdfast.runs.records import METRICS, AuditRecord, Estimate, RunRecord, TaskAudit

__all__ = ["EVALUATIONS", "WrittenStudy", "markdown", "summary", "write_study"]

EVALUATIONS = {"clean": "No Shift", "random": "Rnd", "worst": "Worst"}
"""An audit's columns, and what the field calls the attacks behind them."""

_STRATEGIES = ("none", "No Shift", "Rnd", "Worst-of-n", "Worst")


@dataclass(frozen=True, kw_only=True)
class WrittenStudy:
    """Files of a study."""

    csv: Path
    markdown: Path
    report: Path


def summary(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one row for each run and task.

    Parameters
    ----------
    runs
        Finished runs.

    Returns
    -------
    DataFrame
        Who (setting, label, run, data, task, model, strategy, window, context, seed, control), then
        ``{clean,random,worst}_{metric}`` with ``_low`` and ``_high`` of their 95 % intervals, certified accuracy,
        consistency, mean radius in bp, best epoch and training seconds. Rows are sorted: data, window, then No Shift,
        Rnd, Worst, and controls last.
    """
    read = [(run, run.record, run.audit) for run in runs]
    rows = [_row(run, record, audit, task) for run, record, audit in read for task in audit.tasks]
    table = pd.DataFrame(rows)
    order = ["data", "task", "context", "window", "setting", "control"]
    windows = table["strategy"].str.partition(" + ")[0]
    table["place"] = windows.map({name: place for place, name in enumerate(_STRATEGIES)})
    table = table.sort_values([*order, "place", "strategy", "model", "seed"], kind="stable").drop(columns="place")
    return _with_distinct_labels(table.reset_index(drop=True), {str(run.folder): record for run, record, _ in read})


def write_study(runs: Sequence[Run], folder: Path, *, report: Path | None = None) -> WrittenStudy:
    """Write summary.csv, summary.md and the report of some runs.

    Parameters
    ----------
    runs
        Finished runs.
    folder
        Where to write.
    report
        HTML file; left out, ``report.html`` in the folder.
    """
    table = summary(runs)
    csv, page = folder / "summary.csv", folder / "summary.md"
    write_text(csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(page, _page(table))
    return WrittenStudy(csv=csv, markdown=page, report=write_report(runs, report or folder / "report.html"))


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, numbers to the right.

    Examples
    --------
    >>> print(markdown(["trained", "Worst"], [["Rnd", "0.715"]]))
    | trained | Worst |
    |:--|--:|
    | Rnd | 0.715 |
    """
    rule = "|".join(":--" if number == 0 else "--:" for number in range(len(columns)))
    return "\n".join([f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])


def _row(run: Run, record: RunRecord, audit: AuditRecord, task: TaskAudit) -> dict[str, object]:
    named = record.data_name if len(audit.tasks) == 1 else f"{record.data_name} ({task.task})"
    row: dict[str, object] = {
        "setting": f"{named}: {audit.shift.words}; {audit.part}",
        "label": "control" if record.is_control else record.strategy,
        "run": str(run.folder),
        "data": record.data_name,
        "task": task.task,
        "model": record.model,
        "strategy": record.strategy,
        "window": record.window,
        "context": record.context,
        "seed": record.seed,
        "control": record.is_control,
    }
    for attack in EVALUATIONS:
        estimates: dict[str, Estimate] = getattr(task, attack)
        for metric in METRICS:
            row |= _three(f"{attack}_{metric}", estimates[metric])
    row |= _three("certified_accuracy", task.certified_accuracy) | _three("consistency", task.consistency)
    facts = record.training
    return row | {
        "mean_radius_bp": task.mean_radius_bp,
        "best_epoch": facts.best_epoch if facts is not None else None,
        "training_seconds": facts.seconds if facts is not None else None,
    }


def _three(name: str, estimate: Estimate) -> dict[str, object]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _with_distinct_labels(table: pd.DataFrame, records: Mapping[str, RunRecord]) -> pd.DataFrame:
    """Return the table with labels that tell the rows of a setting apart."""
    for _, rows in table.groupby("setting", sort=False):
        of_rows = [records[folder] for folder in rows["run"]]
        table.loc[rows.index, "label"] = distinct_labels(rows["label"].tolist(), of_rows)
    return table


def _page(table: pd.DataFrame) -> str:
    parts = ["# Summary", "", "Accuracy by training strategy (rows) and attack (columns), read from the run folders."]
    columns = ["trained", *EVALUATIONS.values(), "certified", "run"]
    for title, rows in table.groupby("setting", sort=False):
        cells = [
            [
                str(row["label"]),
                *(f"{row[f'{attack}_accuracy']:.4f}" for attack in EVALUATIONS),
                f"{row['certified_accuracy']:.4f}",
                Path(row["run"]).name,
            ]
            for row in rows.to_dict("records")
        ]
        parts += ["", f"## {title}", "", markdown(columns, cells)]
    return "\n".join(parts) + "\n"
