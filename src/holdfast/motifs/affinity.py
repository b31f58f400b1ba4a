"""Average motif affinity: what a sequence as a whole offers a factor, as a score to classify by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import Codes
from holdfast.motifs.motif import UNIFORM, Background, Motif, symmetric

__all__ = ["average_affinity"]

# Sequences scored at a time: a ratio for each of their windows stays within a core's cache.
_BLOCK = 1 << 17


def average_affinity(
    motif: Motif, codes: Codes, *, background: Background = UNIFORM, pseudocount: float = 0.1
) -> NDArray[np.float64]:
    """Return the mean over all windows and both strands of how much likelier a window is a site than background.

    Parameters
    ----------
    motif
        What binds.
    codes
        (N, L) uint8. An unknown base is as likely under both and counts as 1.
    background
        Of A, C, G, T; both strands are taken together.
    pseudocount
        In sites, added to every column.

    Returns
    -------
    NDArray
        (N,) ratios of 0 or more; their mean over random sequences of the background is 1.

    Raises
    ------
    InputError
        If the sequences are shorter than the motif.

    References
    ----------
    Buske et al. (2010), doi:10.1093/bioinformatics/btq049 (AMA), as used by Lanchantin et al. (2016), arXiv:1605.01133.

    Examples
    --------
    >>> from holdfast.dna.codes import encode
    >>> from holdfast.motifs.database import jaspar_motif
    >>> sequences = np.stack([encode("TTTTCTGACTCAGCTTTT"), encode("TTTTCTTACTTAGCTTTT"), encode("N" * 18)])
    >>> average_affinity(jaspar_motif("MAFK"), sequences).round(3).tolist()
    [9754.039, 12.128, 1.0]
    """
    if codes.ndim != 2 or codes.shape[1] < motif.width:
        raise InputError(f"sequences of shape {codes.shape}; expected (N, L) with L of {motif.width} bp, {motif.label}")
    both = symmetric(background)
    ratio = motif.smoothed(pseudocount, both).probabilities / np.asarray(both)[:, None]
    strands = [np.vstack([matrix, np.ones(motif.width)]) for matrix in (ratio, ratio[::-1, ::-1])]
    windows = codes.shape[1] - motif.width + 1
    rows = max(1, _BLOCK // windows)
    found = np.empty(len(codes))
    for first in range(0, len(codes), rows):
        block = codes[first : first + rows]
        found[first : first + rows] = np.mean([_products(block, matrix).mean(axis=1) for matrix in strands], axis=0)
    return found


def _products(codes: Codes, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, L - W + 1) likelihood ratios of the windows; row 4 of the matrix is for unknown bases."""
    windows = codes.shape[1] - ratio.shape[1] + 1
    product = np.ones((len(codes), windows))
    for place, column in enumerate(ratio.T):
        product *= np.ascontiguousarray(column)[codes[:, place : place + windows]]
    return product
