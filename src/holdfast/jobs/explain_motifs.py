"""Motifs that a run's model shows, and what a data base calls them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from holdfast.core.errors import InputError
from holdfast.core.files import write_text
from holdfast.core.parameters import Size, check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.interpret.attributed import WIDTH, attributed_motifs
from holdfast.interpret.zoops import Zoops
from holdfast.jobs.explain import Question, Subject, drawn_bound, named_or, open_subject
from holdfast.jobs.explain_answers import Answer, answered
from holdfast.jobs.motifs import match_table, motif_database
from holdfast.motifs.database import RELEASE
from holdfast.motifs.files import write_motifs
from holdfast.motifs.match import MatchSettings, MotifMatch, match_motifs
from holdfast.motifs.motif import Motif
from holdfast.runs.explanation_records import FoundMotif, MatchRecord, MotifsRecord
from holdfast.runs.folder import Run

__all__ = ["explain_motifs"]

# Matches kept of a motif, and the largest E value of one: Tomtom's.
KEPT, MAX_E = 3, 10.0


def explain_motifs(
    folder: Path,
    question: Question,
    *,
    motifs: Size = 3,
    width: Size = WIDTH,
    database: str = RELEASE,
    taxon: str | None = None,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[MotifsRecord]:
    """Find what a run's maps point at, and name it and the first layer's filters by a data base.

    The stretch of greatest contribution is cut out of each example's centre window, and motifs are looked for in these
    stretches. Motifs, matches and a record go into the run folder and its report.

    Parameters
    ----------
    folder, data, device, progress
        See :func:`~holdfast.jobs.explain_attributions.explain_attributions`.
    question
        Method, task and examples; ``n`` draws so many bound ones of the part.
    motifs
        At most so many are looked for.
    width
        Of a stretch, in bp, and at most of a motif.
    database, taxon
        See :func:`~holdfast.jobs.motifs.motif_database`.

    Raises
    ------
    InputError
        If the run or its data cannot be read, there are no such examples, or no such data base.
    ConfigError
        If there is no such method, or a number does not fit.
    """
    check_values(explain_motifs, {"motifs": motifs, "width": width}, "explain motifs")
    subject = open_subject(folder, question, data=data, device=device)
    run, chosen = subject.run, named_or(subject, question, drawn_bound)
    targets, filters = motif_database(database, taxon=taxon), _filters(run)
    asked = {
        "motifs": motifs,
        "width": width,
        "database": [database, taxon, _mark(targets)],
        "filters": _mark([one.motif for one in filters]),
    }
    settings = subject.settings(question, chosen.rows, **asked)

    def find() -> MotifsRecord:
        began = time.perf_counter()
        found = _attributed(subject, question, chosen.rows, motifs=motifs, width=width, progress=progress)
        shown = _some(run, [*found, *filters])
        matches = match_motifs(
            [one.motif for one in shown], targets, MatchSettings(max_q=1.0, max_e=MAX_E), progress=progress
        )
        record = MotifsRecord(
            settings=settings,
            method=question.method_words,
            task=subject.task_name,
            chosen=chosen.words,
            database=Path(database).name if Path(database).exists() else f"{database}, {taxon or 'vertebrates'}",
            n_targets=len(targets),
            motifs=[_found(one, [match for match in matches if match.query is one.motif]) for one in shown],
            seconds=time.perf_counter() - began,
        )
        _write(run, record, [one.motif for one in shown], matches)
        return record

    return answered(
        run,
        "motifs",
        settings=settings,
        read=lambda: run.motifs if run.has("motif_file") and run.has("matches") else None,
        find=find,
        words=lambda there: f"the motifs by {there.method} of {there.chosen}",
        progress=progress,
    )


@dataclass(frozen=True, eq=False)
class _Shown:
    """A motif and where it came from."""

    motif: Motif
    kind: Literal["attributed", "filter"]
    log10_e_value: float | None = None


def _write(run: Run, record: MotifsRecord, motifs: Sequence[Motif], matches: Sequence[MotifMatch]) -> None:
    write_motifs(motifs, run.path("motif_file"))
    write_text(run.path("matches"), match_table(matches).to_csv(sep="\t", index=False, lineterminator="\n"))
    run.write_motifs(record)


def _some(run: Run, shown: list[_Shown]) -> list[_Shown]:
    if not shown:
        raise InputError(
            f"{run.folder}: the maps share no motif, and there are no filters to name; try more --examples"
        )
    return shown


def _attributed(
    subject: Subject, question: Question, rows: np.ndarray, *, motifs: int, width: int, progress: Progress
) -> list[_Shown]:
    """Return the motifs that the maps point at."""
    windows = subject.centre_windows(rows)
    if width > windows.shape[1]:
        raise InputError(f"stretches of {width} bp do not fit windows of {windows.shape[1]} bp; give a smaller --width")
    with progress.task(f"explaining {len(rows)} examples by {question.method_words}", None):
        maps = question.build_method()(
            subject.model, windows, task=subject.task, index=torch.from_numpy(rows), device=subject.device
        )
    if len(rows) < 2:
        return []
    search = Zoops(motifs=motifs, min_width=min(6, width), max_width=width)
    found = attributed_motifs(maps, search, width=width, device=str(subject.device), progress=progress)
    return [_Shown(one.motif, "attributed", one.log10_e_value) for one in found]


def _filters(run: Run) -> list[_Shown]:
    """Return the run's filters that answer to anything."""
    rows = [row for row in (run.filters if run.has("filters") else []) if row.n_sites > 0]
    motifs = (
        Motif(name=row.name, probabilities=np.array(row.probabilities).T, source="first layer", sites=row.n_sites)
        for row in rows
    )
    return [_Shown(motif, "filter") for motif in motifs]


def _mark(motifs: Sequence[Motif]) -> str:
    """Return a mark of some motifs: others, another question."""
    whole = hashlib.sha256()
    for one in motifs:
        whole.update(f"{one.label} {one.sites} {one.probabilities.tolist()}".encode())
    return whole.hexdigest()[:16]


def _found(shown: _Shown, matches: Sequence[MotifMatch]) -> FoundMotif:
    motif = shown.motif
    return FoundMotif(
        name=motif.name,
        kind=shown.kind,
        probabilities=motif.probabilities.T.tolist(),
        information_bits=float(motif.information().sum()),
        n_sites=round(motif.sites or 0),
        log10_e_value=shown.log10_e_value,
        matches=[_match(match) for match in matches[:KEPT]],
    )


def _match(match: MotifMatch) -> MatchRecord:
    return MatchRecord(
        target=match.target.accession or match.target.name,
        name=match.target.name,
        source=match.target.source,
        p_value=match.p_value,
        e_value=match.e_value,
        q_value=match.q_value,
        offset=match.offset,
        strand=match.strand,
        probabilities=match.target.probabilities.T.tolist(),
    )
