"""Alignments of best sites: which sequences' sites, and which columns, make the most significant motif."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.interpret.zoops_em import Mixture, Windows, best_places
from holdfast.motifs.significance import ColumnTables, Search, log_p_of_product

__all__ = ["Aligner", "Alignment"]

_LETTERS_A_BLOCK = 1 << 25


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """The best sites of some sequences, one under the other.

    Parameters
    ----------
    counts
        (W, 4) bases of the columns.
    log_e_value
        Natural logarithm of its E-value.
    model
        Number of the model that chose the sites, among those asked about.
    least_score
        Score of the last site, in nats.
    sequences
        How many there were to choose from.
    """

    counts: NDArray[np.float64]
    log_e_value: float
    model: int
    least_score: float
    sequences: int

    @property
    def width(self) -> int:
        """Columns."""
        return len(self.counts)

    @property
    def log10_e_value(self) -> float:
        """Decimal logarithm of the E-value."""
        return self.log_e_value / math.log(10)

    def mixture(self, background: Tensor, pseudocount: float) -> Mixture:
        """Return the model of the aligned sites, as a batch of one."""
        counts = torch.from_numpy(self.counts).to(background) + pseudocount * background
        share = min(float(self.counts[0].sum()) / self.sequences, 0.999)
        return Mixture(
            probabilities=(counts / counts.sum(dim=1, keepdim=True))[None],
            share=torch.tensor([share], dtype=background.dtype, device=background.device),
        )


class Aligner:
    """Aligns sites and asks how significant that is.

    Parameters
    ----------
    tables
        P-values of columns, for as many sites as there are sequences.
    both_strands
        Whether sites lie on either strand.
    """

    def __init__(self, tables: ColumnTables, *, both_strands: bool) -> None:
        self.tables, self.both_strands = tables, both_strands

    def aligned(self, windows: Windows, log_ratio: Tensor, *, least: int | None = None) -> list[Alignment]:
        """Return each model's most significant alignment, the most significant first.

        The sites of the best-scoring sequences are aligned, for every tabulated number of them.

        Parameters
        ----------
        windows
            Where sites may lie.
        log_ratio
            (S, W, 4) models.
        least
            Fewest columns kept; None keeps all.
        """
        score, place = best_places(windows, log_ratio)
        score, order = score.sort(dim=1, descending=True, stable=True)
        size = max(1, _LETTERS_A_BLOCK // (len(windows) * windows.width))
        found = []
        for first in range(0, len(score), size):
            block = slice(first, first + size)
            counts = _counts(windows, place[block].gather(1, order[block]), order[block], self.tables.numbers)
            found += self._best(counts, score[block].double().cpu().numpy(), windows, least or windows.width, first)
        return sorted(found, key=lambda alignment: alignment.log_e_value)

    def _best(
        self, counts: NDArray[np.float64], score: NDArray[np.float64], windows: Windows, least: int, first: int
    ) -> list[Alignment]:
        """Return the best alignments among (S, G, W, 4) counts, without models that have no site for two sequences."""
        log_p = np.stack([self.tables.log_p(counts[:, g], n) for g, n in enumerate(self.tables.numbers.tolist())], 1)
        log_e, start, width = self._over_columns(log_p, windows, least)
        log_e[~np.isfinite(score[:, self.tables.numbers - 1])] = np.inf
        found = []
        for model, number in enumerate(log_e.argmin(axis=1).tolist()):
            if np.isfinite(log_e[model, number]):
                a, b = start[model, number], start[model, number] + width[model, number]
                found.append(
                    Alignment(
                        counts=counts[model, number, a:b],
                        log_e_value=float(log_e[model, number]),
                        model=first + model,
                        least_score=float(score[model, self.tables.numbers[number] - 1]),
                        sequences=len(windows),
                    )
                )
        return found

    def _over_columns(
        self, log_p: NDArray[np.float64], windows: Windows, least: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the smallest log E-value over runs of columns, (S, G), where that run starts and its length."""
        search = Search(sequences=len(windows), length=windows.codes.shape[1], both_strands=self.both_strands)
        total = np.concatenate([np.zeros_like(log_p[..., :1]), np.cumsum(log_p, axis=2)], axis=2)
        best = np.full(log_p.shape[:2], np.inf)
        start, length = np.zeros(best.shape, dtype=np.int64), np.zeros(best.shape, dtype=np.int64)
        for width in range(least, log_p.shape[2] + 1):
            ways = np.array([search.log_alignments(sites, width) for sites in self.tables.numbers.tolist()])
            log_e = log_p_of_product(total[..., width:] - total[..., :-width], width) + ways[:, None]
            at = log_e.argmin(axis=2)
            value = np.take_along_axis(log_e, at[..., None], axis=2)[..., 0]
            better = value < best
            best, start = np.where(better, value, best), np.where(better, at, start)
            length = np.where(better, width, length)
        return best, start, length


def _counts(windows: Windows, place: Tensor, row: Tensor, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (S, G, W, 4) bases of the first 2, 3, ... of each model's sites."""
    every = windows.codes.unfold(1, windows.width, 1)
    letters = every[row, place % windows.starts]
    letters = torch.where((place >= windows.starts)[..., None], 3 - letters.flip(2), letters)
    last = torch.from_numpy(numbers - 1).to(letters.device)
    bases = [(letters == base).cumsum(dim=1, dtype=torch.int32)[:, last] for base in range(4)]
    return np.asarray(torch.stack(bases, dim=3).cpu().numpy(), dtype=np.float64)
