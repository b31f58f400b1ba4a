"""The exact median of more values than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from holdfast.core.errors import InputError

__all__ = ["streamed_median"]

# A float32 is ranked by the upper half of its bits first, then by the lower half.
HALF = 16
BINS = 1 << HALF


def streamed_median(blocks: Callable[[], Iterable[Tensor]]) -> Tensor:
    """Return the median of each row over blocks of columns, the lower one of an even number, as ``Tensor.median``.

    Values are counted, not kept: the answer is exact, and takes half a megabyte a row however many columns there are.

    Parameters
    ----------
    blocks
        Gives float32 blocks of (K, n) values, n of any size, anew at each call. It is called twice.

    Returns
    -------
    Tensor
        (K,) float32, where the blocks are.

    Raises
    ------
    InputError
        If there is no block.

    Examples
    --------
    >>> parts = [torch.tensor([[3.0, -1.0]]), torch.tensor([[7.0, 0.5, -2.0]])]
    >>> streamed_median(lambda: parts)
    tensor([0.5000])
    """
    counts: Tensor | None = None
    for block in blocks():
        upper = _ordered(block) >> HALF
        counts = torch.zeros(len(block), BINS, dtype=torch.int64, device=block.device) if counts is None else counts
        _count(counts, upper + BINS // 2, torch.ones_like(upper, dtype=torch.bool))
    if counts is None:
        raise InputError("there are no values to take the median of")
    upper, rank = _bin_of(counts, (counts.sum(dim=1) - 1) // 2)
    counts.zero_()
    for block in blocks():
        order = _ordered(block)
        _count(counts, order & (BINS - 1), (order >> HALF) == (upper - BINS // 2)[:, None])
    lower, _ = _bin_of(counts, rank)
    return _value(((upper - BINS // 2) << HALF) + lower)


def _ordered(values: Tensor) -> Tensor:
    """Return int32 that stand in the order of float32 values."""
    return _turned(values.contiguous().view(torch.int32))


def _value(order: Tensor) -> Tensor:
    return _turned(order.to(torch.int32)).view(torch.float32)


def _turned(bits: Tensor) -> Tensor:
    """Turn the order of negative numbers round, which the bits of floats and whole numbers have the other way."""
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _count(counts: Tensor, bins: Tensor, counted: Tensor) -> None:
    """Count the (K, n) bins of each row where they are to be counted."""
    counts.scatter_add_(1, bins.long(), counted.long())


def _bin_of(counts: Tensor, rank: Tensor) -> tuple[Tensor, Tensor]:
    """Return the (K,) bins that hold the values of (K,) ranks, from 0, and the ranks within them."""
    found, within = torch.empty_like(rank), torch.empty_like(rank)
    for row, count in enumerate(counts):  # one at a time: bins are many
        upto = count.cumsum(dim=0)
        found[row] = torch.searchsorted(upto, rank[row], right=True).clamp(max=BINS - 1)
        within[row] = rank[row] - (upto[found[row]] - count[found[row]])
    return found, within
