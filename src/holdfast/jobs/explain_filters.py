"""First-layer filters of a run as motifs, looked for where and as strictly as asked."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.core.parameters import Share, Size, check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.data.parts import part_number
from holdfast.jobs.ensemble import ensemble_filters
from holdfast.jobs.explain import Question, open_subject
from holdfast.jobs.train import N_FILTERS, filter_records
from holdfast.models.ensemble import Ensemble
from holdfast.report import write_report
from holdfast.runs.explanation_records import FilterRecord
from holdfast.runs.folder import Run

__all__ = ["explain_filters"]


def explain_filters(
    folder: Path,
    *,
    part: str = "test",
    threshold: Share = 0.5,
    limit: Size = N_FILTERS,
    data: Path | None = None,
    progress: Progress = SILENT,
) -> tuple[Run, list[FilterRecord]]:
    """Make motifs of a run's first-layer filters and keep them in its folder in place of those that were there.

    Parameters
    ----------
    folder
        Run folder.
    part
        Whose contexts are looked through.
    threshold
        Share of a filter's largest response that makes a site, see
        :func:`~holdfast.interpret.filters.first_layer_motifs`.
    limit
        Filters kept, the most informative.
    data
        Where the run's data set lies now; left out, where it was.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or its model has no convolution over the bases.
    """
    check_values(explain_filters, {"threshold": threshold, "limit": limit}, "filters")
    part_number(part)
    subject = open_subject(folder, Question(part=part), data=data)
    run, model = subject.run, subject.model
    with progress.task(f"looking for sites of first-layer filters in the {part} part", None):
        if isinstance(model, Ensemble):
            records = ensemble_filters(model, subject.data, part=part, threshold=threshold, limit=limit)
        else:
            records = filter_records(model, subject.data, part=part, threshold=threshold, limit=limit)
    if not records:
        raise InputError(
            f"{run.folder}: model '{run.record.model}' has no first-layer filters that answer to the {part} part"
        )
    run.write_filters(records)
    write_report([run], run.path("report"))
    return run, records
