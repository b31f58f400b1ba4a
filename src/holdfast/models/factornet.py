"""FactorNet: convolution, pooling, a recurrent layer, both strands averaged (Quang & Xie 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts
from holdfast.models.layers import keras_start
from holdfast.models.recurrent import BiLSTM, Gate
from holdfast.models.tracked import Inputs, TrackedModel, motif_block

__all__ = ["FactorNet"]


class FactorNet(TrackedModel):
    """One convolution, a dense layer a position, maxima, an LSTM each way, dense; the strands' probabilities averaged.

    Parameters
    ----------
    window
        W.
    width
        Of the convolution; the released models have 34.
    n_filters
        F.
    pool
        Positions under one maximum; the released models have 17.
    n_units
        Of the LSTM, a direction.
    n_dense
        Units of the dense layers.
    dropout
        After the convolution.
    recurrent_dropout
        After the LSTM.
    dense_dropout
        After the dense layers; the released models have none.
    merge
        ``mean`` or ``max`` of the two strands' probabilities.
    gate
        Of the LSTM.
    tracks
        Names of the signal tracks beside the bases, such as ``uniqueness`` and ``dnase``.
    n_static
        G, numbers that join behind the first dense layer and are read by a second one; 0 goes without both.
    assume_tracks, assume_static
        What to take for granted where no tracks or static numbers are given. Without it, missing is an error.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        If a setting is impossible or the window gives no step.

    References
    ----------
    Quang & Xie (2019), doi:10.1016/j.ymeth.2019.03.020, and the authors' released models. Trained there by Adam at 1e-3
    for at most 100 epochs.

    Examples
    --------
    >>> model = FactorNet(window=90)
    >>> model(torch.zeros(2, 4, 90)).shape, model.n_steps(1002)
    (torch.Size([2, 1]), 75)
    """

    facts = ModelFacts(
        paper="Quang & Xie (2019)",
        doi="10.1016/j.ymeth.2019.03.020",
        window=1002,
        n_parameters=328_385,
        strands="both, merged probabilities",
        short_window=64,
    )

    def __init__(
        self,
        window: int = 1002,
        *,
        width: int = 26,
        n_filters: int = 32,
        pool: int = 13,
        n_units: int = 32,
        n_dense: int = 64,
        dropout: float = 0.1,
        recurrent_dropout: float = 0.5,
        dense_dropout: float = 0.5,
        merge: Literal["mean", "max"] = "mean",
        gate: Gate = "hard_sigmoid",
        tracks: Sequence[str] = (),
        n_static: int = 0,
        assume_tracks: Mapping[str, float] | None = None,
        assume_static: Sequence[float] | None = None,
        n_tasks: int = 1,
    ) -> None:
        inputs = Inputs(tracks=tracks, n_static=n_static, assume_tracks=assume_tracks, assume_static=assume_static)
        super().__init__(inputs, merge)
        if min(width, n_filters, pool, n_units, n_dense) < 1:
            raise ConfigError("factornet: widths and numbers of units are 1 or more")
        self.n_tasks = n_tasks
        stage = motif_block(self.n_channels, n_filters, width=width, n_convolutions=1, pool=pool, dropout=dropout)
        self.stages = nn.ModuleList([stage])
        self.fixed_window, self.min_window = window, self.shortest_window()
        self.lstm = BiLSTM(n_filters, n_units, gate=gate)
        self.first = nn.Linear(self.n_steps(window) * 2 * n_units, n_dense)
        self.second = nn.Linear(n_dense + n_static, n_dense) if n_static else None
        self.out = nn.Linear(n_dense, n_tasks)
        self.recurrent_dropout, self.dense_dropout = nn.Dropout(recurrent_dropout), nn.Dropout(dense_dropout)
        keras_start(self)

    def read_strand(self, features: Tensor, static: Tensor | None) -> Tensor:
        """Return (M, T) logits of one strand from its pooled features (M, F, K) and static numbers (M, G)."""
        states = self.recurrent_dropout(self.states(features))
        hidden = self.dense_dropout(self.first(states.flatten(1)).relu())
        if self.second is not None:
            assert static is not None
            hidden = self.dense_dropout(self.second(torch.cat([hidden, static], dim=1)).relu())
        logits: Tensor = self.out(hidden)
        return logits

    def states(self, features: Tensor) -> Tensor:
        """Return the (M, K, 2U) states of the recurrent layer."""
        states: Tensor = self.lstm(features.transpose(1, 2))
        return states
