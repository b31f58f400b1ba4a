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
        (B, K).
    severity
        (B, K): the adversary prefers large values.
    legal
        (B, K) bool.
    """

    first: int
    label: NDArray[np.int8]
    logits: Floats
    severity: Floats
    legal: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(B,) numbers of the examples."""
        return np.arange(self.first, self.first + len(self.label))


@dataclass(frozen=True, kw_only=True, eq=False)
class Facts:
    """What is known of each of B examples: (B,) each, ``right`` and ``legal`` (B, K)."""

    centre_logit: NDArray[np.float32]
    worst_logit: NDArray[np.float32]
    worst_choice: NDArray[np.int64]
    radius: NDArray[np.int64]
    certified: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    right: NDArray[np.bool_]
    """Called right; true where the choice is not legal."""

    @classmethod
    def of(cls, block: Block, shift: Shift) -> Facts:
        """Return the facts of a block."""
        logits, legal, centre, distance = block.logits, block.legal, shift.centre_choice, shift.choice_distance
        called = logits > 0
        right = (called == (block.label == 1)[:, None]) | ~legal
        flips = (called != called[:, [centre]]) & legal
        choice = np.where(legal, block.severity, -np.inf).argmax(axis=1)
        reach = int(distance.max())
        return cls(
            centre_logit=logits[:, centre].astype(np.float32),
            worst_logit=logits[np.arange(len(logits)), choice].astype(np.float32),
            worst_choice=choice,
            # A strand that flips the call without a shift leaves nothing to hold: 0 too.
            radius=(np.where(flips, distance, reach + 1).min(axis=1) - 1).clip(min=0),
            certified=right.all(axis=1),
            alike=~flips.any(axis=1),
            right=right,
        )


class ScannedWindows:
    """The logits of every window of every example, read a block at a time.

    Parameters
    ----------
    logits
        (N, K, T), mapped from a file.
    data
        The N examples.
    shift
        The K choices.
    joint
        Whether an example's tasks share one worst window.
    """

    def __init__(self, logits: NDArray[np.float32], data: SequenceDataset, shift: Shift, *, joint: bool) -> None:
        self.logits, self.data, self.shift = logits, data, shift
        self._shared_severity = self._mean_loss() if joint and len(data.tasks) > 1 else None

    def blocks(self, task: int) -> Iterator[Block]:
        """Yield one task's examples in their order."""
        for first, examples in self._examples(self.shift.n_choices):
            logits = self.logits[first : first + len(examples), :, task].astype(np.float64)
            label = examples.labels[:, task]
            if self._shared_severity is None:
                severity = np.where((label == 1)[:, None], -logits, logits)
            else:
                severity = self._shared_severity[first : first + len(examples)]
            legal = self.shift.legal(examples.core)
            yield Block(first=first, label=label, logits=logits, severity=severity, legal=legal)

    @property
    def n_core_known(self) -> int:
        """Examples whose core is known."""
        return sum(int((examples.core[:, 0] >= 0).sum()) for _, examples in self._examples(1))

    def tables(self) -> Iterator[pd.DataFrame]:
        """Yield the table of examples, task by task and block by block."""
        for task in range(len(self.data.tasks)):
            yield from (self._table(block, task) for block in self.blocks(task))

    def _examples(self, numbers: int) -> Iterator[tuple[int, SequenceDataset]]:
        """Yield (first example, view) of blocks of examples that hold so many numbers each."""
        rows = min(BLOCK_ROWS, max(1, BLOCK_NUMBERS // numbers))
        for first in range(0, len(self.data), rows):
            yield first, self.data.take(np.arange(first, min(first + rows, len(self.data))))

    def _mean_loss(self) -> Floats:
        """Return (N, K) mean losses over each example's known tasks, in a temporary file."""
        found: Floats = scratch(self.logits.shape[:2], np.float64)
        for first, examples in self._examples(self.shift.n_choices * len(self.data.tasks)):
            block = slice(first, first + len(examples))
            labels, logits = examples.labels[:, None, :], self.logits[block].astype(np.float64)
            losses = np.logaddexp(0.0, np.where(labels == 1, -logits, logits))
            known = labels >= 0
            found[block] = np.where(known, losses, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
        return found

    def _table(self, block: Block, task: int) -> pd.DataFrame:
        facts, examples = Facts.of(block, self.shift), self.data.take(block.rows)
        return pd.DataFrame(
            {
                "index": examples.index,
                "task": self.data.tasks[task],
                "name": examples.names,
                "label": block.label,
                "centre_logit": facts.centre_logit,
                "worst_logit": facts.worst_logit,
                "worst_offset": self.shift.choice_offset[facts.worst_choice],
                "worst_strand": np.where(self.shift.choice_is_reverse[facts.worst_choice], "-", "+"),
                "radius_bp": facts.radius,
                "certified": facts.certified,
            }
        )


def fragile_examples(windows: ScannedWindows, count: int) -> list[FragileExample]:
    """Return examples called right at the centre and wrong elsewhere: those that lose the largest margin."""
    kept = pd.DataFrame()
    position = 0
    for table in windows.tables():
        table["position"] = np.arange(position, position + len(table)) % len(windows.data)
        position += len(table)
        centre_right = (table["centre_logit"] > 0) == (table["label"] == 1)
        broken = table[(table["label"] >= 0) & centre_right & ~table["certified"]]
        broken = broken.assign(lost=(broken["centre_logit"] - broken["worst_logit"]).abs())
        kept = pd.concat([kept, broken]).sort_values("lost", ascending=False, kind="stable").head(count)
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
