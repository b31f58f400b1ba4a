"""What reproductions of a paper's table share: the published numbers, the comparison, and the files that hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from holdfast.core.files import write_text
from holdfast.jobs.grid import GridResult
from holdfast.jobs.summary import markdown
from holdfast.report import write_report

__all__ = ["Reproduction", "beside", "heading", "published", "write_reproduction"]


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Our numbers beside the paper's, and the files that hold them.

    Parameters
    ----------
    result
        The runs.
    comparison
        See :func:`beside`.
    by
        Columns of the comparison that head a table of it.
    csv, markdown, report
        Files.
    """

    result: GridResult
    comparison: pd.DataFrame
    by: tuple[str, ...]
    csv: Path
    markdown: Path
    report: Path


def published(name: str) -> pd.DataFrame:
    """Return a published table that the package carries.

    Examples
    --------
    >>> len(published("pap_megyeri_table1")), len(published("pap_megyeri_table2"))
    (180, 36)
    """
    path = files("holdfast.jobs") / "tables" / f"{name}.csv"
    with path.open(encoding="utf-8") as handle:
        return pd.read_csv(handle)


def beside(rows: Sequence[Mapping[str, Any]], paper: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return our numbers beside the paper's.

    Parameters
    ----------
    rows
        Keys, ours, ours_low, ours_high, run.
    paper
        Keys and paper; a row of ours that is not in it stands alone.
    keys
        Columns that say which number it is.

    Returns
    -------
    DataFrame
        Keys, ours, ours_low, ours_high, paper, difference (ours - paper), run.
    """
    columns = [*keys, "ours", "ours_low", "ours_high", "run"]
    table = pd.DataFrame(rows, columns=columns).merge(paper[[*keys, "paper"]], on=list(keys), how="left")
    table["difference"] = table["ours"] - table["paper"]
    return table[[*columns[:-1], "paper", "difference", "run"]]


def heading(by: Sequence[str], values: Sequence[Any]) -> str:
    """Return the words over one table.

    Examples
    --------
    >>> heading(["tf", "task", "length"], ["S", "discovery", 75])
    'S, discovery, 75 bp'
    """
    return ", ".join(f"{value} bp" if key == "length" else str(value) for key, value in zip(by, values, strict=True))


def write_reproduction(
    result: GridResult, comparison: pd.DataFrame, root: Path, *, name: str, by: Sequence[str], opening: Sequence[str]
) -> Reproduction:
    """Write the comparison as CSV and Markdown and the report of the runs, if there are any.

    Parameters
    ----------
    result
        The runs.
    comparison
        See :func:`beside`.
    root
        Where to write.
    name
        Of the files, such as ``table1``.
    by
        Columns that head a table.
    opening
        First lines of the Markdown page.
    """
    made = Reproduction(
        result=result,
        comparison=comparison,
        by=tuple(by),
        csv=root / f"{name}.csv",
        markdown=root / f"{name}.md",
        report=root / "report.html",
    )
    if result.runs:
        write_text(made.csv, comparison.to_csv(index=False, lineterminator="\n"))
        write_text(made.markdown, _page(comparison, by, opening))
        write_report(result.runs, made.report)
    return made


def _page(comparison: pd.DataFrame, by: Sequence[str], opening: Sequence[str]) -> str:
    parts = list(opening)
    columns = ["trained", "attacked", "ours", "95 % interval", "paper", "ours - paper"]
    for values, rows in comparison.groupby(list(by), sort=False):
        cells = [
            [
                str(row["train"]),
                str(row["eval"]),
                f"{row['ours']:.4f}",
                "" if pd.isna(row["ours_low"]) else f"{row['ours_low']:.4f}-{row['ours_high']:.4f}",
                "" if pd.isna(row["paper"]) else f"{row['paper']:.4f}",
                "" if pd.isna(row["difference"]) else f"{row['difference']:+.4f}",
            ]
            for row in rows.to_dict("records")
        ]
        parts += ["", f"## {heading(by, values)}", "", markdown(columns, cells)]
    return "\n".join(parts) + "\n"
