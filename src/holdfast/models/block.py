"""What every building block is: its contract, its activation, and the checks of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, did_you_mean

__all__ = ["ACTIVATIONS", "Block", "FilterBlock", "check_bases", "check_counts", "check_share"]


class _Exponential(nn.Module):
    """e^x; in a first layer it makes filters wait for whole motifs (Koo & Ploenzke 2021)."""

    def forward(self, features: Tensor) -> Tensor:
        return torch.exp(features)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "exponential": _Exponential,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "linear": nn.Identity,
}


class Block(nn.Module):
    """Features (N, C, P) to (N, F, Q).

    Subclasses set ``out_channels``, F; ``shared`` is false where a block does not commute with shifts.
    """

    shared: ClassVar[bool] = True
    out_channels: int
    pool: int = 1
    stride: int = 1


class FilterBlock(Block):
    """A convolution, and what follows it: batch norm, activation, dropout."""

    def __init__(self, layer: nn.Conv1d, name: str, *, activation: str, norm: bool, dropout: float) -> None:
        super().__init__()
        self.out_channels = layer.out_channels
        check_share(name, dropout)
        self.layers = nn.Sequential(layer)
        if norm:
            self.layers.append(nn.BatchNorm1d(layer.out_channels))
        self.layers.append(_activation(name, activation))
        if dropout:
            self.layers.append(nn.Dropout(dropout))

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, F, P - width + 1)."""
        made: Tensor = self.layers(features)
        return made


def check_counts(block: str, **counts: object) -> None:
    """Refuse what is no whole number from 1."""
    for parameter, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigError(f"block '{block}': {parameter} is a whole number from 1, got {count!r}")


def check_share(block: str, dropout: float) -> None:
    """Refuse what is no share of units."""
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ConfigError(f"block '{block}': dropout is at least 0 and less than 1, got {dropout!r}")


def check_bases(block: str, in_channels: int) -> None:
    """Refuse a block over the bases that does not come first."""
    if in_channels != 4:
        raise ConfigError(f"block '{block}' reads the four bases: it comes first, and here it would read {in_channels}")


def _activation(block: str, name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise ConfigError(f"block '{block}': unknown activation {name!r}: {did_you_mean(str(name), ACTIVATIONS)}")
    return ACTIVATIONS[name]()
