"""FIMO: where in sequences the sites of a motif lie, with exact p values.

Log odds are rounded to integers as FIMO rounds them, and the distribution of their sum over a random site is built by
dynamic programming, so scores and p values are those of the MEME suite to the digits it prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Positive, check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.dna.codes import UNKNOWN, Codes, decode
from holdfast.dna.edit import reverse_complement
from holdfast.motifs.motif import UNIFORM, Background, Motif, symmetric

__all__ = ["HIT_COLUMNS", "ScanSettings", "scan_motifs"]

HIT_COLUMNS = ("motif", "sequence", "start", "end", "strand", "score", "p", "q", "site")
"""Columns of :func:`scan_motifs`; ``start``, ``end`` are 0-based and half-open, ``site`` is read along the strand."""

# FIMO's range of integer scores of a column.
_RANGE = 1000
# Windows scored at a time: what is in work stays within a core's cache.
_BLOCK = 1 << 18


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """How sequences are scanned.

    Parameters
    ----------
    max_p
        Largest p value of a site that is told.
    background
        Of A, C, G, T in the sequences; of both strands together where both are scanned.
    pseudocount
        In sites, added to every column of a motif.
    both_strands
        Whether to look at the reverse complement too.

    Raises
    ------
    ConfigError
        If a value does not fit.
    """

    max_p: Annotated[float, Field(gt=0, le=1)] = 1e-4
    background: Background = UNIFORM
    pseudocount: Positive = 0.1
    both_strands: bool = True

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in ("max_p", "background", "pseudocount", "both_strands")}
        check_values(ScanSettings, values, "scanning")
        if min(self.background) <= 0 or abs(sum(self.background) - 1) > 1e-3:
            raise ConfigError(f"scanning: background {self.background}; expected four shares that add up to 1")


def scan_motifs(
    motifs: Sequence[Motif],
    names: Sequence[str],
    sequences: Sequence[Codes],
    settings: ScanSettings | None = None,
    *,
    progress: Progress = SILENT,
) -> pd.DataFrame:
    """Return the sites of each motif, the best first within a motif.

    Parameters
    ----------
    motifs
        To look for.
    names
        Of the sequences.
    sequences
        (L,) uint8 codes each, of any lengths; an (N, L) array will do. Windows with unknown bases are passed over.
    settings
        None: FIMO's threshold (1e-4) and pseudocount (0.1), both strands, a uniform background.
    progress
        Whom to tell how far it is.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`HIT_COLUMNS`. ``score`` is in bits, ``p`` the chance that a random site scores so high, ``q`` the
        least false discovery rate at which the site is called, among all windows and strands of this motif.

    Raises
    ------
    InputError
        If there are not as many names as sequences, or no sequences.

    Notes
    -----
    Differs from FIMO: q values suppose that all windows may be chance, where FIMO estimates their share.

    References
    ----------
    Grant et al. (2011), doi:10.1093/bioinformatics/btr064; Staden (1989), doi:10.1093/bioinformatics/5.2.89.

    Examples
    --------
    >>> from holdfast.dna.codes import encode
    >>> from holdfast.motifs.database import jaspar_motif
    >>> found = scan_motifs([jaspar_motif("MAFK")], ["toy"], [encode("TTTTTTCTGACTCAGCTTTTTT")])
    >>> found[["sequence", "start", "end", "strand", "site"]].values.tolist()
    [['toy', 6, 16, '+', 'CTGACTCAGC'], ['toy', 5, 15, '-', 'CTGAGTCAGA']]
    """
    if len(names) != len(sequences) or not names:
        raise InputError(f"{len(names)} names of {len(sequences)} sequences; scanning needs a name for each, and one")
    chosen = settings or ScanSettings()
    row = _Row.of(sequences)
    tables = list[pd.DataFrame]()
    with progress.task(f"scanning {len(names):,} sequences", len(motifs)) as advance:
        for number, motif in enumerate(motifs, start=1):
            tables.append(_sites(motif, row, names, chosen))
            advance(number)
    found = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(HIT_COLUMNS))


@dataclass(frozen=True, kw_only=True)
class _Row:
    """All sequences in one row with an unknown base between them, so that no window spans two."""

    codes: Codes
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[Codes]) -> _Row:
        starts = np.cumsum([0] + [len(one) + 1 for one in sequences])
        codes = np.full(starts[-1], UNKNOWN, dtype=np.uint8)
        for start, one in zip(starts.tolist(), sequences, strict=False):
            codes[start : start + len(one)] = one
        return cls(codes=codes, starts=starts[:-1])


@dataclass(frozen=True, kw_only=True)
class _Scores:
    """Integer log odds: a column of the matrix plus ``lowest``, in steps of ``1 / scale`` bits."""

    matrix: NDArray[np.int32]
    lowest: float
    scale: float

    @classmethod
    def of(cls, motif: Motif, settings: ScanSettings, background: Background) -> _Scores:
        # As FIMO: the pseudocount is shared out by the background as given, the odds are against that of both strands.
        bits = motif.smoothed(settings.pseudocount, settings.background).pwm(0.0, background)
        lowest = np.floor(bits.min())
        scale = np.floor(_RANGE / (bits.max() - lowest)) if bits.max() > lowest else 1.0
        return cls(matrix=np.floor((bits - lowest) * scale + 0.5).astype(np.int32), lowest=lowest, scale=scale)

    def chance(self, background: Background) -> NDArray[np.float64]:
        """Return the chance that a random site scores an integer or more, by the integer."""
        chance = np.ones(1)
        for column in self.matrix.T:
            longer = np.zeros(len(chance) + int(column.max()))
            for share, score in zip(background, column.tolist(), strict=True):
                longer[score : score + len(chance)] += share * chance
            chance = longer
        return np.minimum(np.cumsum(chance[::-1])[::-1], 1.0)

    def bits(self, total: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return sums over a site as bits."""
        return np.asarray(total / self.scale + self.lowest * self.matrix.shape[1])

    def along(self, codes: Codes, *, turned: bool) -> Iterator[tuple[int, NDArray[np.signedinteger]]]:
        """Yield blocks of window scores with the first window's place; windows with an unknown base score below 0."""
        matrix = self.matrix[::-1, ::-1] if turned else self.matrix
        # One unknown base outweighs all others. Sums of many stay within 32 bits for motifs up to 1,400 columns.
        never = -1 - int(matrix.max(axis=0).sum())
        kind = np.int32 if -never * matrix.shape[1] <= np.iinfo(np.int32).max else np.int64
        padded = np.vstack([matrix, np.full(matrix.shape[1], never)]).astype(kind)
        windows = len(codes) - matrix.shape[1] + 1
        for first in range(0, windows, _BLOCK):
            size = min(_BLOCK, windows - first)
            total = np.zeros(size, dtype=kind)
            for place, column in enumerate(padded.T):
                total += np.ascontiguousarray(column)[codes[first + place : first + place + size]]
            yield first, total


def _sites(motif: Motif, row: _Row, names: Sequence[str], settings: ScanSettings) -> pd.DataFrame:
    background = symmetric(settings.background) if settings.both_strands else settings.background
    scores = _Scores.of(motif, settings, background)
    chance = scores.chance(background)
    seen = np.zeros(len(chance), dtype=np.int64)
    found = list[tuple[NDArray[np.int64], NDArray[np.int64], bool]]()
    for turned in (False, True)[: 1 + settings.both_strands]:
        for first, total in scores.along(row.codes, turned=turned):
            known = total >= 0
            seen += np.bincount(total[known], minlength=len(chance))
            hits = np.flatnonzero(known & (chance[np.maximum(total, 0)] < settings.max_p))
            found.append((hits + first, total[hits].astype(np.int64), turned))
    place = np.concatenate([hits for hits, _, _ in found]) if found else np.zeros(0, dtype=np.int64)
    total = np.concatenate([totals for _, totals, _ in found]) if found else np.zeros(0, dtype=np.int64)
    strand = np.repeat([turned for _, _, turned in found], [len(hits) for hits, _, _ in found]).astype(bool)
    order = np.lexsort((strand, place, -total))
    place, total, strand = place[order], total[order], strand[order]
    sequence = np.searchsorted(row.starts, place, side="right") - 1
    start = place - row.starts[sequence]
    sites = [row.codes[one : one + motif.width] for one in place.tolist()]
    return pd.DataFrame(
        {
            "motif": motif.accession or motif.name,
            "sequence": np.array(names, dtype=object)[sequence],
            "start": start,
            "end": start + motif.width,
            "strand": np.where(strand, "-", "+"),
            "score": scores.bits(total),
            "p": chance[total],
            "q": _q_values(chance, seen)[total],
            "site": [decode(reverse_complement(one) if back else one) for one, back in zip(sites, strand, strict=True)],
        }
    )


def _q_values(chance: NDArray[np.float64], seen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the q value of a window by its integer score: Benjamini and Hochberg over all windows, by score."""
    at_least = np.cumsum(seen[::-1])[::-1]
    # Scores that no window has do not count; the least is taken over a score and all lower ones.
    rate = np.where(seen > 0, chance * seen.sum() / np.maximum(at_least, 1), np.inf)
    return np.minimum(np.minimum.accumulate(rate), 1.0)
