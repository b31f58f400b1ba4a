"""Reductions of one scan: everything an audit reports is computed here from (N, K, T) logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.random import numpy_generator
from holdfast.core.scratch import scratch
from holdfast.robustness.metrics import Entries, Pool, draw_weights, pool_windows, resample, weighted_metrics
from holdfast.robustness.shift import Shift
from holdfast.robustness.windows import Block, Facts, ScannedWindows, worst_column
from holdfast.runs.records import METRICS, Estimate, LabelAverages, TaskAudit

__all__ = ["Adversary", "Reduction", "bootstrap_estimate", "estimates"]

Floats = NDArray[np.float64]
Adversary = Literal["joint", "per-task"]
ATTACKS = ("clean", "random", "worst", "worst_of_n")


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
        drawn_right = ((block.logits > 0) == (block.label == 1)[:, None]) & block.drawable
        self.examples += int(known.sum())
        self.positive += int((block.label == 1).sum())
        self.radius += int(facts.radius[known].sum())
        self.called_positive += int((facts.centre_logit[known] > 0).sum())
        chance = (drawn_right.sum(axis=1) / block.drawable.sum(axis=1))[known]
        self.variance += float((chance * (1 - chance)).sum())
        self.right_by_choice += self._by_choice(block, right & known[:, None])
        self.legal_by_choice += self._by_choice(block, block.legal & known[:, None])
        distance = self.shift.choice_distance[block.choice]
        nearest_wrong = np.where(facts.right, len(self.reaches), distance).min(axis=1)
        self.right_by_reach += (nearest_wrong[known, None] > self.reaches).sum(axis=0)
        for total, fact in ((self.known, known), (self.certified, facts.certified), (self.alike, facts.alike)):
            total += multiplicity[fact & known].sum(axis=0, dtype=np.int64)

    def _by_choice(self, block: Block, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(block.choice[which], minlength=self.shift.n_choices)

    def fraction(self, count: NDArray[np.int64]) -> Estimate:
        """Return the fraction of the known examples that were counted."""
        with np.errstate(invalid="ignore"):  # NaN without known labels
            fraction = count / self.known
        return bootstrap_estimate(float(fraction[0]), fraction[1:])


class Reduction:
    """Reduces a scan to numbers per task, a block of examples at a time.

    Parameters
    ----------
    windows
        The scan.
    n_try
        Windows of the worst-of-n row.
    bootstrap
        Bootstrap samples; with none, intervals are NaN.
    seed
        Of them.
    """

    def __init__(self, windows: ScannedWindows, *, n_try: int, bootstrap: int, seed: int) -> None:
        self.windows, self.shift, self.n_try = windows, windows.shift, n_try
        # The first column is the estimate, the others its bootstrap samples.
        self.multiplicity = resample(len(windows.data), bootstrap, numpy_generator(seed, "bootstrap"))
        self.averages = _Averages(1 + bootstrap)
        self._shared_weights: Floats | None = None

    def task(self, number: int) -> TaskAudit:
        """Return one task's aggregates, and add them to the averages.

        Raises
        ------
        InputError
            If no example of the only task has a known label.
        """
        name, found = self.windows.data.tasks[number], self._count(number)
        if not found.examples and len(self.windows.data.tasks) == 1:
            raise InputError(f"task '{name}' has no known label among {len(self.windows.data)} examples")
        n_offsets, n_known = len(self.shift.offsets), found.examples or float("nan")
        allowed, right = found.legal_by_choice[:n_offsets], found.right_by_choice[:n_offsets]
        values = {attack: self._values(number, attack) for attack in ATTACKS}
        self.averages.add(values, found.examples, found.positive)
        return TaskAudit(
            task=name,
            n_examples=found.examples,
            n_positive=found.positive,
            clean=estimates(values["clean"]),
            random=estimates(values["random"]),
            worst=estimates(values["worst"]),
            worst_of_n=estimates(values["worst_of_n"]),
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

    def _values(self, number: int, attack: str) -> dict[str, Floats]:
        """Return every metric under the attack's law of windows: (1 + bootstrap,) each."""

        def blocks() -> Iterator[Entries]:
            for block in self.windows.blocks(number):
                yield pool_windows(block.logits, block.label, self._weights(block, attack), first=block.first)

        return weighted_metrics(Pool(blocks), self.multiplicity)

    def _weights(self, block: Block, attack: str) -> Floats:
        """Return the (B, M) probability that the attack shows each window."""
        if attack == "random":
            return np.asarray(block.drawable / block.drawable.sum(axis=1, keepdims=True))
        if attack == "worst_of_n":
            return self._worst_of_n(block)
        weights = np.zeros_like(block.logits)
        shown = block.centre if attack == "clean" else worst_column(block)
        weights[np.arange(len(weights)), shown] = 1.0
        return weights

    def _worst_of_n(self, block: Block) -> Floats:
        """Return the law of the worst of n draws; where tasks share one worst window, it is worked out once."""
        if not self.windows.shares_severity:
            return draw_weights(block.severity, block.drawable, self.n_try)
        if self._shared_weights is None:
            held: Floats = scratch(self.windows.logits.shape[:2], np.float64)
            for each in self.windows.blocks(0):
                law = draw_weights(each.severity, each.drawable, self.n_try)
                held[each.first : each.first + len(law)] = law
            self._shared_weights = held
        return np.asarray(self._shared_weights[block.first : block.first + len(block.label)])


class _Averages:
    """Sums of metrics over the tasks that have both classes, in the data and in each bootstrap sample."""

    def __init__(self, n_sets: int) -> None:
        self.n_tasks = self.no_labels = self.no_positives = self.no_negatives = 0
        self.total = {attack: {name: np.zeros(n_sets) for name in METRICS} for attack in ATTACKS}
        self.count = {attack: {name: np.zeros(n_sets) for name in METRICS} for attack in ATTACKS}

    def add(self, values: Mapping[str, Mapping[str, Floats]], examples: int, positive: int) -> None:
        """Add a task's metrics, or count why it is left out."""
        self.n_tasks += 1
        if not 0 < positive < examples:
            self.no_labels += examples == 0
            self.no_positives += positive == 0 < examples
            self.no_negatives += 0 < positive == examples
            return
        for attack, of_attack in values.items():
            for name, value in of_attack.items():
                # A bootstrap sample may lack a class that the data have.
                known = np.isfinite(value)
                self.total[attack][name] += np.where(known, value, 0.0)
                self.count[attack][name] += known

    def record(self) -> LabelAverages:
        """Return the means over the tasks that were not left out."""
        with np.errstate(invalid="ignore"):
            means = {
                attack: {name: self.total[attack][name] / self.count[attack][name] for name in METRICS}
                for attack in ATTACKS
            }
        return LabelAverages(
            n_tasks=self.n_tasks,
            no_labels=self.no_labels,
            no_positives=self.no_positives,
            no_negatives=self.no_negatives,
            clean=estimates(means["clean"]),
            random=estimates(means["random"]),
            worst=estimates(means["worst"]),
            worst_of_n=estimates(means["worst_of_n"]),
        )


def estimates(values: Mapping[str, Floats]) -> dict[str, Estimate]:
    """Return metrics with their intervals: of each (1 + B,) values the estimate, then its bootstrap samples."""
    return {name: bootstrap_estimate(float(values[name][0]), values[name][1:]) for name in METRICS}


def bootstrap_estimate(value: float, samples: Floats) -> Estimate:
    """Return a value with the 95 % interval of its bootstrap samples, those aside that are no number.

    Examples
    --------
    >>> bootstrap_estimate(0.5, np.arange(41) / 40).model_dump()
    {'value': 0.5, 'low': 0.025, 'high': 0.975}
    """
    samples = samples[np.isfinite(samples)]
    if not len(samples):
        return Estimate(value=value, low=float("nan"), high=float("nan"))
    low, high = np.quantile(samples, [0.025, 0.975])
    return Estimate(value=value, low=float(low), high=float(high))
