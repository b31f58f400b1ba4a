"""Edits of coded sequences: crop, reverse complement."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["crop", "reverse_complement"]

ArrayOrTensor = TypeVar("ArrayOrTensor", NDArray[np.uint8], Tensor)


def crop(codes: Tensor, offset: Tensor, window: int) -> Tensor:
    """Return window ``[offset, offset + window)`` of each context.

    Parameters
    ----------
    codes
        (N, L) uint8.
    offset
        (N,) or (N, K) int64 starts.
    window
        Bases per window.

    Returns
    -------
    Tensor
        (N, window) or (N, K, window) uint8.

    Examples
    --------
    >>> crop(torch.tensor([[0, 1, 2, 3]], dtype=torch.uint8), torch.tensor([1]), 2).tolist()
    [[1, 2]]
    """
    position = offset.unsqueeze(-1) + torch.arange(window, device=codes.device)
    if offset.ndim == 1:
        return codes.gather(1, position)
    return codes[torch.arange(len(codes), device=codes.device)[:, None, None], position]


def reverse_complement(codes: ArrayOrTensor) -> ArrayOrTensor:
    """Return the other strand of (..., L) uint8 codes, read 5' to 3'; unknown bases stay unknown.

    Examples
    --------
    >>> reverse_complement(np.array([0, 0, 1, 4], dtype=np.uint8)).tolist()
    [4, 2, 3, 3]
    """
    if isinstance(codes, Tensor):
        return torch.where(codes < 4, 3 - codes, codes).flip(-1)
    return np.where(codes < 4, 3 - codes, codes)[..., ::-1].astype(np.uint8)
