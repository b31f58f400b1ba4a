"""Intervals on a genome. One frame inside: 0-based, half-open; others are turned where text is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from holdfast.core.errors import InputError

__all__ = ["Interval"]

# Chromosome names may hold a colon themselves (HLA*01:01), so the last one counts. Thousands separators are usual.
_INTERVAL = re.compile(r"(?P<chrom>\S+):(?P<start>\d[\d,]*)-(?P<end>\d[\d,]*)(?:\((?P<strand>[+-])\))?", re.ASCII)
# No chromosome is longer than this; it keeps coordinates within int64, and a typing error from passing.
_MAX_COORDINATE = 1 << 40


@dataclass(frozen=True)
class Interval:
    """A stretch of a chromosome, 0-based and half-open: ``[start, end)``.

    Parameters
    ----------
    chrom
        Name as the genome has it.
    start
        First base, counted from 0.
    end
        One past the last base.
    strand
        ``"+"``, ``"-"`` or None where it does not matter.

    Raises
    ------
    InputError
        If it is empty, backwards, before the chromosome's first base, or the strand is something else.

    Examples
    --------
    >>> site = Interval("chr1", 10, 20)
    >>> len(site), str(site)
    (10, 'chr1:10-20')
    """

    chrom: str
    start: int
    end: int
    strand: str | None = None

    def __post_init__(self) -> None:
        if not self.chrom or any(letter.isspace() for letter in self.chrom):
            raise InputError(f"an interval needs a chromosome name without spaces; got '{self.chrom}'")
        if not 0 <= self.start < self.end <= _MAX_COORDINATE:
            raise InputError(
                f"{self.chrom}: start {self.start}, end {self.end}; intervals are 0-based half-open, 0 <= start < end"
            )
        if self.strand not in ("+", "-", None):
            raise InputError(f"{self}: the strand must be '+', '-' or absent; got '{self.strand}'")

    @classmethod
    def parse(cls, text: str, *, one_based_inclusive: bool) -> Interval:
        """Return the interval written as ``chrom:start-end``, with ``(+)`` or ``(-)`` after it for the strand.

        Parameters
        ----------
        text
            Such as ``chr1:1,000-2,000``.
        one_based_inclusive
            True for browsers and SAM regions (both ends included), False for BED's frame. There is no default, since
            the text does not tell.

        Raises
        ------
        InputError
            If the text is no interval.

        Examples
        --------
        >>> Interval.parse("chr1:11-20(-)", one_based_inclusive=True)
        Interval(chrom='chr1', start=10, end=20, strand='-')
        """
        match = _INTERVAL.fullmatch(text)
        if match is None:
            raise InputError(f"'{text}' is not an interval; write chrom:start-end, such as chr1:100-200")
        # Twenty digits are already beyond any chromosome; more would meet Python's limit on int().
        start, end = (int(match[key].replace(",", "")[:20]) for key in ("start", "end"))
        return cls(match["chrom"], start - int(one_based_inclusive), end, match["strand"])

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        strand = "" if self.strand is None else f"({self.strand})"
        return f"{self.chrom}:{self.start}-{self.end}{strand}"
