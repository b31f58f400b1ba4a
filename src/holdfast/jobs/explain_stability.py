"""How stable a run's explanations are: the maps of every legal window of its examples, laid over each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.progress import SILENT, Advance, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.interpret.stability import Overlay, WindowMaps, check_edge, explain_windows, moved, overlay
from holdfast.jobs.explain import (
    Chosen,
    Question,
    Subject,
    drawn_bound,
    mean_estimate,
    named_or,
    open_subject,
    worst_columns,
)
from holdfast.jobs.explain_answers import Answer, answered
from holdfast.runs.explanation_records import StabilityRecord
from holdfast.runs.explanations import read_stability_table, write_stability_table
from holdfast.runs.folder import Run

__all__ = ["explain_stability", "measure_stability"]

# What the record is made of; the table's other columns are only written.
_SUMMED = ("score", "sign_score", "movement", "n_fleeting")


def explain_stability(
    folder: Path,
    question: Question,
    *,
    edge_bp: int = 0,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[StabilityRecord]:
    """Explain every legal window of some examples and keep in the run folder what a shift does to their maps.

    Parameters
    ----------
    folder, data, device, progress
        See :func:`~holdfast.jobs.explain_attributions.explain_attributions`.
    question
        Method, task and examples; ``n`` draws so many bound ones of the part.
    edge_bp
        See :func:`~holdfast.interpret.stability.overlay`.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or there are no such examples.
    ConfigError
        If there is no such method.
    """
    question.build_method()
    subject = open_subject(folder, question, data=data, device=device)
    check_edge(edge_bp, subject.shift.window)
    run, chosen = subject.run, named_or(subject, question, drawn_bound)

    def find() -> StabilityRecord:
        record = measure_stability(subject, question, chosen, edge_bp=edge_bp, progress=progress)
        run.write_stability(record)
        return record

    return answered(
        run,
        "stability",
        settings=subject.settings(question, chosen.rows, edge_bp=edge_bp),
        read=lambda: _read(run),
        find=find,
        words=lambda there: f"the stability by {there.method} of {there.chosen}",
        progress=progress,
    )


def _read(run: Run) -> StabilityRecord | None:
    """Return the record of an earlier question, if its table is there and can be read too."""
    if not run.has("stability_table"):
        return None
    read_stability_table(run)
    return run.stability


def measure_stability(
    subject: Subject, question: Question, chosen: Chosen, *, edge_bp: int, progress: Progress = SILENT
) -> StabilityRecord:
    """Write the table of examples into a run folder and return the means over it."""
    began, measuring = time.perf_counter(), _Measuring(subject, subject.data.take(chosen.rows), edge_bp)
    words = f"explaining {len(chosen.rows)} examples in {len(subject.shift.offsets)} windows each"
    with progress.task(f"{words} by {question.method_words}", len(chosen.rows)) as advance:
        write_stability_table(subject.run, measuring.tables(question, advance))
    moves = measuring.column("movement")
    return StabilityRecord(
        settings=subject.settings(question, chosen.rows, edge_bp=edge_bp),
        method=question.method_words,
        task=subject.task_name,
        part=subject.part,
        chosen=chosen.words,
        n_examples=len(chosen.rows),
        n_windows=len(subject.shift.offsets),
        edge_bp=edge_bp,
        score=mean_estimate(measuring.column("score")),
        sign_score=mean_estimate(measuring.column("sign_score")),
        movement=mean_estimate(moves),
        n_moved=int(np.isfinite(moves).sum()),
        fleeting=mean_estimate(measuring.column("n_fleeting")),
        n_incomplete=measuring.n_incomplete,
        seconds=time.perf_counter() - began,
    )


@dataclass(eq=False)
class _Measuring:
    """Passes examples by, a block at a time, and remembers of each what the means are made of."""

    subject: Subject
    examples: SequenceDataset
    edge_bp: int
    n_incomplete: int = 0
    seen: list[pd.DataFrame] = field(default_factory=list)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return one number for each example gone by."""
        return np.concatenate([block[name].to_numpy(dtype=np.float64) for block in self.seen])

    def tables(self, question: Question, advance: Advance) -> Iterator[pd.DataFrame]:
        """Yield the rows of the table."""
        subject, examples = self.subject, self.examples
        blocks = explain_windows(
            question.build_method(),
            subject.model,
            examples.codes,
            window=subject.shift.window,
            offsets=subject.shift.offsets,
            task=subject.task,
            index=examples.index,
            device=subject.device,
        )
        for block in blocks:
            table = self._table(block, examples.take(np.arange(len(examples))[block.rows]))
            self.seen.append(table[list(_SUMMED)])
            self.n_incomplete += block.incomplete
            advance(block.first + len(table))
            yield table
        # The table is about to be replaced. A table without a record is of a command that was stopped in between.
        subject.run.path("stability").unlink(missing_ok=True)

    def _table(self, block: WindowMaps, examples: SequenceDataset) -> pd.DataFrame:
        shift, legal = self.subject.shift, self.subject.shift.legal(examples.core)
        label = examples.labels[:, self.subject.task]
        worst = worst_columns(block.logits, label, legal, centre=shift.centre_choice)
        laid = overlay(block.maps, shift.offsets, context=shift.context, legal=legal, edge_bp=self.edge_bp)
        return pd.DataFrame(
            {
                "index": examples.index,
                "name": list(examples.names),
                "label": label,
                "score": laid.score,
                "sign_score": laid.sign_score,
                "movement": self._movement(block.maps, worst),
                "worst_offset": shift.offsets[worst],
                "n_windows": legal.sum(axis=1),
                "n_fleeting": laid.fleeting.sum(axis=1),
                **_per_base(laid),
            }
        )

    def _movement(self, maps: NDArray[np.float32], worst: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how far the worst window's map lies from the clean one, NaN where they are one window."""
        shift, rows = self.subject.shift, np.arange(len(maps))
        centre = np.full(len(maps), shift.centre_choice)
        distance = moved(
            maps[rows, centre],
            maps[rows, worst],
            first_offset=shift.offsets[centre],
            second_offset=shift.offsets[worst],
            context=shift.context,
        )
        return np.where(worst == centre, np.nan, distance)


def _per_base(laid: Overlay) -> dict[str, list[NDArray[np.generic]]]:
    """Return the columns that hold a number for each base of the context."""
    return {
        "count": list(laid.count.astype(np.int32)),
        "mean": list(laid.mean.astype(np.float32)),
        "spread": list(laid.spread.astype(np.float32)),
        "sign": list(laid.sign.astype(np.float32)),
        "fleeting": list(laid.fleeting),
    }
