"""The page: its sections in order, and the files that make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from markupsafe import Markup

from holdfast.core.errors import InputError
from holdfast.core.files import write_text
from holdfast.report.logo import draw_letters
from holdfast.report.sections.adversaries import adversaries
from holdfast.report.sections.averages import averages
from holdfast.report.sections.chosen_windows import attention, interactions, temporal
from holdfast.report.sections.class_optimisation import class_optimisation
from holdfast.report.sections.contributions import contributions
from holdfast.report.sections.curves import curves
from holdfast.report.sections.facts import data_facts, run_facts
from holdfast.report.sections.filters import filters
from holdfast.report.sections.fragile import fragile
from holdfast.report.sections.glossary import glossary
from holdfast.report.sections.importance import importance
from holdfast.report.sections.metrics import metrics
from holdfast.report.sections.motifs import motifs
from holdfast.report.sections.nonsense import nonsense
from holdfast.report.sections.opening import opening
from holdfast.report.sections.stability import stability
from holdfast.report.sections.table import tables
from holdfast.report.sections.training import training
from holdfast.report.study import LeftOut, Study
from holdfast.report.template import fill
from holdfast.report.words import listed
from holdfast.runs.folder import Run

__all__ = ["SECTIONS", "render", "write_report"]

Section = Callable[[Study], Markup | None]

SECTIONS: Mapping[str, Section] = {
    "opening": opening,
    "glossary": glossary,
    "averages": averages,
    "tables": tables,
    "curves": curves,
    "fragile": fragile,
    "contributions": contributions,
    "stability": stability,
    "motifs": motifs,
    "filters": filters,
    "class_optimisation": class_optimisation,
    "importance": importance,
    "attention": attention,
    "temporal": temporal,
    "interactions": interactions,
    "training": training,
    "metrics": metrics,
    "adversaries": adversaries,
    "nonsense": nonsense,
    "data": data_facts,
    "runs": run_facts,
}


def render(runs: Sequence[Run], left_out: Sequence[LeftOut] = ()) -> str:
    """Return the report on runs as one self-contained HTML page.

    The page depends on the folders alone: the same folders give the same text.

    Parameters
    ----------
    runs
        One run, or the runs of a study; those with the same data and threat model stand in one table.
    left_out
        Runs that are named on the page and not shown.

    Raises
    ------
    InputError
        If there is no run, one is not finished, or a file of one is missing or garbled.
    """
    study = Study.read(runs, left_out)
    drawn = [section(study) for section in SECTIONS.values()]
    names = listed(list(dict.fromkeys(setting.data_name for setting in study.settings)))
    package = resources.files("holdfast.report").joinpath("templates")
    return str(
        fill(
            "page.html.j2",
            {
                "title": f"{names}: holdfast report",
                "style": Markup(package.joinpath("style.css").read_text(encoding="utf-8")),
                "script": Markup(package.joinpath("page.js").read_text(encoding="utf-8")),
                "letters": draw_letters(),
                "sections": [section for section in drawn if section is not None],
                "versions": sorted({entry.record.versions.get("holdfast", "unknown") for entry in study.entries}),
            },
        )
    )


def write_report(runs: Sequence[Run], path: Path, left_out: Sequence[LeftOut] = ()) -> Path:
    """Write the report on runs and return its path.

    Parameters
    ----------
    runs
        See :func:`render`.
    path
        HTML file to write.
    left_out
        See :func:`render`.

    Raises
    ------
    InputError
        As :func:`render`, or if the file cannot be written.
    """
    for run in runs:
        if not isinstance(run, Run):
            raise InputError(f"report: {run!r} is no run; expected a list of runs, such as [Run.open(folder)]")
    write_text(Path(path), render(runs, left_out))
    return Path(path)
