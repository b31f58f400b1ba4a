"""The two-layer convolutional network of Pap & Megyeri (2022), doi:10.5220/0010769100003116."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.parameters import Size, checked
from holdfast.models.base import ModelFacts, WindowModel
from holdfast.models.edits import Edits, SharedStep, max_of_edits
from holdfast.models.layers import keras_start, sliding_max
from holdfast.models.padded import max_over_padded_windows

__all__ = ["PapMegyeriCNN"]

WIDTHS = (24, 12)
FILTERS = (256, 64)
HIDDEN = 500
RECEPTIVE_FIELD = sum(WIDTHS) - 1
# Zero padding ('same') changes what stands within these many positions of a window's left and right end.
PAD_1, PAD_2 = ((WIDTHS[0] - 1) // 2, WIDTHS[0] // 2), ((WIDTHS[1] - 1) // 2, WIDTHS[1] // 2)


class PapMegyeriCNN(WindowModel):
    """Convolutions 24 x 256 and 12 x 64, global maximum, dense 500: 255,006 parameters at any length.

    The paper's softmax over (unbound, bound) equals the sigmoid of the logit z1 - z0 returned here.

    Parameters
    ----------
    padding
        ``same`` as the authors' code, or ``valid``, which commutes with shifts and scans in one pass.
    regularised
        With the authors' L2 on both kernels, L1 on both pre-activations, and dropout; the paper's starred rows go
        without all three.
    n_tasks
        T; each task has its own pair of outputs.

    References
    ----------
    Architecture and regularisers: the authors' public code. The paper names neither padding nor regularisers.

    Examples
    --------
    >>> model = PapMegyeriCNN()
    >>> sum(p.numel() for p in model.parameters())
    255006
    >>> model(torch.zeros(2, 4, 75)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(paper="Pap & Megyeri (2022)", doi="10.5220/0010769100003116", window=101, n_parameters=255_006)
    l2_kernel = 5e-4
    l1_activity = 5e-5

    @checked
    def __init__(
        self, padding: Literal["same", "valid"] = "same", *, regularised: bool = True, n_tasks: Size = 1
    ) -> None:
        super().__init__()
        self.padding, self.regularised, self.n_tasks = padding, regularised, n_tasks
        self.min_window = RECEPTIVE_FIELD if padding == "valid" else 1
        self.conv1 = nn.Conv1d(4, FILTERS[0], WIDTHS[0])
        self.conv2 = nn.Conv1d(FILTERS[0], FILTERS[1], WIDTHS[1])
        self.dense = nn.Linear(FILTERS[1], HIDDEN)
        self.dropout = nn.Dropout(0.5 if regularised else 0.0)
        self.out = nn.Linear(HIDDEN, 2 * n_tasks)
        keras_start(self)

    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return both layers' valid feature maps: (N, 256, L - 23) and (N, 64, L - 34)."""
        first = self.conv1(sequence).relu_()
        return first, self.conv2(first).relu_()

    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return the global maximum of the second layer in each window, (N, S, 64)."""
        return sliding_max(features[-1], window - RECEPTIVE_FIELD + 1).transpose(1, 2)

    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits: bound minus unbound."""
        pair: Tensor = self.out(self.dropout(self.dense(pooled).relu_()))
        return pair[..., 1::2] - pair[..., 0::2]

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        logits, _ = self.penalised_forward(sequence)
        return logits

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the authors' L1 and L2 terms (zero without regularisation)."""
        pad_1, pad_2 = (PAD_1, PAD_2) if self.padding == "same" else ((0, 0), (0, 0))
        first = self.conv1(F.pad(sequence, pad_1))
        second = self.conv2(F.pad(first.relu(), pad_2))
        logits = self.head(second.relu().amax(dim=-1))
        if not self.regularised:
            return logits, logits.new_zeros(())
        kernels = self.conv1.weight.square().sum() + self.conv2.weight.square().sum()
        activity = (first.abs().sum() + second.abs().sum()) / len(sequence)
        return logits, self.l2_kernel * kernels + self.l1_activity * activity

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window; ``same`` recomputes only what its padding changes."""
        if self.padding == "valid":
            return super().scan(sequence, window)
        if window <= RECEPTIVE_FIELD:  # nearly every position feels the padding: nothing to share
            n_windows = sequence.shape[-1] - window + 1
            return torch.stack([self(sequence[..., i : i + window]) for i in range(n_windows)], dim=1)
        return self.head(max_over_padded_windows(sequence, self.conv1, self.conv2, window))

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows: both layers where an edit reaches, then maxima."""
        pad_1, pad_2 = (PAD_1, PAD_2) if self.padding == "same" else ((0, 0), (0, 0))
        padded = F.pad(sequence, pad_1)
        first = F.pad(self.conv1(padded).relu_(), pad_2)
        step_1 = SharedStep(lambda runs: self.conv1(runs).relu_(), padded, span=WIDTHS[0], before=pad_1[0])
        step_2 = SharedStep(lambda runs: self.conv2(runs).relu_(), first, span=WIDTHS[1], before=pad_2[0])
        largest = max_of_edits(self.conv2(first).relu_())
        return lambda edits: self.head(largest(step_2(step_1(edits))))
