"""Motif recall: whether a model found the motif that is known to be there, and how alike is what it found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.core.errors import InputError
from holdfast.motifs.match import MatchSettings, MotifMatch, match_motifs
from holdfast.motifs.motif import Motif

__all__ = ["Recall", "column_correlation", "motif_recall"]

# A match that so many comparisons with the wanted motif would give by chance is no find.
EXPECTED = 0.05


@dataclass(frozen=True, kw_only=True)
class Recall:
    """The best match of any of several motifs with one that was wanted.

    Parameters
    ----------
    wanted
        What should be found.
    n_queries
        Motifs that were asked about.
    match
        The best alignment; None where there was no motif to ask about.
    rank
        Targets of the data base that this motif resembles more, by their p values.
    correlation
        Pearson's, of the aligned columns' probabilities.
    """

    wanted: Motif
    n_queries: int
    match: MotifMatch | None
    rank: int | None
    correlation: float

    @property
    def log10_p(self) -> float:
        """Of the best match, for all that were asked about: log10 of min(1, p times their number)."""
        if self.match is None:
            return 0.0
        return min(0.0, math.log10(max(self.match.p_value, 1e-300)) + math.log10(self.n_queries))

    @property
    def found(self) -> bool:
        """Whether a match as good is expected by chance at most once in twenty times."""
        return self.log10_p <= math.log10(EXPECTED)


def motif_recall(found: Sequence[Motif], wanted: Motif, database: Sequence[Motif]) -> Recall:
    """Return whether motifs resemble a wanted one, beside a data base that it is part of.

    Parameters
    ----------
    found
        A model's motifs; perhaps none.
    wanted
        One of the data base's.
    database
        The p values come from its columns, so it should be a whole one.

    Raises
    ------
    InputError
        If the wanted motif is not one of the data base's.

    Examples
    --------
    >>> from holdfast.motifs.database import jaspar_matrices
    >>> fly = jaspar_matrices(taxon="insects")
    >>> recalled = motif_recall([fly[5], fly[0].reverse_complement()], fly[0], fly)
    >>> recalled.found, recalled.rank, round(recalled.correlation, 6), recalled.match.strand
    (True, 0, 1.0, '-')
    """
    if not any(target is wanted for target in database):
        raise InputError(f"motif '{wanted.name}' ({wanted.source}) is not one of the {len(database)} of the data base")
    matches = match_motifs(found, database, MatchSettings(max_q=1.0))
    alike = [match for match in matches if match.target is wanted]
    if not alike:
        return Recall(wanted=wanted, n_queries=len(found), match=None, rank=None, correlation=math.nan)
    best = min(alike, key=lambda match: match.p_value)
    rank = sum(match.query is best.query and match.p_value < best.p_value for match in matches)
    return Recall(wanted=wanted, n_queries=len(found), match=best, rank=rank, correlation=column_correlation(best))


def column_correlation(match: MotifMatch) -> float:
    """Return Pearson's correlation of the probabilities of the columns that lie over each other.

    Examples
    --------
    >>> sure = Motif(name="a", probabilities=np.eye(4))
    >>> here = MotifMatch(
    ...     query=sure, target=sure, p_value=0, e_value=0, q_value=0, offset=1, strand="+", overlap=3
    ... )
    >>> round(column_correlation(here), 3)
    -0.333
    """
    query, target = match.query.probabilities, match.aligned_target.probabilities
    start = max(0, -match.offset)
    stop = min(query.shape[1], target.shape[1] - match.offset)
    here, there = query[:, start:stop], target[:, start + match.offset : stop + match.offset]
    return float(np.corrcoef(here.ravel(), there.ravel())[0, 1])
