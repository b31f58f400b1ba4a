"""Logits of many edited copies of a window, where only what an edit can reach is computed again.

An edit replaces a run of bases. A layer whose output reads ``span`` neighbouring positions answers as before everywhere
but next to the run, so an edited copy is followed through the layers as the few values that changed and the place where
they stand; everything around them is read from the unedited window. What reduces all positions in the end, a maximum, a
sum or a dense layer, takes the unchanged part from running maxima, running sums or the unedited window's answer.
Padding, strides and pooling are exact: the changed values of a layer are a run that holds all that the edit can reach.

References
----------
Nair, Shrikumar & Kundaje (2022), fastISM, doi:10.1093/bioinformatics/btac135.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Edits", "SharedStep", "dense_of_edits", "max_of_edits", "sum_of_edits", "whole_of_edits"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edits:
    """Copies of windows, or of their features, each with a run of positions replaced.

    Parameters
    ----------
    example
        (M,) int64: which window is copied.
    start
        (M,) int64: where the run begins.
    values
        (M, C, n): what stands in the run; n is the same for all.

    Examples
    --------
    >>> edits = Edits(example=torch.tensor([0]), start=torch.tensor([1]), values=torch.ones(1, 4, 2))
    >>> edits.applied(torch.zeros(1, 4, 5))[0, 0].tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """

    example: Tensor
    start: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.example)

    @property
    def width(self) -> int:
        """Positions of the run."""
        return self.values.shape[-1]

    def split(self, rows: int) -> Iterator[Edits]:
        """Yield the edits, at most ``rows`` at a time."""
        for parts in zip(self.example.split(rows), self.start.split(rows), self.values.split(rows), strict=True):
            yield Edits(example=parts[0], start=parts[1], values=parts[2])

    def on_other_strand(self, window: int) -> Edits:
        """Return the same edits of the reverse complements of windows of ``window`` bp."""
        start = window - self.width - self.start
        return Edits(example=self.example, start=start, values=self.values.flip(1, 2))

    def applied(self, sequence: Tensor) -> Tensor:
        """Return the (M, C, P) copies of (N, C, P) windows."""
        return _overwritten(sequence[self.example], self.values, self.start)


class SharedStep:
    """One layer over positions: what it gives of edited copies, where that differs from what it gives of the window.

    Parameters
    ----------
    layer
        Maps (M, C, (n - 1) stride + span) to (M, F, n).
    features
        (N, C, P): what the layer reads of the unedited windows, padding and all.
    span
        Positions that one output reads.
    stride
        Positions between two outputs, at most the span.
    before
        How many of the positions are padding that stands before the first.

    Examples
    --------
    >>> layer, sequence = nn.Conv1d(4, 8, 3), torch.zeros(1, 4, 20)
    >>> edits = Edits(example=torch.tensor([0]), start=torch.tensor([7]), values=torch.ones(1, 4, 1))
    >>> changed = SharedStep(layer, sequence, span=3)(edits)
    >>> changed.start.tolist(), changed.width
    ([5], 3)
    >>> torch.allclose(changed.applied(layer(sequence)), layer(edits.applied(sequence)), atol=1e-6)
    True
    """

    def __init__(
        self, layer: Callable[[Tensor], Tensor], features: Tensor, *, span: int, stride: int = 1, before: int = 0
    ) -> None:
        self.layer, self.features, self.span, self.stride, self.before = layer, features, span, stride, before
        self.n_out = (features.shape[-1] - span) // stride + 1

    def __call__(self, edits: Edits) -> Edits:
        """Return the layer's output where the edits can have changed it."""
        width = min((edits.width + self.span - 2) // self.stride + 1, self.n_out)
        begin = edits.start + self.before
        first = -torch.div(self.span - 1 - begin, self.stride, rounding_mode="floor")
        first = first.clamp(0, self.n_out - width)
        run = first * self.stride
        read = _runs(self.features, edits.example, run, (width - 1) * self.stride + self.span)
        changed = self.layer(_overwritten(read, edits.values, begin - run))
        return Edits(example=edits.example, start=first, values=changed)


def whole_of_edits(features: Tensor) -> Callable[[Edits], Tensor]:
    """Return what turns edits of (N, C, P) features into the (M, C, P) features of the edited copies."""
    return lambda edits: edits.applied(features)


def max_of_edits(features: Tensor) -> Callable[[Edits], Tensor]:
    """Return what turns edits of (N, C, P) features into the edited copies' maxima over positions, (M, C)."""
    before = F.pad(features.cummax(dim=-1).values, (1, 0), value=-torch.inf)
    after = F.pad(features.flip(-1).cummax(dim=-1).values, (1, 0), value=-torch.inf).flip(-1)

    def read(edits: Edits) -> Tensor:
        around = torch.maximum(
            before[edits.example, :, edits.start], after[edits.example, :, edits.start + edits.width]
        )
        return torch.maximum(edits.values.amax(dim=-1), around)

    return read


def sum_of_edits(features: Tensor) -> Callable[[Edits], Tensor]:
    """Return what turns edits of (N, C, P) features into the edited copies' sums over positions, (M, C).

    The unchanged parts are added up from either end: nothing is subtracted, so no digits are lost.
    """
    before = F.pad(features.cumsum(dim=-1), (1, 0))
    after = F.pad(features.flip(-1).cumsum(dim=-1), (1, 0)).flip(-1)

    def read(edits: Edits) -> Tensor:
        around = before[edits.example, :, edits.start] + after[edits.example, :, edits.start + edits.width]
        return edits.values.sum(dim=-1) + around

    return read


def dense_of_edits(layer: nn.Linear, features: Tensor) -> Callable[[Edits], Tensor]:
    """Return what turns edits of (N, C, K) features into a dense layer's output for the edited copies, (M, H).

    The layer reads all positions, time-major as Keras flattens. Its weights meet only the changed positions: the rest
    is the unedited window's output.
    """
    n_channels, unedited = features.shape[1], layer(features.transpose(1, 2).flatten(1))

    def read(edits: Edits) -> Tensor:
        change = edits.values - _runs(features, edits.example, edits.start, edits.width)
        flat = change.transpose(1, 2).flatten(1)
        hidden: Tensor = unedited[edits.example]
        for start in edits.start.unique().tolist():
            rows = (edits.start == start).nonzero()[:, 0]
            columns = slice(start * n_channels, (start + edits.width) * n_channels)
            hidden[rows] += flat[rows] @ layer.weight[:, columns].T
        return hidden

    return read


def _runs(features: Tensor, example: Tensor, start: Tensor, width: int) -> Tensor:
    """Return (M, C, width): positions [start, start + width) of the named examples of (N, C, P)."""
    return features.unfold(2, width, 1)[example, :, start]


def _overwritten(runs: Tensor, values: Tensor, start: Tensor) -> Tensor:
    """Return (M, C, P) runs with (M, C, n) values from ``start`` on; what lies outside a run is dropped."""
    place = torch.arange(runs.shape[-1], device=runs.device) - start[:, None]
    inside = (place >= 0) & (place < values.shape[-1])
    index = place.clamp(0, values.shape[-1] - 1)[:, None].expand(-1, values.shape[1], -1)
    return torch.where(inside[:, None], values.gather(2, index), runs)
