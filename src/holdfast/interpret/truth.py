"""How well maps point at what is known to matter: planted sites of simulated data."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from holdfast.core.errors import InputError
from holdfast.motifs.motif import Motif

__all__ = ["Pointing", "planted_positions", "pointing"]

Floats = NDArray[np.float64]
# Noise positions of the second signal-to-noise ratio.
TOP_NOISE = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Pointing:
    """How well N maps point at the positions that matter, each and together.

    Parameters
    ----------
    auroc
        (N,) chance that a position that matters has a larger absolute contribution than one that does not; NaN where
        an example has positions of one kind only.
    aupr
        (N,) average precision of the same ranking; NaN as above.
    signal_to_noise
        (N,) mean absolute contribution where it matters over the mean elsewhere.
    signal_to_top_noise
        (N,) the same over the mean of the ten largest elsewhere.
    pooled_auroc
        Over the positions of all examples together, so that maps are compared in size too.
    pooled_aupr
        The same.
    share
        Of the positions that matter, which is the average precision of a map that knows nothing.
    """

    auroc: Floats
    aupr: Floats
    signal_to_noise: Floats
    signal_to_top_noise: Floats
    pooled_auroc: float
    pooled_aupr: float
    share: float


def planted_positions(
    truth: pd.DataFrame,
    index: NDArray[np.integer],
    *,
    context: int,
    motif_of: Callable[[str], Motif],
    roles: Collection[str] = ("core", "site"),
    min_bits: float = 0.1,
) -> NDArray[np.bool_]:
    """Return which positions of simulated examples matter: informative ones of planted sites.

    Parameters
    ----------
    truth
        As :func:`holdfast.data.simulate.read_truth` gives it.
    index
        (N,) numbers of the examples.
    context
        L.
    motif_of
        Gives the matrix of a name, such as ``holdfast.motifs.database.jaspar_motif``.
    roles
        Which planted sites count; a decoy is planted in both classes and says nothing of them.
    min_bits
        A position of a site counts where the matrix has more information than this.

    Returns
    -------
    ndarray
        (N, L) bool.

    Raises
    ------
    InputError
        If a planted site is not as wide as the matrix of its name.

    References
    ----------
    Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x.
    """
    matters = np.zeros((len(index), context), dtype=bool)
    rows = {int(number): row for row, number in enumerate(index)}
    chosen = truth[truth["example"].isin(rows) & truth["role"].isin(list(roles))]
    for (name, strand), sites in chosen.groupby(["motif", "strand"]):
        motif = motif_of(str(name))
        informative = (motif if strand == "+" else motif.reverse_complement()).information() > min_bits
        width = sites["end"] - sites["start"]
        if (width != motif.width).any():
            raise InputError(f"planted sites of '{name}' have {width.iloc[0]} bp, its matrix has {motif.width}")
        at = sites["example"].map(rows).to_numpy()[:, None]
        columns = sites["start"].to_numpy()[:, None] + np.flatnonzero(informative)
        matters[at, columns] = True
    return matters


def pointing(maps: NDArray[np.floating], matters: NDArray[np.bool_]) -> Pointing:
    """Return how well absolute contributions tell positions that matter from the others.

    Parameters
    ----------
    maps
        (N, W); NaN leaves a position out.
    matters
        (N, W).

    Raises
    ------
    InputError
        If the shapes differ, or no position matters, or all do.

    Examples
    --------
    >>> found = pointing(np.array([[0.1, -4.0, 0.2, 3.0]]), np.array([[False, True, False, True]]))
    >>> found.auroc.tolist(), found.pooled_aupr, found.signal_to_noise.round(6).tolist()
    ([1.0], 1.0, [23.333333])

    References
    ----------
    Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x.
    """
    if maps.shape != matters.shape:
        raise InputError(f"maps are {maps.shape}, the positions that matter {matters.shape}; expected one shape")
    size, known = np.abs(maps.astype(np.float64)), np.isfinite(maps)
    if not 0 < matters[known].sum() < known.sum():
        raise InputError(f"{matters[known].sum()} of {known.sum()} positions matter; there must be some that do not")
    ranked = np.array([_ranked(s[k], m[k]) for s, m, k in zip(size, matters, known, strict=True)])
    noise = np.where(known & ~matters, size, np.nan)
    top = np.sort(np.where(np.isfinite(noise), noise, -np.inf), axis=1)[:, ::-1][:, :TOP_NOISE]
    signal = _mean(np.where(known & matters, size, np.nan))
    pooled = _ranked(size[known], matters[known])
    with np.errstate(invalid="ignore", divide="ignore"):  # infinite where there is no noise at all
        return Pointing(
            auroc=ranked[:, 0],
            aupr=ranked[:, 1],
            signal_to_noise=signal / _mean(noise),
            signal_to_top_noise=signal / _mean(np.where(np.isfinite(top), top, np.nan)),
            pooled_auroc=pooled[0],
            pooled_aupr=pooled[1],
            share=float(matters[known].mean()),
        )


def _ranked(size: Floats, matters: NDArray[np.bool_]) -> tuple[float, float]:
    if not 0 < matters.sum() < len(matters):
        return float("nan"), float("nan")
    return float(roc_auc_score(matters, size)), float(average_precision_score(matters, size))


def _mean(values: Floats) -> Floats:
    """Return (N,) means of the numbers in each row, NaN where there is none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1))
