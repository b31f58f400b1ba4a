"""Metrics of a scan, exact and in closed form.

Every attack here is a probability over an example's windows: the centre window with certainty (clean), each legal
window alike (random), the worst one with certainty (worst), or the worst of n drawn ones, whose law is known: with the
K legal windows sorted from worst to best, the worst of n distinct draws is the j-th with probability
C(K - j, n - 1) / C(K, n). So nothing is sampled, and every metric is one weighted metric of the pooled windows.

Accuracy, log loss and AUROC of the pool are the exact expectations over the attack's draws (AUROC because examples
draw independently). AUPR, average precision and MCC are those of the expected ranking and the expected confusion table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from holdfast.core.errors import InputError

__all__ = ["METRICS", "Pool", "draw_weights", "pool_windows", "resample", "weighted_metrics"]

Floats = NDArray[np.float64]

METRICS = ("accuracy", "auroc", "aupr_trapezoid", "average_precision", "mcc", "log_loss")


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
class Pool:
    """The windows an attack may show, sorted by logit, with their probabilities.

    Parameters
    ----------
    score
        (M,) logits, descending.
    positive
        (M,) bool labels.
    weight
        (M,) probability of the window within its example.
    example
        (M,) row of the example.
    """

    score: Floats
    positive: NDArray[np.bool_]
    weight: Floats
    example: NDArray[np.int64]

    @property
    def ends(self) -> NDArray[np.int64]:
        """Last place of each run of equal scores."""
        return np.flatnonzero(np.append(np.diff(self.score) != 0, True))


def pool_windows(logits: Floats, labels: NDArray[np.integer], weights: Floats) -> Pool:
    """Return the pool of the windows that have weight and of the examples whose label is known.

    Parameters
    ----------
    logits
        (N, K) of one task.
    labels
        (N,): 1 bound, 0 unbound, -1 unknown.
    weights
        (N, K), see :func:`draw_weights`.

    Raises
    ------
    InputError
        If a logit is not a number.
    """
    if np.isnan(logits).any():
        row = int(np.argwhere(np.isnan(logits))[0, 0])
        raise InputError(f"the model's logit of example {row} is not a number; was it trained with a rate too high?")
    example, choice = np.nonzero((weights > 0) & (labels >= 0)[:, None])
    score = logits[example, choice].astype(np.float64)
    order = np.argsort(-score, kind="stable")
    example, choice = example[order], choice[order]
    return Pool(score[order], labels[example] == 1, weights[example, choice], example)


def resample(n: int, repeats: int, generator: np.random.Generator) -> Floats:
    """Return how often each example is drawn in each bootstrap sample: (repeats, n), rows sum to n."""
    return generator.multinomial(n, np.full(n, 1.0 / n), size=repeats).astype(np.float64)


def weighted_metrics(pool: Pool, multiplicity: Floats) -> dict[str, Floats]:
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
    >>> one = np.ones((1, 2))
    >>> pool = pool_windows(np.array([[2.0], [-1.0]]), np.array([1, 0]), np.ones((2, 1)))
    >>> {name: value.round(3).tolist() for name, value in weighted_metrics(pool, one).items() if name != "log_loss"}
    {'accuracy': [1.0], 'auroc': [1.0], 'aupr_trapezoid': [1.0], 'average_precision': [1.0], 'mcc': [1.0]}
    """
    weight = multiplicity[:, pool.example] * pool.weight
    total = weight.sum(axis=1)
    loss = np.logaddexp(0.0, np.where(pool.positive, -pool.score, pool.score))
    called = pool.score > 0
    right = called == pool.positive
    with np.errstate(invalid="ignore", divide="ignore"):
        metrics = {
            "accuracy": (weight * right).sum(axis=1) / total,
            "log_loss": (weight * loss).sum(axis=1) / total,
            "mcc": _matthews(weight, called, pool.positive),
            **_ranking(weight, pool),
        }
    return {name: metrics[name] for name in METRICS}


def _matthews(weight: Floats, called: NDArray[np.bool_], positive: NDArray[np.bool_]) -> Floats:
    tp, fp = (weight * (called & positive)).sum(axis=1), (weight * (called & ~positive)).sum(axis=1)
    fn, tn = (weight * (~called & positive)).sum(axis=1), (weight * (~called & ~positive)).sum(axis=1)
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    # One call for all is no better than chance; without both classes there is nothing to correlate.
    chance = np.where((tp + fn > 0) & (tn + fp > 0), 0.0, np.nan)
    return np.asarray(np.where(scale > 0, (tp * tn - fp * fn) / scale, chance))


def _ranking(weight: Floats, pool: Pool) -> dict[str, Floats]:
    """Return AUROC and both areas under the precision-recall curve; equal scores are one step."""
    ends = pool.ends
    true = np.cumsum(weight * pool.positive, axis=1)[:, ends]
    false = np.cumsum(weight * ~pool.positive, axis=1)[:, ends]
    n_true, n_false = true[:, -1:], false[:, -1:]
    zero = np.zeros((len(weight), 1))
    recall = np.hstack([zero, true / n_true])
    fall_out = np.hstack([zero, false / n_false])
    precision = true / (true + false)
    precision = np.hstack([np.ones((len(weight), 1)), np.where(np.isnan(precision), 1.0, precision)])
    step = np.diff(recall, axis=1)
    return {
        "auroc": (np.diff(fall_out, axis=1) * (recall[:, 1:] + recall[:, :-1]) / 2).sum(axis=1),
        "aupr_trapezoid": (step * (precision[:, 1:] + precision[:, :-1]) / 2).sum(axis=1),
        "average_precision": (step * precision[:, 1:]).sum(axis=1),
    }
