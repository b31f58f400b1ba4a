"""Maps made of one gradient of the logit with respect to the input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.core.errors import InputError
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit

__all__ = ["CorrectedGradient", "GradientTimesInput", "Saliency", "input_gradient", "without_gradient"]

# What explains a model that has no gradient.
ANY_MODEL = "explain it by 'ism' or 'occlusion'"


def input_gradient(model: TaskLogit, sequence: Tensor, *, instead: str = ANY_MODEL) -> Tensor:
    """Return the gradient of each example's own logit with respect to its input, (N, 4, W).

    Parameters
    ----------
    model
        In eval mode.
    sequence
        (N, 4, W), one-hot or relaxed.
    instead
        What to do with a model that has no gradient.

    Raises
    ------
    InputError
        If the model reads its input in a way that has no gradient.
    """
    with torch.enable_grad():
        asked = sequence.detach().requires_grad_()
        logit = model(asked).sum()
        (gradient,) = torch.autograd.grad(logit, asked, allow_unused=True) if logit.requires_grad else (None,)
    if gradient is None:
        raise InputError(without_gradient(model, instead=instead))
    return gradient


def without_gradient(model: TaskLogit, *, instead: str = ANY_MODEL) -> str:
    """Return what to say of a model that reads its input in a way that has no gradient."""
    return f"{type(model.model).__name__} has no gradient with respect to the bases; {instead}"


@dataclass(frozen=True, kw_only=True)
class GradientTimesInput(Attribution):
    """The gradient of the logit; at the base that is there, its product with the input.

    References
    ----------
    Shrikumar et al. (2017), arXiv:1605.01713.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the gradient as hypothetical contributions."""
        return Explained(hypothetical=input_gradient(model, one_hot(codes)))


@dataclass(frozen=True, kw_only=True)
class Saliency(Attribution):
    """How steep the logit is at each position: the greatest absolute gradient over the four bases.

    References
    ----------
    Simonyan et al. (2013), arXiv:1312.6034.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return one value of 0 or more per position."""
        return Explained(per_base=input_gradient(model, one_hot(codes)).abs().amax(dim=1))


@dataclass(frozen=True, kw_only=True)
class CorrectedGradient(Attribution):
    """The gradient less its mean over the four bases: only differences between bases count on a one-hot input.

    References
    ----------
    Majdandzic et al. (2023), doi:10.1186/s13059-023-02956-3.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the corrected gradient as hypothetical contributions."""
        gradient = input_gradient(model, one_hot(codes))
        return Explained(hypothetical=gradient - gradient.mean(dim=1, keepdim=True))
