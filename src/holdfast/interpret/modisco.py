"""Motifs from contributions: TF-MoDISco by modisco-lite (extra ``modisco``), with settings that work at 101 bp."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.errors import InputError, MissingExtra
from holdfast.core.parameters import Count, Positive, Size, check_fields
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.motifs.motif import Motif

__all__ = ["SEQLET_COLUMNS", "Modisco", "Pattern", "discover_patterns"]

SEQLET_COLUMNS = ("example", "start", "end", "strand", "sign")


@dataclass(frozen=True, kw_only=True)
class Modisco:
    """How TF-MoDISco looks for patterns.

    Its own defaults (a window of 21 with flanks of 10) find nothing in sequences of about 100 bp: those here do.

    Parameters
    ----------
    window
        Bases whose contributions are added up to find seqlets.
    flank
        Bases added to each side of a seqlet.
    min_seqlets
        Fewest seqlets of one sign that are clustered.
    max_seqlets
        Most of them.
    false_discovery_rate
        Of seqlets, against a Laplace distribution of the windows' sums.
    trim_to, add_flank
        A pattern is cut to so many bases, then widened by so many on each side.
    min_pattern
        Fewest seqlets of a pattern.
    leiden_runs
        Clusterings, of which the best is kept.
    """

    window: Size = 15
    flank: Count = 3
    min_seqlets: Size = 100
    max_seqlets: Size = 20_000
    false_discovery_rate: Positive = 0.2
    trim_to: Size = 20
    add_flank: Count = 3
    min_pattern: Size = 20
    leiden_runs: Size = 50

    def __post_init__(self) -> None:
        check_fields(self, "Modisco")

    @property
    def least_length(self) -> int:
        """Bases that a sequence needs: a window with its flanks, and room to tell it from its surroundings."""
        return 2 * (self.window + 2 * self.flank)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pattern:
    """A pattern of contributions that many sequences share.

    Parameters
    ----------
    motif
        The bases of its seqlets, and their mean contributions.
    hypothetical_cwm
        (4, W) mean hypothetical contributions.
    seqlets
        Columns :data:`SEQLET_COLUMNS`: number of the example, first base and the one after the last (from 0, forward
        strand), ``+`` or ``-``, and 1 or -1, the sign of the contributions.
    """

    motif: Motif
    hypothetical_cwm: NDArray[np.float64]
    seqlets: pd.DataFrame

    @property
    def cwm(self) -> NDArray[np.float64]:
        """(4, W) mean contributions of the seqlets' bases."""
        assert self.motif.contributions is not None
        return self.motif.contributions

    @property
    def n_seqlets(self) -> int:
        """How many seqlets made it."""
        return len(self.seqlets)


def discover_patterns(
    codes: Codes, hypothetical: NDArray[np.floating[Any]], settings: Modisco | None = None
) -> list[Pattern]:
    """Cluster stretches of high contribution into patterns.

    Parameters
    ----------
    codes
        (N, L) uint8.
    hypothetical
        (N, 4, L) hypothetical contributions: what each base would contribute at each place.
    settings
        How to look; None for the defaults.

    Returns
    -------
    list of Pattern
        Of positive contributions first, then of negative ones, those of the most seqlets first; empty if there are too
        few seqlets.

    Raises
    ------
    MissingExtra
        If modisco-lite is not installed.
    InputError
        If the arrays do not fit together, hold no finite numbers, or the sequences are too short.

    References
    ----------
    Shrikumar et al. (2018), arXiv:1811.00416; modisco-lite, https://github.com/jmschrei/tfmodisco-lite.
    """
    settings = settings or Modisco()
    _check(codes, hypothetical, settings)
    tfmodisco = _tfmodisco()
    base = np.arange(4, dtype=np.uint8)
    positive, negative = tfmodisco(
        one_hot=np.ascontiguousarray(codes[..., None] == base, dtype=np.float32),
        hypothetical_contribs=np.ascontiguousarray(hypothetical.transpose(0, 2, 1), dtype=np.float32),
        sliding_window_size=settings.window,
        flank_size=settings.flank,
        min_metacluster_size=settings.min_seqlets,
        max_seqlets_per_metacluster=settings.max_seqlets,
        target_seqlet_fdr=settings.false_discovery_rate,
        trim_to_window_size=settings.trim_to,
        initial_flank_to_add=settings.add_flank,
        final_min_cluster_size=settings.min_pattern,
        n_leiden_runs=settings.leiden_runs,
    )
    return [*_patterns(positive or (), 1), *_patterns(negative or (), -1)]


def _tfmodisco() -> Any:
    try:
        from modiscolite.tfmodisco import TFMoDISco  # an extra, and slow to import
    except ImportError as error:
        raise MissingExtra("modisco-lite is not installed; pip install 'holdfast[modisco]'") from error
    return TFMoDISco


def _check(codes: Codes, hypothetical: NDArray[np.floating[Any]], settings: Modisco) -> None:
    if codes.ndim != 2 or codes.dtype != np.uint8 or (codes.size and codes.max() > UNKNOWN):
        raise InputError(f"codes have shape {codes.shape}, type {codes.dtype}; expected (N, L) uint8, 0..4")
    expected = (len(codes), 4, codes.shape[1])
    if hypothetical.shape != expected:
        raise InputError(f"hypothetical contributions have shape {hypothetical.shape}; expected {expected}, (N, 4, L)")
    if not np.isfinite(hypothetical).all():
        row = int(np.argmin(np.isfinite(hypothetical).all(axis=(1, 2))))
        raise InputError(f"hypothetical contributions of example {row} (from 0) are not all finite numbers")
    if codes.shape[1] < settings.least_length:
        raise InputError(
            f"sequences have {codes.shape[1]} bp; a window of {settings.window} with flanks of {settings.flank} needs"
            f" {settings.least_length}: give longer sequences, or a smaller window"
        )


def _patterns(found: Iterable[Any], sign: Literal[1, -1]) -> list[Pattern]:
    every = sorted(found, key=lambda pattern: -len(pattern.seqlets))
    return [_pattern(pattern, sign, number) for number, pattern in enumerate(every, start=1)]


def _pattern(found: Any, sign: Literal[1, -1], number: int) -> Pattern:
    rows = [(s.example_idx, s.start, s.end, "-" if s.is_revcomp else "+", sign) for s in found.seqlets]
    motif = Motif.from_counts(
        f"{'positive' if sign == 1 else 'negative'}-{number}",
        np.asarray(found.sequence, dtype=np.float64).T * len(rows),
        source=f"TF-MoDISco, {len(rows)} seqlets",
    )
    return Pattern(
        motif=replace(motif, contributions=np.asarray(found.contrib_scores, dtype=np.float64).T.copy()),
        hypothetical_cwm=np.asarray(found.hypothetical_contribs, dtype=np.float64).T.copy(),
        seqlets=pd.DataFrame(rows, columns=list(SEQLET_COLUMNS)),
    )
