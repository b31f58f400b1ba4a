"""What a window is compared with: nothing, no base in particular, or the same bases in another order."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from holdfast.core.random import numpy_generator
from holdfast.dna.codes import UNKNOWN, one_hot
from holdfast.dna.shuffle import dinucleotide_shuffle

__all__ = ["Baseline", "baselines", "hypothetical_of", "shuffled"]

Baseline = Literal["zeros", "uniform", "dinucleotide"]


def shuffled(codes: Tensor, index: Tensor, *, count: int, seed: int) -> Tensor:
    """Return dinucleotide shuffles of each window; a shuffle belongs to an example, not to its place in a batch.

    Parameters
    ----------
    codes
        (N, W) uint8.
    index
        (N,) numbers of the examples.
    count
        K, shuffles of each.
    seed
        Another seed, other shuffles.

    Returns
    -------
    Tensor
        (N, K, W) uint8, unknown bases where they were.

    Examples
    --------
    >>> windows = torch.tensor([[0, 1, 0, 2, 0]], dtype=torch.uint8)
    >>> shuffled(windows, torch.tensor([7]), count=3, seed=0).shape
    torch.Size([1, 3, 5])
    """
    rows = codes.cpu().numpy()
    drawn = [
        dinucleotide_shuffle(np.repeat(row[None], count, axis=0), numpy_generator(seed, "references", int(number)))
        for row, number in zip(rows, index, strict=True)
    ]
    return torch.from_numpy(np.stack(drawn)).to(codes.device)


def baselines(kind: Baseline, codes: Tensor, index: Tensor, *, count: int, seed: int) -> Tensor:
    """Return what each window is compared with, (N, K, 4, W); columns of unknown bases are zeros in all of them.

    Parameters
    ----------
    kind
        ``zeros``; ``uniform``, a quarter of each base; ``dinucleotide``, shuffles of the window itself.
    codes, index, seed
        As of :func:`shuffled`.
    count
        K. Of the first two kinds there is one, whatever is asked for.

    Examples
    --------
    >>> windows, index = torch.tensor([[0, 4]], dtype=torch.uint8), torch.tensor([0])
    >>> baselines("uniform", windows, index, count=1, seed=0)[0, 0, 0].tolist()
    [0.25, 0.0]
    """
    if kind == "dinucleotide":
        return one_hot(shuffled(codes, index, count=count, seed=seed))
    known = (codes < UNKNOWN)[:, None, None].expand(-1, 1, 4, -1)
    return known * (0.25 if kind == "uniform" else 0.0)


def hypothetical_of(multipliers: Tensor, reference: Tensor) -> Tensor:
    """Return what each base would contribute in place of a reference: the multipliers times (base - reference).

    Parameters
    ----------
    multipliers, reference
        (..., 4, W).
    """
    return multipliers - (multipliers * reference).sum(dim=-2, keepdim=True)
