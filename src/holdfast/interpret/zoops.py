"""Motifs from any list of sequences: MEME-like expectation maximisation with zero or one occurrence per sequence.

A motif is looked for at several widths from many windows of the data at once. The best starts are fitted, columns and
sites are chosen by MEME's E-value, the fit is repeated at that width, and what the motif covers is set aside before the
next one is looked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.core.device import resolve_device
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Count, Positive, Size, check_fields
from holdfast.core.progress import SILENT, Progress
from holdfast.core.random import numpy_generator
from holdfast.dna.codes import UNKNOWN, Codes, decode
from holdfast.interpret.zoops_align import Aligner, Alignment
from holdfast.interpret.zoops_em import Mixture, Windows, best_places, fit_zoops, posterior
from holdfast.interpret.zoops_starts import seed_probabilities, start_widths, start_windows
from holdfast.motifs.discovered import SITE_COLUMNS, Discovered
from holdfast.motifs.motif import Motif
from holdfast.motifs.significance import MOST_SITES, ColumnTables

__all__ = ["Zoops", "base_frequencies", "discover_zoops"]

_SCREENED = 48
_ROUGHLY, _ROUGH_STEPS = 1e-3, 20
_POLISHED, _NO_BETTER = 20, 1e-9


@dataclass(frozen=True, kw_only=True)
class Zoops:
    """How motifs are looked for.

    Parameters
    ----------
    motifs
        How many to find at most.
    min_width, max_width
        Of a motif, in bases.
    both_strands
        Whether a site may lie on the reverse strand.
    max_e_value
        A motif of a larger E-value is not returned, and ends the search.
    starts
        K-mers of each length whose windows are tried at each width.
    finalists
        Starts that are fitted at each width.
    pseudocount
        Bases added to each column of the model, shared out by the background; MEME's.
    tolerance, max_iterations
        A fit ends when the matrix moves less than this (Euclidean distance; MEME's), or after so many steps.
    max_sequences
        Motifs are looked for in a sample of so many sequences; sites are then found in all.
    seed
        Of that sample.

    Raises
    ------
    ConfigError
        If a value is out of its range, or ``min_width`` exceeds ``max_width``.
    """

    motifs: Size = 3
    min_width: Size = 6
    max_width: Size = 20
    both_strands: bool = True
    max_e_value: Positive = 0.05
    starts: Size = 256
    finalists: Size = 4
    pseudocount: Positive = 0.01
    tolerance: Positive = 1e-5
    max_iterations: Size = 100
    max_sequences: Size = 2000
    seed: Count = 0

    def __post_init__(self) -> None:
        check_fields(self, "Zoops")
        if self.min_width > self.max_width:
            raise ConfigError(f"Zoops: min_width is {self.min_width} and max_width {self.max_width}; swap them")
        if not 2 <= self.max_sequences <= MOST_SITES:
            raise ConfigError(f"Zoops: max_sequences is {self.max_sequences}; expected 2 to {MOST_SITES}")


def discover_zoops(
    codes: Codes,
    settings: Zoops | None = None,
    *,
    background: tuple[float, float, float, float] | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> list[Discovered]:
    """Find motifs that occur once, or not at all, in each sequence.

    Widths and numbers of sites are chosen by the E-value of :func:`~holdfast.motifs.significance.log_e_value`, the
    objective of MEME 4. Earlier motifs are erased by probability: a window is as likely a site as its most covered base
    is free.

    Parameters
    ----------
    codes
        (N, L) uint8, A, C, G, T = 0..3, unknown = 4; shorter sequences may be filled up with unknown bases.
    settings
        How to look; None for the defaults.
    background
        Probabilities of A, C, G, T; None for those of the sequences, of both strands where both are searched.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Returns
    -------
    list of Discovered
        In the order of discovery; empty where nothing is significant.

    Raises
    ------
    InputError
        If the codes are no (N, L) uint8 array of at least two sequences as long as ``max_width``.

    References
    ----------
    Bailey & Elkan (1994, 1995); MEME 4.12. Differs: starts are windows round enriched k-mers rather than every window;
    numbers of sites above 20 are tried in steps of 5 %; windows with unknown bases are no sites.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(0, 4, (60, 30), dtype=np.uint8)
    >>> codes[:, 10:18] = [2, 0, 3, 3, 0, 1, 0, 2]  # GATTACAG
    >>> [found] = discover_zoops(codes, Zoops(motifs=1, max_width=12), device="cpu")
    >>> found.motif.consensus in ("GATTACAG", "CTGTAATC"), len(found.sites), found.log10_e_value < -100
    (True, 60, True)
    """
    settings = settings or Zoops()
    _check(codes, settings)
    chosen = resolve_device(device)
    sample = _sample(codes, settings)
    frequencies = background or base_frequencies(codes, both_strands=settings.both_strands)
    search = _Search(torch.from_numpy(codes[sample]).to(chosen), settings, frequencies)
    everything = torch.from_numpy(codes).to(chosen)
    found: list[Discovered] = []
    free = torch.ones(codes.shape, dtype=torch.float64, device=chosen)
    with progress.task("looking for motifs", settings.motifs) as advance:
        for number in range(settings.motifs):
            best = search.best(free[torch.from_numpy(sample).to(chosen)])
            if best is None or best.alignment.log10_e_value > math.log10(settings.max_e_value):
                break
            motif, free = search.finished(everything, free, best, f"ZOOPS-{number + 1}")
            found.append(motif)
            advance(number + 1, motif.motif.consensus)
    return found


def base_frequencies(codes: Codes, *, both_strands: bool = True) -> tuple[float, float, float, float]:
    """Return the frequencies of the known bases, one added to each count so that none is 0.

    Examples
    --------
    >>> base_frequencies(np.array([[0, 0, 1, 4]], dtype=np.uint8), both_strands=False)
    (0.42857142857142855, 0.2857142857142857, 0.14285714285714285, 0.14285714285714285)
    """
    counts = np.bincount(codes.ravel(), minlength=UNKNOWN + 1)[:4] + 1.0
    if both_strands:
        counts = counts + counts[::-1]
    a, c, g, t = (counts / counts.sum()).tolist()
    return a, c, g, t


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """An alignment, and the fitted model that chose its sites."""

    alignment: Alignment
    mixture: Mixture


class _Search:
    """One sample of sequences, with the tables of its E-values."""

    def __init__(self, codes: Tensor, settings: Zoops, frequencies: tuple[float, float, float, float]) -> None:
        self.codes, self.settings, self.frequencies = codes, settings, frequencies
        background = torch.tensor(frequencies, dtype=torch.float64, device=codes.device)
        self.background = background / background.sum()
        self.aligner = Aligner(ColumnTables(frequencies, len(codes)), both_strands=settings.both_strands)

    def best(self, free: Tensor) -> _Found | None:
        """Return the most significant motif of free sites; None where there is no place for one."""
        widths = start_widths(self.settings.min_width, self.settings.max_width)
        rough = _different([found for width in widths for found in self._from_starts(free, width)])
        refitted = [self._refitted(free, alignment) for alignment in rough[: self.settings.finalists]]
        return min(refitted, key=lambda found: found.alignment.log_e_value, default=None)

    def _from_starts(self, free: Tensor, width: int) -> list[Alignment]:
        """Return motifs of about one width: many starts screened by their alignments, the best ones fitted."""
        usable = ((free > 0.5) & (self.codes != UNKNOWN)).cpu().numpy()
        letters = self.codes.cpu().numpy()
        seeds = start_windows(letters, usable, width, self.settings.starts, self.background.cpu().numpy())
        if len(seeds) == 0:
            return []
        quick = self._windows(self.codes, free, width, dtype=torch.float32)
        background = self.background.float()
        ratio = (seed_probabilities(torch.from_numpy(seeds).to(self.codes.device), background) / background).log()
        first = self.aligner.aligned(quick, ratio)[:_SCREENED]
        if not first:  # fewer than two sequences have a place for a site
            return []
        again = self.aligner.aligned(quick, self._mixture(first).to(torch.float32).log_ratio(background))
        starts = self._mixture(_different(again)[: self.settings.finalists]).to(torch.float32)
        fit = fit_zoops(quick, starts, background, tolerance=_ROUGHLY, max_iterations=_ROUGH_STEPS)
        fitted = [found.alignment for found in self._polished(quick, fit.mixture)]
        ratio = self._mixture(fitted).to(torch.float32).log_ratio(background)
        return self.aligner.aligned(quick, ratio, least=self.settings.min_width)

    def _refitted(self, free: Tensor, start: Alignment) -> _Found:
        """Return the more significant of an alignment and what expectation maximisation makes of it, both polished."""
        windows = self._windows(self.codes, free, start.width)
        given = self._mixture([start])
        fit = fit_zoops(
            windows,
            given,
            self.background,
            pseudocount=self.settings.pseudocount,
            tolerance=self.settings.tolerance,
            max_iterations=self.settings.max_iterations,
        )
        found = self._polished(windows, Mixture.joined([fit.mixture, given]))
        return min(found, key=lambda one: one.alignment.log_e_value)

    def _polished(self, windows: Windows, models: Mixture) -> list[_Found]:
        """Return each model's alignment, aligned again with the model of its own sites while that improves it."""
        background = self.background.to(windows.dtype)
        aligned = self.aligner.aligned(windows, models.log_ratio(background))
        found = [_Found(alignment=one, mixture=models.take(one.model)) for one in aligned]
        active = list(range(len(found)))
        for _ in range(_POLISHED):
            models, better = self._mixture([found[i].alignment for i in active]).to(windows.dtype), []
            for again in self.aligner.aligned(windows, models.log_ratio(background)):
                number = active[again.model]
                if again.log_e_value < found[number].alignment.log_e_value - _NO_BETTER:
                    found[number] = _Found(alignment=again, mixture=models.take(again.model))
                    better.append(number)
            active = better
            if not active:
                break
        return found

    def finished(self, codes: Tensor, free: Tensor, best: _Found, name: str) -> tuple[Discovered, Tensor]:
        """Return the motif with its sites in all sequences, and how free their bases are afterwards."""
        windows = self._windows(codes, free, best.alignment.width)
        [score], [place] = best_places(windows, best.mixture.log_ratio(self.background))
        probability = posterior(windows, best.mixture, self.background)[0]
        sites = _site_table(windows, score, place, probability, least=best.alignment.least_score)
        remaining = free * (1 - _covered(probability.sum(dim=0), windows.width))
        return self._discovered(name, sites, best.alignment.log10_e_value), remaining

    def _mixture(self, alignments: list[Alignment]) -> Mixture:
        return Mixture.joined([one.mixture(self.background, self.settings.pseudocount) for one in alignments])

    def _windows(self, codes: Tensor, free: Tensor, width: int, *, dtype: torch.dtype = torch.float64) -> Windows:
        return Windows(codes, width, both_strands=self.settings.both_strands, unused=free, dtype=dtype)

    def _discovered(self, name: str, sites: pd.DataFrame, log10_e_value: float) -> Discovered:
        letters = np.array([list(site.encode()) for site in sites["site"]])
        counts = np.stack([(letters == ord(base)).sum(axis=0) for base in "ACGT"])
        motif = Motif.from_counts(
            name,
            counts,
            pseudocount=self.settings.pseudocount,
            background=self.frequencies,
            source=f"ZOOPS expectation maximisation, {len(sites)} sites, log10 E = {log10_e_value:.1f}",
        )
        return Discovered(motif=motif, sites=sites, log10_e_value=log10_e_value)


def _different(alignments: list[Alignment]) -> list[Alignment]:
    """Return alignments without those that several starts have led to."""
    seen = {alignment.counts.tobytes(): alignment for alignment in reversed(alignments)}
    return sorted(seen.values(), key=lambda alignment: alignment.log_e_value)


def _covered(probability: Tensor, width: int) -> Tensor:
    """Return (N, L) probabilities that a site covers a base, from (N, M) of sites that start at a place."""
    padded = torch.nn.functional.pad(probability, (width - 1, width - 1))
    return padded.unfold(1, width, 1).sum(dim=2).clamp(0, 1)


def _site_table(windows: Windows, score: Tensor, place: Tensor, probability: Tensor, *, least: float) -> pd.DataFrame:
    """Return a row for each sequence whose best site scores as much as the weakest that the motif was made of."""
    row = torch.nonzero(score >= least).squeeze(1)
    row = row[score[row].argsort(descending=True, stable=True)]
    start, strand = place[row] % windows.starts, place[row] // windows.starts
    letters = windows.codes.unfold(1, windows.width, 1)[row, start]
    letters = torch.where(strand[:, None] == 1, 3 - letters.flip(1), letters)
    values = (
        row.cpu().numpy(),
        start.cpu().numpy(),
        np.where(strand.cpu().numpy() == 1, "-", "+"),
        probability[strand, row, start].cpu().numpy(),
        score[row].cpu().numpy(),
        [decode(site) for site in letters.cpu().numpy()],
    )
    return pd.DataFrame(dict(zip(SITE_COLUMNS, values, strict=True)))


def _sample(codes: Codes, settings: Zoops) -> NDArray[np.int64]:
    """Return the numbers of the sequences that motifs are looked for in, in order."""
    if len(codes) <= settings.max_sequences:
        return np.arange(len(codes))
    rng = numpy_generator(settings.seed, "zoops sample")
    return np.sort(rng.choice(len(codes), settings.max_sequences, replace=False))


def _check(codes: Codes, settings: Zoops) -> None:
    if not isinstance(codes, np.ndarray) or codes.ndim != 2 or codes.dtype != np.uint8:
        raise InputError("motifs are discovered in an (N, L) uint8 array of codes; see holdfast.dna.codes.encode")
    if len(codes) < 2:
        raise InputError(f"there is {len(codes)} sequence; a motif needs at least 2")
    if codes.max() > UNKNOWN:
        raise InputError(f"codes must be 0..4; got {int(codes.max())}")
    if codes.shape[1] < settings.max_width:
        raise InputError(
            f"sequences have {codes.shape[1]} bp, motifs up to {settings.max_width}; give a smaller max_width"
        )
