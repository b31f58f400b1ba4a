"""Our own default: a small network made so that sliding the window costs nothing and moves it little."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.models.base import WindowModel
from holdfast.models.layers import sliding_max, sliding_mean

__all__ = ["HoldfastNet"]

# exp(6): a filter's match cannot outweigh a whole window of others without bound.
LARGEST_EXPONENT = 6.0
# Added before a logarithm of a mean of exponentials.
SMALLEST_MEAN = 1e-3


class HoldfastNet(WindowModel):
    """Two layers of exponential convolutions, pooled over positions and strands, and a dense head.

    The exponential activation reads a convolution as a binding energy and its exponential as a weight; the mean of
    the weights over a window is a partition sum over binding sites (the thermodynamic view of transcription-factor
    binding), and its logarithm goes to the head. The first layer's maximum is added, so that one strong site counts.
    Convolutions are valid and stride 1 and pooling is a reduction over positions, so all windows of a context are
    scored in one pass; both strands are pooled together, so a sequence and its reverse complement get one answer.

    Parameters
    ----------
    widths
        Of the first- and second-layer filters, in bp and positions.
    filters
        Filters per layer.
    hidden
        Units of the head.
    dropout
        Before each dense layer.
    n_tasks
        T.

    References
    ----------
    Exponential first layers: Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x.

    Examples
    --------
    >>> model = HoldfastNet().eval()
    >>> model(torch.zeros(2, 4, 75)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        widths: tuple[int, int] = (9, 9),
        filters: tuple[int, int] = (128, 64),
        *,
        hidden: int = 64,
        dropout: float = 0.3,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        widths, filters = (widths[0], widths[1]), (filters[0], filters[1])
        self.widths, self.n_tasks = widths, n_tasks
        self.min_window = sum(widths) - 1
        self.conv1 = nn.Conv1d(4, filters[0], widths[0])
        self.norm1 = nn.BatchNorm1d(filters[0])
        self.conv2 = nn.Conv1d(filters[0], filters[1], widths[1])
        self.norm2 = nn.BatchNorm1d(filters[1])
        n_pooled = 2 * filters[0] + filters[1]
        self.norm3 = nn.BatchNorm1d(n_pooled)
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(n_pooled, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_tasks),
        )
        with torch.no_grad():
            self.conv1.weight.mul_(0.5)  # keeps first exponents small

    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return both layers' weights on both strands: (2 N, C, positions), the reverse strand last."""
        both = torch.cat([sequence, sequence.flip(1, 2)])
        first = _exponential(self.norm1(self.conv1(both)))
        return first, _exponential(self.norm2(self.conv2(first)))

    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return (N, S, F): maximum and mean of the first layer, logarithm of the mean of the second."""
        first, second = features
        width_1 = window - self.widths[0] + 1
        width_2 = width_1 - self.widths[1] + 1
        strongest, reverse = sliding_max(first, width_1).chunk(2)
        pooled = [
            torch.maximum(strongest, reverse.flip(-1)),
            _both_strands(sliding_mean(first, width_1)),
            torch.log(_both_strands(sliding_mean(second, width_2)) + SMALLEST_MEAN),
        ]
        return torch.cat(pooled, dim=1).transpose(1, 2)

    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits of (..., F) window features."""
        flat: Tensor = self.dense(self.norm3(pooled.flatten(0, -2)))
        return flat.view(*pooled.shape[:-1], self.n_tasks)


def _exponential(energy: Tensor) -> Tensor:
    return torch.exp(energy.clamp(max=LARGEST_EXPONENT))


def _both_strands(pooled: Tensor) -> Tensor:
    """Return forward plus reverse; window i of the one strand is window S - 1 - i of the other."""
    forward, reverse = pooled.chunk(2)
    return forward + reverse.flip(-1)
