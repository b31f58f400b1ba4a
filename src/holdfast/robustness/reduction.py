"""Reductions of one scan: everything an audit reports is computed here from (N, K, T) logits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.random import numpy_generator
from holdfast.robustness.metrics import METRICS, Entries, Pool, draw_weights, pool_windows, resample, weighted_metrics
from holdfast.robustness.shift import Shift
from holdfast.robustness.windows import Block, Facts, ScannedWindows
from holdfast.runs.records import Estimate, TaskAudit

__all__ = ["Adversary", "Reduction"]

Floats = NDArray[np.float64]
Adversary = Literal["joint", "per-task"]


class _Counts:
    """Counts over the examples of a task whose label is known."""

    def __init__(self, shift: Shift, n_sets: int) -> None:
        self.shift, self.reaches = shift, np.arange(int(shift.choice_distance.max()) + 1)
        self.examples = self.positive = self.radius = self.called_positive = 0
        self.variance = 0.0
        self.right_by_choice = np.zeros(shift.n_choices, dtype=np.int64)
        self.legal_by_choice = np.zeros(shift.n_choices, dtype=np.int64)
        self.right_by_reach = np.zeros(len(self.reaches), dtype=np.int64)
        # In the data themselves and in each bootstrap sample.
        self.known, self.certified, self.alike = (np.zeros(n_sets, dtype=np.int64) for _ in range(3))

    def add(self, block: Block, multiplicity: NDArray[np.uint8]) -> None:
        """Count (B,) examples that stand (B, 1 + bootstrap) times in the samples."""
        facts, known = Facts.of(block, self.shift), block.label >= 0
        right = facts.right & block.legal
        self.examples += int(known.sum())
        self.positive += int((block.label == 1).sum())
        self.radius += int(facts.radius[known].sum())
        self.called_positive += int((facts.centre_logit[known] > 0).sum())
        chance = (right.sum(axis=1) / block.legal.sum(axis=1))[known]
        self.variance += float((chance * (1 - chance)).sum())
        self.right_by_choice += right[known].sum(axis=0)
        self.legal_by_choice += block.legal[known].sum(axis=0)
        nearest_wrong = np.where(facts.right, len(self.reaches), self.shift.choice_distance).min(axis=1)
        self.right_by_reach += (nearest_wrong[known, None] > self.reaches).sum(axis=0)
        for total, fact in ((self.known, known), (self.certified, facts.certified), (self.alike, facts.alike)):
            total += multiplicity[fact & known].sum(axis=0, dtype=np.int64)

    def fraction(self, count: NDArray[np.int64]) -> Estimate:
        """Return the fraction of the known examples that were counted."""
        fraction = count / np.maximum(1, self.known)
        return _estimate(float(fraction[0]), fraction[1:])


class Reduction:
    """Reduces a scan to numbers per task, a block of examples at a time.

    Parameters
    ----------
    windows
        The scan.
    n_try
        Windows of the worst-of-n row.
    bootstrap
        Bootstrap samples.
    seed
        Of them.
    """

    def __init__(self, windows: ScannedWindows, *, n_try: int, bootstrap: int, seed: int) -> None:
        self.windows, self.shift, self.n_try = windows, windows.shift, n_try
        # The first column is the estimate, the others its bootstrap samples.
        self.multiplicity = resample(len(windows.data), bootstrap, numpy_generator(seed, "bootstrap"))

    def task(self, number: int) -> TaskAudit:
        """Return one task's aggregates.

        Raises
        ------
        InputError
            If no example has a known label.
        """
        name, found = self.windows.data.tasks[number], self._count(number)
        if not found.examples:
            raise InputError(f"task '{name}' has no known label among {len(self.windows.data)} examples")
        n_offsets, n_known = len(self.shift.offsets), found.examples
        allowed, right = found.legal_by_choice[:n_offsets], found.right_by_choice[:n_offsets]
        return TaskAudit(
            task=name,
            n_examples=n_known,
            n_positive=found.positive,
            clean=self._metrics(number, "clean"),
            random=self._metrics(number, "random"),
            worst=self._metrics(number, "worst"),
            worst_of_n=self._metrics(number, "worst_of_n"),
            random_accuracy_spread=float(np.sqrt(found.variance) / n_known),
            certified_accuracy=found.fraction(found.certified),
            consistency=found.fraction(found.alike),
            mean_radius_bp=found.radius / n_known,
            reach_bp=int(self.shift.choice_distance.max()),
            accuracy_by_offset=[float(r / a) if a else float("nan") for r, a in zip(right, allowed, strict=True)],
            worst_by_max_shift=[float(count / n_known) for count in found.right_by_reach],
            calls_positive=found.called_positive / n_known,
        )

    def _count(self, number: int) -> _Counts:
        found = _Counts(self.shift, self.multiplicity.shape[1])
        for block in self.windows.blocks(number):
            found.add(block, self.multiplicity[block.first : block.first + len(block.label)])
        return found

    def _metrics(self, number: int, attack: str) -> dict[str, Estimate]:
        """Return every metric, under the attack's law of windows, with its interval."""
        n_try = {"random": 1, "worst": None, "worst_of_n": self.n_try}

        def blocks() -> Iterator[Entries]:
            for block in self.windows.blocks(number):
                if attack == "clean":
                    weights = np.zeros_like(block.logits)
                    weights[:, self.shift.centre_choice] = 1.0
                else:
                    weights = draw_weights(block.severity, block.legal, n_try[attack])
                yield pool_windows(block.logits, block.label, weights, first=block.first)

        values = weighted_metrics(Pool(blocks), self.multiplicity)
        return {name: _estimate(float(values[name][0]), values[name][1:]) for name in METRICS}


def _estimate(value: float, samples: Floats) -> Estimate:
    samples = samples[np.isfinite(samples)]
    if not len(samples):
        return Estimate(value=value, low=float("nan"), high=float("nan"))
    low, high = np.quantile(samples, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high))
