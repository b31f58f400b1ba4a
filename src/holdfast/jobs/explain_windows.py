"""Attention, temporal scores and interactions of chosen examples' centre windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError
from holdfast.core.files import write_text
from holdfast.core.parameters import Count
from holdfast.core.progress import SILENT, Advance, Progress
from holdfast.dna.codes import Codes, decode
from holdfast.interpret.attention import AttentionMap, Centre, attention_maps, clustered, max_attention_windows
from holdfast.interpret.hessians import integrated_hessians
from holdfast.interpret.interactions import gradient_interactions, pairwise_mutagenesis
from holdfast.interpret.temporal import Unread, temporal_scores
from holdfast.io.names import along_genome
from holdfast.jobs.explain import Question, Subject, bound_rows, fragile_and_robust, named, named_or, open_subject
from holdfast.jobs.explain_answers import Answer, answered, ask_of_windows, asked_about
from holdfast.runs.answers import StoredAttention, StoredInteractions, StoredTemporal, StoredWindows
from holdfast.runs.arrays import read_arrays, write_arrays
from holdfast.runs.files import FileKind

__all__ = ["Kind", "Pairs", "explain_attention", "explain_interactions", "explain_temporal", "write_attention_windows"]

Kind = Literal["pairs", "gradient", "hessian"]
Stored = TypeVar("Stored", bound=StoredWindows)
# Examples whose attention is looked for at a time.
BLOCK = 256
UNREAD_WORDS = {"cut": "bases not read cut off", "unknown": "bases not read unknown"}
PAIR_WORDS = {"pairs": "pairs of substitutions", "gradient": "change of gradients", "hessian": "integrated Hessians"}


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Which pairs of bases are looked at, and how.

    Parameters
    ----------
    kind
        ``pairs``: two substitutions at a time. ``gradient``: how a substitution changes the gradient elsewhere.
        ``hessian``: integrated gradients shared out over pairs.
    start, end
        Bases [start, end) of the window; the whole window, if left out.
    """

    kind: Kind = "pairs"
    start: Count = 0
    end: int | None = None

    def within(self, window: int) -> tuple[int, int]:
        """Return [start, end).

        Raises
        ------
        ConfigError
            If these are not two bases or more of a window.
        """
        end = window if self.end is None else self.end
        if not (self.start >= 0 and self.start + 2 <= end <= window):
            raise ConfigError(f"bases {self.start}..{end}: expected two or more of a window of {window} bp")
        return self.start, end


def explain_attention(
    folder: Path,
    question: Question,
    *,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[StoredAttention]:
    """Lay the attention of every layer over the bases of chosen examples and keep it in the run folder.

    Parameters
    ----------
    folder, data, device, progress
        See :func:`~holdfast.jobs.explain_attributions.explain_attributions`.
    question
        Task and examples; ``n`` takes the n most fragile and the n most robust bound ones.

    Raises
    ------
    InputError
        If the run or its data cannot be read, there are no such examples, or the model has no attention.
    """

    def look(subject: Subject, asked: StoredWindows, advance: Advance) -> StoredAttention:
        return _stored_attention(asked, attention_maps(subject.model, asked.codes, device=subject.device))

    asked = asked_about(question, "attention")
    subject = open_subject(folder, asked, data=data, device=device)
    return _answered(subject, asked, "attention", StoredAttention, look, words="attention", progress=progress)


def explain_temporal(
    folder: Path,
    question: Question,
    *,
    unread: Unread = "cut",
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[StoredTemporal]:
    """Find P+ of every prefix and suffix of chosen examples and keep it in the run folder.

    Parameters
    ----------
    folder, question, data, device, progress
        See :func:`explain_attention`.
    unread
        See :func:`~holdfast.interpret.temporal.temporal_scores`.

    Raises
    ------
    InputError
        If the run or its data cannot be read, there are no such examples, or the model reads one length only.
    """

    def look(subject: Subject, asked: StoredWindows, advance: Advance) -> StoredTemporal:
        found = temporal_scores(subject.model, asked.codes, task=subject.task, unread=unread, device=subject.device)
        return StoredTemporal(**vars(asked), forward=found.forward, backward=found.backward)

    asked = asked_about(question, "temporal", unread=unread)
    subject = open_subject(folder, asked, data=data, device=device)
    words = f"temporal, {UNREAD_WORDS[unread]}"
    return _answered(subject, asked, "temporal", StoredTemporal, look, words=words, progress=progress)


def explain_interactions(
    folder: Path,
    question: Question,
    pairs: Pairs,
    *,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[StoredInteractions]:
    """Find which pairs of bases of chosen examples act together and keep it in the run folder.

    Parameters
    ----------
    folder, question, data, device, progress
        See :func:`explain_attention`.
    pairs
        Which pairs, and how.

    Raises
    ------
    InputError
        If the run or its data cannot be read, there are no such examples, or the model cannot be asked this way.
    ConfigError
        If the window has no such bases.
    """
    subject = open_subject(folder, question, data=data, device=device)
    start, end = pairs.within(subject.shift.window)
    asked = asked_about(question, pairs.kind, start=start, end=end)

    def look(subject: Subject, asked: StoredWindows, advance: Advance) -> StoredInteractions:
        found = []
        for number, codes in enumerate(asked.codes):
            found.append(_ASK[pairs.kind](subject, codes[None], start, end))
            advance(number + 1)
        arrays: dict[str, Any] = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
        return StoredInteractions(**vars(asked), kind=pairs.kind, first=start, **arrays)

    words = f"{PAIR_WORDS[pairs.kind]}, bases {start} to {end - 1} of the window"
    return _answered(subject, asked, "interactions", StoredInteractions, look, words=words, progress=progress)


def write_attention_windows(
    folder: Path,
    path: Path,
    question: Question,
    *,
    centre: Centre = "field",
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> int:
    """Write the 20 bases around the greatest attention of each bound example as FASTA, and return how many there are.

    A record is named ``index_chr_start_centre``: number of the example, where its window starts and where the greatest
    attention has its centre, 0-based; without coordinates the chromosome is the context's name and places are those in
    the context. Of a model with several layers that attend, the first is taken.

    Parameters
    ----------
    folder, data, device, progress
        See :func:`explain_attention`.
    path
        FASTA file.
    question
        Task and examples: those named, or all bound ones of the part.
    centre
        Of a step: see :func:`~holdfast.interpret.attention.max_attention_windows`; ``blocks`` is as published.

    Raises
    ------
    InputError
        If the run or its data cannot be read, no example is bound, or the model has no attention.

    References
    ----------
    Chen et al. (2021), doi:10.1186/s12859-020-03952-1.
    """
    subject = open_subject(folder, question, data=data, device=device)
    rows = named(subject, question.index).rows if question.index else bound_rows(subject)
    records: list[str] = []
    with progress.task(f"looking for the greatest attention in {len(rows):,} windows", len(rows)) as advance:
        for block in np.array_split(rows, -(-len(rows) // BLOCK)):
            records += _attention_records(subject, block, centre)
            advance(len(records))
    write_text(path, "".join(records))
    return len(records)


def _stored_attention(asked: StoredWindows, found: Sequence[AttentionMap]) -> StoredAttention:
    steps = max(one.geometry.positions for one in found)
    orders = [clustered(one) for one in found]
    given = [
        _padded(np.take_along_axis(one.received, order[:, :, None], axis=1), steps)
        for one, order in zip(found, orders, strict=True)
    ]
    return StoredAttention(
        **vars(asked),
        layers=np.array([one.layer for one in found]),
        per_base=np.stack([one.per_base for one in found], axis=1),
        focus=np.stack([one.focus for one in found], axis=1),
        peak=np.stack([max_attention_windows(one, width=2).start + 1 for one in found], axis=1),
        given=np.concatenate(given, axis=1),
        channel=np.concatenate(orders, axis=1),
        layer_of=np.repeat(np.arange(len(found)), [order.shape[1] for order in orders]),
        edges=np.stack([_padded(one.edges, steps + 1) for one in found]),
    )


def _padded(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return values as long as that along their last axis, not-a-number beyond their own."""
    missing = [(0, 0)] * (values.ndim - 1) + [(0, length - values.shape[-1])]
    return np.pad(values, missing, constant_values=np.nan)


def _answered(
    subject: Subject,
    question: Question,
    kind: FileKind,
    schema: type[Stored],
    look: Callable[[Subject, StoredWindows, Advance], Stored],
    *,
    words: str,
    progress: Progress,
) -> Answer[Stored]:
    """Return the answer that is there, or look, and keep what is found."""
    run, chosen = subject.run, named_or(subject, question, fragile_and_robust)

    def find() -> Stored:
        asked = ask_of_windows(subject, question, chosen, words)
        with progress.task(f"looking at {kind} of {len(asked)} windows", len(asked)) as advance:
            found = look(subject, asked, advance)
        write_arrays(run, kind, found)
        return found

    return answered(
        run,
        kind,
        settings=subject.settings_text(question, chosen.rows),
        read=lambda: read_arrays(run, kind, schema),
        find=find,
        words=lambda there: f"{there.method}, of {there.chosen}",
        progress=progress,
    )


# Fields of StoredInteractions, of one example.
_Found = dict[str, NDArray[Any]]


def _pairs(subject: Subject, codes: Codes, start: int, end: int) -> _Found:
    found = pairwise_mutagenesis(subject.model, codes, window=(start, end), task=subject.task, device=subject.device)
    return {"strength": found.strength, "effects": found.effects.astype(np.float16)}


def _gradient(subject: Subject, codes: Codes, start: int, end: int) -> _Found:
    sources = [(base, base + 1) for base in range(start, end)]
    found = gradient_interactions(subject.model, codes, sources=sources, task=subject.task, device=subject.device)
    return {"strength": found.strength[:, :, start:end]}


def _hessian(subject: Subject, codes: Codes, start: int, end: int) -> _Found:
    found = integrated_hessians(subject.model, codes, task=subject.task, device=subject.device)
    strength = found.interactions[:, start:end, start:end]
    return {"strength": strength, "gap": found.gap, "incomplete": found.incomplete}


_ASK: dict[str, Callable[[Subject, Codes, int, int], _Found]] = {
    "pairs": _pairs,
    "gradient": _gradient,
    "hessian": _hessian,
}


def _attention_records(subject: Subject, rows: NDArray[np.int64], centre: Centre) -> list[str]:
    """Return the FASTA records of some examples."""
    examples, offset, window = subject.data.take(rows), subject.shift.centre, subject.shift.window
    contexts = np.ascontiguousarray(examples.codes)
    windows = contexts[:, offset : offset + window]
    found: AttentionMap = attention_maps(subject.model, windows, device=subject.device)[0]
    best = max_attention_windows(found, contexts=contexts, offset=offset, centre=centre)
    places = examples.places
    chrom = places.names if places.chrom is None else places.chrom
    origin = np.zeros(len(rows), dtype=np.int64) if places.start is None else places.start
    first, middles = np.full(len(rows), offset), best.start + best.codes.shape[1] // 2
    if places.start is not None:
        context = contexts.shape[1]
        first = along_genome(places.names, first, width=window, context=context)
        middles = along_genome(places.names, middles, width=0, context=context)
    return [
        f">{row}_{'_'.join(str(name).split())}_{start}_{middle}\n{decode(codes)}\n"
        for row, name, start, middle, codes in zip(
            rows, chrom, origin + first, origin + middles, best.codes, strict=True
        )
    ]
