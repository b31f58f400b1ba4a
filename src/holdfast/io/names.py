"""What example names tell: coordinates (``chr1:100-200``) and shuffled twins (``_shuf``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.interval import Interval

__all__ = ["SHUFFLED", "coordinates", "refuse_bound_twins", "twin_groups"]

SHUFFLED = "_shuf"
_PEAK = "_peak"


def coordinates(names: Sequence[str], length: int) -> tuple[tuple[str, ...], NDArray[np.int64]] | None:
    """Return chromosome and 0-based start of every example, or None unless every name gives them without doubt.

    The frame follows from the sequence: an interval whose end - start is the length is 0-based half-open, one that is
    a base shorter is 1-based with both ends included. A shuffled twin has the place of its positive.

    Parameters
    ----------
    names
        N names.
    length
        Bases per sequence.

    Returns
    -------
    tuple or None
        N chromosome names and (N,) int64 starts.

    Examples
    --------
    >>> chrom, start = coordinates(["chr1:11-20", "chr2:31-40_shuf"], 10)
    >>> chrom, start.tolist()
    (('chr1', 'chr2'), [10, 30])
    >>> coordinates(["chr1:10-20"], 10)[1].tolist(), coordinates(["chr1:11-20", "peak"], 10)
    ([10], None)
    """
    chrom, start, spans = [], np.empty(len(names), dtype=np.int64), set()
    for row, name in enumerate(names):
        place = _interval(name)
        if place is None:
            return None
        spans.add(len(place))
        if len(spans) > 1:
            return None
        chrom.append(place.chrom)
        start[row] = place.start
    span = spans.pop()
    if span not in (length, length - 1):
        return None
    start -= length - span
    return None if int(start.min()) < 0 else (tuple(chrom), start)


def twin_groups(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return a group number for each name, shared by ``x``, ``x_peak`` and ``x_shuf``; None if no name is a shuffle.

    Examples
    --------
    >>> twin_groups(["a", "b", "a_shuf"]).tolist()
    [0, 1, 0]
    """
    if not any(name.endswith(SHUFFLED) for name in names):
        return None
    numbers: dict[str, int] = {}
    group = [numbers.setdefault(name.removesuffix(SHUFFLED).removesuffix(_PEAK), len(numbers)) for name in names]
    return np.array(group, dtype=np.int64)


def refuse_bound_twins(names: Sequence[str], bound: Sequence[int], *, locate: Callable[[int], str]) -> None:
    """Refuse a shuffled sequence labelled as bound: the label columns are then read the wrong way round.

    Raises
    ------
    InputError
        At the first ``_shuf`` name with label 1.
    """
    for row, (name, label) in enumerate(zip(names, bound, strict=True)):
        if label == 1 and name.endswith(SHUFFLED):
            raise InputError(
                f"{locate(row)}: '{name}' is a shuffled negative but is labelled bound; "
                "are the label columns the other way round?"
            )


def _interval(name: str) -> Interval | None:
    try:
        return Interval.parse(name.removesuffix(SHUFFLED), one_based_inclusive=False)
    except InputError:
        return None
