"""A quadratic form of the bases, whose interactions are all known."""

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.dna.codes import Codes, one_hot

W = 7


class Quadratic(nn.Module):
    """Half x'Ax plus w'x, for the second of two tasks; the first is linear."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        square = torch.randn(4, W, 4, W, generator=generator)
        self.form = nn.Parameter(square + square.permute(2, 3, 0, 1))
        self.weight = nn.Parameter(torch.randn(4, W, generator=generator))

    def forward(self, sequence: Tensor) -> Tensor:
        linear = torch.einsum("nbw,bw->n", sequence, self.weight)
        square = torch.einsum("naw,awbv,nbv->n", sequence, self.form, sequence)
        return torch.stack([linear, linear + square / 2], dim=1)


def windows(n: int = 3, length: int = W) -> Codes:
    return np.random.default_rng(0).integers(0, 4, (n, length), dtype=np.uint8)


def hot(codes: Codes) -> np.ndarray:
    return one_hot(torch.from_numpy(codes)).numpy().astype(np.float64)
