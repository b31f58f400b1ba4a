"""Maps of chosen examples under three windows: the leftmost legal one, the centre, the worst."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.interpret.attribution import Attribution, Attributions
from holdfast.io.browser import write_bed, write_bigwig
from holdfast.io.names import SHUFFLED, along_genome, on_reverse_strand
from holdfast.jobs.explain import Chosen, Question, Subject, fragile_and_robust, named_or, open_subject, worst_columns
from holdfast.jobs.explain_answers import Answer, answered
from holdfast.robustness.audit import scan_dataset
from holdfast.runs.explanations import StoredMaps, read_maps, write_maps
from holdfast.runs.files import FileKind
from holdfast.runs.folder import Run

__all__ = ["ROLES", "explain_attributions"]

ROLES = ("first", "centre", "worst")
# Steps of the progress bar, more or less.
STEPS = 40
_TRACKS: tuple[FileKind, ...] = ("attribution_regions", "attribution_track")


def explain_attributions(
    folder: Path,
    question: Question,
    *,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[StoredMaps]:
    """Explain chosen examples under three windows each and keep the maps in the run folder and on its report.

    Parameters
    ----------
    folder
        Run folder.
    question
        Method, task and examples; ``n`` takes the n most fragile and the n most robust bound ones.
    data
        Where the run's data set lies now; left out, where it was.
    device
        Left out, the experiment's.
    progress
        Whom to tell how far it is, and what is written over.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or there are no such examples.
    ConfigError
        If there is no such method.
    """
    method = question.build_method()
    subject = open_subject(folder, question, data=data, device=device)
    run, chosen = subject.run, named_or(subject, question, fragile_and_robust)

    def find() -> StoredMaps:
        maps = _maps(subject, question, method, chosen, progress)
        write_maps(run, maps)
        _write_tracks(run, maps)
        return maps

    return answered(
        run,
        "attributions",
        settings=subject.settings_text(question, chosen.rows),
        read=lambda: read_maps(run),
        find=find,
        words=lambda there: f"the maps by {there.method} of {there.chosen}",
        progress=progress,
    )


def _maps(subject: Subject, question: Question, method: Attribution, chosen: Chosen, progress: Progress) -> StoredMaps:
    """Explain three windows of each chosen example."""
    examples = subject.data.take(chosen.rows)
    offsets = _three_windows(subject, examples)
    windows = _windows(examples, offsets, subject.shift.window)
    index = torch.from_numpy(np.repeat(chosen.rows, len(ROLES)))
    # Small blocks, so that the bar moves; a draw belongs to an example, whatever the block.
    method = replace(method, batch_size=min(method.batch_size, max(len(ROLES), len(windows) // STEPS)))
    with progress.task(f"explaining {len(windows)} windows by {question.method_words}", len(windows)) as advance:
        found = method(subject.model, windows, task=subject.task, index=index, device=subject.device, advance=advance)
    return _stored(found, examples, offsets, subject, question, chosen)


def _three_windows(subject: Subject, examples: SequenceDataset) -> NDArray[np.int64]:
    """Return (N, 3) offsets, in the order of :data:`ROLES`."""
    shift, legal = subject.shift, subject.shift.legal(examples.core)
    logits = scan_dataset(subject.model, examples, shift, device=str(subject.device))[:, :, subject.task]
    worst = worst_columns(logits, examples.labels[:, subject.task], legal, centre=shift.centre_choice)
    columns = np.stack([legal.argmax(axis=1), np.full(len(legal), shift.centre_choice), worst], axis=1)
    return np.asarray(shift.offsets[columns])


def _windows(examples: SequenceDataset, offsets: NDArray[np.int64], window: int) -> NDArray[np.uint8]:
    """Return (3 N, W) windows, an example's beside each other."""
    columns = offsets[:, :, None] + np.arange(window)
    return np.asarray(examples.codes[np.arange(len(examples))[:, None, None], columns]).reshape(-1, window)


def _stored(
    found: Attributions,
    examples: SequenceDataset,
    offsets: NDArray[np.int64],
    subject: Subject,
    question: Question,
    chosen: Chosen,
) -> StoredMaps:
    times, places = len(ROLES), examples.places
    hypothetical = None if found.hypothetical is None else found.hypothetical.astype(np.float16)
    return StoredMaps(
        settings=subject.settings_text(question, chosen.rows),
        method=question.method_words,
        task=subject.task_name,
        chosen=chosen.words,
        context=subject.data.context,
        names=np.repeat(np.array(places.names), times),
        index=np.repeat(examples.index, times),
        label=np.repeat(examples.labels[:, subject.task], times),
        role=np.tile(np.array(ROLES), len(examples)),
        offset=offsets.ravel(),
        core=np.repeat(examples.core, times, axis=0),
        logits=found.logits,
        codes=found.codes,
        per_base=found.per_base,
        hypothetical=hypothetical,
        gap=found.gap,
        incomplete=found.incomplete,
        chrom=None if places.chrom is None else np.repeat(np.array(places.chrom), times),
        start=None if places.start is None else np.repeat(places.start, times),
    )


def _write_tracks(run: Run, maps: StoredMaps) -> None:
    """Write the centre windows that lie in the genome for a browser; without any, remove what was there before."""
    shuffled = np.array([str(name).endswith(SHUFFLED) for name in maps.names])
    shown = (maps.role == "centre") & ~shuffled
    if maps.chrom is None or maps.start is None or not shown.any():
        for kind in _TRACKS:
            run.path(kind).unlink(missing_ok=True)
        return
    names, chrom = maps.names[shown].tolist(), maps.chrom[shown].tolist()
    start = maps.start[shown] + along_genome(names, maps.offset[shown], width=maps.window, context=maps.context)
    values = np.where(on_reverse_strand(names)[:, None], maps.per_base[shown][:, ::-1], maps.per_base[shown])
    bound = 1 / (1 + np.exp(-maps.logits[shown].astype(np.float64)))
    regions, track = (run.path(kind) for kind in _TRACKS)
    write_bed(regions, chrom=chrom, start=start, end=start + maps.window, names=names, score=bound)
    write_bigwig(track, chrom=chrom, start=start, values=values)
