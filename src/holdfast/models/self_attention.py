"""The self-attention block of :class:`~holdfast.models.modular.Modular`."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.block import Block, check_counts, check_share

__all__ = ["SelfAttention"]


class SelfAttention(Block):
    """Multi-head self-attention over the positions of a window, then a dense layer, each with norm and residual.

    Places are told apart by sines and cosines of their index, added to the features.

    Parameters
    ----------
    in_channels
        C, and F; divisible by ``heads``.
    heads
        That attend side by side.
    expansion
        Hidden units of the dense layer per feature.
    dropout
        Of both parts.

    References
    ----------
    Vaswani et al. (2017), arXiv:1706.03762; norms come before the layers.

    Examples
    --------
    >>> block, features = SelfAttention(8, heads=2), torch.zeros(2, 8, 40)
    >>> block(features).shape, block.maps(features).shape
    (torch.Size([2, 8, 40]), torch.Size([2, 2, 40, 40]))
    """

    shared = False

    def __init__(self, in_channels: int, *, heads: int = 4, expansion: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        check_counts("attention", heads=heads, expansion=expansion)
        check_share("attention", dropout)
        if in_channels % heads:
            raise ConfigError(f"block 'attention': {in_channels} features cannot be shared among {heads} heads")
        self.out_channels, self.heads = in_channels, heads
        self.norm, self.dense_norm = nn.LayerNorm(in_channels), nn.LayerNorm(in_channels)
        self.project, self.out = nn.Linear(in_channels, 3 * in_channels), nn.Linear(in_channels, in_channels)
        hidden = expansion * in_channels
        self.dense = nn.Sequential(nn.Linear(in_channels, hidden), nn.ReLU(), nn.Linear(hidden, in_channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, P)."""
        steps, parts = self._parts(features)
        attended = F.scaled_dot_product_attention(parts[0], parts[1], parts[2])  # (N, heads, P, C / heads)
        steps = steps + self.dropout(self.out(attended.transpose(1, 2).flatten(2)))
        made: Tensor = steps + self.dropout(self.dense(self.dense_norm(steps)))
        return made.transpose(1, 2)

    def maps(self, features: Tensor) -> Tensor:
        """Return the weights of (N, C, P) features, (N, heads, P, P): row q is how much q takes of each position."""
        _, (query, key, _) = self._parts(features)
        weights: Tensor = (query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])).softmax(dim=-1)
        return weights

    def _parts(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N, P, C) steps with their places, and queries, keys and values (3, N, heads, P, C / heads)."""
        steps: Tensor = features.transpose(1, 2)
        steps = steps + _positions(steps.shape[1], steps.shape[2]).to(steps)
        parts: Tensor = self.project(self.norm(steps)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return steps, parts


def _positions(count: int, width: int) -> Tensor:
    """Return (count, width) sines and cosines of the index, at wavelengths from 2 pi to 20,000 pi."""
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angle = torch.arange(count)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]
