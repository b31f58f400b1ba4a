"""DeeperBind: convolution, then recurrent layers over every position (Hassanzadeh & Wang 2016)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts
from holdfast.models.pooled import PooledModel, Stage
from holdfast.models.recurrent import LSTM

__all__ = ["DeeperBind"]


class DeeperBind(PooledModel):
    """DeepBind's convolution without its pooling: 5 filters of 11 bp, stacked LSTMs over positions, the last state.

    The order of sites, which a global maximum forgets, stays visible; windows may have any length. The convolution is
    shared between the windows of a context, the recurrent layers read every window.

    Parameters
    ----------
    width
        Of the filters, in bp.
    filters
        Their number.
    units
        Of the stacked LSTMs, first to last.
    dropout
        After each LSTM.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        If a size is not positive, or there is no LSTM.

    References
    ----------
    Hassanzadeh & Wang (2016), doi:10.48550/arXiv.1611.05777, in the reading of the authors' public code: ReLU after the
    convolution, LSTMs of 30 and 20 units along the sequence, the last position's state, one dense unit; 35-bp probes
    and a squared loss there. The recurrent cell itself (sigmoid gates, forget bias 1) is recalled.

    Examples
    --------
    >>> import torch
    >>> model = DeeperBind()
    >>> sum(p.numel() for p in model.parameters())
    8646
    >>> model(torch.zeros(2, 4, 35)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(
        paper="Hassanzadeh & Wang (2016)",
        doi="10.48550/arXiv.1611.05777",
        window=35,
        n_parameters=8_646,
        short_window=14,
    )

    def __init__(
        self,
        width: int = 11,
        filters: int = 5,
        *,
        units: tuple[int, ...] = (30, 20),
        dropout: float = 0.2,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        if min(width, filters, *units, 1) < 1 or not units:
            raise ConfigError(
                f"deeperbind: width, filters and units are positive; got {width}, {filters} and {list(units)}"
            )
        self.stages = nn.ModuleList([Stage(nn.Sequential(nn.Conv1d(4, filters, width), nn.ReLU()))])
        self.n_tasks, self.min_window = n_tasks, self.shortest_window()
        layers = [LSTM(n_in, n_out, gate="sigmoid") for n_in, n_out in pairwise((filters, *units))]
        self.recurrent = nn.Sequential(*(layer for lstm in layers for layer in (lstm, nn.Dropout(dropout))))
        self.out = nn.Linear(units[-1], n_tasks)

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, filters, positions) features."""
        logits: Tensor = self.out(self.recurrent(features.transpose(1, 2))[:, -1])
        return logits
