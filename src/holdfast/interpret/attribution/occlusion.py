"""Occlusion: what a run of bases is worth, by putting something else in its place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Size
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit
from holdfast.interpret.attribution.references import Baseline, baselines
from holdfast.models.base import edited_logits
from holdfast.models.edits import Edits

__all__ = ["Occlusion"]


@dataclass(frozen=True, kw_only=True)
class Occlusion(Attribution):
    """The logit less the logit with a run of bases replaced; a position gets the mean of the runs that cover it.

    The last run ends with the window, whatever the stride. A model shares between the occluded copies of a window what
    no replacement reaches.

    Parameters
    ----------
    width
        Of a run, in bp.
    stride
        Positions between the starts of two runs, at most the width.
    replacement
        ``zeros``; ``uniform``, a quarter of each base; ``dinucleotide``, the same places of shuffles of the window.
    shuffles
        Of each window, over which ``dinucleotide`` is averaged.

    Raises
    ------
    ConfigError
        If runs would leave positions out.

    References
    ----------
    Zeiler & Fergus (2014), arXiv:1311.2901.
    """

    width: Size = 10
    stride: Size = 1
    replacement: Baseline = "zeros"
    shuffles: Size = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride > self.width:
            raise ConfigError(f"occlusion: stride is {self.stride}, width {self.width}; runs would leave positions out")

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return one value per position: the mean worth of the runs that cover it."""
        sequence, start = one_hot(codes), self._starts(codes.shape[1]).to(codes.device)
        edits, n_copies = self._edits(codes, index, start)
        replaced = edited_logits(model.model, sequence, edits)[:, model.task]
        worth = model(sequence) - replaced.view(len(start), n_copies, len(codes)).mean(dim=1)  # (starts, N)
        place = torch.arange(codes.shape[1], device=codes.device)
        covers = ((place >= start[:, None]) & (place < start[:, None] + self.width)).to(worth)
        return Explained(per_base=worth.T @ covers / covers.sum(dim=0))

    def _edits(self, codes: Tensor, index: Tensor, start: Tensor) -> tuple[Edits, int]:
        """Return all occluded copies, by start, then by what is put instead, then by example; and the number of those.

        Neighbouring starts stand side by side: what an edit reaches is then much the same.
        """
        instead = baselines(self.replacement, codes, index, count=self.shuffles, seed=self.seed)
        runs = instead.unfold(3, self.width, 1)[:, :, :, start]  # (N, K, 4, starts, width)
        shape = (len(start), instead.shape[1], len(codes))
        edits = Edits(
            example=torch.arange(len(codes), device=codes.device).expand(shape).flatten(),
            start=start[:, None, None].expand(shape).flatten(),
            values=runs.permute(3, 1, 0, 2, 4).flatten(0, 2),
        )
        return edits, instead.shape[1]

    def _starts(self, window: int) -> Tensor:
        if self.width > window:
            raise InputError(f"occlusion: runs of {self.width} bp do not fit into windows of {window} bp")
        last = window - self.width
        return torch.tensor(sorted({*range(0, last + 1, self.stride), last}))
