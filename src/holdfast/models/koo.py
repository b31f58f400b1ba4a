"""Koo's networks: what the first filters learn is decided by the pooling behind them and by their activation."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts
from holdfast.models.pooled import DenselyReadModel, Padding, Stage

__all__ = ["CNN2", "CNN50", "CNNDeep"]

Activation = Literal["relu", "exponential"]
HIDDEN = 512
EDDY = ModelFacts(
    paper="Koo & Eddy (2019)",
    doi="10.1371/journal.pcbi.1007560",
    window=200,
    n_tasks=12,
    n_parameters=160_048,
    short_window=126,
)


class Exponential(nn.Module):
    """The exponential as an activation."""

    def forward(self, features: Tensor) -> Tensor:
        """Return exp of every value."""
        return features.exp()


class KooCNN(DenselyReadModel):
    """Stages, a dense layer of 512, batch normalisation throughout, L2 of 1e-6 on every kernel but the last.

    Layers before a normalisation have no bias. With ``same`` padding the windows of a context share nothing; ``valid``
    padding lets every stage be shared.

    Parameters
    ----------
    stages
        From the sequence on.
    n_filters
        Of the last stage.
    window
        W; the dense layer is built for its number of positions.
    n_tasks
        T.
    """

    l2_kernel = 1e-6

    def __init__(self, stages: list[Stage], n_filters: int, *, window: int, n_tasks: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.n_tasks, self.fixed_window, self.min_window = n_tasks, window, self.shortest_window()
        self.dense = nn.Linear(self.n_steps(window) * n_filters, HIDDEN, bias=False)
        self.head = nn.Sequential(normalisation(HIDDEN), nn.ReLU(), nn.Dropout(0.5), nn.Linear(HIDDEN, n_tasks))

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, 512, 1) hidden features."""
        logits: Tensor = self.head(features[..., 0])
        return logits

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the L2 term."""
        kernels = [layer.weight for layer in self.stages.modules() if isinstance(layer, nn.Conv1d)]
        squares = torch.stack([kernel.square().sum() for kernel in (*kernels, self.dense.weight)])
        return self(sequence), self.l2_kernel * squares.sum()


class CNN2(KooCNN):
    """Convolutions 19 x 30 and 5 x 128, maxima of 2 after the first and of 50 after the second: 160,048 parameters.

    The small first pooling leaves the second layer enough places to put whole motifs together from parts, so first
    filters learn parts of motifs; :class:`CNN50` is the counterpart.

    Parameters
    ----------
    activation
        Of the first layer: ``relu`` as published, or ``exponential``.
    padding
        Of both convolutions: ``same`` as published, or ``valid``, which scans fast.
    window
        W.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        An unknown activation or padding, or a window that is too short.

    References
    ----------
    Koo & Eddy (2019), doi:10.1371/journal.pcbi.1007560, sizes and order of layers as in the authors' public code;
    trained there by Adam in batches of 100. Exponential: Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x. The
    momentum and epsilon of the normalisation are Keras's.

    Examples
    --------
    >>> CNN2(window=200)(torch.zeros(2, 4, 200)).shape
    torch.Size([2, 1])
    """

    facts = EDDY

    def __init__(
        self, activation: Activation = "relu", *, padding: Padding = "same", window: int = 200, n_tasks: int = 1
    ) -> None:
        super().__init__(_two_stages(activation, padding, (2, 50)), 128, window=window, n_tasks=n_tasks)


class CNN50(KooCNN):
    """Convolutions 19 x 30 and 5 x 128, maxima of 50 after the first and of 2 after the second: 160,048 parameters.

    The large first pooling forgets where in 50 places a feature stood, so first filters have to learn whole motifs;
    :class:`CNN2` is the counterpart.

    Parameters
    ----------
    activation
        Of the first layer: ``relu`` as published, or ``exponential``.
    padding
        Of both convolutions: ``same`` as published, or ``valid``, which scans fast and reads at least 318 bp.
    window
        W.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        An unknown activation or padding, or a window that is too short.

    References
    ----------
    As :class:`CNN2`. One revision of the authors' code has L1 of 1e-6 as well, which is not here.

    Examples
    --------
    >>> CNN50(window=200)(torch.zeros(2, 4, 200)).shape
    torch.Size([2, 1])
    """

    facts = EDDY

    def __init__(
        self, activation: Activation = "relu", *, padding: Padding = "same", window: int = 200, n_tasks: int = 1
    ) -> None:
        super().__init__(_two_stages(activation, padding, (50, 2)), 128, window=window, n_tasks=n_tasks)


class CNNDeep(KooCNN):
    """Four convolutions, 19 x 32, 7 x 48, 7 x 96 and 3 x 128, maxima of 4, 4 and 3 from the second on.

    286,700 parameters at 200 bp and 12 tasks.

    Parameters
    ----------
    activation
        Of the first layer: ``relu``, or ``exponential``, which makes its filters readable as motifs.
    padding
        Of the first two convolutions: ``same`` as published, or ``valid``, which scans fast. The others are valid.
    window
        W.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        An unknown activation or padding, or a window that is too short.

    References
    ----------
    Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x, sizes, dropouts and order of layers as in the authors' public
    code; trained there by Adam at 1e-3 in batches of 100, rate x 0.2 after 5 epochs without progress.

    Examples
    --------
    >>> CNNDeep(window=200)(torch.zeros(2, 4, 200)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(
        paper="Koo & Ploenzke (2021)",
        doi="10.1038/s42256-020-00291-x",
        window=200,
        n_tasks=12,
        n_parameters=286_700,
        short_window=128,
    )

    def __init__(
        self, activation: Activation = "relu", *, padding: Padding = "same", window: int = 200, n_tasks: int = 1
    ) -> None:
        stages = [
            Stage(_block(4, 32, 19, activation, dropout=0.1), padding=padding),
            Stage(_block(32, 48, 7, dropout=0.2), pool=4, padding=padding),
            Stage(_block(48, 96, 7, dropout=0.3), pool=4),
            Stage(_block(96, 128, 3, dropout=0.4), pool=3),
        ]
        super().__init__(stages, 128, window=window, n_tasks=n_tasks)


def normalisation(n_features: int) -> nn.BatchNorm1d:
    """Return a batch normalisation with Keras's epsilon and momentum."""
    return nn.BatchNorm1d(n_features, eps=1e-3, momentum=0.01)


def _two_stages(activation: Activation, padding: Padding, pools: tuple[int, int]) -> list[Stage]:
    blocks = _block(4, 30, 19, activation), _block(30, 128, 5)
    return [Stage(block, pool=pool, dropout=0.1, padding=padding) for block, pool in zip(blocks, pools, strict=True)]


def _block(n_in: int, n_out: int, width: int, activation: Activation = "relu", *, dropout: float = 0.0) -> nn.Module:
    if activation not in get_args(Activation):
        raise ConfigError(f"the first activation is one of {', '.join(get_args(Activation))}; got '{activation}'")
    squash = Exponential() if activation == "exponential" else nn.ReLU()
    return nn.Sequential(nn.Conv1d(n_in, n_out, width, bias=False), normalisation(n_out), squash, nn.Dropout(dropout))
