"""Attacks by shifting the window. The object that trains a model is the object that tests it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import ConfigError
from holdfast.core.parameters import check_fields
from holdfast.core.random import draw, mix_seed
from holdfast.core.registry import Registry
from holdfast.data.batch import Batch
from holdfast.robustness.losses import CrossEntropy, ShiftLoss
from holdfast.robustness.scan import score
from holdfast.robustness.shift import Shift

__all__ = ["ATTACKS", "CentreShift", "RandomShift", "SampledWorstShift", "ShiftAttack", "WorstShift"]


@dataclass(frozen=True, kw_only=True)
class ShiftAttack(ABC):
    """Chooses one window for each example.

    A subclass says which choices it may try; scoring them and keeping the worst is done here, once, so a window
    nobody tried cannot be returned.

    Parameters
    ----------
    shift
        The threat model.
    loss
        What the adversary maximises.
    seed
        Of the draws, where there are any.
    """

    shift: Shift
    loss: ShiftLoss = field(default_factory=CrossEntropy)
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    @abstractmethod
    def candidates(self, index: Tensor, legal: Tensor, round_: int) -> Tensor:
        """Return which choices each example may be shown.

        Parameters
        ----------
        index
            (N,) int64 numbers of the examples in their data set.
        legal
            (N, K) bool, the choices of ``shift`` that each example's core allows.
        round_
            Another round (an epoch, a repetition), other draws.

        Returns
        -------
        Tensor
            (N, M) int64 choices in the order they are tried; -1 fills a row that has fewer.
        """

    @final
    def choose(self, model: nn.Module, batch: Batch, *, round_: int = 0) -> Tensor:
        """Return the number of the choice of greatest loss among each example's candidates.

        The model is asked in eval mode and given back as it came. Of equal losses the first tried wins. With one
        candidate the model is not asked at all.

        Returns
        -------
        Tensor
            (N,) int64 choices of ``shift``.
        """
        legal = torch.from_numpy(self.shift.legal(batch.core.cpu().numpy())).to(batch.device)
        tried = self.candidates(batch.index, legal, round_)
        if tried.shape[1] == 1:
            return self.settle(tried[:, 0], torch.zeros_like(tried[:, 0]))
        losses = self.losses(model, batch, tried).masked_fill(tried < 0, -torch.inf)
        rank = losses.argmax(dim=1)
        return self.settle(tried.gather(1, rank[:, None])[:, 0], rank)

    def settle(self, choice: Tensor, rank: Tensor) -> Tensor:
        """Return the final choice, given the worst tried one and its rank among the tried: itself."""
        return choice

    @final
    def losses(self, model: nn.Module, batch: Batch, choice: Tensor) -> Tensor:
        """Return (N, M) losses of some choices, (N, M) int64, legal or not."""
        with evaluating(model):
            logits = score(model, batch.codes, self.shift, choice)
        return self.loss(logits, batch.labels[:, None].nan_to_num(), batch.mask[:, None])

    @final
    def show(self, batch: Batch, choice: Tensor) -> Batch:
        """Return the windows that the choices stand for.

        Parameters
        ----------
        batch
            N contexts.
        choice
            (N,) int64 choices of ``shift``.
        """
        offset = torch.from_numpy(self.shift.choice_offset).to(batch.device)[choice]
        windows = batch.crop(offset, self.shift.window)
        if self.shift.strands == "forward":
            return windows
        return windows.reverse_complement(torch.from_numpy(self.shift.choice_is_reverse).to(batch.device)[choice])

    @final
    def __call__(self, model: nn.Module, batch: Batch, *, round_: int = 0) -> Batch:
        """Return each example's window of greatest loss among its candidates."""
        return self.show(batch, self.choose(model, batch, round_=round_))


class CentreShift(ShiftAttack):
    """No Shift: the centre window.

    Examples
    --------
    >>> attack = CentreShift(shift=Shift(context=12, window=8))
    >>> attack.candidates(torch.arange(2), torch.ones(2, 5, dtype=torch.bool), 0).tolist()
    [[2], [2]]
    """

    def candidates(self, index: Tensor, legal: Tensor, round_: int) -> Tensor:
        """Return the centre choice, (N, 1)."""
        return torch.full((len(index), 1), self.shift.centre_choice, device=index.device)


class RandomShift(ShiftAttack):
    """Rnd: one legal window drawn at random for each example.

    Examples
    --------
    >>> attack = RandomShift(shift=Shift(context=12, window=8))
    >>> attack.candidates(torch.arange(3), torch.ones(3, 5, dtype=torch.bool), 0).shape
    torch.Size([3, 1])
    """

    def candidates(self, index: Tensor, legal: Tensor, round_: int) -> Tensor:
        """Return one drawn choice, (N, 1)."""
        return _draw_legal(index, legal, mix_seed(self.seed, "random", round_), 1)


class WorstShift(ShiftAttack):
    """Worst: the legal window of greatest loss. Ties go to the smallest start.

    Examples
    --------
    >>> attack = WorstShift(shift=Shift(context=12, window=8))
    >>> attack.candidates(torch.arange(1), torch.ones(1, 5, dtype=torch.bool), 0).tolist()
    [[0, 1, 2, 3, 4]]
    """

    def candidates(self, index: Tensor, legal: Tensor, round_: int) -> Tensor:
        """Return every legal choice in ascending order, (N, K)."""
        every = torch.arange(self.shift.n_choices, device=index.device).expand(len(index), -1)
        return torch.where(legal, every, -1)


@dataclass(frozen=True, kw_only=True)
class SampledWorstShift(ShiftAttack):
    """Worst of ``n_try`` windows drawn without replacement, for each example.

    A lower bound of :class:`WorstShift`, equal to it when every window is drawn.

    Parameters
    ----------
    n_try
        Windows tried per example; an example whose core leaves fewer legal ones tries those.
    shared_draw
        One draw for all examples of a batch, as the authors' code has it, instead of one for each. It belongs to the
        batch's first example, so the next batch draws anew.
    legacy_first_window
        Repeat a fault of the authors' code: where no later draw is strictly worse than the first, it shows window 0
        instead of the first drawn.

    Raises
    ------
    ConfigError
        If ``n_try`` exceeds the number of choices.

    References
    ----------
    Pap & Megyeri (2022), doi:10.5220/0010769100003116, section 3. Unlike their code, examples draw on their own.

    Examples
    --------
    >>> attack = SampledWorstShift(shift=Shift(context=12, window=8), n_try=3)
    >>> attack.candidates(torch.arange(2), torch.ones(2, 5, dtype=torch.bool), 0).shape
    torch.Size([2, 3])
    """

    n_try: int = 20
    shared_draw: bool = False
    legacy_first_window: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.n_try <= self.shift.n_choices:
            raise ConfigError(f"n_try is {self.n_try}; it is 1 to {self.shift.n_choices} ({self.shift.describe()})")

    def candidates(self, index: Tensor, legal: Tensor, round_: int) -> Tensor:
        """Return distinct drawn choices, (N, n_try)."""
        who = index[:1].expand_as(index) if self.shared_draw else index
        return _draw_legal(who, legal, mix_seed(self.seed, "sampled", round_), self.n_try)

    def settle(self, choice: Tensor, rank: Tensor) -> Tensor:
        """Return window 0 where the first draw was the worst, if the authors' fault is asked for."""
        return torch.where(rank == 0, 0, choice) if self.legacy_first_window else choice


def _draw_legal(index: Tensor, legal: Tensor, seed: int, count: int) -> Tensor:
    """Return ``count`` distinct legal choices per example in random order, -1 where there are fewer."""
    order = draw(index, legal.shape[1], seed).masked_fill(~legal, 2.0)
    choice = order.argsort(dim=1, stable=True)[:, :count]
    return torch.where(legal.gather(1, choice), choice, -1)


ATTACKS: Registry[ShiftAttack] = Registry(
    "attack",
    {"centre": CentreShift, "random": RandomShift, "worst": WorstShift, "worst-of-n": SampledWorstShift},
)
