"""DanQ: convolution, pooling, a recurrent layer (Quang & Xie 2016, doi:10.1093/nar/gkw226)."""

from __future__ import annotations

from torch import Tensor, nn

from holdfast.models.base import ModelFacts
from holdfast.models.layers import keras_start
from holdfast.models.pooled import PooledModel, Stage
from holdfast.models.recurrent import BiLSTM, Gate

__all__ = ["DanQ", "motif_stage"]

FILTERS, WIDTH, POOL = 320, 26, 13
UNITS = 320
HIDDEN = 925


def motif_stage() -> Stage:
    """Return the first stage of DanQ and of TBiNet: 320 filters of 26 bp, one maximum in 13 places, dropout 0.2.

    Examples
    --------
    >>> motif_stage().n_out(1000), motif_stage().n_out(900)
    (75, 67)
    """
    return Stage(nn.Sequential(nn.Conv1d(4, FILTERS, WIDTH), nn.ReLU()), pool=POOL, dropout=0.2)


class DanQ(PooledModel):
    """Convolution 26 x 320, maxima of 13, an LSTM of 320 units each way, dense 925: 46,926,479 parameters.

    Convolution and pooling are shared between the windows of a context; the recurrent layer reads every window.

    Parameters
    ----------
    window
        W; the first dense layer is built for its number of steps.
    gate
        Of the LSTM; Keras, which the authors used, means ``hard_sigmoid``.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        If the window gives no step, or the gate is unknown.

    References
    ----------
    Quang & Xie (2016), doi:10.1093/nar/gkw226; dropouts (0.2 pooled, 0.5 recurrent) as in the authors' public code.
    Trained there by RMSprop in batches of 100, stopped after 5 epochs without a better validation loss.

    Examples
    --------
    >>> import torch
    >>> model = DanQ(window=64, n_tasks=2)
    >>> model(torch.zeros(3, 4, 64)).shape, model.n_steps(64)
    (torch.Size([3, 2]), 3)
    """

    facts = ModelFacts(
        paper="Quang & Xie (2016)",
        doi="10.1093/nar/gkw226",
        window=1000,
        n_tasks=919,
        n_parameters=46_926_479,
        short_window=64,
    )

    def __init__(self, window: int = 1000, *, gate: Gate = "hard_sigmoid", n_tasks: int = 1) -> None:
        super().__init__()
        self.stages = nn.ModuleList([motif_stage()])
        self.n_tasks, self.fixed_window, self.min_window = n_tasks, window, self.shortest_window()
        self.recurrent = BiLSTM(FILTERS, UNITS, gate=gate)
        self.dropout = nn.Dropout(0.5)
        self.dense = nn.Linear(self.n_steps(window) * 2 * UNITS, HIDDEN)
        self.out = nn.Linear(HIDDEN, n_tasks)
        keras_start(self)

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, 320, steps) pooled features."""
        states = self.dropout(self.recurrent(features.transpose(1, 2)))
        logits: Tensor = self.out(self.dense(states.flatten(1)).relu())
        return logits
