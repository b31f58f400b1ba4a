"""First-layer filters with a meaning: cyclic shifts that share weights, log-odds of a motif, binding energies."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from holdfast.models.strands import TwoStrandConv1d

__all__ = ["CircularConv1d", "OccupancyConv1d", "motif_convolution"]

BACKGROUND = 0.25


class CircularConv1d(nn.Conv1d):
    """A convolution with every cyclic shift of each filter, which share its weights; the best shift answers.

    So a motif is found however it lies in the filter, and a filter has no ends at which a motif could be cut.

    References
    ----------
    Blum & Kollmann (2019), doi:10.1093/bioinformatics/btz194.

    Examples
    --------
    >>> layer = CircularConv1d(4, 8, 5)
    >>> layer(torch.zeros(2, 4, 20)).shape, sum(p.numel() for p in layer.parameters())
    (torch.Size([2, 8, 16]), 168)
    """

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, F, P) of (N, C, L)."""
        shifts = [self.weight.roll(step, dims=2) for step in range(self.kernel_size[0])]
        weight = torch.stack(shifts, dim=1).flatten(0, 1)  # (F * k, C, k), the shifts of a filter side by side
        responses = F.conv1d(sequence, weight, None, self.stride, self.padding, self.dilation)
        best: Tensor = responses.unflatten(1, (self.out_channels, -1)).amax(dim=2)
        return best if self.bias is None else best + self.bias[:, None]


class OccupancyConv1d(TwoStrandConv1d):
    """How likely each place is bound, by the binding energy of its bases: e^-G / (1 + e^-G) with G in kT.

    Weights and bias are minus energies: a place's response is -G, and the bias is the chemical potential.

    References
    ----------
    Tareen & Kinney (2019), doi:10.1101/835942.
    """

    strands: Literal["sum", "mean", "forward"] = "sum"

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, F, P) occupancies of (N, 4, L), those of both strands added or averaged."""
        if self.strands == "forward":
            return torch.sigmoid(super().forward(sequence))
        forward, reverse = self.both_orientations(sequence)
        both = torch.sigmoid(forward) + torch.sigmoid(reverse)
        return both if self.strands == "sum" else both / 2


def motif_convolution(filters: int, width: int) -> nn.Conv1d:
    """Return a convolution over the bases whose filters are log-odds of motifs against a uniform background.

    Whatever the trained numbers are, each position of a filter is log(p / 0.25) of four probabilities, so a response is
    the log-likelihood ratio of a motif, up to the bias.

    References
    ----------
    Ploenzke & Irizarry (2018), doi:10.1101/411934.

    Examples
    --------
    >>> layer = motif_convolution(3, 6)
    >>> bool(torch.allclose((layer.weight.exp() * 0.25).sum(dim=1), torch.ones(3, 6)))
    True
    """
    layer = nn.Conv1d(4, filters, width)
    parametrize.register_parametrization(layer, "weight", _LogOdds())
    return layer


class _LogOdds(nn.Module):
    """(F, 4, k) numbers to log-odds of four probabilities at each position."""

    def forward(self, scores: Tensor) -> Tensor:
        return F.log_softmax(scores, dim=1) - math.log(BACKGROUND)
