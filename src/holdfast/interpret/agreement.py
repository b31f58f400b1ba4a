"""Whether several models, or one trained from several seeds, explain the same examples alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from holdfast.core.errors import InputError

__all__ = ["Agreement", "agreement"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """Rank correlations of M models' maps of N examples.

    Parameters
    ----------
    by_pair
        (M, M) mean over the examples, 1 on the diagonal.
    by_example
        (N,) mean over the pairs of models; NaN where fewer than two models have a map that is not constant.
    mean
        Over pairs and examples.
    """

    by_pair: Floats
    by_example: Floats
    mean: float


def agreement(maps: NDArray[np.floating], *, absolute: bool = False) -> Agreement:
    """Return how alike models rank the bases of the same windows: Spearman's correlation of every two maps.

    Parameters
    ----------
    maps
        (M, N, W) contributions, M of 2 or more models.
    absolute
        Rank by absolute contributions, for methods whose sign means nothing.

    Raises
    ------
    InputError
        If there is one model only.

    Examples
    --------
    >>> maps = np.array([[[1.0, 2.0, 3.0]], [[10.0, 20.0, 90.0]], [[3.0, 2.0, 1.0]]])
    >>> found = agreement(maps)
    >>> found.by_pair.round(6).tolist(), round(found.mean, 6)
    ([[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]], -0.333333)
    """
    if maps.ndim != 3 or len(maps) < 2:
        raise InputError(f"maps are {maps.shape}; expected (M, N, W) of at least two models")
    ranks = rankdata(np.abs(maps) if absolute else maps, axis=2)
    centred = ranks - ranks.mean(axis=2, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=2, keepdims=True))
    with np.errstate(invalid="ignore"):  # a constant map has no ranks: NaN
        unit = np.where(length > 0, centred, np.nan) / length
    correlation = np.clip(np.einsum("anw,bnw->abn", unit, unit), -1.0, 1.0)
    first, second = np.triu_indices(len(maps), 1)
    pairs = correlation[first, second]
    by_pair = np.eye(len(maps))
    by_pair[first, second] = by_pair[second, first] = _mean(pairs, axis=1)
    return Agreement(
        by_pair=by_pair, by_example=_mean(pairs, axis=0), mean=float(_mean(pairs.reshape(1, -1), axis=1)[0])
    )


def _mean(values: Floats, *, axis: int) -> Floats:
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis))
