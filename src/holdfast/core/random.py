"""Randomness is an argument. A draw belongs to an example, not to its place in a batch.

A stateful generator gives an example another number when the batch size changes. The draws here are a hash of
(seed, example, column) instead, so the same example gets the same window whatever the batch size, the order, the
number of workers or the device.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

__all__ = ["draw", "mix_seed", "numpy_generator", "torch_generator"]

# splitmix64 (Steele, Lea & Flood 2014) on int64 tensors, whose products wrap round as unsigned ones do.
_GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)
_MIX_1 = 0xBF58476D1CE4E5B9 - (1 << 64)
_MIX_2 = 0x94D049BB133111EB - (1 << 64)


def mix_seed(*parts: int | str) -> int:
    """Return a 63-bit seed that depends on every part, so that streams for different purposes do not meet.

    Examples
    --------
    >>> mix_seed(1, "dropout", 3) == mix_seed(1, "dropout", 3), mix_seed(1, "dropout", 3) == mix_seed(1, "dropout", 4)
    (True, False)
    """
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def numpy_generator(seed: int, *purpose: int | str) -> np.random.Generator:
    """Return numpy's generator for a seed and a purpose."""
    return np.random.default_rng(mix_seed(seed, *purpose))


def torch_generator(seed: int, *purpose: int | str) -> torch.Generator:
    """Return a CPU torch generator for a seed and a purpose."""
    return torch.Generator().manual_seed(mix_seed(seed, *purpose))


def draw(index: Tensor, columns: int, seed: int) -> Tensor:
    """Return uniform numbers in [0, 1), one row per example.

    Parameters
    ----------
    index
        (N,) int64, the examples' own numbers in their data set.
    columns
        Numbers per example.
    seed
        Another seed, other numbers.

    Returns
    -------
    Tensor
        (N, columns) float64; row n depends on ``index[n]`` and the seed alone.

    Examples
    --------
    >>> both = draw(torch.tensor([5, 7]), 3, seed=0)
    >>> bool((both[1] == draw(torch.tensor([7]), 3, seed=0)[0]).all())
    True
    """
    column = torch.arange(columns, device=index.device, dtype=torch.int64)
    start = torch.tensor(mix_seed(seed, "draw"), device=index.device, dtype=torch.int64)
    state = _mix(_mix(start + index.to(torch.int64)[:, None] * _GAMMA) + (column + 1) * _GAMMA)
    return _shift_right(state, 11).to(torch.float64) * 2.0**-53


def _mix(state: Tensor) -> Tensor:
    state = (state ^ _shift_right(state, 30)) * _MIX_1
    state = (state ^ _shift_right(state, 27)) * _MIX_2
    return state ^ _shift_right(state, 31)


def _shift_right(state: Tensor, bits: int) -> Tensor:
    return (state >> bits) & ((1 << (64 - bits)) - 1)
