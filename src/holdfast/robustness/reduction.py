"""Reductions of one scan: everything an audit reports is computed here from (N, K, T) logits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.random import numpy_generator
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import decode
from holdfast.robustness.metrics import Entries, Pool, draw_weights, pool_windows, resample, weighted_metrics
from holdfast.robustness.shift import Shift
from holdfast.runs.records import METRICS, Estimate, FragileExample, TaskAudit

__all__ = ["Adversary", "Reduction", "fragile_examples"]

Floats = NDArray[np.float64]
Adversary = Literal["joint", "per-task"]
# Logits of one task in flight.
BLOCK_NUMBERS = 100_000


@dataclass
class _Facts:
    """What is known of each example of a task, and counts over examples, after all blocks."""

    centre_logit: list[NDArray[np.float32]] = field(default_factory=list)
    worst_logit: list[NDArray[np.float32]] = field(default_factory=list)
    worst_choice: list[NDArray[np.int64]] = field(default_factory=list)
    radius: list[NDArray[np.int64]] = field(default_factory=list)
    certified: list[NDArray[np.bool_]] = field(default_factory=list)
    alike: list[NDArray[np.bool_]] = field(default_factory=list)
    chance_right: list[Floats] = field(default_factory=list)
    right_by_choice: list[NDArray[np.int64]] = field(default_factory=list)
    legal_by_choice: list[NDArray[np.int64]] = field(default_factory=list)
    right_by_reach: list[NDArray[np.int64]] = field(default_factory=list)


class Reduction:
    """Reduces (N, K, T) logits to a table per task, a block of examples at a time.

    Parameters
    ----------
    logits
        (N, K, T), perhaps mapped from a file.
    data
        The N examples.
    shift
        The K choices.
    n_try
        Windows of the worst-of-n row.
    adversary
        See :func:`holdfast.robustness.audit.audit`.
    bootstrap
        Bootstrap samples.
    seed
        Of them.
    """

    def __init__(
        self,
        logits: NDArray[np.float32],
        data: SequenceDataset,
        shift: Shift,
        *,
        n_try: int,
        adversary: Adversary,
        bootstrap: int,
        seed: int,
    ) -> None:
        self.logits, self.data, self.shift, self.n_try = logits, data, shift, n_try
        self.labels, self.core = data.labels, data.core
        ones = np.ones((1, len(data)), dtype=np.uint8)
        # The first row is the estimate, the others its bootstrap samples.
        self.multiplicity = np.vstack([ones, resample(len(data), bootstrap, numpy_generator(seed, "bootstrap"))])
        self.joint = adversary == "joint" and len(data.tasks) > 1

    def task(self, number: int) -> tuple[TaskAudit, pd.DataFrame]:
        """Return one task's aggregates and its row per example."""
        label = self.labels[:, number]
        known = label >= 0
        if not known.any():
            raise InputError(f"task '{self.data.tasks[number]}' has no known label among {len(label)} examples")
        facts = self._facts(number)
        certified, alike = np.concatenate(facts.certified), np.concatenate(facts.alike)
        radius = np.concatenate(facts.radius)
        chance = np.concatenate(facts.chance_right)[known]
        n_offsets, n_known = len(self.shift.offsets), int(known.sum())
        allowed = np.sum(facts.legal_by_choice, axis=0)[:n_offsets]
        right = np.sum(facts.right_by_choice, axis=0)[:n_offsets]
        table = TaskAudit(
            task=self.data.tasks[number],
            n_examples=n_known,
            n_positive=int((label == 1).sum()),
            clean=self._metrics(number, "clean"),
            random=self._metrics(number, "random"),
            worst=self._metrics(number, "worst"),
            worst_of_n=self._metrics(number, "worst_of_n"),
            random_accuracy_spread=float(np.sqrt((chance * (1 - chance)).clip(min=0).sum()) / n_known),
            certified_accuracy=self._fraction(certified, known),
            consistency=self._fraction(alike, known),
            mean_radius_bp=float(radius[known].mean()),
            reach_bp=int(self.shift.choice_distance.max()),
            accuracy_by_offset=[float(r / a) if a else float("nan") for r, a in zip(right, allowed, strict=True)],
            worst_by_max_shift=[float(count / n_known) for count in np.sum(facts.right_by_reach, axis=0)],
            calls_positive=float((np.concatenate(facts.centre_logit)[known] > 0).mean()),
        )
        return table, self._table(number, facts)

    def _blocks(self, number: int) -> Iterator[tuple[int, Floats, NDArray[np.int8], Floats, NDArray[np.bool_]]]:
        """Yield (first example, logits, labels, severity, legal choices) of blocks of examples."""
        rows = max(1, BLOCK_NUMBERS // self.logits.shape[1])
        for start in range(0, len(self.logits), rows):
            block = slice(start, start + rows)
            logits = self.logits[block, :, number].astype(np.float64)
            label = self.labels[block, number]
            severity = self._mean_loss(block) if self.joint else np.where((label == 1)[:, None], -logits, logits)
            yield start, logits, label, severity, self.shift.legal(self.core[block])

    def _facts(self, number: int) -> _Facts:
        facts, centre, distance = _Facts(), self.shift.centre_choice, self.shift.choice_distance
        reaches = np.arange(int(distance.max()) + 1)
        for _, logits, label, severity, legal in self._blocks(number):
            called, known = logits > 0, label >= 0
            right = (called == (label == 1)[:, None]) | ~legal
            flips = (called != called[:, [centre]]) & legal
            choice = np.where(legal, severity, -np.inf).argmax(axis=1)
            nearest_wrong = np.where(right, len(reaches), distance).min(axis=1)
            facts.centre_logit.append(self._at(logits, np.full(len(logits), centre)))
            facts.worst_logit.append(self._at(logits, choice))
            facts.worst_choice.append(choice)
            # A strand that flips the call without a shift leaves nothing to hold: 0 too.
            facts.radius.append((np.where(flips, distance, len(reaches)).min(axis=1) - 1).clip(min=0))
            facts.certified.append(right.all(axis=1))
            facts.alike.append(~flips.any(axis=1))
            facts.chance_right.append((right & legal).sum(axis=1) / legal.sum(axis=1))
            facts.right_by_choice.append((right & legal)[known].sum(axis=0))
            facts.legal_by_choice.append(legal[known].sum(axis=0))
            facts.right_by_reach.append((nearest_wrong[known, None] > reaches).sum(axis=0))
        return facts

    @staticmethod
    def _at(logits: Floats, choice: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray(logits[np.arange(len(logits)), choice], dtype=np.float32)

    def _mean_loss(self, block: slice) -> Floats:
        """Return (B, K) mean losses over each example's known tasks."""
        labels, logits = self.labels[block, None, :], self.logits[block].astype(np.float64)
        losses = np.logaddexp(0.0, np.where(labels == 1, -logits, logits))
        known = labels >= 0
        return np.asarray(np.where(known, losses, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1))

    def _metrics(self, number: int, attack: str) -> dict[str, Estimate]:
        """Return every metric, under the attack's law of windows, with its interval."""
        n_try = {"random": 1, "worst": None, "worst_of_n": self.n_try}

        def blocks() -> Iterator[Entries]:
            for start, logits, label, severity, legal in self._blocks(number):
                if attack == "clean":
                    weights = np.zeros_like(logits)
                    weights[:, self.shift.centre_choice] = 1.0
                else:
                    weights = draw_weights(severity, legal, n_try[attack])
                yield pool_windows(logits, label, weights, first=start)

        values = weighted_metrics(Pool(blocks), self.multiplicity)
        return {name: _estimate(float(values[name][0]), values[name][1:]) for name in METRICS}

    def _fraction(self, fact: NDArray[np.bool_], known: NDArray[np.bool_]) -> Estimate:
        samples = [float(row[fact & known].sum()) / max(1, int(row[known].sum())) for row in self.multiplicity[1:]]
        return _estimate(float(fact[known].mean()), np.array(samples))

    def _table(self, number: int, facts: _Facts) -> pd.DataFrame:
        choice = np.concatenate(facts.worst_choice)
        return pd.DataFrame(
            {
                "index": self.data.index,
                "task": self.data.tasks[number],
                "name": self.data.names,
                "label": self.labels[:, number],
                "centre_logit": np.concatenate(facts.centre_logit),
                "worst_logit": np.concatenate(facts.worst_logit),
                "worst_offset": self.shift.choice_offset[choice],
                "worst_strand": np.where(self.shift.choice_is_reverse[choice], "-", "+"),
                "radius_bp": np.concatenate(facts.radius),
                "certified": np.concatenate(facts.certified),
            }
        )


def _estimate(value: float, samples: Floats) -> Estimate:
    samples = samples[np.isfinite(samples)]
    if not len(samples):
        return Estimate(value=value, low=float("nan"), high=float("nan"))
    low, high = np.quantile(samples, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high))


def fragile_examples(data: SequenceDataset, shift: Shift, windows: pd.DataFrame, count: int) -> list[FragileExample]:
    """Return examples called right at the centre and wrong elsewhere: those that lose the largest margin."""
    centre_right = (windows["centre_logit"] > 0) == (windows["label"] == 1)
    broken = windows[(windows["label"] >= 0) & centre_right & ~windows["certified"]]
    lost = (broken["centre_logit"] - broken["worst_logit"]).abs().sort_values(ascending=False, kind="stable")
    return [_example(data, shift, row) for row in broken.loc[lost.index[:count]].to_dict("records")]


def _example(data: SequenceDataset, shift: Shift, row: dict[Hashable, Any]) -> FragileExample:
    at = int(np.flatnonzero(data.index == row["index"])[0])
    start, end = (int(edge) for edge in data.core[at])
    return FragileExample(
        index=row["index"],
        name=row["name"],
        task=row["task"],
        label=row["label"],
        sequence=decode(data.codes[at]),
        core=(start, end) if start >= 0 else None,
        centre_offset=shift.centre,
        centre_logit=row["centre_logit"],
        worst_offset=row["worst_offset"],
        worst_strand=row["worst_strand"],
        worst_logit=row["worst_logit"],
        radius_bp=row["radius_bp"],
    )
