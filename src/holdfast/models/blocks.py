"""Building blocks that :class:`~holdfast.models.modular.Modular` puts together, one line each in ``BLOCKS``.

A block maps features (N, C, P) to (N, F, Q). Convolutions are valid and of stride 1, and what goes around them is
cropped, so that blocks commute with shifts and are shared between windows; attention and recurrent layers see a whole
window at once and are not.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Registry
from holdfast.models.block import Block, FilterBlock, check_bases, check_counts
from holdfast.models.filters import CircularConv1d, OccupancyConv1d, motif_convolution
from holdfast.models.self_attention import SelfAttention

__all__ = [
    "BLOCKS",
    "BiLSTM",
    "Circular",
    "Constrained",
    "Convolution",
    "DenseBlock",
    "DilatedResidual",
    "MaxPool",
    "Thermodynamic",
]


class Convolution(FilterBlock):
    """A convolution without padding.

    Parameters
    ----------
    in_channels
        C.
    filters
        F.
    width
        Of a filter, in positions.
    activation
        One of :data:`~holdfast.models.block.ACTIVATIONS`.
    norm
        With batch norm before the activation.
    dropout
        Of activations.

    Examples
    --------
    >>> Convolution(4, filters=8, width=5)(torch.zeros(2, 4, 20)).shape
    torch.Size([2, 8, 16])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        filters: int = 64,
        width: int = 9,
        activation: str = "relu",
        norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        check_counts("conv", filters=filters, width=width)
        layer = nn.Conv1d(in_channels, filters, width)
        super().__init__(layer, "conv", activation=activation, norm=norm, dropout=dropout)


class Circular(FilterBlock):
    """A convolution with all cyclic shifts of each filter, see :class:`~holdfast.models.filters.CircularConv1d`.

    Parameters
    ----------
    in_channels
        C.
    filters, width, activation, norm, dropout
        As of ``conv``; the work is ``width`` times that of ``conv``.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        filters: int = 64,
        width: int = 9,
        activation: str = "relu",
        norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        check_counts("circular", filters=filters, width=width)
        layer = CircularConv1d(in_channels, filters, width)
        super().__init__(layer, "circular", activation=activation, norm=norm, dropout=dropout)


class Constrained(FilterBlock):
    """Filters that are motifs, see :func:`~holdfast.models.filters.motif_convolution`; the first block only.

    Parameters
    ----------
    in_channels
        4.
    filters, width, activation, dropout
        As of ``conv``. There is no batch norm, which would stretch the log-odds.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        filters: int = 64,
        width: int = 9,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        check_counts("constrained", filters=filters, width=width)
        check_bases("constrained", in_channels)
        layer = motif_convolution(filters, width)
        super().__init__(layer, "constrained", activation=activation, norm=False, dropout=dropout)


class Thermodynamic(Block):
    """Occupancies of binding sites, see :class:`~holdfast.models.filters.OccupancyConv1d`; the first block only.

    With ``head: {pool: mean}`` they are averaged over positions.

    Parameters
    ----------
    in_channels
        4.
    filters
        Energy matrices.
    width
        Of a site, in bp.
    strands
        Occupancies of both strands by ``sum`` or ``mean``, or those of the ``forward`` strand.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        filters: int = 64,
        width: int = 9,
        strands: Literal["sum", "mean", "forward"] = "sum",
    ) -> None:
        super().__init__()
        check_counts("thermodynamic", filters=filters, width=width)
        check_bases("thermodynamic", in_channels)
        if strands not in ("sum", "mean", "forward"):
            raise ConfigError(f"block 'thermodynamic': strands is 'sum', 'mean' or 'forward', got {strands!r}")
        self.out_channels = filters
        self.sites = OccupancyConv1d(4, filters, width)
        self.sites.strands = strands

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, F, P - width + 1) occupancies."""
        occupancy: Tensor = self.sites(features)
        return occupancy


class DilatedResidual(Block):
    """Residual layers whose taps lie 1, 2, 4, ... positions apart, each added to the middle of what it reads.

    Parameters
    ----------
    in_channels
        C, and F.
    layers
        Their number; the last one's taps are 2^(layers - 1) positions apart.
    width
        Taps of a filter.
    activation, dropout
        As of ``conv``.

    References
    ----------
    Yu & Koltun (2016), arXiv:1511.07122; He et al. (2016), arXiv:1512.03385.

    Examples
    --------
    >>> DilatedResidual(8, layers=3)(torch.zeros(2, 8, 40)).shape
    torch.Size([2, 8, 26])
    """

    def __init__(
        self, in_channels: int, *, layers: int = 4, width: int = 3, activation: str = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        check_counts("dilated_residual", layers=layers, width=width)
        self.out_channels = in_channels
        self.branches = nn.ModuleList(
            FilterBlock(
                nn.Conv1d(in_channels, in_channels, width, dilation=2**number),
                "dilated_residual",
                activation=activation,
                norm=True,
                dropout=dropout,
            )
            for number in range(layers)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, P - (width - 1) (2^layers - 1))."""
        for branch in self.branches:
            added = branch(features)
            features = _middle(features, added.shape[-1]) + added
        return features


class DenseBlock(Block):
    """Layers that each read all features made before them and add ``growth`` of their own.

    Parameters
    ----------
    in_channels
        C.
    layers
        Their number; F is C + layers * growth.
    growth
        Filters of each.
    width, activation, dropout
        As of ``conv``.

    References
    ----------
    Huang et al. (2017), arXiv:1608.06993.

    Examples
    --------
    >>> DenseBlock(8, layers=3, growth=4)(torch.zeros(2, 8, 40)).shape
    torch.Size([2, 20, 34])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        layers: int = 3,
        growth: int = 16,
        width: int = 3,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_counts("dense_block", layers=layers, growth=growth, width=width)
        self.out_channels = in_channels + layers * growth
        self.steps = nn.ModuleList(
            Convolution(
                in_channels + number * growth, filters=growth, width=width, activation=activation, dropout=dropout
            )
            for number in range(layers)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C + layers * growth, P - layers (width - 1))."""
        for step in self.steps:
            added = step(features)
            features = torch.cat([_middle(features, added.shape[-1]), added], dim=1)
        return features


class MaxPool(Block):
    """The maximum over runs of positions.

    Parameters
    ----------
    in_channels
        C, and F.
    width
        Positions under one maximum.
    stride
        Positions between two; as wide as the pool where it is not given.
    """

    def __init__(self, in_channels: int, *, width: int = 2, stride: int | None = None) -> None:
        super().__init__()
        check_counts("pool", width=width, stride=width if stride is None else stride)
        self.out_channels, self.pool, self.stride = in_channels, width, width if stride is None else stride

    def forward(self, features: Tensor) -> Tensor:
        """Return the features as they are: the stage around a block pools."""
        return features


class BiLSTM(Block):
    """A long short-term memory that runs over the positions of a window in both directions.

    Parameters
    ----------
    in_channels
        C.
    units
        Of each direction; F is twice as many.

    Examples
    --------
    >>> BiLSTM(8, units=5)(torch.zeros(2, 8, 40)).shape
    torch.Size([2, 10, 40])
    """

    shared = False

    def __init__(self, in_channels: int, *, units: int = 32) -> None:
        super().__init__()
        check_counts("bilstm", units=units)
        self.out_channels = 2 * units
        self.lstm = nn.LSTM(in_channels, units, batch_first=True, bidirectional=True)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, 2 units, P)."""
        steps: Tensor = self.lstm(features.transpose(1, 2))[0]
        return steps.transpose(1, 2)


BLOCKS: Registry[Block] = Registry(
    "block",
    {
        "conv": Convolution,
        "circular": Circular,
        "constrained": Constrained,
        "thermodynamic": Thermodynamic,
        "dilated_residual": DilatedResidual,
        "dense_block": DenseBlock,
        "pool": MaxPool,
        "attention": SelfAttention,
        "bilstm": BiLSTM,
    },
)


def _middle(features: Tensor, count: int) -> Tensor:
    """Return ``count`` positions from the middle."""
    start = (features.shape[-1] - count) // 2
    return features[..., start : start + count]
