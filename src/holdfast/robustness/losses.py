"""What an adversary maximises: one number per example and window.

The authors clamp probabilities at 1e-4, which makes saturated windows tie (and ties go to the smallest start). Without
the clamp the order of windows is the order of their margins, to the last bit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from holdfast.core.parameters import check_fields
from holdfast.core.registry import Registry

__all__ = ["LOSSES", "BinaryCrossEntropy", "CrossEntropy", "MeanSquaredError", "ShiftLoss", "ZeroOne"]


class ShiftLoss(ABC):
    """A per-example loss of logits (..., T) against labels and mask that broadcast to them."""

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
        """Return (...) losses: the mean over an example's known labels, zero where none is known."""
        mask = mask.expand_as(logits)
        per_task = torch.where(mask, self.per_task(logits, labels), 0.0)
        return per_task.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)

    @abstractmethod
    def per_task(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return (..., T) losses, one per task."""


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(ShiftLoss):
    """-ln p of the right call, the mean over tasks (`bce`).

    Parameters
    ----------
    clamp
        Least probability, as the authors' 1e-4; None for the exact loss.

    Examples
    --------
    >>> loss = BinaryCrossEntropy()(torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    >>> round(loss.item(), 4)
    0.6931
    """

    clamp: Annotated[float, Field(gt=0, lt=1)] | None = None

    def __post_init__(self) -> None:
        check_fields(self, "loss")

    def per_task(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return softplus of minus the margin, at most -ln(clamp)."""
        loss = F.softplus(-_margin(logits, labels))
        return loss if self.clamp is None else loss.clamp(max=-math.log(self.clamp))


class CrossEntropy(BinaryCrossEntropy):
    """-ln p of the true class (`xe`): with a softmax over two classes this is `bce` of their difference."""


class MeanSquaredError(ShiftLoss):
    """Squared error summed over both class probabilities (`mse`)."""

    def per_task(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return 2 (p - y)^2."""
        return 2 * torch.sigmoid(-_margin(logits, labels)).square()


class ZeroOne(ShiftLoss):
    """1 where the call is wrong (`zero-one`): mostly ties, so mostly the smallest start."""

    def per_task(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return 1 where the call differs from the label."""
        return ((logits > 0) != (labels > 0.5)).to(logits.dtype)


def _margin(logits: Tensor, labels: Tensor) -> Tensor:
    return logits * (2 * labels - 1)


LOSSES: Registry[ShiftLoss] = Registry(
    "loss", {"xe": CrossEntropy, "bce": BinaryCrossEntropy, "mse": MeanSquaredError, "zero-one": ZeroOne}
)
