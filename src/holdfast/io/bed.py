"""BED: the first three columns, chromosome, start and end; others are passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.dna.bins import Bins
from holdfast.io.text import at_line, decode_text, numbered_lines

__all__ = ["read_bins"]

_NO_BINS = (b"#", b"track", b"browser")


def read_bins(path: Path) -> Bins:
    r"""Return the intervals of a BED file, gz or not, in the file's order.

    Raises
    ------
    InputError
        With file and line: fewer than three tab-separated columns, coordinates that are no whole numbers, an interval
        that is empty or backwards.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "toy.bed"
    >>> _ = file.write_text("chr8\t0\t200\nchr8\t200\t400\tname\n")
    >>> read_bins(file).start.tolist()
    [0, 200]
    """
    chrom, start, end = list[bytes](), list[int](), list[int]()
    for first, lines in numbered_lines(path):
        for number, text in enumerate(lines, start=first):
            if not text or text.startswith(_NO_BINS):
                continue
            fields = text.split(b"\t", 3)
            if len(fields) < 3 or not fields[0] or not (_is_number(fields[1]) and _is_number(fields[2])):
                raise InputError(
                    f"{at_line(path, number)}: {decode_text(text[:60])!r}; a BED line has chromosome, start and end,"
                    " separated by tabs"
                )
            low, high = int(fields[1]), int(fields[2])
            if high <= low:
                raise InputError(f"{at_line(path, number)}: end {high} <= start {low}; intervals are 0-based half-open")
            chrom.append(fields[0])
            start.append(low)
            end.append(high)
    if not chrom:
        raise InputError(f"{path}: no interval")
    known = {name: decode_text(name) for name in set(chrom)}
    return Bins.of([known[name] for name in chrom], np.array(start), np.array(end))


def _is_number(text: bytes) -> bool:
    # No chromosome needs more digits, and int() takes signs and underscores.
    return text.isdigit() and len(text) <= 12
