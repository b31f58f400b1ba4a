"""DeepGRN's three kinds of attention over the steps of a pooled sequence."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError

__all__ = ["Attention", "PairwiseAttention", "Positions", "SingleAttention", "StateAttention", "sinusoids"]

Positions = Literal["none", "learned", "sinusoidal"]


class Attention(nn.Module, ABC):
    """Weights over steps, and what becomes of (N, T, C) features under them."""

    @abstractmethod
    def weights(self, steps: Tensor) -> Tensor:
        """Return the weights of (N, T, C) steps."""

    def maps(self, steps: Tensor) -> Tensor:
        """Return the weights as (N, heads, queries, T): here a head is a channel, and there is one query."""
        return self.weights(steps).transpose(1, 2).unsqueeze(2)


class SingleAttention(Attention):
    """One dense layer from all steps to all steps, shared by the channels; features times softmax over steps.

    Parameters
    ----------
    n_steps
        T.
    merged
        Take the mean of the weights over channels, so that a step has one weight.

    Examples
    --------
    >>> attention = SingleAttention(5, merged=True)
    >>> torch.allclose(attention.weights(torch.randn(2, 5, 3)).sum(dim=1), torch.ones(2, 3))
    True
    """

    def __init__(self, n_steps: int, *, merged: bool) -> None:
        super().__init__()
        self.merged, self.score = merged, nn.Linear(n_steps, n_steps)

    def weights(self, steps: Tensor) -> Tensor:
        """Return (N, T, C) weights, which sum to 1 over the steps of each channel."""
        weights: Tensor = self.score(steps.transpose(1, 2)).softmax(dim=-1).transpose(1, 2)
        return weights.mean(dim=2, keepdim=True).expand_as(steps) if self.merged else weights

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, T, C) steps, each times its weight."""
        return steps * self.weights(steps)


class PairwiseAttention(Attention):
    """Scaled dot products between all pairs of steps, one head, added to the steps themselves.

    Parameters
    ----------
    n_steps
        T.
    n_features
        C; queries and keys have half as many.
    positions
        What is added to the steps before queries, keys and values are taken, and not to the sum: nothing, a learned
        table, or sines and cosines.

    Examples
    --------
    >>> attention = PairwiseAttention(5, 4, positions="learned")
    >>> attention.weights(torch.randn(2, 5, 4)).shape
    torch.Size([2, 5, 5])
    """

    table: Tensor

    def __init__(self, n_steps: int, n_features: int, *, positions: Positions) -> None:
        super().__init__()
        if positions not in get_args(Positions):
            raise ConfigError(f"positions are one of {', '.join(get_args(Positions))}; got '{positions}'")
        self.positions, self.scale = positions, math.sqrt(n_features // 2)
        self.query = nn.Linear(n_features, n_features // 2, bias=False)
        self.key = nn.Linear(n_features, n_features // 2, bias=False)
        self.value = nn.Linear(n_features, n_features, bias=False)
        if positions == "learned":
            self.table = nn.Parameter(torch.empty(n_steps, n_features).uniform_(-0.05, 0.05))
        elif positions == "sinusoidal":
            self.register_buffer("table", sinusoids(n_steps, n_features), persistent=False)

    def weights(self, steps: Tensor) -> Tensor:
        """Return (N, T, T) weights: row q says how much step q takes of each step, and sums to 1."""
        placed = self._placed(steps)
        logits = self.query(placed) @ self.key(placed).transpose(1, 2)
        weights: Tensor = (logits / self.scale).softmax(dim=-1)
        return weights

    def maps(self, steps: Tensor) -> Tensor:
        """Return the weights as (N, 1, T, T)."""
        return self.weights(steps).unsqueeze(1)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, T, C) steps plus what they take of the others."""
        taken: Tensor = self.weights(steps) @ self.value(self._placed(steps))
        return steps + taken

    def _placed(self, steps: Tensor) -> Tensor:
        return steps if self.positions == "none" else steps + self.table


class StateAttention(Attention):
    """Weights without parameters: the softmax over steps of the states themselves; their weighted sum, then dense.

    Parameters
    ----------
    n_features
        C.
    n_units
        Of the dense layer, which has no bias.

    Examples
    --------
    >>> StateAttention(4, 3)(torch.randn(2, 5, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_features: int, n_units: int) -> None:
        super().__init__()
        self.dense = nn.Linear(n_features, n_units, bias=False)

    def weights(self, steps: Tensor) -> Tensor:
        """Return (N, T, C) weights, which sum to 1 over the steps of each channel."""
        return steps.softmax(dim=1)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, n_units) rectified features: the steps are summed away."""
        summed = (steps * self.weights(steps)).sum(dim=1)
        features: Tensor = self.dense(summed).relu()
        return features


def sinusoids(n_steps: int, n_features: int) -> Tensor:
    """Return (T, C) sines in even columns and cosines in odd ones, of wavelengths from 2 pi to 20,000 pi.

    References
    ----------
    Vaswani et al. (2017), section 3.5.

    Examples
    --------
    >>> sinusoids(2, 2)
    tensor([[0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    column = torch.arange(n_features)
    rate = 10_000.0 ** (-(column - column % 2) / n_features)
    angle = torch.arange(n_steps)[:, None] * rate
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())
