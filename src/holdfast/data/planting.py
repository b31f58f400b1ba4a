"""Where simulated sites go: near the middle of the context or anywhere free, on either strand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from holdfast.dna.codes import Codes
from holdfast.dna.edit import reverse_complement

__all__ = ["place_anywhere", "place_near_centre", "plant"]


def place_near_centre(context: int, width: int, spread_bp: float, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return starts whose site's middle is normal around the middle of the context, cut off so that sites lie inside.

    Parameters
    ----------
    context, width
        Bases of the context and of the site.
    spread_bp
        Standard deviation before the cut.
    uniform
        (n,) numbers in [0, 1).

    Returns
    -------
    NDArray
        (n,) int64 in 0..context - width.

    Examples
    --------
    >>> place_near_centre(11, 3, 0.1, np.array([0.1, 0.5, 0.9])).tolist()
    [4, 4, 4]
    """
    last = context - width
    reach = (last / 2 + 0.5) / spread_bp
    low = ndtr(-reach)
    middle = ndtri(low + uniform * (1 - 2 * low)) * spread_bp
    # Halves round up, so that even and odd differences treat both sides as the central window does.
    start = np.floor(middle + last / 2 + 0.5)
    return np.asarray(np.clip(start, 0, last), dtype=np.int64)


def place_anywhere(taken: NDArray[np.bool_], width: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a start per example at which the site touches nothing taken, all equally likely; -1 where none is free.

    Parameters
    ----------
    taken
        (n, L) bool.
    width
        Bases of the site.
    rng
        The same state gives the same starts.

    Examples
    --------
    >>> taken = np.array([[False, True, False, False], [True, True, True, False]])
    >>> place_anywhere(taken, 2, np.random.default_rng(0)).tolist()
    [2, -1]
    """
    covered = np.cumsum(np.pad(taken, ((0, 0), (1, 0))), axis=1)
    free = covered[:, width:] == covered[:, :-width]
    keys = np.where(free, rng.random(free.shape), -1.0)
    return np.where(free.any(axis=1), keys.argmax(axis=1), -1).astype(np.int64)


def plant(
    codes: Codes, sites: Codes, start: NDArray[np.int64], taken: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Write sites into sequences, in place, each on a random strand, and mark their places as taken.

    Parameters
    ----------
    codes
        (n, L) uint8, changed.
    sites
        (n, W) uint8, as the forward strand shows them.
    start
        (n,) int64; -1 plants nothing.
    taken
        (n, L) bool, changed.
    rng
        Draws the strands.

    Returns
    -------
    NDArray
        (n,) bool, true where the site lies on the reverse strand.
    """
    reverse = rng.random(len(codes)) < 0.5
    written = np.where(reverse[:, None], reverse_complement(sites), sites)
    rows = np.flatnonzero(start >= 0)
    columns = start[rows, None] + np.arange(sites.shape[1])
    codes[rows[:, None], columns] = written[rows]
    taken[rows[:, None], columns] = True
    return reverse
