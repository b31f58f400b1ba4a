"""What example names tell: coordinates (``chr1:100-200``) and shuffled twins (``_shuf``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError

__all__ = ["SHUFFLED", "along_genome", "coordinates", "on_reverse_strand", "refuse_bound_twins", "twin_groups"]

SHUFFLED = "_shuf"
_PEAK = "_peak"
_REVERSE = ("(-)", "_rc")
_NAMES_A_BLOCK = 1 << 13
_NO_MARKS = bytes(set(range(256)) - set(b":-\n"))


def coordinates(names: Sequence[str], length: int) -> tuple[tuple[str, ...], NDArray[np.int64]] | tuple[None, None]:
    """Return chromosome and 0-based start of every example, or two Nones unless every name gives them without doubt.

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
    tuple
        N chromosome names and (N,) int64 starts, or two Nones.

    Examples
    --------
    >>> chrom, start = coordinates(["chr1:11-20", "chr2:31-40_shuf"], 10)
    >>> chrom, start.tolist()
    (('chr1', 'chr2'), [10, 30])
    >>> coordinates(["chr1:10-20"], 10)[1].tolist(), coordinates(["chr1:11-20", "peak"], 10)
    ([10], (None, None))
    """
    chrom, start, end = list[str](), np.empty(len(names), dtype=np.int64), np.empty(len(names), dtype=np.int64)
    seen: dict[str, str] = {}
    # Thousands of names at once: a call for each would take longer than reading their sequences.
    for first in range(0, len(names), _NAMES_A_BLOCK):
        block = names[first : first + _NAMES_A_BLOCK]
        tokens = _tokens(block)
        if tokens is None:
            return None, None
        chrom += map(seen.setdefault, tokens[0::3], tokens[0::3])
        try:
            start[first : first + len(block)] = list(map(int, tokens[1::3]))
            end[first : first + len(block)] = list(map(int, tokens[2::3]))
        except (ValueError, OverflowError):
            return None, None
    span = int(end[0] - start[0])
    start -= length - span
    if span not in (length, length - 1) or (end - start != length).any() or int(start.min()) < 0:
        return None, None
    return tuple(chrom), start


def _tokens(names: Sequence[str]) -> list[str] | None:
    """Return chromosome, start and end of each name, one after the other; None if a name is no interval."""
    joined = "\n".join([*names, ""])
    for ending in (SHUFFLED, "(+)", "(-)"):
        joined = joined.replace(f"{ending}\n", "\n")
    if joined.encode().translate(None, _NO_MARKS) != b":-\n" * len(names):
        return None
    return joined.replace(":", "\n").replace("-", "\n").split("\n")[:-1]


def on_reverse_strand(names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which sequences are read from the reverse strand of their place, as far as names tell.

    Names end so where bedtools cut sequences by strand, and where a DeepSEA file holds reverse complements.

    Parameters
    ----------
    names
        N names.

    Examples
    --------
    >>> on_reverse_strand(["chr1:11-20(-)", "chr1:11-20(+)", "chr2:31-40(-)_shuf", "train_7_rc"]).tolist()
    [True, False, True, True]
    """
    return np.array([name.removesuffix(SHUFFLED).endswith(_REVERSE) for name in names], dtype=bool)


def along_genome(names: Sequence[str], offset: NDArray[np.int64], *, width: int, context: int) -> NDArray[np.int64]:
    """Return where stretches begin in the places of their sequences, counted along the forward strand.

    A sequence that is read from the reverse strand begins at the last base of its place.

    Parameters
    ----------
    names
        N names.
    offset
        (N,) where the stretches begin in the sequences as read.
    width
        Of a stretch.
    context
        Bases per sequence.

    Examples
    --------
    >>> along_genome(["chr1:11-20(-)", "chr1:11-20(+)"], np.array([1, 1]), width=3, context=10).tolist()
    [6, 1]
    """
    return np.where(on_reverse_strand(names), context - width - offset, offset)


def twin_groups(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return a group number for each name, shared by ``x``, ``x_peak`` and ``x_shuf``; None if no name is a shuffle.

    Examples
    --------
    >>> twin_groups(["a", "b", "a_shuf"]).tolist()
    [0, 1, 0]
    """
    if not _any_shuffled(names):
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
    if not _any_shuffled(names):
        return
    for row, (name, label) in enumerate(zip(names, bound, strict=True)):
        if label == 1 and name.endswith(SHUFFLED):
            raise InputError(
                f"{locate(row)}: '{name}' is a shuffled negative but is labelled bound; "
                "are the label columns the other way round?"
            )


def _any_shuffled(names: Sequence[str]) -> bool:
    return f"{SHUFFLED}\n" in "\n".join([*names, ""])
