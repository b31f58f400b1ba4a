"""Expectation maximisation of the ZOOPS model: each sequence has one occurrence of the motif, or none.

With probability ``share`` a sequence has a site, uniformly at one of its places on either strand. Every width's windows
are one matrix of ones and noughts, so all starts are scored by one matrix product, and counted by another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.dna.codes import UNKNOWN

__all__ = ["Fit", "Mixture", "Windows", "best_places", "fit_zoops", "posterior"]

_BLOCK_BYTES = {"cpu": 1 << 26, "cuda": 1 << 29}
_KEPT_BYTES = 1 << 28
_SMALLEST_SHARE = 1e-6


class Windows:
    """All places of one width in sequences.

    Parameters
    ----------
    codes
        (N, L) uint8; windows with an unknown base are no places.
    width
        Of a window, in bases.
    both_strands
        Whether the reverse complement of a window is a place too.
    unused
        (N, L) probability that no earlier motif's site covers a base, or None: a window is as likely a site as its
        most covered base allows.
    dtype
        Of all computation.
    """

    def __init__(
        self,
        codes: Tensor,
        width: int,
        *,
        both_strands: bool = True,
        unused: Tensor | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self.codes, self.width, self.dtype = codes, width, dtype
        self.strands = 2 if both_strands else 1
        self.starts = codes.shape[1] - width + 1
        known = (codes != UNKNOWN).unfold(1, width, 1).all(dim=2)
        weight = torch.ones_like(known, dtype=dtype)
        if unused is not None:
            weight = unused.to(dtype).unfold(1, width, 1).amin(dim=2)
        self.log_weight = torch.where(known, weight.clamp_min(1e-30).log(), -math.inf)  # (N, M)
        self.free = known & (weight > 0.5)
        # A sequence without a place has no site: its windows weigh nothing, whatever they are divided by.
        self.log_places = (self.strands * known.sum(dim=1).clamp_min(1)).to(dtype).log()
        fits = 4 * width * known.numel() * torch.finfo(dtype).bits // 8 <= _KEPT_BYTES
        self._kept = self._columns(0, len(codes)) if fits else None

    def __len__(self) -> int:
        return len(self.codes)

    def blocks(self, models: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield slices of sequences and their windows, (4 W, n M) ones and noughts, small enough for many models."""
        wide = max(4 * self.width, models * self.strands) * self.starts * torch.finfo(self.dtype).bits // 8
        size = max(1, _BLOCK_BYTES[self.codes.device.type] // wide)
        for first in range(0, len(self), size):
            last = min(first + size, len(self))
            if self._kept is None:
                yield slice(first, last), self._columns(first, last)
            else:
                yield slice(first, last), self._kept[:, first * self.starts : last * self.starts]

    def scores(self, columns: Tensor, log_ratio: Tensor) -> Tensor:
        """Return (S, strands, n, M) log-likelihood ratios of the windows of a block for (S, W, 4) models."""
        both = [log_ratio, log_ratio.flip(1, 2)][: self.strands]
        flat = torch.stack(both, dim=1).reshape(-1, 4 * self.width)
        return (flat @ columns).view(len(log_ratio), self.strands, -1, self.starts)

    def counts(self, columns: Tensor, weight: Tensor) -> Tensor:
        """Return (S, W, 4) bases of windows, weighted by (S, strands, n, M)."""
        counted = weight.reshape(-1, columns.shape[1]) @ columns.T
        strands = counted.view(-1, self.strands, self.width, 4)
        total = strands[:, 0]
        return total + strands[:, 1].flip(1, 2) if self.strands == 2 else total

    def _columns(self, first: int, last: int) -> Tensor:
        windows = self.codes[first:last].unfold(1, self.width, 1).permute(2, 0, 1)  # (W, n, M)
        base = torch.arange(4, dtype=torch.uint8, device=self.codes.device)[:, None, None]
        return (windows[:, None] == base).to(self.dtype).reshape(4 * self.width, -1)


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """ZOOPS models of one width.

    Parameters
    ----------
    probabilities
        (S, W, 4), each column above 0 and adding up to 1.
    share
        (S,) of sequences that have a site.
    """

    probabilities: Tensor
    share: Tensor

    @classmethod
    def joined(cls, parts: Sequence[Mixture]) -> Mixture:
        """Return the models of several batches as one."""
        return cls(
            probabilities=torch.cat([part.probabilities for part in parts]),
            share=torch.cat([part.share for part in parts]),
        )

    def log_ratio(self, background: Tensor) -> Tensor:
        """Return (S, W, 4) log-likelihood ratios of a base."""
        return (self.probabilities / background).log()

    def take(self, number: int) -> Mixture:
        """Return one of the models, as a batch of one."""
        return Mixture(probabilities=self.probabilities[number : number + 1], share=self.share[number : number + 1])

    def to(self, dtype: torch.dtype) -> Mixture:
        """Return the models with another precision."""
        return Mixture(probabilities=self.probabilities.to(dtype), share=self.share.to(dtype))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Converged models, and how the objective rose.

    Parameters
    ----------
    mixture
        The models.
    objective
        (iterations + 1, S): log-likelihood ratio against the background plus the log density of the prior, in nats.
    """

    mixture: Mixture
    objective: Tensor


def fit_zoops(
    windows: Windows,
    start: Mixture,
    background: Tensor,
    *,
    pseudocount: float = 0.01,
    tolerance: float = 1e-5,
    max_iterations: int = 200,
) -> Fit:
    """Fit ZOOPS models from several starts at once.

    A step never lowers the objective: the columns' prior is a Dirichlet distribution whose parameters are 1 plus
    ``pseudocount`` times the background.

    Parameters
    ----------
    windows
        Where sites may lie.
    start
        S models.
    background
        (4,) probabilities of A, C, G, T.
    pseudocount
        Bases added to each column, shared out by the background.
    tolerance
        The last step is the first that moves every matrix less than this, in Euclidean distance.
    max_iterations
        Steps at most; MEME stops at 50 with the same tolerance.

    References
    ----------
    Bailey & Elkan (1994), Proc. ISMB 2, pp. 28-36; (1995), Proc. ISMB 3, pp. 21-29 (the ZOOPS model).
    """
    mixture, trace = start, []
    for _ in range(max_iterations):
        new, objective = _step(windows, mixture, background, pseudocount)
        trace.append(objective)
        moved = (new.probabilities - mixture.probabilities).flatten(1).norm(dim=1)
        mixture = new
        if bool((moved < tolerance).all()):
            break
    trace.append(_step(windows, mixture, background, pseudocount)[1])
    return Fit(mixture=mixture, objective=torch.stack(trace))


def posterior(windows: Windows, mixture: Mixture, background: Tensor) -> Tensor:
    """Return (S, strands, N, M) probabilities that a sequence has its site at a place.

    Examples
    --------
    One sequence AC, a motif A of width 1 that is certain but for a hundredth, forward strand only:

    >>> windows = Windows(torch.tensor([[0, 1]], dtype=torch.uint8), 1, both_strands=False)
    >>> sure = Mixture(probabilities=torch.tensor([[[0.97, 0.01, 0.01, 0.01]]]).double(), share=torch.tensor([0.5]))
    >>> found = posterior(windows, sure, torch.full((4,), 0.25).double())
    >>> a, c = 0.5 / 2 * 0.97 / 0.25, 0.5 / 2 * 0.01 / 0.25
    >>> torch.allclose(found.flatten(), torch.tensor([a, c]).double() / (0.5 + a + c))
    True
    """
    ratio = mixture.log_ratio(background)
    return torch.cat([_expected(windows, *block, ratio, mixture.share)[0] for block in windows.blocks(len(ratio))], 2)


def best_places(windows: Windows, log_ratio: Tensor) -> tuple[Tensor, Tensor]:
    """Return each sequence's best free window for each model.

    Parameters
    ----------
    windows
        Where to look; places taken by earlier motifs (by more than a half) do not count.
    log_ratio
        (S, W, 4).

    Returns
    -------
    tuple of Tensor
        (S, N) score in nats, minus infinity where a sequence has no free place, and (S, N) place: the start, plus the
        number of starts on the reverse strand.
    """
    found = []
    for block, columns in windows.blocks(len(log_ratio)):
        score = windows.scores(columns, log_ratio).masked_fill_(~windows.free[block], -math.inf)
        by_strand, start = score.max(dim=3)
        best, strand = by_strand.max(dim=1)
        start = start.gather(1, strand[:, None]).squeeze(1)
        found.append((best, start + windows.starts * strand))
    scores, places = zip(*found, strict=True)
    return torch.cat(scores, dim=1), torch.cat(places, dim=1)


def _expected(windows: Windows, block: slice, columns: Tensor, ratio: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return posteriors of a block, (S, strands, n, M), and (S, n) log-likelihood ratios of its sequences."""
    joint = windows.scores(columns, ratio) + windows.log_weight[block]
    joint += share.log()[:, None, None, None] - windows.log_places[block, None]
    with_site = torch.logsumexp(joint, dim=(1, 3))
    likelihood = torch.logaddexp(with_site, torch.log1p(-share)[:, None])
    return (joint - likelihood[:, None, :, None]).exp_(), likelihood


def _step(windows: Windows, old: Mixture, background: Tensor, pseudocount: float) -> tuple[Mixture, Tensor]:
    """Return the models after one step, and the objective before it."""
    ratio = old.log_ratio(background)
    prior = pseudocount * background
    counts = prior.expand(len(ratio), windows.width, 4).clone()
    objective = (prior * old.probabilities.log()).sum(dim=(1, 2))
    for block, columns in windows.blocks(len(ratio)):
        weight, likelihood = _expected(windows, block, columns, ratio, old.share)
        counts += windows.counts(columns, weight)
        objective += likelihood.sum(dim=1)
    sites = counts[:, 0].sum(dim=1) - pseudocount
    share = (sites / len(windows)).clamp(_SMALLEST_SHARE, 1 - _SMALLEST_SHARE)
    return Mixture(probabilities=counts / counts.sum(dim=2, keepdim=True), share=share), objective
