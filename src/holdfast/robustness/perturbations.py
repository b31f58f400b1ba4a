"""Adversaries that leave the window where it is and change its numbers: relaxed one-hot inputs in a sup-norm ball.

Every entry of the (4, W) one-hot input may move by up to epsilon, so what the model is shown is no sequence any more.
Unlike windows, such inputs cannot all be tried: what a search finds is a lower bound of the worst loss, never the worst
itself. The object that trains a model is the object that tests it, as with shifts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Positive, Size, check_fields
from holdfast.core.random import draw, mix_seed
from holdfast.core.registry import Registry
from holdfast.data.batch import Batch
from holdfast.robustness.losses import CrossEntropy, ShiftLoss

__all__ = ["PERTURBATIONS", "FastGradientSign", "Perturbation", "ProjectedGradient", "UniformNoise"]


@dataclass(frozen=True, kw_only=True)
class Perturbation(ABC):
    """Changes each example's one-hot input by at most epsilon an entry.

    A subclass says where it goes; that nothing leaves the ball is seen to here, once. Inputs are not rounded to bases
    again, and not cut to [0, 1]. An unknown base, a column of zeros, may be moved like any other.

    Parameters
    ----------
    epsilon
        Radius of the ball in the sup norm. From 0.5 on two different sequences have inputs in common.
    loss
        What the adversary maximises: of several tasks, the mean over the known ones.
    seed
        Of the draws, where there are any.
    """

    name: ClassVar[str]
    """What tables call it."""

    epsilon: Positive = 0.1
    loss: ShiftLoss = field(default_factory=CrossEntropy)
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    @property
    def words(self) -> str:
        """Name and radius, and what else decides how hard it tries."""
        return f"{self.name}, epsilon {self.epsilon:g}"

    @abstractmethod
    def run(self, model: nn.Module, batch: Batch, round_: int) -> Tensor:
        """Return (N, 4, W) inputs, in the ball or not; the model may be asked, in eval mode."""

    @final
    def __call__(self, model: nn.Module, batch: Batch, *, round_: int = 0) -> Tensor:
        """Return the perturbed inputs of a batch of windows.

        The model is asked in eval mode, its parameters get no gradients, and it is given back as it came. An example's
        input does not depend on what else is in the batch.

        Parameters
        ----------
        model
            (N, 4, W) to (N, T) logits.
        batch
            N windows.
        round_
            Another round (an epoch, a repetition), other draws.

        Returns
        -------
        Tensor
            (N, 4, W), at most epsilon from the one-hot input in every entry, without a gradient.

        Raises
        ------
        InputError
            If a gradient is needed and the model or the loss has none, or it is not finite.
        """
        with evaluating(model):
            found = self.run(model, batch, round_)
        return self.projected(found, batch.one_hot())

    @final
    def projected(self, moved: Tensor, clean: Tensor) -> Tensor:
        """Return the point of the ball around ``clean`` nearest to ``moved``, (N, 4, W) each."""
        return clean + (moved.detach() - clean).clamp(-self.epsilon, self.epsilon)

    @final
    def drawn(self, batch: Batch, round_: int) -> Tensor:
        """Return the one-hot inputs plus uniform noise, (N, 4, W): drawn by (seed, example, round)."""
        clean = batch.one_hot()
        numbers = draw(batch.index, clean[0].numel(), mix_seed(self.seed, "perturbation", round_))
        return clean + self.epsilon * (2 * numbers - 1).view_as(clean).to(clean.dtype)


class UniformNoise(Perturbation):
    """Noise: every entry moves by a number drawn uniformly from [-epsilon, epsilon]; nothing is searched for.

    Examples
    --------
    >>> UniformNoise(epsilon=0.2).words
    'noise, epsilon 0.2'
    """

    name = "noise"

    def run(self, model: nn.Module, batch: Batch, round_: int) -> Tensor:
        """Return the drawn inputs; the model is not asked."""
        return self.drawn(batch, round_)


class _Climb(Perturbation):
    """Follows the gradient of the loss and keeps, of all inputs tried, each example's of greatest loss.

    The clean input is always tried first, so no loss is ever below the clean one.
    """

    @abstractmethod
    def climb(self, trial: _Trial, batch: Batch, round_: int) -> None:
        """Try inputs, starting from the clean one, which is tried already."""

    @final
    def run(self, model: nn.Module, batch: Batch, round_: int) -> Tensor:
        """Return the input of greatest loss; of equal ones the first tried."""
        with torch.enable_grad(), _differentiable(model):
            trial = _Trial(self, model, batch)
            self.climb(trial, batch, round_)
        return trial.best


class FastGradientSign(_Climb):
    """FGSM: one step of epsilon along the sign of the gradient.

    References
    ----------
    Goodfellow et al. (2015), arXiv:1412.6572; on DNA: Koo et al. (2019), doi:10.1101/657437.

    Examples
    --------
    >>> FastGradientSign().words
    'FGSM, epsilon 0.1'
    """

    name = "FGSM"

    def climb(self, trial: _Trial, batch: Batch, round_: int) -> None:
        """Try the corner that the gradient points to."""
        trial.look(trial.at + self.epsilon * trial.slope().sign())


@dataclass(frozen=True, kw_only=True)
class ProjectedGradient(_Climb):
    """PGD: steps along the sign of the gradient, each cut back to the ball.

    Parameters
    ----------
    steps
        How many.
    step_size
        Of one; None: 2.5 epsilon / steps, enough to cross the ball.
    random_start
        Begin at a drawn point of the ball rather than at the clean input.

    References
    ----------
    Madry et al. (2018), arXiv:1706.06083; on DNA: Koo et al. (2019), doi:10.1101/657437.

    Examples
    --------
    >>> ProjectedGradient(steps=5).words
    'PGD, epsilon 0.1, 5 steps of 0.05'
    """

    name = "PGD"
    steps: Size = 10
    step_size: Positive | None = None
    random_start: bool = False

    @property
    def step(self) -> float:
        """Size of a step."""
        return 2.5 * self.epsilon / self.steps if self.step_size is None else self.step_size

    @property
    def words(self) -> str:
        """Name, radius, steps and start."""
        start = ", random start" if self.random_start else ""
        return f"{super().words}, {self.steps} steps of {self.step:g}{start}"

    def climb(self, trial: _Trial, batch: Batch, round_: int) -> None:
        """Try every point on the way."""
        if self.random_start:
            trial.look(self.drawn(batch, round_))
        for _ in range(self.steps):
            trial.look(trial.at + self.step * trial.slope().sign())


class _Trial:
    """Where a climb stands, and each example's input of greatest loss so far."""

    def __init__(self, perturbation: Perturbation, model: nn.Module, batch: Batch) -> None:
        self.perturbation, self.model, self.batch = perturbation, model, batch
        self.clean = batch.one_hot()
        self.best = self.clean
        self._best_loss = torch.full((len(batch),), -torch.inf, device=batch.device)
        self.look(self.clean)

    def look(self, moved: Tensor) -> None:
        """Go to the nearest point of the ball and ask the model there."""
        self.at = self.perturbation.projected(moved, self.clean).requires_grad_()
        labels, mask = self.batch.labels.nan_to_num(), self.batch.mask
        self.loss = self.perturbation.loss(self.model(self.at), labels, mask).float()
        higher = self.loss.detach() > self._best_loss
        self.best = torch.where(higher[:, None, None], self.at.detach(), self.best)
        self._best_loss = torch.where(higher, self.loss.detach(), self._best_loss)

    def slope(self) -> Tensor:
        """Return the (N, 4, W) gradient of each example's own loss here."""
        name = type(self.model).__name__
        # The examples' losses do not depend on each other in eval mode, so the sum's gradient holds each one's own.
        total = self.loss.sum()
        found = torch.autograd.grad(total, self.at, allow_unused=True)[0] if total.requires_grad else None
        if found is None:
            raise InputError(
                f"{name} under the loss {type(self.perturbation.loss).__name__} has no gradient with respect to its "
                f"input, so {self.perturbation.words} has nothing to follow; choose noise or substitutions"
            )
        if not bool(torch.isfinite(found).all()):
            raise InputError(f"{name}: the gradient with respect to the input is not finite")
        return found


@contextmanager
def _differentiable(model: nn.Module) -> Iterator[None]:
    """Let recurrent layers be differentiated in eval mode, which cuDNN's own cannot be."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in model.modules())
    with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not recurrent):
        yield


PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbation", {"noise": UniformNoise, "fgsm": FastGradientSign, "pgd": ProjectedGradient}
)
