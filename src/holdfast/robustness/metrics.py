"""Metrics of a scan, exact and in closed form.

Every attack here is a probability over an example's windows: the centre window with certainty (clean), each legal
window alike (random), the worst one with certainty (worst), or the worst of n drawn ones, whose law is known: with the
K legal windows sorted from worst to best, the worst of n distinct draws is the j-th with probability
C(K - j, n - 1) / C(K, n). So nothing is sampled, and every metric is one weighted metric of the pooled windows.

Accuracy, log loss and AUROC of the pool are the exact expectations over the attack's draws (AUROC because examples
draw independently). AUPR, average precision and MCC are those of the expected ranking and the expected confusion table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["Entries", "Pool", "draw_weights", "pool_windows", "resample", "weighted_metrics"]

Floats = NDArray[np.float64]

# Entries sorted at a time, and numbers in flight while many sets of weights go over them.
BUCKET = 1 << 18
SLICE = 1 << 16
NUMBERS = 1_000_000


def draw_weights(severity: Floats, legal: NDArray[np.bool_], n_try: int | None) -> Floats:
    """Return the probability that each window is the worst of ``n_try`` drawn without replacement.

    Parameters
    ----------
    severity
        (N, K): the adversary prefers large values; of equal ones the smallest choice.
    legal
        (N, K) bool; each row has at least one.
    n_try
        Windows drawn: 1 is a random window, None every window. A row with fewer legal windows draws them all.

    Returns
    -------
    ndarray
        (N, K), rows sum to 1, zero where a choice is not legal.

    Examples
    --------
    >>> draw_weights(np.array([[0.1, 0.9, 0.5]]), np.ones((1, 3), dtype=bool), 2).round(3).tolist()
    [[0.0, 0.667, 0.333]]
    """
    n_legal = legal.sum(axis=1, keepdims=True)
    order = np.argsort(np.where(legal, -severity, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(severity.shape[1])[None], axis=1)
    n = n_legal if n_try is None else np.minimum(n_try, n_legal)
    beaten = n_legal - 1 - rank  # windows this one would win against
    possible = (beaten >= n - 1) & (rank < n_legal)
    log_weight = _log_choose(np.where(possible, beaten, n - 1), n - 1) - _log_choose(n_legal, n)
    return np.asarray(np.where(possible, np.exp(log_weight), 0.0))


def _log_choose(n: NDArray[np.integer], k: NDArray[np.integer]) -> Floats:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


@dataclass(frozen=True, eq=False)
class Entries:
    """Windows an attack may show, with their probabilities.

    Parameters
    ----------
    score
        (M,) float32 logits.
    positive
        (M,) bool labels.
    weight
        (M,) probability of the window within its example.
    example
        (M,) row of the example.
    """

    score: NDArray[np.float32]
    positive: NDArray[np.bool_]
    weight: Floats
    example: NDArray[np.int64]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Entries:
        """Return some of the entries."""
        return Entries(self.score[which], self.positive[which], self.weight[which], self.example[which])

    @property
    def cell(self) -> NDArray[np.int64]:
        """(M,) coarse place of each score among all float32 numbers: larger scores, larger cells."""
        bits = (self.score + np.float32(0)).view(np.uint32)  # -0 becomes 0
        ordered = np.where(bits >> 31 == 1, ~bits, bits | np.uint32(1 << 31))
        return (ordered >> 16).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Pool:
    """All windows an attack may show, read in blocks and given out by descending score, a bounded number at a time.

    Parameters
    ----------
    blocks
        Gives the entries in any order; called again for each bucket of scores.
    """

    blocks: Callable[[], Iterable[Entries]]

    def slices(self) -> Iterator[Entries]:
        """Yield the entries by descending score; equal scores are in one slice."""
        for low, high in self._buckets():
            parts = [block.take((low <= block.cell) & (block.cell < high)) for block in self.blocks()]
            whole = Entries(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))
            bucket = whole.take(np.argsort(-whole.score, kind="stable"))
            ends = np.flatnonzero(np.append(np.diff(bucket.score) != 0, True)) + 1
            start = 0
            while start < len(bucket.score):
                at = int(np.searchsorted(ends, start + SLICE))
                stop = int(ends[min(at, len(ends) - 1)])
                yield bucket.take(slice(start, stop))
                start = stop

    def _buckets(self) -> list[tuple[int, int]]:
        """Return ranges of cells, descending, that hold about :data:`BUCKET` entries each."""
        counts = np.zeros(1 << 16, dtype=np.int64)
        for block in self.blocks():
            counts += np.bincount(block.cell, minlength=1 << 16)
        ranges, high, held = [], 1 << 16, 0
        for cell in np.flatnonzero(counts)[::-1]:
            if held and held + counts[cell] > BUCKET:
                ranges.append((int(cell) + 1, high))
                high, held = int(cell) + 1, 0
            held += int(counts[cell])
        return [*ranges, (0, high)]


_FIELDS = ("score", "positive", "weight", "example")


def pool_windows(logits: Floats, labels: NDArray[np.integer], weights: Floats, *, first: int = 0) -> Entries:
    """Return the windows that have weight, of the examples whose label is known.

    Parameters
    ----------
    logits
        (N, K) of one task.
    labels
        (N,): 1 bound, 0 unbound, -1 unknown.
    weights
        (N, K), see :func:`draw_weights`.
    first
        Number of the first row's example.
    """
    row, choice = np.nonzero((weights > 0) & (labels >= 0)[:, None])
    score = logits[row, choice].astype(np.float32)
    return Entries(score, labels[row] == 1, weights[row, choice], row + first)


def resample(n: int, repeats: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return how often each example is drawn in each bootstrap sample: (repeats, n), rows sum to n."""
    counts = np.empty((repeats, n), dtype=np.uint8)
    for row in counts:
        # More than 255 draws of one example in a sample have a probability below 1e-500.
        row[:] = np.bincount(generator.integers(0, n, n), minlength=n)
    return counts


def weighted_metrics(pool: Pool, multiplicity: NDArray[np.number]) -> dict[str, Floats]:
    """Return every metric, for each row of example weights.

    Parameters
    ----------
    pool
        Windows with their probabilities.
    multiplicity
        (B, N) weights of examples: ones for the estimate, counts of draws for a bootstrap sample.

    Returns
    -------
    dict
        Name to (B,) values; a metric that needs both classes is NaN without them.

    Examples
    --------
    >>> entries = pool_windows(np.array([[2.0], [-1.0]]), np.array([1, 0]), np.ones((2, 1)))
    >>> metrics = weighted_metrics(Pool(lambda: [entries]), np.ones((1, 2)))
    >>> {name: value.round(3).tolist() for name, value in metrics.items() if name != "log_loss"}
    {'accuracy': [1.0], 'auroc': [1.0], 'aupr_trapezoid': [1.0], 'average_precision': [1.0], 'mcc': [1.0]}
    """
    sums = _Sums(len(multiplicity))
    for entries in pool.slices():
        step = max(1, NUMBERS // len(entries.score))
        for start in range(0, len(multiplicity), step):
            sums.add(entries, multiplicity, slice(start, start + step))
    return sums.metrics()


class _Sums:
    """Running sums over entries of descending score, one of each kind for each of B sets of weights."""

    def __init__(self, count: int) -> None:
        self.loss, self.right = np.zeros(count), np.zeros(count)
        self.true, self.false = np.zeros(count), np.zeros(count)
        self.called_true, self.called_false = np.zeros(count), np.zeros(count)
        self.ranked, self.stepped, self.trapezoid = np.zeros(count), np.zeros(count), np.zeros(count)
        self.precision = np.ones(count)

    def add(self, entries: Entries, multiplicity: NDArray[np.number], rows: slice) -> None:
        """Add the entries to the sums of some rows of weights."""
        weight: Floats = multiplicity[rows][:, entries.example].astype(np.float64) * entries.weight
        positive, called = entries.positive, entries.score > 0
        score = entries.score.astype(np.float64)
        self.loss[rows] += weight @ np.logaddexp(0.0, np.where(positive, -score, score))
        self.right[rows] += weight @ (called == positive).astype(np.float64)
        self.called_true[rows] += weight @ (called & positive).astype(np.float64)
        self.called_false[rows] += weight @ (called & ~positive).astype(np.float64)
        self._rank(entries, weight, rows)

    def _rank(self, entries: Entries, weight: Floats, rows: slice) -> None:
        """Go on along the ROC and the precision-recall curve; equal scores are one step."""
        ends = np.flatnonzero(np.append(np.diff(entries.score) != 0, True))
        weight_true = np.cumsum(weight * entries.positive, axis=1)[:, ends]
        weight_false = np.cumsum(weight * ~entries.positive, axis=1)[:, ends]
        true = np.hstack([self.true[rows, None], self.true[rows, None] + weight_true])
        false = np.hstack([self.false[rows, None], self.false[rows, None] + weight_false])
        with np.errstate(invalid="ignore"):
            reached = true[:, 1:] / (true[:, 1:] + false[:, 1:])
        precision = np.hstack([self.precision[rows, None], np.where(np.isnan(reached), 1.0, reached)])
        gained, lost = np.diff(true, axis=1), np.diff(false, axis=1)
        self.ranked[rows] += (lost * (true[:, 1:] + true[:, :-1]) / 2).sum(axis=1)
        self.trapezoid[rows] += (gained * (precision[:, 1:] + precision[:, :-1]) / 2).sum(axis=1)
        self.stepped[rows] += (gained * precision[:, 1:]).sum(axis=1)
        self.true[rows], self.false[rows], self.precision[rows] = true[:, -1], false[:, -1], precision[:, -1]

    def metrics(self) -> dict[str, Floats]:
        """Return each metric of what was added."""
        total = self.true + self.false
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "accuracy": self.right / total,
                "auroc": self.ranked / (self.true * self.false),
                "aupr_trapezoid": self.trapezoid / self.true,
                "average_precision": self.stepped / self.true,
                "mcc": self._matthews(),
                "log_loss": self.loss / total,
            }

    def _matthews(self) -> Floats:
        tp, fp = self.called_true, self.called_false
        fn, tn = self.true - tp, self.false - fp
        scale = np.sqrt(np.maximum((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn), 0.0))
        # One call for all is no better than chance; without both classes there is nothing to correlate.
        chance = np.where((self.true > 0) & (self.false > 0), 0.0, np.nan)
        one_call = np.minimum(tp + fp, fn + tn) <= 1e-9 * (self.true + self.false)
        return np.asarray(np.where(one_call | (scale == 0), chance, (tp * tn - fp * fn) / scale))
