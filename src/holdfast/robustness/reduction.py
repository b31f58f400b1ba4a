"""Reductions of one scan: everything an audit reports is computed here from (N, K, T) logits."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.random import numpy_generator
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import decode
from holdfast.robustness.metrics import METRICS, draw_weights, pool_windows, resample, weighted_metrics
from holdfast.robustness.shift import Shift
from holdfast.runs.records import Estimate, FragileExample, TaskAudit

__all__ = ["Adversary", "Reduction", "fragile_examples"]

Floats = NDArray[np.float64]
Adversary = Literal["joint", "per-task"]
# Numbers in flight while bootstrapping.
BOOTSTRAP_NUMBERS = 4_000_000


class Reduction:
    """Reduces (N, K, T) logits to a table per task."""

    def __init__(
        self,
        logits: NDArray[np.float32],
        data: SequenceDataset,
        shift: Shift,
        n_try: int,
        adversary: Adversary,
        bootstrap: int,
        seed: int,
    ) -> None:
        self.logits, self.data, self.shift, self.n_try = logits, data, shift, n_try
        self.labels = data.labels
        self.legal = shift.legal(data.core)
        self.multiplicity = resample(len(data), bootstrap, numpy_generator(seed, "bootstrap"))
        self.names = data.names
        self.joint = self._mean_loss() if adversary == "joint" and len(data.tasks) > 1 else None

    def task(self, number: int) -> tuple[TaskAudit, pd.DataFrame]:
        """Return one task's aggregates and its row per example."""
        logits, label = self.logits[..., number].astype(np.float64), self.labels[:, number]
        known = label >= 0
        if not known.any():
            raise InputError(f"task '{self.data.tasks[number]}' has no known label among {len(label)} examples")
        severity = self.joint if self.joint is not None else np.where((label == 1)[:, None], -logits, logits)
        centre = np.zeros_like(logits)
        centre[:, self.shift.centre_choice] = 1.0
        weights = {
            "clean": centre,
            "random": draw_weights(severity, self.legal, 1),
            "worst": draw_weights(severity, self.legal, None),
            "worst_of_n": draw_weights(severity, self.legal, self.n_try),
        }
        called = logits > 0
        right = called == (label == 1)[:, None]
        radius = self._radius(called)
        certified = (right | ~self.legal).all(axis=1)
        alike = ((called == called[:, [self.shift.centre_choice]]) | ~self.legal).all(axis=1)
        chance_right = (weights["random"] * right).sum(axis=1)[known]
        table = TaskAudit(
            task=self.data.tasks[number],
            n_examples=int(known.sum()),
            n_positive=int((label == 1).sum()),
            **{name: self._metrics(logits, label, weight) for name, weight in weights.items()},
            random_accuracy_spread=float(np.sqrt((chance_right * (1 - chance_right)).clip(min=0).sum()) / known.sum()),
            certified_accuracy=self._fraction(certified, known),
            consistency=self._fraction(alike, known),
            mean_radius_bp=float(radius[known].mean()),
            reach_bp=int(self.shift.choice_distance.max()),
            accuracy_by_offset=self._by_offset(right[known], self.legal[known]),
            worst_by_max_shift=self._by_max_shift(right[known], self.legal[known]),
            calls_positive=float(called[known, self.shift.centre_choice].mean()),
        )
        return table, self._windows(number, logits, weights["worst"], radius, certified)

    def _mean_loss(self) -> Floats:
        known = (self.labels >= 0)[:, None, :]
        margin = np.where((self.labels == 1)[:, None, :], self.logits, -self.logits).astype(np.float64)
        total = np.where(known, np.logaddexp(0.0, -margin), 0.0).sum(axis=2)
        return np.asarray(total / np.maximum(known.sum(axis=2), 1))

    def _metrics(self, logits: Floats, label: NDArray[np.integer], weight: Floats) -> dict[str, Estimate]:
        pool = pool_windows(logits, label, weight)
        estimate = weighted_metrics(pool, np.ones((1, len(label))))
        rows = max(1, BOOTSTRAP_NUMBERS // max(1, len(pool.score)))
        parts = [
            weighted_metrics(pool, self.multiplicity[start : start + rows])
            for start in range(0, len(self.multiplicity), rows)
        ]
        return {
            name: _estimate(float(estimate[name][0]), np.concatenate([part[name] for part in parts]))
            for name in METRICS
        }

    def _fraction(self, fact: NDArray[np.bool_], known: NDArray[np.bool_]) -> Estimate:
        weight = self.multiplicity * known
        samples = (weight * fact).sum(axis=1) / np.maximum(weight.sum(axis=1), 1)
        return _estimate(float(fact[known].mean()), samples)

    def _radius(self, called: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return how many bp either way each call holds: one less than the nearest legal window that flips it."""
        flips = (called != called[:, [self.shift.centre_choice]]) & self.legal
        distance = np.where(flips, self.shift.choice_distance, self.shift.choice_distance.max() + 1)
        return np.asarray(distance.min(axis=1) - 1)

    def _by_offset(self, right: NDArray[np.bool_], legal: NDArray[np.bool_]) -> list[float]:
        n_offsets = len(self.shift.offsets)
        right, legal = right[:, :n_offsets], legal[:, :n_offsets]
        allowed = legal.sum(axis=0)
        return [float(r / a) if a else float("nan") for r, a in zip((right & legal).sum(axis=0), allowed, strict=True)]

    def _by_max_shift(self, right: NDArray[np.bool_], legal: NDArray[np.bool_]) -> list[float]:
        distance = self.shift.choice_distance
        return [
            float((right | ~legal | (distance > reach)).all(axis=1).mean()) for reach in range(int(distance.max()) + 1)
        ]

    def _windows(
        self, number: int, logits: Floats, worst: Floats, radius: NDArray[np.int64], certified: NDArray[np.bool_]
    ) -> pd.DataFrame:
        choice = worst.argmax(axis=1)
        return pd.DataFrame(
            {
                "index": self.data.index,
                "task": self.data.tasks[number],
                "name": self.names,
                "label": self.labels[:, number],
                "centre_logit": logits[:, self.shift.centre_choice],
                "worst_logit": logits[np.arange(len(logits)), choice],
                "worst_offset": self.shift.choice_offset[choice],
                "worst_strand": np.where(self.shift.choice_is_reverse[choice], "-", "+"),
                "radius_bp": radius,
                "certified": certified,
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
    place = {int(number): row for row, number in enumerate(data.index)}
    return [_example(data, shift, place, row) for row in broken.loc[lost.index[:count]].to_dict("records")]


def _example(data: SequenceDataset, shift: Shift, place: dict[int, int], row: dict[Hashable, Any]) -> FragileExample:
    at = place[row["index"]]
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
