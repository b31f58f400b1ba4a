"""Maps made of many gradients: near the window, or on the way to it from something it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from holdfast.core.parameters import Positive, Size
from holdfast.core.random import draw, mix_seed
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit, is_incomplete, largest_gap
from holdfast.interpret.attribution.gradients import input_gradient
from holdfast.interpret.attribution.references import Baseline, baselines, hypothetical_of
from holdfast.interpret.attribution.refined import refined_path_gradient

__all__ = ["ExpectedGradients", "IntegratedGradients", "SmoothGrad", "path_gradient"]

# The smallest number that a draw is taken for, so that its normal quantile is finite.
SMALLEST_DRAW = 2.0**-54
# Bases of windows on their way in one gradient.
PATH_BASES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class SmoothGrad(Attribution):
    """The mean gradient at noisy copies of the one-hot window.

    Parameters
    ----------
    samples
        Noisy copies.
    sd
        Standard deviation of the normal noise on each of the 4 W numbers.

    References
    ----------
    Smilkov et al. (2017), arXiv:1706.03825.
    """

    samples: Size = 50
    sd: Positive = 0.1

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the mean gradient as hypothetical contributions."""
        sequence = one_hot(codes)
        total = torch.zeros_like(sequence)
        for sample in range(self.samples):
            uniform = draw(index, sequence[0].numel(), mix_seed(self.seed, "smoothgrad", sample))
            noise = torch.special.ndtri(uniform.clamp(min=SMALLEST_DRAW)).to(sequence).view_as(sequence)
            total += input_gradient(model, sequence + self.sd * noise)
        return Explained(hypothetical=total / self.samples)


@dataclass(frozen=True, kw_only=True)
class _Path(Attribution):
    """The gradient integrated along straight lines from references to the window."""

    refine: bool = True

    def _integrated(self, model: TaskLogit, codes: Tensor, references: Tensor, steps: int) -> Explained:
        """Return the maps against (N, K, 4, W) references, averaged over K."""
        sequence, count = one_hot(codes), references.shape[1]
        ends, starts = sequence.repeat_interleave(count, dim=0), references.flatten(0, 1)
        rows = max(1, PATH_BASES // sequence.shape[-1])
        parts = [
            (path_gradient(model, end, start, steps=steps), model(start))
            for end, start in zip(ends.split(rows), starts.split(rows), strict=True)
        ]
        multipliers, left = (torch.cat(found) for found in zip(*parts, strict=True))
        difference = model(sequence).repeat_interleave(count) - left
        explained = difference.view(-1, count).mean(dim=1)
        if self.refine:
            missed = difference - (multipliers * (ends - starts)).sum(dim=(1, 2))
            wanting, allowed = _wanting(missed.view(-1, count), explained), largest_gap(explained)
            for first in range(0, len(wanting), rows):
                some = wanting[first : first + rows]
                multipliers[some] = refined_path_gradient(
                    model, ends[some], starts[some], allowed=allowed[some // count], rows=rows
                )
        hypothetical = hypothetical_of(multipliers, starts).unflatten(0, (-1, count)).mean(dim=1)
        gap = explained - (hypothetical * sequence).sum(dim=(1, 2))
        return Explained(hypothetical=hypothetical, gap=gap, explained=explained)


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(_Path):
    """The gradient integrated along the straight line from a baseline to the window, times their difference.

    Contributions add up to f(x) - f(baseline) as far as the sum over steps is the integral; the rest is the gap.

    Parameters
    ----------
    baseline
        ``zeros``; ``uniform``, a quarter of each base; ``dinucleotide``, one shuffle of the window itself.
    steps
        Nodes of the Gauss-Legendre rule.
    refine
        Whether windows whose gap would be flagged are integrated anew, in pieces as small as the kinks of the logit
        want them. Otherwise they are flagged.

    References
    ----------
    Sundararajan, Taly & Yan (2017), arXiv:1703.01365.
    """

    baseline: Baseline = "zeros"
    steps: Size = 50

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return hypothetical contributions and the gap."""
        references = baselines(self.baseline, codes, index, count=1, seed=self.seed)
        return self._integrated(model, codes, references, self.steps)


@dataclass(frozen=True, kw_only=True)
class ExpectedGradients(_Path):
    """Integrated gradients, averaged over dinucleotide shuffles of the window as baselines.

    Parameters
    ----------
    references
        Shuffles of each window.
    steps
        Nodes of the Gauss-Legendre rule on the way from each.
    refine
        As of integrated gradients, on the ways that want it.

    References
    ----------
    Erion et al. (2021), doi:10.1038/s42256-021-00343-w.
    """

    references: Size = 25
    steps: Size = 20

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return hypothetical contributions and the gap, averaged over the shuffles."""
        references = baselines("dinucleotide", codes, index, count=self.references, seed=self.seed)
        return self._integrated(model, codes, references, self.steps)


def _wanting(missed: Tensor, explained: Tensor) -> Tensor:
    """Return the numbers of the lines to refine, of (N, K) that miss something of the (N,) logits to be explained.

    They miss by themselves what their window may: lines that rise far and lines that fall far may have a small mean.
    """
    flagged = is_incomplete(missed.mean(dim=1), explained)
    return (flagged[:, None] & is_incomplete(missed, explained[:, None])).flatten().nonzero().flatten()


def path_gradient(model: TaskLogit, sequence: Tensor, reference: Tensor, *, steps: int) -> Tensor:
    """Return the mean gradient on the straight line from a reference to a sequence, all (N, 4, W).

    Parameters
    ----------
    model
        In eval mode.
    sequence, reference
        Ends of the line.
    steps
        Nodes of the Gauss-Legendre rule: exact for a gradient that is a polynomial of degree below 2 steps.
    """
    total = torch.zeros_like(sequence)
    for place, weight in _nodes(steps):
        total += weight * input_gradient(model, torch.lerp(reference, sequence, place))
    return total


def _nodes(steps: int) -> Iterator[tuple[float, float]]:
    """Yield places and weights of the Gauss-Legendre rule on [0, 1]."""
    places, weights = np.polynomial.legendre.leggauss(steps)
    yield from zip(((places + 1) / 2).tolist(), (weights / 2).tolist(), strict=True)
