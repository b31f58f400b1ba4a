"""Tomtom: which motifs of a data base a motif resembles, with exact p values.

Columns are compared, alignments summed, and the null distribution of every sum is built by dynamic programming from the
scores of each query column against all columns of the data base. Scores are integers, as Tomtom rounds them, so the
p values are those of the MEME suite to the digits it prints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import false_discovery_control

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Positive, Share, check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.motifs.motif import UNIFORM, Background, Motif

__all__ = ["Distance", "MatchSettings", "MotifMatch", "match_motifs"]

Distance = Literal["pearson", "euclidean"]
Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

# Tomtom's range of integer scores.
_BINS = 100
# Halves must round alike on every machine; a score this close to one is taken for it.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class MotifMatch:
    """The best alignment of a motif with one of a data base.

    Parameters
    ----------
    query, target
        The motifs, the target as the data base has it.
    p_value
        Chance that a target of this width, of the data base's columns at random, aligns as well on either strand.
    e_value
        The p value times the number of targets: matches as good that are expected by chance.
    q_value
        Least false discovery rate at which this match is called, among those of this query.
    offset
        Column of the target (of its reverse complement if the strand is ``-``) under the query's column 0.
    strand
        ``+``, or ``-`` if the target's reverse complement matches.
    overlap
        Aligned columns.

    Examples
    --------
    >>> from holdfast.motifs.database import jaspar_matrices
    >>> fly = jaspar_matrices(taxon="insects")
    >>> best = match_motifs([fly[0].reverse_complement()], fly)[0]
    >>> best.target is fly[0], best.strand, best.offset, best.p_value < 1e-8
    (True, '-', 0, True)
    """

    query: Motif
    target: Motif
    p_value: float
    e_value: float
    q_value: float
    offset: int
    strand: Literal["+", "-"]
    overlap: int

    @property
    def aligned_target(self) -> Motif:
        """The target as it lies under the query: turned if the strand is ``-``."""
        return self.target if self.strand == "+" else self.target.reverse_complement()


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """How motifs are compared and which matches are kept.

    Parameters
    ----------
    distance
        Of two columns: Pearson's correlation, or the negative Euclidean distance.
    background
        Of A, C, G, T; shares out the pseudocount.
    pseudocount
        In sites, added to every column.
    max_q
        Largest q value of a match that is kept.
    max_e
        Largest E value of one.

    Raises
    ------
    ConfigError
        If a value does not fit.
    """

    distance: Distance = "pearson"
    background: Background = UNIFORM
    pseudocount: Annotated[float, Field(ge=0)] = 0.1
    max_q: Share = 0.5
    max_e: Positive | None = None

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in ("distance", "background", "pseudocount", "max_q", "max_e")}
        check_values(MatchSettings, values, "motif matching")
        if min(self.background) <= 0 or abs(sum(self.background) - 1) > 1e-3:
            raise ConfigError(f"motif matching: background {self.background}; expected four shares that add up to 1")


def match_motifs(
    queries: Sequence[Motif],
    targets: Sequence[Motif],
    settings: MatchSettings | None = None,
    *,
    progress: Progress = SILENT,
) -> list[MotifMatch]:
    """Return the matches of each query with a data base, the best first within a query.

    Parameters
    ----------
    queries
        Motifs to name.
    targets
        The data base: p values come from its columns, so it should be a whole one.
    settings
        None: Tomtom's defaults (Pearson, pseudocount 0.1, q of at most 0.5) with a uniform background.
    progress
        Whom to tell how far it is.

    Returns
    -------
    list of MotifMatch
        One for each query and target that pass the thresholds, queries in the order given.

    Raises
    ------
    InputError
        If there are no targets.

    Notes
    -----
    Differs from Tomtom: q values suppose that all targets may be chance matches, where Tomtom estimates their share;
    ours are larger by that factor, a few hundredths for a large data base.

    References
    ----------
    Gupta et al. (2007), doi:10.1186/gb-2007-8-2-r24; Tanaka et al. (2011), doi:10.1093/bioinformatics/btr257: unaligned
    query columns count as their median score.
    """
    if not targets:
        raise InputError("a data base without motifs: nothing to match against")
    chosen = settings or MatchSettings()
    shelf = _Shelf(targets, chosen)
    found = list[MotifMatch]()
    with progress.task(f"matching against {len(targets):,} motifs", len(queries)) as advance:
        for number, query in enumerate(queries, start=1):
            found += _matches(query, targets, shelf, chosen)
            advance(number)
    return found


class _Shelf:
    """All columns of a data base, both strands of a target one after the other."""

    def __init__(self, targets: Sequence[Motif], settings: MatchSettings) -> None:
        smooth = [target.smoothed(settings.pseudocount, settings.background).probabilities for target in targets]
        both = [matrix for one in smooth for matrix in (one, one[::-1, ::-1])]
        self.columns = np.concatenate(both, axis=1)
        self.widths = np.array([matrix.shape[1] for matrix in both])


def _matches(query: Motif, targets: Sequence[Motif], shelf: _Shelf, settings: MatchSettings) -> list[MotifMatch]:
    smooth = query.smoothed(settings.pseudocount, settings.background).probabilities
    scores, nought = _integer_scores(_DISTANCES[settings.distance](smooth, shelf.columns))
    best, offsets = _best_alignments(scores - nought, shelf.widths)
    with np.errstate(divide="ignore"):  # the logarithm of no chance
        p_strand = _p_values(best, shelf.widths, scores, nought)
        p_either = -np.expm1(2 * np.log1p(-p_strand))
    # Tomtom corrects over both strands of every target, the worse one too.
    q_either = false_discovery_control(p_either)
    better = 2 * np.arange(len(targets)) + p_strand.reshape(-1, 2).argmin(axis=1)
    highest_p = np.inf if settings.max_e is None else settings.max_e / len(targets)
    kept = better[(q_either[better] <= settings.max_q) & (p_either[better] <= highest_p)]
    found = list[MotifMatch]()
    for place in kept[np.argsort(p_either[kept], kind="stable")].tolist():
        target, offset, p_value = targets[place // 2], int(offsets[place]), float(p_either[place])
        one = MotifMatch(
            query=query,
            target=target,
            p_value=p_value,
            e_value=p_value * len(targets),
            q_value=float(q_either[place]),
            offset=offset,
            strand="-" if place % 2 else "+",
            overlap=min(query.width, target.width - offset) - max(0, -offset),
        )
        found.append(one)
    return found


def _pearson(query: Floats, columns: Floats) -> Floats:
    """Return (W, n) correlations; a column of four equal shares correlates with nothing."""
    left, right = query - query.mean(axis=0), columns - columns.mean(axis=0)
    norms = np.sqrt((left**2).sum(axis=0))[:, None] * np.sqrt((right**2).sum(axis=0))
    return np.asarray(left.T @ right / np.where(norms > 0, norms, np.inf))


def _euclidean(query: Floats, columns: Floats) -> Floats:
    """Return (W, n) negative distances."""
    squares = (query**2).sum(axis=0)[:, None] + (columns**2).sum(axis=0) - 2 * query.T @ columns
    return np.asarray(-np.sqrt(np.maximum(squares, 0)))


_DISTANCES: Mapping[Distance, Callable[[Floats, Floats], Floats]] = {"pearson": _pearson, "euclidean": _euclidean}


def _integer_scores(scores: Floats) -> tuple[Integers, int]:
    """Return (W, n) scores above the lowest in steps of an equal size, and the score of an unaligned column.

    Of each query column its median is taken off, the lower of the middle two: what is not aligned counts nothing.
    """
    middle = (scores.shape[1] - 1) // 2
    centred = scores - np.partition(scores, middle, axis=1)[:, middle, None]
    lowest = np.floor(centred.min())
    scale = max(1.0, np.floor(_BINS / (centred.max() - lowest))) if centred.max() > lowest else 1.0
    return np.floor((centred - lowest) * scale + 0.5 + _ROUNDING).astype(np.int32), round(-lowest * scale)


def _best_alignments(scores: Integers, widths: NDArray[np.int64]) -> tuple[Integers, NDArray[np.int64]]:
    """Return each target's highest sum of scores, and the offset of the longest alignment that has it, the first such.

    The targets lie in one row with W - 1 empty columns between them, so that one sweep sums all alignments.
    """
    width, gap = len(scores), len(scores) - 1
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]) + gap * np.arange(1, len(widths) + 1)
    row = np.zeros((width, int(starts[-1] + widths[-1] + gap)), dtype=np.int32)
    aligned = np.zeros(row.shape[1], dtype=np.int32)
    place = np.repeat(starts - (np.cumsum(widths) - widths), widths) + np.arange(int(widths.sum()))
    row[:, place], aligned[place] = scores, 1
    windows = row.shape[1] - gap
    total, overlap = np.zeros(windows, dtype=np.int64), np.zeros(windows, dtype=np.int64)
    for column in range(width):
        total += row[column, column : column + windows]
        overlap += aligned[column : column + windows]
    key = total * (width + 1) + overlap
    first = starts - gap
    highest = np.maximum.reduceat(key, first)
    hits = np.flatnonzero(key == np.repeat(highest, widths + gap))
    best = hits[np.searchsorted(hits, first)]
    return total[best].astype(np.int32), best - starts


def _p_values(best: Integers, widths: NDArray[np.int64], scores: Integers, nought: int) -> Floats:
    """Return for each target the chance that the best of its alignments scores so high, these being independent."""
    tails, width = _tails(scores), len(scores)
    found = np.empty(len(best))
    for length in np.unique(widths).tolist():
        wide = widths == length
        values, back = np.unique(best[wide], return_inverse=True)
        below = np.zeros(len(values))  # logarithm of the chance that no alignment scores so high
        for offset in range(1 - width, length):
            first, end = max(0, -offset), min(width, length - offset)
            tail = tails[first, end]
            reached = np.clip(values + (end - first) * nought, 0, len(tail) - 1)
            below += np.log1p(-tail[reached])
        found[wide] = -np.expm1(below)[back]
    return found


def _tails(scores: Integers) -> dict[tuple[int, int], Floats]:
    """Return, for query columns [first, end), the chance that their scores add up to a sum or more, by the sum."""
    width, highest = len(scores), int(scores.max())
    chances = np.stack([np.bincount(row, minlength=highest + 1) for row in scores]) / scores.shape[1]
    tails = dict[tuple[int, int], Floats]()
    for first in range(width):
        chance = np.ones(1)
        for end in range(first + 1, width + 1):
            chance = np.convolve(chance, chances[end - 1])
            tail = np.cumsum(chance[::-1])[::-1]
            # One place more: no chance of a sum beyond the highest. Sums of chances may pass 1 by a rounding.
            tails[first, end] = np.append(np.minimum(tail, 1.0), 0.0)
            tails[first, end][0] = 1.0
    return tails
