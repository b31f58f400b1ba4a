"""TBiNet: DanQ's first stage, attention over its steps, a recurrent layer (Park et al. 2020)."""

from __future__ import annotations

from torch import Tensor, nn

from holdfast.models.base import ModelFacts
from holdfast.models.danq import FILTERS, UNITS, motif_stage
from holdfast.models.layers import keras_start
from holdfast.models.pooled import PooledModel
from holdfast.models.recurrent import BiLSTM, Gate

__all__ = ["TBiNet"]

HIDDEN = 695


class TBiNet(PooledModel):
    """Convolution 26 x 320, maxima of 13, attention, an LSTM of 320 units each way, dense 695.

    35,515,816 parameters at 1,000 bp and 690 tasks, 31,957,416 at 900 bp. The attention is one weight a step: a dense
    unit on the step's features, softmax over the steps. Nothing is scaled back by their number, so what reaches the
    LSTM is smaller by about that number. Convolution and pooling are shared between the windows of a context.

    Parameters
    ----------
    window
        W; the first dense layer is built for its number of steps.
    gate
        Of the LSTM; ``hard_sigmoid`` as in the Keras that the authors, and Pap & Megyeri (2022), trained with.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        If the window gives no step, or the gate is unknown.

    References
    ----------
    Park et al. (2020), doi:10.1038/s41598-020-70218-4, and the authors' public code. Trained there by Adam at 1e-3 in
    batches of 100.

    Examples
    --------
    >>> import torch
    >>> model = TBiNet(window=64, n_tasks=2).eval()
    >>> sequence = torch.zeros(3, 4, 64)
    >>> model(sequence).shape, model.attention(sequence).shape
    (torch.Size([3, 2]), torch.Size([3, 3]))
    """

    facts = ModelFacts(
        paper="Park et al. (2020)",
        doi="10.1038/s41598-020-70218-4",
        window=1000,
        n_tasks=690,
        n_parameters=35_515_816,
        short_window=64,
    )

    def __init__(self, window: int = 1000, *, gate: Gate = "hard_sigmoid", n_tasks: int = 1) -> None:
        super().__init__()
        self.stages = nn.ModuleList([motif_stage()])
        self.n_tasks, self.fixed_window, self.min_window = n_tasks, window, self.shortest_window()
        self.score = nn.Linear(FILTERS, 1)
        self.recurrent = BiLSTM(FILTERS, UNITS, gate=gate)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(self.n_steps(window) * 2 * UNITS, HIDDEN)
        self.out = nn.Linear(HIDDEN, n_tasks)
        keras_start(self)

    def attention(self, sequence: Tensor) -> Tensor:
        """Return the attention on each step, (N, steps), of (N, 4, W) windows; rows sum to 1."""
        return self._weights(self.pooled(sequence).transpose(1, 2))[..., 0]

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, 320, steps) pooled features."""
        steps = features.transpose(1, 2)
        states = self.dropout(self.recurrent(steps * self._weights(steps)))
        logits: Tensor = self.out(self.dense(states.flatten(1)).relu())
        return logits

    def _weights(self, steps: Tensor) -> Tensor:
        weights: Tensor = self.score(steps).softmax(dim=1)
        return weights
