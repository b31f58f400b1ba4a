"""What happens to a batch on its way into a training step."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from holdfast.core.random import draw, mix_seed
from holdfast.data.batch import Batch

__all__ = ["add_shuffled_negatives", "happens", "random_strand"]


def happens(index: Tensor, probability: float, seed: int, *purpose: int | str) -> Tensor:
    """Return an (N,) bool coin for each example, the same in any batch.

    Examples
    --------
    >>> happens(torch.arange(3), 1.0, 0, "rc").tolist()
    [True, True, True]
    """
    return draw(index, 1, mix_seed(seed, *purpose))[:, 0] < probability


def random_strand(batch: Batch, probability: float, seed: int, epoch: int) -> Batch:
    """Return the batch with some examples read from the other strand."""
    if probability == 0:
        return batch
    return batch.reverse_complement(happens(batch.index, probability, seed, "strand", epoch))


def add_shuffled_negatives(batch: Batch, seed: int, epoch: int) -> Batch:
    """Return the batch followed by copies, half of them shuffled: positions permuted and every label zero (S22).

    As in the authors' code, the batch doubles and each copy is shuffled with probability one half.
    """
    order = draw(batch.index, batch.length, mix_seed(seed, "permutation", epoch)).argsort(dim=1)
    shuffled = happens(batch.index, 0.5, seed, "shuffle", epoch)[:, None]
    copies = replace(
        batch,
        codes=torch.where(shuffled, batch.codes.gather(1, order), batch.codes),
        labels=torch.where(shuffled, 0.0, batch.labels),
        mask=batch.mask | shuffled,
        core=torch.where(shuffled, -1, batch.core),
    )
    return Batch(
        codes=torch.cat([batch.codes, copies.codes]),
        labels=torch.cat([batch.labels, copies.labels]),
        mask=torch.cat([batch.mask, copies.mask]),
        core=torch.cat([batch.core, copies.core]),
        index=torch.cat([batch.index, copies.index]),
    )
