"""First-order backgrounds: which base follows which, and sequences drawn from that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.dna.codes import Codes

__all__ = ["background_sequences", "transitions"]

_CPG_KEPT = 0.25


def transitions(gc: float) -> NDArray[np.float64]:
    """Return (4, 4) transition probabilities of a background with the given GC content and few CpG, as in mammals.

    CpG is a quarter as frequent as the bases' own frequencies make it; the rest is scaled (iterative proportional
    fitting) so that the bases keep their frequencies exactly.

    Examples
    --------
    >>> matrix = transitions(0.4)
    >>> bool(np.allclose(np.array([0.3, 0.2, 0.2, 0.3]) @ matrix, [0.3, 0.2, 0.2, 0.3]))
    True
    """
    base = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    joint = np.outer(base, base)
    joint[1, 2] *= _CPG_KEPT
    for _ in range(200):
        joint *= (base / joint.sum(axis=1))[:, None]
        joint *= base / joint.sum(axis=0)
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))


def background_sequences(matrix: NDArray[np.float64], count: int, length: int, rng: np.random.Generator) -> Codes:
    """Draw (count, length) uint8 sequences of a first-order chain, started in its stationary distribution.

    Parameters
    ----------
    matrix
        (4, 4) transition probabilities, rows the base before.
    count, length
        Shape of the result.
    rng
        The same state gives the same sequences.
    """
    stationary = np.linalg.lstsq(
        np.vstack([matrix.T - np.eye(4), np.ones(4)]), np.array([0.0, 0, 0, 0, 1]), rcond=None
    )[0]
    first = np.cumsum(stationary)
    steps = np.cumsum(matrix, axis=1)
    codes = np.empty((count, length), dtype=np.uint8)
    for position in range(length):
        thresholds = steps[codes[:, position - 1]] if position else first
        draws = rng.random(count)[:, None]
        codes[:, position] = (draws >= thresholds[..., :3] / thresholds[..., 3:]).sum(axis=1)
    return codes
