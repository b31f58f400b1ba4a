"""DeepGRN: FactorNet's stages with attention before or after the recurrent layer (Chen et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.attention import Attention, PairwiseAttention, Positions, SingleAttention, StateAttention
from holdfast.models.base import ModelFacts
from holdfast.models.layers import keras_start
from holdfast.models.recurrent import BiLSTM, Gate
from holdfast.models.tracked import Inputs, TrackedModel, motif_block

__all__ = ["AttentionKind", "DeepGRN"]

AttentionKind = Literal["none", "single_before", "single_after", "pairwise_before", "pairwise_after", "attention1d"]


class DeepGRN(TrackedModel):
    """Convolutions, maxima, an LSTM each way, attention, dense layers; both strands through the same weights.

    The example settings with six channels and 14 static features have 284,929 parameters without attention, 288,235
    with single, 293,121 with pairwise and 59,649 with attention1d.

    Parameters
    ----------
    window
        W.
    attention
        ``single_before`` or ``single_after`` the LSTM: one dense layer over the steps, shared by the channels, features
        times its softmax. ``pairwise_before`` or ``pairwise_after``: scaled dot products of all pairs of steps, added
        to the steps. ``attention1d``: the states' own softmax over steps, summed. ``none``: the paper's ablation.
    merged
        Single attention: one weight a step, the mean over channels.
    positions
        Pairwise attention: ``none``, ``learned`` or ``sinusoidal``.
    width
        Of the convolutions, k; one maximum is taken in k // 2 places.
    n_convolutions
        0, 1 or more.
    n_filters
        F.
    n_lstms
        Recurrent layers, one after the other.
    n_units
        R, a direction.
    n_dense
        D, units of the dense layers.
    n_extra_dense
        Dense layers before the last, in addition to the two that are always there.
    dropout
        After convolutions, recurrent and dense layers.
    merge
        ``mean`` or ``max`` of the two strands' probabilities.
    gate
        Of the LSTM.
    tracks
        Names of the signal tracks beside the bases; the released models have ``uniqueness`` and ``dnase``.
    n_static
        G, numbers added at the first dense layer; the released models have 14 (expression, annotation) or none.
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
    Chen et al. (2021), doi:10.1186/s12859-020-03952-1, and the authors' public code, which multiplies features by
    weights where the paper's equation 4 sums over positions. The code's dropouts inside the LSTM act only in training
    without cuDNN and are left out.

    Examples
    --------
    >>> import torch
    >>> model = DeepGRN(window=84, tracks=("dnase",), assume_tracks={"dnase": 0.5}).eval()
    >>> x = torch.zeros(2, 4, 84)
    >>> model(x).shape, [weights.shape for weights in model.attention_weights(x)]
    (torch.Size([2, 1]), [torch.Size([2, 3, 64]), torch.Size([2, 3, 64])])
    """

    facts = ModelFacts(
        paper="Chen et al. (2021)",
        doi="10.1186/s12859-020-03952-1",
        window=1002,
        n_parameters=282_987,
        strands="both, merged probabilities",
        short_window=84,
    )

    def __init__(
        self,
        window: int = 1002,
        *,
        attention: AttentionKind = "single_after",
        merged: bool = False,
        positions: Positions = "none",
        width: int = 34,
        n_convolutions: int = 1,
        n_filters: int = 64,
        n_lstms: int = 1,
        n_units: int = 32,
        n_dense: int = 64,
        n_extra_dense: int = 1,
        dropout: float = 0.1,
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
        self._check(attention, merged, positions)
        if min(n_filters, n_lstms, n_units, n_dense, width // 2) < 1 or min(n_convolutions, n_extra_dense) < 0:
            raise ConfigError("deepgrn: layers have at least one unit, there is one LSTM, and the width is 2 or more")
        self.attention_kind, self.n_tasks = attention, n_tasks
        stage = motif_block(
            self.n_channels, n_filters, width=width, n_convolutions=n_convolutions, pool=width // 2, dropout=dropout
        )
        self.stages = nn.ModuleList([stage])
        self.fixed_window, self.min_window = window, self.shortest_window()
        n_steps, n_states = self.n_steps(window), 2 * n_units
        self.lstms = nn.ModuleList(
            BiLSTM(n_states if number else n_filters, n_units, gate=gate) for number in range(n_lstms)
        )
        n_attended = n_filters if attention.endswith("before") else n_states
        self.attention = self._built(
            attention, n_steps, n_attended, n_dense=n_dense, merged=merged, positions=positions
        )
        n_flat = n_dense if attention == "attention1d" else n_steps * n_states
        self.first = nn.Linear(n_flat, n_dense)
        self.dense = nn.ModuleList(
            nn.Linear(n_dense if number else n_dense + n_static, n_dense) for number in range(1 + n_extra_dense)
        )
        self.out = nn.Linear(n_dense, n_tasks)
        self.dropout = nn.Dropout(dropout)
        keras_start(self)

    @staticmethod
    def _check(attention: str, merged: bool, positions: str) -> None:
        if attention not in get_args(AttentionKind):
            raise ConfigError(f"deepgrn: attention is one of {', '.join(get_args(AttentionKind))}; got '{attention}'")
        if merged and not attention.startswith("single"):
            raise ConfigError(f"deepgrn: merged belongs to single attention, and attention is '{attention}'")
        if positions != "none" and not attention.startswith("pairwise"):
            raise ConfigError(f"deepgrn: positions belong to pairwise attention, and attention is '{attention}'")

    @staticmethod
    def _built(
        kind: str, n_steps: int, n_features: int, *, n_dense: int, merged: bool, positions: Positions
    ) -> Attention | None:
        if kind.startswith("single"):
            return SingleAttention(n_steps, merged=merged)
        if kind.startswith("pairwise"):
            return PairwiseAttention(n_steps, n_features, positions=positions)
        return StateAttention(n_features, n_dense) if kind == "attention1d" else None

    def read_strand(self, features: Tensor, static: Tensor | None) -> Tensor:
        """Return (M, T) logits of one strand from its pooled features (M, F, K) and static numbers (M, G)."""
        states = self.states(features)
        if self.attention is not None and not self.attention_kind.endswith("before"):
            states = self.attention(states)
        return self.head(states.flatten(1), static)

    def states(self, features: Tensor) -> Tensor:
        """Return the (M, K, 2R) states of the last recurrent layer; attention before it is applied."""
        steps = features.transpose(1, 2)
        if self.attention is not None and self.attention_kind.endswith("before"):
            steps = self.attention(steps)
        for lstm in self.lstms:
            steps = self.dropout(lstm(steps))
        return steps

    def head(self, flat: Tensor, static: Tensor | None) -> Tensor:
        """Return (M, T) logits of flattened states, time-major, and static numbers."""
        features = self.first(flat).relu()
        features = self.dropout(features if static is None else torch.cat([features, static], dim=1))
        for layer in self.dense:
            features = self.dropout(layer(features).relu())
        logits: Tensor = self.out(features)
        return logits

    def attention_weights(self, sequence: Tensor, tracks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the attention on the forward and on the reverse strand, each in its own order of steps.

        Returns
        -------
        tuple[Tensor, Tensor]
            (N, K, channels) of single attention and attention1d, sums over K being 1; (N, K, K), rows summing to 1, of
            pairwise attention.

        Raises
        ------
        ConfigError
            If the model was built without attention.
        """
        if self.attention is None:
            raise ConfigError("deepgrn: attention is 'none', so there are no weights to show")
        forward, reverse = (self._weights(self.features(channels)) for channels in self.strands(sequence, tracks))
        return forward, reverse

    def _weights(self, features: Tensor) -> Tensor:
        assert self.attention is not None
        before = self.attention_kind.endswith("before")
        return self.attention.weights(features.transpose(1, 2) if before else self.states(features))
