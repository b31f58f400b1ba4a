"""What one scan says of each example: its worst window, its radius, whether it is certified. Computed, never stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.scratch import scratch
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import decode
from holdfast.robustness.shift import Shift
from holdfast.runs.records import FragileExample

__all__ = ["Block", "Facts", "ScannedWindows", "fragile_examples"]

Floats = NDArray[np.float64]
# Logits of one task in flight, and examples whatever the number of their windows.
BLOCK_NUMBERS = 100_000
BLOCK_ROWS = 4_096


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some neighbouring examples and what one task's scan says of them.

    Parameters
    ----------
    first
        Number of the first example.
    label
        (B,): 1 bound, 0 unbound, -1 unknown.
    logits
        (B, M) of the windows that were scored: all K, or the centre and the drawn ones.
    severity
        (B, M): the adversary prefers large values.
    choice
        (B, M): which choice of the threat model each one is.
    centre
        Column of the centre window.
    legal
        (B, M) bool: windows the adversary may show, each once.
    drawable
        (B, M) bool: windows that stand for a random one. Where every window was scored, these are the legal ones.
    """

    first: int
    label: NDArray[np.int8]
    logits: Floats
    severity: Floats
    choice: NDArray[np.integer]
    centre: int
    legal: NDArray[np.bool_]
    drawable: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(B,) numbers of the examples."""
        return np.arange(self.first, self.first + len(self.label))


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What is known of each of B examples: (B,) each, ``right`` (B, M)."""

    centre_logit: NDArray[np.float32]
    worst_logit: NDArray[np.float32]
    worst_choice: NDArray[np.integer]
    radius: NDArray[np.int64]
    certified: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    right: NDArray[np.bool_]
    """Called right; true where the choice is not legal."""

    @classmethod
    def of(cls, block: Block, shift: Shift) -> Facts:
        """Return the facts of a block."""
        logits, legal, distance = block.logits, block.legal, shift.choice_distance[block.choice]
        called = logits > 0
        right = (called == (block.label == 1)[:, None]) | ~legal
        flips = (called != called[:, [block.centre]]) & legal
        rows, worst = np.arange(len(logits)), worst_column(block)
        reach = int(shift.choice_distance.max())
        return cls(
            centre_logit=logits[:, block.centre].astype(np.float32),
            worst_logit=logits[rows, worst].astype(np.float32),
            worst_choice=block.choice[rows, worst],
            # A strand that flips the call without a shift leaves nothing to hold: 0 too.
            radius=(np.where(flips, distance, reach + 1).min(axis=1) - 1).clip(min=0),
            certified=right.all(axis=1),
            alike=~flips.any(axis=1),
            right=right,
        )


def worst_column(block: Block) -> NDArray[np.int64]:
    """Return (B,) columns of the legal windows of greatest severity; of equal ones the first."""
    return np.asarray(np.where(block.legal, block.severity, -np.inf).argmax(axis=1))


class ScannedWindows:
    """The logits of every example's windows, read a block at a time.

    Parameters
    ----------
    logits
        (N, M, T), mapped from a file.
    data
        The N examples.
    shift
        The K choices.
    joint
        Whether an example's tasks share one worst window.
    drawn
        (N, M) which choices were scored where not all were: the centre, then drawn ones, -1 where an example has
        fewer. None: column k is choice k.
    """

    def __init__(
        self,
        logits: NDArray[np.float32],
        data: SequenceDataset,
        shift: Shift,
        *,
        joint: bool,
        drawn: NDArray[np.int64] | None = None,
    ) -> None:
        self.logits, self.data, self.shift, self.drawn = logits, data, shift, drawn
        # By task: what one task needs of all examples lies in one piece.
        self.labels: NDArray[np.int8] = scratch((len(data.tasks), len(data)), np.int8)
        for first, examples in self._examples(len(data.tasks)):
            self.labels[:, first : first + len(examples)] = examples.labels.T
        self.shares_severity = joint and len(data.tasks) > 1
        self._shared_severity = self._mean_loss() if self.shares_severity else None

    def blocks(self, task: int) -> Iterator[Block]:
        """Yield one task's examples in their order."""
        for first, examples in self._examples(self.logits.shape[1]):
            at = slice(first, first + len(examples))
            logits, label = self.logits[at, :, task].astype(np.float64), self.labels[task, at]
            if self._shared_severity is None:
                severity = np.where((label == 1)[:, None], -logits, logits)
            else:
                severity = self._shared_severity[at]
            choice, legal, drawable = self._choices(at, examples)
            yield Block(
                first=first,
                label=label,
                logits=logits,
                severity=severity,
                choice=choice,
                centre=self.shift.centre_choice if self.drawn is None else 0,
                legal=legal,
                drawable=drawable,
            )

    @property
    def n_core_known(self) -> int:
        """Examples whose core is known."""
        return sum(int((examples.core[:, 0] >= 0).sum()) for _, examples in self._examples(1))

    def tables(self, *, bound_only: bool = False) -> Iterator[pd.DataFrame]:
        """Yield the table of examples, task by task and block by block.

        Parameters
        ----------
        bound_only
            Only the examples that are bound, of each task.
        """
        for task in range(len(self.data.tasks)):
            for block in self.blocks(task):
                chosen = block.label == 1 if bound_only else np.ones(len(block.label), dtype=bool)
                yield self._table(block, Facts.of(block, self.shift), task, np.flatnonzero(chosen))

    def broken(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of examples called right at the centre and wrong elsewhere."""
        for task in range(len(self.data.tasks)):
            for block in self.blocks(task):
                facts = Facts.of(block, self.shift)
                centre_right = (facts.centre_logit > 0) == (block.label == 1)
                chosen = np.flatnonzero((block.label >= 0) & centre_right & ~facts.certified)
                if len(chosen):
                    yield self._table(block, facts, task, chosen).assign(position=block.rows[chosen])

    def _choices(
        self, at: slice, examples: SequenceDataset
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return choice, legal and drawable, (B, M) each."""
        legal = self.shift.legal(examples.core)
        if self.drawn is None:
            return np.broadcast_to(np.arange(self.shift.n_choices), legal.shape), legal, legal
        drawn = self.drawn[at]
        drawable = drawn >= 0  # drawn from the legal ones
        drawable[:, 0] = False
        # The centre stands in the first column; where it was drawn too, it is not counted twice.
        once = drawable & (drawn != self.shift.centre_choice)
        once[:, 0] = True
        return np.maximum(drawn, 0), once, drawable

    def _examples(self, numbers: int) -> Iterator[tuple[int, SequenceDataset]]:
        """Yield (first example, view) of blocks of examples that hold so many numbers each."""
        rows = min(BLOCK_ROWS, max(1, BLOCK_NUMBERS // numbers))
        for first in range(0, len(self.data), rows):
            yield first, self.data.take(np.arange(first, min(first + rows, len(self.data))))

    def _mean_loss(self) -> Floats:
        """Return (N, M) mean losses over each example's known tasks, in a temporary file."""
        found: Floats = scratch(self.logits.shape[:2], np.float64)
        for first, examples in self._examples(self.logits.shape[1] * len(self.data.tasks)):
            block = slice(first, first + len(examples))
            labels, logits = examples.labels[:, None, :], self.logits[block].astype(np.float64)
            losses = np.logaddexp(0.0, np.where(labels == 1, -logits, logits))
            known = labels >= 0
            found[block] = np.where(known, losses, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
        return found

    def _table(self, block: Block, facts: Facts, task: int, chosen: NDArray[np.int64]) -> pd.DataFrame:
        """Return the rows of some of a block's examples."""
        examples, worst = self.data.take(block.rows[chosen]), facts.worst_choice[chosen]
        return pd.DataFrame(
            {
                "index": examples.index,
                "task": self.data.tasks[task],
                "name": examples.names,
                "label": block.label[chosen],
                "centre_logit": facts.centre_logit[chosen],
                "worst_logit": facts.worst_logit[chosen],
                "worst_offset": self.shift.choice_offset[worst],
                "worst_strand": np.where(self.shift.choice_is_reverse[worst], "-", "+"),
                "radius_bp": facts.radius[chosen],
                "certified": facts.certified[chosen],
            }
        )


def fragile_examples(windows: ScannedWindows, count: int) -> list[FragileExample]:
    """Return examples called right at the centre and wrong elsewhere: those that lose the largest margin."""
    kept = pd.DataFrame()
    for table in windows.broken():
        table["lost"] = (table["centre_logit"] - table["worst_logit"]).abs()
        kept = pd.concat([kept, table]).sort_values("lost", ascending=False, kind="stable").head(count)
    return [_example(windows, row) for _, row in kept.iterrows()]


def _example(windows: ScannedWindows, row: pd.Series) -> FragileExample:
    at = windows.data.take([row["position"]])
    start, end = (int(edge) for edge in at.core[0])
    return FragileExample(
        index=row["index"],
        name=row["name"],
        task=row["task"],
        label=row["label"],
        sequence=decode(at.codes[0]),
        core=(start, end) if start >= 0 else None,
        centre_offset=windows.shift.centre,
        centre_logit=row["centre_logit"],
        worst_offset=row["worst_offset"],
        worst_strand=row["worst_strand"],
        worst_logit=row["worst_logit"],
        radius_bp=row["radius_bp"],
    )
