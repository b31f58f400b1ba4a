"""Tracks for a genome browser: regions as BED, numbers per base as bigWig. Coordinates are 0-based and half-open."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pybigtools
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.files import write_text, writing

__all__ = ["write_bed", "write_bigwig"]

_HIGHEST_SCORE = 1000


def write_bed(
    path: Path,
    *,
    chrom: Sequence[str],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    names: Sequence[str],
    score: NDArray[np.floating],
) -> None:
    r"""Write regions as BED with five columns, by chromosome and place.

    Parameters
    ----------
    path
        The file.
    chrom, start, end
        (N,) where the regions lie.
    names
        (N,); white space in them becomes an underscore.
    score
        (N,) from 0 to 1, written from 0 to 1000, which browsers show as a shade.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.bed"
    >>> write_bed(path, chrom=["chr1"], start=np.array([4]), end=np.array([9]), names=["a b"], score=np.array([0.5]))
    >>> path.read_text()
    'chr1\t4\t9\ta_b\t500\n'
    """
    scores = np.rint(np.clip(score, 0.0, 1.0) * _HIGHEST_SCORE).astype(int)
    rows = sorted(zip(chrom, start.tolist(), end.tolist(), names, scores.tolist(), strict=True))
    lines = (f"{c}\t{a}\t{b}\t{'_'.join(name.split()) or '.'}\t{value}\n" for c, a, b, name, value in rows)
    write_text(path, "".join(lines))


def write_bigwig(path: Path, *, chrom: Sequence[str], start: NDArray[np.int64], values: NDArray[np.floating]) -> None:
    """Write numbers per base as bigWig; where regions overlap, the mean of theirs.

    Chromosomes end, as far as the file says, with the last region on them.

    Parameters
    ----------
    path
        The file.
    chrom, start
        (N,) where the regions begin.
    values
        (N, W), one for each base; NaN leaves a base out.

    Raises
    ------
    InputError
        If no number is left, for a bigWig cannot be empty.
    """
    sums: dict[str, dict[int, list[float]]] = {}
    for name, first, row in zip(chrom, start.tolist(), values, strict=True):
        on = sums.setdefault(name, {})
        for place in np.flatnonzero(np.isfinite(row)).tolist():
            on.setdefault(first + place, []).append(float(row[place]))
    records = [
        (name, place, place + 1, sum(found) / len(found))
        for name in sorted(sums)
        for place, found in sorted(sums[name].items())
    ]
    if not records:
        raise InputError(f"{path}: no number to write; a bigWig needs one at least")
    lengths = {name: max(places) + 1 for name, places in sums.items() if places}
    # The library knows a bigWig by the ending of its name, which a file that is not whole yet does not have.
    with tempfile.TemporaryDirectory() as folder, writing(path) as handle:
        whole = Path(folder) / "whole.bw"
        pybigtools.open(str(whole), "w").write(lengths, iter(records))
        handle.write(whole.read_bytes())
