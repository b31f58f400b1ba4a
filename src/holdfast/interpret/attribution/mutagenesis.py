"""In-silico mutagenesis: what every single substitution does to the logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit
from holdfast.models.base import edited_logits
from holdfast.models.edits import Edits

__all__ = ["InSilicoMutagenesis", "substitution_effects", "substitutions"]

# Bases of windows whose features are held at a time, to be shared by their mutants.
HELD_BASES = 8 * 1024


def substitutions(codes: Tensor) -> tuple[Edits, Tensor]:
    """Return all substitutions of some windows, neighbouring positions side by side, and the base each puts in.

    Parameters
    ----------
    codes
        (N, W) uint8 windows. An unknown base has four substitutions, any other three.

    Examples
    --------
    >>> edits, base = substitutions(torch.tensor([[0, 4]], dtype=torch.uint8))
    >>> edits.start.tolist(), base.tolist()
    ([0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 0, 1, 2, 3])
    """
    start, example, base = (one_hot(codes) == 0).permute(2, 0, 1).nonzero(as_tuple=True)
    values = torch.eye(4, device=codes.device)[base][..., None]
    return Edits(example=example, start=start, values=values), base


def substitution_effects(model: TaskLogit, codes: Tensor) -> Tensor:
    """Return what putting each base at each position does to the logit, (N, 4, W); 0 for the base that is there.

    Parameters
    ----------
    model
        In eval mode.
    codes
        (N, W) uint8 windows.
    """
    effects = torch.zeros(len(codes), 4, codes.shape[1], device=codes.device)
    rows = max(1, HELD_BASES // codes.shape[1])
    for block, filled in zip(codes.split(rows), effects.split(rows), strict=True):
        sequence = one_hot(block)
        edits, base = substitutions(block)
        change = edited_logits(model.model, sequence, edits)[:, model.task] - model(sequence)[edits.example]
        filled[edits.example, base, edits.start] = change.float()
    return effects


@dataclass(frozen=True, kw_only=True)
class InSilicoMutagenesis(Attribution):
    """Effects of all substitutions; each column less its mean, so that the base that is there gets its own worth.

    A model shares between the mutants of a window what no substitution reaches.

    References
    ----------
    Zhou & Troyanskaya (2015), doi:10.1038/nmeth.3547; sharing: Nair, Shrikumar & Kundaje (2022),
    doi:10.1093/bioinformatics/btac135.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the centred effects as hypothetical contributions."""
        effects = substitution_effects(model, codes)
        return Explained(hypothetical=effects - effects.mean(dim=1, keepdim=True))
