"""The training loss: what one step minimises."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.models.base import SequenceModel

__all__ = ["Objective"]


class Objective(nn.Module):
    """Mean binary cross-entropy over the known labels, plus the model's own penalty.

    With one task this is the authors' cross-entropy over two classes. It wraps the model so that data-parallel
    training sees one forward pass.

    Parameters
    ----------
    model
        A network from DNA to logits.
    label_smoothing
        Moves every label this far towards one half, times two.
    """

    def __init__(self, model: SequenceModel, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.model, self.label_smoothing = model, label_smoothing

    def forward(self, sequence: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return the scalar loss of (N, 4, W) windows with (N, T) labels, NaN where ``mask`` is false."""
        logits, penalty = self.model.penalised_forward(sequence)
        target = labels.nan_to_num() * (1 - 2 * self.label_smoothing) + self.label_smoothing
        loss = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
        return torch.where(mask, loss, 0.0).sum() / mask.sum().clamp(min=1) + penalty
