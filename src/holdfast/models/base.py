"""The contract of a model, and the fast exact scan of every window at once.

Convolutions with valid padding commute with shifts: the features of all windows of a context are slices of one feature
map. So a model whose trunk is made of such layers, and whose pooling is a reduction over positions, is evaluated on
all S windows for about the price of one.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.dna.codes import Codes

__all__ = ["ClosedFormModel", "SequenceModel", "WindowModel"]


class SequenceModel(nn.Module):
    """A network from DNA to logits.

    ``forward(sequence)`` takes (N, 4, W) one-hot, rows A, C, G, T, unknown bases zero, and returns (N, T) logits,
    one per task. Subclasses set ``n_tasks`` and may set ``min_window``, the shortest input they can read.
    """

    n_tasks: int
    min_window: int = 1

    @abstractmethod
    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the regularisation term of the training loss (zero unless the model has one)."""
        return self(sequence), torch.zeros((), device=sequence.device)

    def parameter_groups(self) -> list[dict[str, object]]:
        """Return optimiser groups: matrices decay, biases and scales do not."""
        decay = [p for p in self.parameters() if p.requires_grad and p.ndim > 1]
        keep = [p for p in self.parameters() if p.requires_grad and p.ndim <= 1]
        return [{"params": decay}, {"params": keep, "weight_decay": 0.0}]


class WindowModel(SequenceModel):
    """A model whose trunk commutes with shifts: trunk over the context, reduction of every window, head.

    The three steps are the model; ``forward`` is the scan of a context that is one window long, so the two cannot
    drift apart.
    """

    @abstractmethod
    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return stride-1 feature maps (N, C, L - R + 1) of a (N, 4, L) context, R being each map's receptive field."""

    @abstractmethod
    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return the (N, S, F) features of the S windows of ``window`` bp."""

    @abstractmethod
    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits of (..., F) window features."""

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return self.scan(sequence, sequence.shape[-1])[:, 0]

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return the logits of every window of a context.

        Parameters
        ----------
        sequence
            (N, 4, L) one-hot contexts.
        window
            W, at most L.

        Returns
        -------
        Tensor
            (N, S, T), S = L - W + 1; entry i belongs to window [i, i + W).
        """
        return self.head(self.reduce_windows(self.trunk(sequence), window))


class ClosedFormModel(WindowModel):
    """A model that is solved for rather than trained by gradient steps."""

    @abstractmethod
    def fit_windows(self, codes: Codes, labels: NDArray[np.int8]) -> None:
        """Set the weights from (N, W) uint8 windows and (N, T) labels: 1 bound, 0 unbound, -1 unknown."""
