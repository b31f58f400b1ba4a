"""What simulated data allow: a classifier that is told the planted matrix, to hold trained models against."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.data.simulate import SimulationConfig
from holdfast.motifs.motif import Motif

__all__ = ["MatrixScanner"]


_IMPOSSIBLE = -1e4


class MatrixScanner(nn.Module):
    """Log odds that a window holds a site of a known matrix, on either strand, anywhere in it.

    The exact answer for a site that is equally likely at every place of a window of independent bases. A simulation
    plants sites near the centre and knows which base follows which, so a better classifier is possible, but not by
    much; in worst windows a classifier may also do better, because this one does not hedge.

    Parameters
    ----------
    motif
        What was planted.
    config
        How: the share of weak sites, and the background.

    Examples
    --------
    >>> from holdfast.motifs.database import jaspar_motif
    >>> MatrixScanner(jaspar_motif("SP1"), SimulationConfig())(torch.zeros(2, 4, 75)).shape
    torch.Size([2, 1])
    """

    odds: Tensor
    log_share: Tensor

    def __init__(self, motif: Motif, config: SimulationConfig) -> None:
        super().__init__()
        base = torch.tensor([1 - config.gc, config.gc, config.gc, 1 - config.gc], dtype=torch.float64)[:, None] / 2
        matrices = [motif.probabilities, motif.flattened(config.weak_power).probabilities]
        # A base that cannot occur costs much, not everything: an infinite cost times an absent base is no number.
        logs = [(torch.from_numpy(matrix) / base).log().clamp(min=_IMPOSSIBLE) for matrix in matrices]
        filters = [strand for log in logs for strand in (log, log.flip(0, 1))]
        share = [(1 - config.weak_fraction) / 2, config.weak_fraction / 2]
        self.register_buffer("odds", torch.stack(filters).float())
        self.register_buffer("log_share", torch.tensor([share[0]] * 2 + [share[1]] * 2).log()[:, None])

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, 1) log odds of (N, 4, W) windows."""
        scores = F.conv1d(sequence, self.odds) + self.log_share
        return scores.flatten(1).logsumexp(dim=1, keepdim=True) - math.log(scores.shape[-1])
