"""The three networks of the Deep Motif Dashboard (Lanchantin et al. 2017), doi:10.1142/9789813207813_0025."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts, SequenceModel
from holdfast.models.pooled import MaximumReadModel, Stage
from holdfast.models.recurrent import LSTM, BiLSTM

__all__ = ["DashboardCNN", "DashboardCNNRNN", "DashboardRNN", "bound_minus_unbound", "convolution_stages"]

# Of the convolutions, in bp; DeMo may have a fourth.
WIDTHS = (9, 5, 3, 3)
FILTERS = 128
UNITS = 32
DROPOUT = 0.5
# Zeros on both sides of the recurrent networks' convolution, which keep its length.
SIDE = WIDTHS[0] // 2

_PAPER, _DOI = "Lanchantin et al. (2017)", "10.1142/9789813207813_0025"


class DashboardCNN(MaximumReadModel):
    """Convolutions of 9, 5 and 3 positions with pooling between them, the global maximum, two classes.

    The authors' log-softmax over two classes equals the sigmoid of the logit z1 - z0 returned here.

    Parameters
    ----------
    filters
        Of each convolution.
    dropout
        After each convolution.
    n_tasks
        T; each task has its own pair of outputs.

    References
    ----------
    Lanchantin et al. (2017), doi:10.1142/9789813207813_0025, and the authors' public code.

    Examples
    --------
    >>> model = DashboardCNN()
    >>> sum(p.numel() for p in model.parameters()), model.n_steps(101)
    (136322, 19)
    """

    facts = ModelFacts(paper=_PAPER, doi=_DOI, window=101, n_parameters=136_322)

    def __init__(self, filters: int = FILTERS, *, dropout: float = DROPOUT, n_tasks: int = 1) -> None:
        super().__init__()
        self.n_tasks = n_tasks
        self.stages = convolution_stages(3, filters, dropout)
        self.out = nn.Linear(filters, 2 * n_tasks)
        self.min_window = self.shortest_window()

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of the (M, F, 1) maxima of M windows."""
        return bound_minus_unbound(self.out(features[..., 0]))


class DashboardRNN(SequenceModel):
    """A network of two recurrent layers, one along the sequence and one against it; their mean states are classified.

    Parameters
    ----------
    units
        Of each direction.
    both_directions
        Without, only the layer along the sequence is there.
    dropout
        Of the states.
    n_tasks
        T; each task has its own pair of outputs.

    References
    ----------
    Lanchantin et al. (2017), doi:10.1142/9789813207813_0025, and the authors' public code: sigmoid gates, one bias,
    normal first weights of variance 1 / (units + inputs), forget bias 1.

    Examples
    --------
    >>> sum(p.numel() for p in DashboardRNN().parameters())
    9602
    """

    facts = ModelFacts(paper=_PAPER, doi=_DOI, window=101, n_parameters=9_602, short_window=20)

    def __init__(
        self, units: int = UNITS, *, both_directions: bool = True, dropout: float = DROPOUT, n_tasks: int = 1
    ) -> None:
        super().__init__()
        self.n_tasks = n_tasks
        self.states = _Recurrent(4, units, both_directions, dropout)
        self.out = nn.Linear(self.states.n_out, 2 * n_tasks)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return bound_minus_unbound(self.out(self.states(sequence)))


class DashboardCNNRNN(SequenceModel):
    """A convolution of 9 positions, zero padded, and on it the recurrent network.

    Parameters
    ----------
    filters
        Of the convolution.
    units
        Of each direction.
    both_directions
        Without, only the layer along the sequence is there.
    dropout
        Of the states.
    n_tasks
        T; each task has its own pair of outputs.

    References
    ----------
    As :class:`DashboardRNN`.

    Examples
    --------
    >>> sum(p.numel() for p in DashboardCNNRNN().parameters())
    46082
    """

    facts = ModelFacts(paper=_PAPER, doi=_DOI, window=101, n_parameters=46_082, short_window=20)

    def __init__(
        self,
        filters: int = FILTERS,
        units: int = UNITS,
        *,
        both_directions: bool = True,
        dropout: float = DROPOUT,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        self.n_tasks = n_tasks
        self.conv = nn.Conv1d(4, filters, WIDTHS[0])
        self.states = _Recurrent(filters, units, both_directions, dropout)
        self.out = nn.Linear(self.states.n_out, 2 * n_tasks)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        features = self.conv(F.pad(sequence, (SIDE, SIDE))).relu()
        return bound_minus_unbound(self.out(self.states(features)))


class _Recurrent(nn.Module):
    """States of the recurrent layers, averaged over time: (N, C, P) to (N, n_out)."""

    def __init__(self, n_in: int, units: int, both_directions: bool, dropout: float) -> None:
        super().__init__()
        self.lstm = (BiLSTM if both_directions else LSTM)(n_in, units, gate="sigmoid")
        self.dropout = nn.Dropout(dropout)
        self.n_out = units * (2 if both_directions else 1)
        for weight in (self.lstm.kernel, self.lstm.recurrent):
            nn.init.normal_(weight, std=(units + n_in) ** -0.5)

    def forward(self, features: Tensor) -> Tensor:
        states: Tensor = self.dropout(self.lstm(features.transpose(1, 2)))
        return states.mean(dim=1)


def convolution_stages(n_convolutions: int, filters: int, dropout: float) -> nn.ModuleList:
    """Return convolutions with rectifier and dropout, and a maximum over two positions between them.

    Parameters
    ----------
    n_convolutions
        1 to 4; their widths are 9, 5, 3 and 3 positions.
    filters
        Of each.
    dropout
        After each.

    Raises
    ------
    ConfigError
        If there are no widths for so many, or no filters.
    """
    if not 1 <= n_convolutions <= len(WIDTHS) or filters < 1:
        raise ConfigError(
            f"{n_convolutions} convolutions of {filters} filters: expected 1 to {len(WIDTHS)}, of 1 or more"
        )
    n_in = [4] + [filters] * (n_convolutions - 1)
    return nn.ModuleList(
        Stage(
            nn.Sequential(nn.Conv1d(n_in[i], filters, WIDTHS[i]), nn.ReLU()),
            pool=2 if i < n_convolutions - 1 else 1,
            dropout=dropout,
        )
        for i in range(n_convolutions)
    )


def bound_minus_unbound(pair: Tensor) -> Tensor:
    """Return (..., T) logits z1 - z0 of (..., 2 T) outputs, unbound first in each pair.

    Examples
    --------
    >>> bound_minus_unbound(Tensor([[1.0, 3.0, 0.0, -1.0]])).tolist()
    [[2.0, -1.0]]
    """
    return pair[..., 1::2] - pair[..., 0::2]
