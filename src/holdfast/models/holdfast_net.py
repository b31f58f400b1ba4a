"""Our own default: a small network made so that sliding the window costs nothing and moves it little."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from holdfast.core.parameters import ShareBelowOne, Size, checked
from holdfast.models.base import ModelFacts, WindowModel
from holdfast.models.edits import Edits, SharedStep, sum_of_edits
from holdfast.models.layers import sliding_mean

__all__ = ["HoldfastNet"]

# exp(6): one site cannot outweigh a whole window of others without bound.
LARGEST_EXPONENT = 6.0
# Added before the logarithm of a mean of exponentials.
SMALLEST_MEAN = 1e-3


class HoldfastNet(WindowModel):
    """Two layers of exponential convolutions, averaged over positions and strands, and a dense head.

    The exponential activation reads a convolution as a binding energy and its exponential as a weight. The mean of the
    weights over all places and both strands of a window is a partition sum over binding sites, as in thermodynamic
    models of transcription-factor binding; its logarithm is a feature. A site that leaves the window takes its own
    weight with it and nothing else, so such features move little under a shift.

    Convolutions are valid and of stride 1, and pooling is a mean over positions, so all windows of a context are
    scored in one pass; strands are pooled together, so a sequence and its reverse complement get one answer.

    Parameters
    ----------
    widths
        Of the first- and second-layer filters, in positions.
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
    Exponential activations: Koo & Ploenzke (2021), doi:10.1038/s42256-020-00291-x. The rest was found by measurement
    on validation data.

    Examples
    --------
    >>> model = HoldfastNet().eval()
    >>> sum(p.numel() for p in model.parameters())
    91713
    >>> model(torch.zeros(2, 4, 75)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(paper="holdfast", window=101, n_parameters=91_713, strands="both, weights added")
    both_strands = True

    @checked
    def __init__(
        self,
        widths: tuple[Size, Size] = (9, 9),
        filters: tuple[Size, Size] = (128, 64),
        *,
        hidden: Size = 64,
        dropout: ShareBelowOne = 0.3,
        n_tasks: Size = 1,
    ) -> None:
        super().__init__()
        self.widths, self.n_tasks = (widths[0], widths[1]), n_tasks
        self.min_window = sum(self.widths) - 1
        self.conv1 = nn.Conv1d(4, filters[0], widths[0])
        self.norm1 = nn.BatchNorm1d(filters[0])
        self.conv2 = nn.Conv1d(filters[0], filters[1], widths[1])
        self.norm2 = nn.BatchNorm1d(filters[1])
        self.norm3 = nn.BatchNorm1d(sum(filters))
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(sum(filters), hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, n_tasks),
        )

    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return both layers' weights summed over strands, (N, C, positions); place p is that of the forward strand."""
        both = torch.cat([sequence, sequence.flip(1, 2)])
        first = self._first(both)
        return _over_strands(first), _over_strands(self._second(first))

    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return the logarithm of each layer's mean weight in each window, (N, S, F)."""
        first, second = features
        width = window - self.widths[0] + 1
        means = [sliding_mean(first, width), sliding_mean(second, width - self.widths[1] + 1)]
        return torch.log(torch.cat(means, dim=1) + SMALLEST_MEAN).transpose(1, 2)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows: weights where an edit reaches, on either strand."""
        strands = [self._strand_editor(strand) for strand in (sequence, sequence.flip(1, 2))]
        window = sequence.shape[-1]
        width = window - self.widths[0] + 1

        def ask(edits: Edits) -> Tensor:
            forward, reverse = strands[0](edits), strands[1](edits.on_other_strand(window))
            means = [(forward[0] + reverse[0]) / width, (forward[1] + reverse[1]) / (width - self.widths[1] + 1)]
            return self.head(torch.log(torch.cat(means, dim=1) + SMALLEST_MEAN))

        return ask

    def _strand_editor(self, sequence: Tensor) -> Callable[[Edits], tuple[Tensor, Tensor]]:
        """Return what gives both layers' (M, F) summed weights of edited copies of one strand."""
        first = self._first(sequence)
        step_1 = SharedStep(self._first, sequence, span=self.widths[0])
        step_2 = SharedStep(self._second, first, span=self.widths[1])
        sum_1, sum_2 = sum_of_edits(first), sum_of_edits(self._second(first))

        def ask(edits: Edits) -> tuple[Tensor, Tensor]:
            changed = step_1(edits)
            return sum_1(changed), sum_2(step_2(changed))

        return ask

    def _first(self, sequence: Tensor) -> Tensor:
        return _exponential(self.norm1(self.conv1(sequence)))

    def _second(self, first: Tensor) -> Tensor:
        return _exponential(self.norm2(self.conv2(first)))

    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits of (..., F) window features."""
        flat: Tensor = self.dense(self.norm3(pooled.flatten(0, -2)))
        return flat.view(*pooled.shape[:-1], self.n_tasks)


def _exponential(energy: Tensor) -> Tensor:
    return torch.exp(energy.clamp(max=LARGEST_EXPONENT))


def _over_strands(weights: Tensor) -> Tensor:
    """Return forward plus reverse; place p of the one strand is place P - 1 - p of the other."""
    forward, reverse = weights.chunk(2)
    return forward + reverse.flip(-1)
