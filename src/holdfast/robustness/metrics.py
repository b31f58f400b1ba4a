"""Metrics of a scan, exact and in closed form.

Every attack here is a probability over an example's windows: the centre window with certainty (clean), each legal
window alike (random), the worst one with certainty (worst), or the worst of n drawn ones, whose law is known: with the
K legal windows sorted from worst to best, the worst of n distinct draws is the j-th with probability
C(K - j, n - 1) / C(K, n). So nothing is sampled, and every metric is one weighted metric of the pooled windows.

Accuracy, log loss and AUROC of the pool are the exact expectations over the attack's draws (AUROC because examples
draw independently). AUPR, average precision and MCC are those of the expected ranking and the expected confusion table.

Ranking metrics need every window of the pool by descending score. The pool is sorted in a temporary file and read from
there in pieces, so memory depends neither on the number of examples nor on how many scores are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from holdfast.core.scratch import scratch

__all__ = ["Entries", "Pool", "draw_weights", "entries", "pool_windows", "resample", "weighted_metrics"]

Floats = NDArray[np.float64]
Entries = NDArray[np.void]
"""(M,) records of windows: ``score``, ``positive``, ``weight`` within the example, and ``example``; see entries()."""

# Entries sorted at a time in memory.
BUCKET = 1 << 14
# Weights in flight while many sets of them go over the entries: few enough to stay in a processor's cache.
NUMBERS = 100_000
# Draws of a bootstrap sample made at a time.
DRAWS = 1 << 16
# Cells of scores told apart by 16 bits.
CELL_BITS = 16


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


def entries(
    score: NDArray[np.floating],
    positive: NDArray[np.bool_],
    weight: Floats | float,
    example: NDArray[np.integer],
) -> Entries:
    """Return windows an attack may show, as records.

    Parameters
    ----------
    score
        (M,) float32 logits, or float64 scores; larger ones speak for the positive class.
    positive
        (M,) labels.
    weight
        (M,) probability of the window within its example.
    example
        (M,) row of the example.
    """
    kind = [("score", score.dtype), ("positive", np.bool_), ("weight", np.float64), ("example", np.int64)]
    made = np.empty(len(score), dtype=kind)
    made["score"] = score + score.dtype.type(0)  # -0 becomes 0
    made["positive"], made["weight"], made["example"] = positive, weight, example
    return made


@dataclass(frozen=True, eq=False)
class Pool:
    """All windows an attack may show, read in blocks and given out by descending score, a bounded number at a time.

    Parameters
    ----------
    blocks
        Gives the entries in any order; called anew for each pass over them.
    """

    blocks: Callable[[], Iterable[Entries]]

    def pieces(self) -> Iterator[Entries]:
        """Yield the entries by descending score, at most :data:`BUCKET` at a time."""
        first = next(iter(self.blocks()), None)
        if first is not None:
            yield from _descending(self.blocks, first.dtype, first.dtype["score"].itemsize * 8 - CELL_BITS)


def _descending(blocks: Callable[[], Iterable[Entries]], kind: np.dtype[Any], bit: int) -> Iterator[Entries]:
    """Yield entries that agree in every bit of the score above ``bit + 16`` by descending score.

    They are put into cells by those 16 bits, in a temporary file. Cells that fit are sorted in memory; a larger one is
    put into cells by its next 16 bits, and after the last bits its scores are equal.
    """
    counts = np.zeros(1 << CELL_BITS, dtype=np.int64)
    for block in blocks():
        counts += np.bincount(_cell(block, bit), minlength=len(counts))
    held = _into_cells(blocks, counts, kind, bit)
    for start, stop, n_cells in _ranges(counts):
        part = held[start:stop]
        if len(part) <= BUCKET:
            yield part[np.argsort(-part["score"], kind="stable")]
        elif n_cells == 1 and bit > 0:
            yield from _descending(partial(_split, part), kind, bit - CELL_BITS)
        else:
            yield from _split(part)


def _cell(block: Entries, bit: int) -> NDArray[np.int64]:
    """Return 16 bits of each score's place among all floating-point numbers: larger scores, lower cells."""
    score = np.ascontiguousarray(block["score"])
    bits = score.view(np.dtype(f"u{score.itemsize}"))
    sign = bits >> (score.itemsize * 8 - 1)
    descending = np.where(sign == 1, bits, ~bits & (np.iinfo(bits.dtype).max >> 1))
    return np.asarray((descending >> bit) & ((1 << CELL_BITS) - 1), dtype=np.int64)


def _into_cells(
    blocks: Callable[[], Iterable[Entries]], counts: NDArray[np.int64], kind: np.dtype[Any], bit: int
) -> Entries:
    """Return all entries by ascending cell, in a temporary file."""
    held = scratch((int(counts.sum()),), kind)
    free = np.cumsum(counts) - counts  # where the next entry of each cell goes
    for block in blocks():
        cell = _cell(block, bit)
        order = np.argsort(cell.astype(np.uint16), kind="stable")
        cell = cell[order]
        place_in_cell = np.arange(len(cell)) - np.searchsorted(cell, cell)
        held[free[cell] + place_in_cell] = block[order]
        free += np.bincount(cell, minlength=len(free))
    return held


def _ranges(counts: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, number of cells) of neighbouring cells of at most BUCKET entries; a larger cell is alone."""
    start = held = n_cells = 0
    for count in counts[counts > 0].tolist():
        if held and held + count > BUCKET:
            yield start, start + held, n_cells
            start, held, n_cells = start + held, 0, 0
        held, n_cells = held + count, n_cells + 1
    if held:
        yield start, start + held, n_cells


def _split(part: Entries) -> Iterator[Entries]:
    return (part[start : start + BUCKET] for start in range(0, len(part), BUCKET))


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
    return entries(logits[row, choice].astype(np.float32), labels[row] == 1, weights[row, choice], row + first)


def resample(n: int, repeats: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return how often each example counts: as it is, and in each bootstrap sample.

    Returns
    -------
    ndarray
        (n, 1 + repeats) in a temporary file. The first column is 1; the others are counts of n draws and sum to n.
    """
    counts: NDArray[np.uint8] = scratch((n, 1 + repeats), np.uint8)
    counts[:, 0] = 1
    for column in counts.T[1:]:
        for start in range(0, n, DRAWS):
            # More than 255 draws of one example in a sample have a probability below 1e-500.
            np.add.at(column, generator.integers(0, n, min(DRAWS, n - start)), np.uint8(1))
    return counts


def weighted_metrics(pool: Pool, multiplicity: NDArray[np.number]) -> dict[str, Floats]:
    """Return every metric, for each column of example weights.

    Parameters
    ----------
    pool
        Windows with their probabilities.
    multiplicity
        (N, B) weights of examples: ones for the estimate, counts of draws for a bootstrap sample.

    Returns
    -------
    dict
        Name to (B,) values; a metric that needs both classes is NaN without them.

    Examples
    --------
    >>> windows = pool_windows(np.array([[2.0], [-1.0]]), np.array([1, 0]), np.ones((2, 1)))
    >>> metrics = weighted_metrics(Pool(lambda: [windows]), np.ones((2, 1)))
    >>> {name: value.round(3).tolist() for name, value in metrics.items() if name != "log_loss"}
    {'accuracy': [1.0], 'auroc': [1.0], 'aupr_trapezoid': [1.0], 'average_precision': [1.0], 'mcc': [1.0]}
    """
    n_sets = multiplicity.shape[1]
    sums, step = _Sums(n_sets), max(1, NUMBERS // n_sets)
    for piece in pool.pieces():
        for start in range(0, len(piece), step):
            part = piece[start : start + step]
            sums.add(part, multiplicity[part["example"]] * part["weight"][:, None])
    return sums.metrics()


class _Sums:
    """Running sums over entries of descending score, one of each kind for each of B sets of weights."""

    def __init__(self, count: int) -> None:
        # Loss, right calls, bound ones called bound, unbound ones called bound.
        self.of_calls = np.zeros((4, count))
        self.true, self.false = np.zeros(count), np.zeros(count)
        self.ranked, self.stepped, self.trapezoid = np.zeros(count), np.zeros(count), np.zeros(count)
        self.precision = np.ones(count)
        # Equal scores are one step of a curve: the last one is open until another score comes.
        self.open_score = np.nan
        self.open_true, self.open_false = np.zeros(count), np.zeros(count)

    def add(self, part: Entries, weight: Floats) -> None:
        """Add (M,) entries with their (M, B) weights to the sums."""
        positive, score = part["positive"], part["score"].astype(np.float64)
        called = score > 0
        loss = np.logaddexp(0.0, np.where(positive, -score, score))
        self.of_calls += np.stack([loss, called == positive, called & positive, called & ~positive]) @ weight
        starts = np.flatnonzero(np.append(True, np.diff(score) != 0))
        gained = weight * positive[:, None]
        lost = weight - gained
        if len(starts) < len(score):
            gained, lost = (np.add.reduceat(each, starts, axis=0) for each in (gained, lost))
        if score[0] == self.open_score:
            gained[0] += self.open_true
            lost[0] += self.open_false
        else:
            self._close()
        self.open_score, self.open_true, self.open_false = score[-1], gained[-1].copy(), lost[-1].copy()
        self._go_on(gained[:-1], lost[:-1])

    def _close(self) -> None:
        self._go_on(self.open_true[None], self.open_false[None])

    def _go_on(self, gained: Floats, lost: Floats) -> None:
        """Go on along the ROC and the precision-recall curve by (S, B) steps."""
        if not len(gained):
            return
        true, false = np.cumsum(gained, axis=0) + self.true, np.cumsum(lost, axis=0) + self.false
        with np.errstate(invalid="ignore"):
            precision = true / (true + false)
        np.copyto(precision, 1.0, where=np.isnan(precision))
        stepped = _total(gained, precision)
        self.stepped += stepped
        before = gained[0] * self.precision + _total(gained[1:], precision[:-1])
        self.trapezoid += (before + stepped) / 2
        self.ranked += _total(lost, true) - _total(lost, gained) / 2
        self.true, self.false, self.precision = true[-1], false[-1], precision[-1]

    def metrics(self) -> dict[str, Floats]:
        """Return each metric of what was added."""
        self._close()
        loss, right, called_true, called_false = self.of_calls
        total = self.true + self.false
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "accuracy": right / total,
                "auroc": self.ranked / (self.true * self.false),
                "aupr_trapezoid": self.trapezoid / self.true,
                "average_precision": self.stepped / self.true,
                "mcc": self._matthews(called_true, called_false),
                "log_loss": loss / total,
            }

    def _matthews(self, tp: Floats, fp: Floats) -> Floats:
        fn, tn = self.true - tp, self.false - fp
        scale = np.sqrt(np.maximum((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn), 0.0))
        # One call for all is no better than chance; without both classes there is nothing to correlate.
        chance = np.where((self.true > 0) & (self.false > 0), 0.0, np.nan)
        one_call = np.minimum(tp + fp, fn + tn) <= 1e-9 * (self.true + self.false)
        return np.asarray(np.where(one_call | (scale == 0), chance, (tp * tn - fp * fn) / scale))


def _total(left: Floats, right: Floats) -> Floats:
    """Return the (B,) sums over rows of the products of two (S, B) arrays."""
    return np.asarray(np.einsum("sb,sb->b", left, right))
