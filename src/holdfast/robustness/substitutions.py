"""An adversary that exchanges bases: the k most harmful substitutions outside a protected core, found greedily."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Size, check_values
from holdfast.data.batch import Batch
from holdfast.dna.codes import UNKNOWN, one_hot
from holdfast.robustness.losses import CrossEntropy, ShiftLoss
from holdfast.robustness.scan import SCORE_BASES

__all__ = ["Substituted", "outside", "substitute"]


@dataclass(frozen=True, eq=False)
class Substituted:
    """What up to 0, 1, .. k substitutions do to N windows.

    Parameters
    ----------
    codes
        (N, 1 + k, W) uint8: the window itself, then with at most one, two, .. k bases exchanged.
    losses
        (N, 1 + k); no row ever falls.
    logits
        (N, 1 + k, T).
    """

    codes: Tensor
    losses: Tensor
    logits: Tensor


def outside(core: Tensor, window: int) -> Tensor:
    """Return which bases lie outside a core.

    Parameters
    ----------
    core
        (N, 2) [start, end) in the window; -1, -1 where there is none to protect.
    window
        W.

    Returns
    -------
    Tensor
        (N, W) bool.

    Examples
    --------
    >>> outside(torch.tensor([[1, 3], [-1, -1]]), 4).tolist()
    [[True, False, False, True], [True, True, True, True]]
    """
    place = torch.arange(window, device=core.device)
    return (place < core[:, :1]) | (place >= core[:, 1:])


def substitute(
    model: nn.Module, batch: Batch, free: Tensor, *, count: Size, loss: ShiftLoss | None = None
) -> Substituted:
    """Exchange up to ``count`` bases of each window, always the one that raises the loss most.

    In every round all 3 x (free bases) substitutions of every example are scored, so the first is the worst of all
    single ones; for more the search is greedy, and the worst set of ``count`` may be worse still. A round that would
    not raise an example's loss leaves it as it is. Each base is exchanged once at most; unknown ones are left alone.

    Parameters
    ----------
    model
        (N, 4, W) to (N, T) logits; asked in eval mode and given back as it came.
    batch
        N windows.
    free
        (N, W) bool, bases that may be exchanged.
    count
        k.
    loss
        What the adversary maximises; None: cross-entropy.

    Raises
    ------
    InputError
        If ``free`` does not fit the windows.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> batch = Batch(
    ...     codes=torch.zeros(1, 6, dtype=torch.uint8),
    ...     labels=torch.ones(1, 1),
    ...     mask=torch.ones(1, 1, dtype=torch.bool),
    ...     core=torch.tensor([[-1, -1]]),
    ...     index=torch.tensor([0]),
    ... )
    >>> model = KmerLogistic(k=1)
    >>> _ = torch.nn.init.constant_(model.weight[:1], 1.0)
    >>> found = substitute(model, batch, outside(torch.tensor([[1, 5]]), 6), count=3)
    >>> found.codes[0, -1].tolist(), found.logits[0, :, 0].tolist()
    ([1, 0, 0, 0, 0, 1], [6.0, 5.0, 4.0, 4.0])
    """
    count = check_values(substitute, {"model": model, "batch": batch, "count": count}, "substitute")["count"]
    if free.dtype != torch.bool or free.shape != batch.codes.shape:
        expected = f"torch.bool {tuple(batch.codes.shape)}"
        raise InputError(f"substitute: free is {free.dtype} {tuple(free.shape)}; expected {expected}")
    loss = loss or CrossEntropy()
    labels, mask = batch.labels.nan_to_num(), batch.mask
    with evaluating(model):
        codes, logits = batch.codes, model(batch.one_hot())
        steps = [(codes, loss(logits, labels, mask), logits)]
        free = free & (codes != UNKNOWN)
        for _ in range(count):
            _, before, logits = steps[-1]
            tried, tried_loss, tried_logits = _worst_single(model, batch, codes, free, loss)
            better = tried_loss > before
            free = free & ((tried == codes) | ~better[:, None])
            codes = torch.where(better[:, None], tried, codes)
            steps.append(
                (codes, torch.where(better, tried_loss, before), torch.where(better[:, None], tried_logits, logits))
            )
    return Substituted(*(torch.stack(part, dim=1) for part in zip(*steps, strict=True)))


def _worst_single(
    model: nn.Module, batch: Batch, codes: Tensor, free: Tensor, loss: ShiftLoss
) -> tuple[Tensor, Tensor, Tensor]:
    """Return each example with its worst single substitution, its (N,) loss and (N, T) logits.

    An example without a free base gets a loss of minus infinity.
    """
    rows = max(1, SCORE_BASES // (3 * codes.shape[1] ** 2))
    parts = []
    for at in torch.arange(len(codes), device=codes.device).split(rows):
        mutants = _mutants(codes[at])
        windows = one_hot(mutants.flatten(0, 1))
        logits = torch.cat([model(part) for part in windows.split(max(1, SCORE_BASES // codes.shape[1]))])
        logits = logits.unflatten(0, mutants.shape[:2])
        losses = loss(logits, batch.labels[at, None].nan_to_num(), batch.mask[at, None])
        losses = losses.masked_fill(~free[at].repeat_interleave(3, dim=1), -torch.inf)
        worst = losses.argmax(dim=1)
        row = torch.arange(len(at), device=codes.device)
        parts.append((mutants[row, worst], losses[row, worst], logits[row, worst]))
    tried, tried_loss, tried_logits = (torch.cat(part) for part in zip(*parts, strict=True))
    return tried, tried_loss, tried_logits


def _mutants(codes: Tensor) -> Tensor:
    """Return the (N, 3 W, W) single substitutions of (N, W) windows, position by position; unknown bases stay."""
    window = codes.shape[1]
    step = torch.arange(1, 4, dtype=torch.uint8, device=codes.device)
    other = torch.where(codes[..., None] == UNKNOWN, codes[..., None], (codes[..., None] + step) % 4)
    here = torch.eye(window, dtype=torch.bool, device=codes.device)[:, None]
    return torch.where(here, other[..., None], codes[:, None, None]).flatten(1, 2)
