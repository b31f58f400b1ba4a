"""Models whose maps are known exactly, and how far each attribution method is from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cleaner_explanations import WINDOW
from holdfast.core.errors import InputError
from holdfast.dna.codes import UNKNOWN, one_hot
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.attribution.references import shuffled
from holdfast.motifs.database import jaspar_motif

__all__ = ["closed_forms"]


class Linear(nn.Module):
    """Adds up a weight for every base at every position."""

    def __init__(self, window: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(4, window))

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, 1) logits."""
        return (sequence * self.weight).sum(dim=(1, 2))[:, None]


class BestPlace(nn.Module):
    """The log odds of the best place of a matrix."""

    def __init__(self, odds: Tensor) -> None:
        super().__init__()
        self.odds = nn.Parameter(odds[None])

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, 1) logits."""
        return torch.conv1d(sequence, self.odds).amax(dim=-1)


def closed_forms(factors: Sequence[str]) -> list[dict[str, Any]]:
    """Return how far maps are from those that are known exactly."""
    return [*of_linear_model(), *(of_best_place(factor) for factor in factors)]


def of_linear_model() -> list[dict[str, Any]]:
    """Return the largest difference of each method's contributions from what the weights say."""
    windows = torch.randint(0, 4, (8, WINDOW), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    model = Linear(WINDOW)
    there = (one_hot(windows) * model.weight.detach()).sum(dim=1)
    centred = there - model.weight.detach().mean(dim=0)
    steepest = model.weight.detach().abs().amax(dim=0).expand_as(there)
    expected = dict.fromkeys(ATTRIBUTIONS, there) | {
        "saliency": steepest,
        "corrected-gradient": centred,
        "ism": centred,
    }
    for name in ("expected-gradients", "deepshap"):
        against = one_hot(shuffled(windows, torch.arange(8), count=ATTRIBUTIONS[name]().references, seed=0))
        expected[name] = there - (against * model.weight.detach()).sum(dim=2).mean(dim=1)
    rows = []
    for name, wanted in expected.items():
        method = ATTRIBUTIONS[name](**({"width": 1} if name == "occlusion" else {}))
        try:
            found = method(model, windows)
        except InputError as error:
            rows.append({"model": "linear", "method": name, "refused": str(error)})
            continue
        row = {"largest_difference": float(np.abs(found.per_base - wanted.numpy()).max())}
        row |= {} if found.gap is None else {"largest_gap": float(np.abs(found.gap).max())}
        rows.append({"model": "linear", "method": name, **row})
    return rows


def of_best_place(factor: str) -> dict[str, Any]:
    """Return how far mutagenesis of a matrix's best place is from the matrix, its consensus among unknown bases."""
    motif = jaspar_motif(factor)
    odds = torch.from_numpy(np.log(motif.probabilities / 0.25)).float()
    odds -= odds.mean(dim=0)
    codes = torch.full((1, 3 * motif.width), UNKNOWN, dtype=torch.uint8)
    site = slice(motif.width, 2 * motif.width)
    codes[:, site] = odds.argmax(dim=0).to(torch.uint8)
    found = ATTRIBUTIONS["ism"]()(BestPlace(odds), codes)
    assert found.hypothetical is not None
    difference = np.abs(found.hypothetical[0, :, site] - odds.numpy()).max()
    return {"model": f"best place of {motif.source}", "method": "ism", "largest_difference": float(difference)}
