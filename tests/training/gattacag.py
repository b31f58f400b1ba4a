"""A small data set with a motif, a threat model that fits it, and a model that learns it in seconds."""

import numpy as np
import torch

from holdfast.data.dataset import SequenceDataset
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.robustness.shift import Shift

SHIFT = Shift(context=40, window=32)


def dataset(n: int = 480, seed: int = 0) -> SequenceDataset:
    """Positives carry GATTACAG somewhere in the middle; two in eight examples are for validation."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 40), dtype=np.uint8)
    labels = (np.arange(n) % 2).astype(np.int8)[:, None]
    for row in np.flatnonzero(labels[:, 0]):
        start = rng.integers(8, 24)
        codes[row, start : start + 8] = [2, 0, 3, 3, 0, 1, 0, 2]
    return SequenceDataset.in_memory(codes, labels, split=np.isin(np.arange(n) % 8, (3, 4)).astype(np.uint8))


def small_model(seed: int = 0) -> HoldfastNet:
    torch.manual_seed(seed)
    return HoldfastNet(widths=(5, 4), filters=(16, 8), hidden=8)
