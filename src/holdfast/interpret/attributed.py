"""The part of a window that a map points at, and the motifs that such parts share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.parameters import Size, check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.dna.codes import Codes
from holdfast.interpret.attribution.base import Attributions
from holdfast.interpret.zoops import Zoops, discover_zoops
from holdfast.motifs.discovered import Discovered

__all__ = ["attributed_motifs", "attributed_windows"]

# Base pairs: the width of the windows at maximum attention of Chen et al. (2021).
WIDTH = 20


def attributed_windows(found: Attributions, *, width: Size = WIDTH) -> tuple[Codes, NDArray[np.int64]]:
    """Return the stretch of each window whose contributions add up to most, and where it starts.

    Parameters
    ----------
    found
        Maps of N windows of W bp.
    width
        Of the stretch, at most W.

    Returns
    -------
    tuple
        (N, width) uint8, and (N,) offsets in the windows.

    Raises
    ------
    InputError
        If the windows are shorter.

    Examples
    --------
    >>> maps = np.array([[0, 0, 2, 1, 0, -5]], dtype=np.float32)
    >>> codes = np.array([[0, 0, 2, 3, 0, 0]], dtype=np.uint8)
    >>> found = Attributions(method="", task=0, codes=codes, logits=maps[:, 0], per_base=maps)
    >>> [array.tolist() for array in attributed_windows(found, width=2)]
    [[[2, 3]], [2]]
    """
    check_values(attributed_windows, {"width": width}, "attributed_windows")
    if width > found.codes.shape[1]:
        raise InputError(f"the maps are of {found.codes.shape[1]} bp; a stretch of {width} bp is not in them")
    total = np.lib.stride_tricks.sliding_window_view(found.per_base.astype(np.float64), width, axis=1).sum(axis=-1)
    start = total.argmax(axis=1)
    return np.take_along_axis(found.codes, start[:, None] + np.arange(width), axis=1), start


def attributed_motifs(
    found: Attributions,
    settings: Zoops | None = None,
    *,
    width: Size = WIDTH,
    device: str = "auto",
    progress: Progress = SILENT,
) -> list[Discovered]:
    """Return the motifs that the stretches of greatest contribution share.

    Parameters
    ----------
    found
        Maps of windows.
    settings
        Of the search, no wider than the stretches; None: one motif of 6 bp to their width.
    width
        Of a stretch, in bp.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the maps are shorter than a stretch, or fewer than two.

    References
    ----------
    After Chen et al. (2021), doi:10.1186/s12859-020-03952-1, who read 20 bp at maximum attention and ask MEME.
    """
    codes, _ = attributed_windows(found, width=width)
    chosen = settings or Zoops(motifs=1, min_width=min(6, width), max_width=width)
    return discover_zoops(codes, chosen, device=device, progress=progress)
