"""In-silico mutagenesis: what every single substitution does to the logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit

__all__ = ["InSilicoMutagenesis", "substitution_effects"]

# Bases of mutants in flight.
MUTANT_BASES = 64 * 1024


def substitution_effects(model: TaskLogit, codes: Tensor) -> Tensor:
    """Return what putting each base at each position does to the logit, (N, 4, W); 0 for the base that is there.

    Parameters
    ----------
    model
        In eval mode.
    codes
        (N, W) uint8 windows.
    """
    n, window = codes.shape
    place, base = torch.arange(window).repeat_interleave(4), torch.arange(4).repeat(window)
    effects = codes.new_zeros((n, window * 4), dtype=torch.float32)
    reference = model(one_hot(codes))
    rows = max(1, MUTANT_BASES // window)
    for number, sequence in enumerate(codes):
        for start in range(0, 4 * window, rows):
            which = slice(start, min(start + rows, 4 * window))
            mutants = sequence.repeat(which.stop - which.start, 1)
            mutants[torch.arange(len(mutants)), place[which]] = base[which].to(mutants)
            effects[number, which] = (model(one_hot(mutants)) - reference[number]).float()
    effects = effects.view(n, window, 4).transpose(1, 2)
    return torch.where(one_hot(codes).bool(), 0.0, effects)


@dataclass(frozen=True, kw_only=True)
class InSilicoMutagenesis(Attribution):
    """Effects of all substitutions; each column less its mean, so that the base that is there gets its own worth.

    References
    ----------
    Zhou & Troyanskaya (2015), doi:10.1038/nmeth.3547.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the centred effects as hypothetical contributions."""
        effects = substitution_effects(model, codes)
        return Explained(hypothetical=effects - effects.mean(dim=1, keepdim=True))
