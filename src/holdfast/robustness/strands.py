"""Predictions averaged over both strands: means of probabilities, as the authors of TBiNet report them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.edit import reverse_complement
from holdfast.models.base import ModelFacts, SequenceModel, loop_over_windows
from holdfast.robustness.shift import Shift

__all__ = ["StrandAverage", "Strands", "average_halves", "on_strands", "refuse_unpaired"]

Strands = Literal["given", "averaged", "halves"]
# Bases compared, and logits averaged, at a time.
NUMBERS = 1 << 20


class StrandAverage(SequenceModel):
    """A model whose probabilities are the means of another one's over a window and its reverse complement.

    Parameters
    ----------
    model
        (N, 4, W) to (N, T) logits.
    n_tasks
        T.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> averaged, sequence = StrandAverage(KmerLogistic(k=2), n_tasks=1), torch.eye(4)[None]
    >>> bool((averaged(sequence) == averaged(sequence.flip(1, 2))).all())
    True
    """

    facts = ModelFacts(paper="", window=101, n_parameters=0)

    def __init__(self, model: nn.Module, *, n_tasks: int) -> None:
        super().__init__()
        self.model, self.n_tasks = model, n_tasks
        if isinstance(model, SequenceModel):
            self.min_window, self.fixed_window = model.min_window, model.fixed_window

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return _mean_logit(self.model(sequence), self.model(sequence.flip(1, 2)))

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window; a window's reverse complement stands at the mirrored place."""
        both = [self._scan(strand, window) for strand in (sequence, sequence.flip(1, 2))]
        return _mean_logit(both[0], both[1].flip(1))

    def _scan(self, sequence: Tensor, window: int) -> Tensor:
        if isinstance(self.model, SequenceModel):
            return self.model.scan(sequence, window)
        return loop_over_windows(self.model, sequence, window)


def on_strands(model: nn.Module, strands: Strands, *, n_tasks: int) -> nn.Module:
    """Return what is asked of a model from windows to logits: of ``averaged`` strands the average, else itself."""
    return StrandAverage(model, n_tasks=n_tasks) if strands == "averaged" else model


def refuse_unpaired(data: SequenceDataset, shift: Shift, n_sampled: int | None) -> None:
    """Refuse to average halves that are no pairs, or windows that have no partner.

    Raises
    ------
    InputError
        If an example of the first half is not the reverse complement of its partner in the second.
    ConfigError
        If the windows of the threat model are not mirrored by themselves, or only some are scored.
    """
    offsets = shift.offsets
    mirrored = np.array_equal(shift.context - shift.window - offsets[::-1], offsets)
    if n_sampled is not None or shift.strands == "both" or not mirrored:
        raise ConfigError("strands 'halves' needs every window of the forward strand; choose strands 'averaged'")
    half = len(data) // 2
    rows = max(1, NUMBERS // data.context)
    for first in range(0, half, rows):
        chosen = np.arange(first, min(first + rows, half))
        partners = torch.from_numpy(data.codes_at(chosen + half))
        differ = (reverse_complement(partners).numpy() != data.codes_at(chosen)).any(axis=1)
        if differ.any():
            row = first + int(differ.argmax())
            raise InputError(
                f"example {row} is not the reverse complement of example {row + half}: the second half of these "
                f"{len(data)} examples does not pair with the first; choose strands 'averaged'"
            )
    if len(data) % 2:
        raise InputError(f"{len(data)} examples cannot be halves of one another; choose strands 'averaged'")


def average_halves(logits: NDArray[np.float32]) -> None:
    """Replace (N, K, T) logits, in place, by those of the mean probabilities of examples i and i + N/2.

    Window k of one is window K - 1 - k of the other.
    """
    half = len(logits) // 2
    rows = max(1, NUMBERS // logits[:1].size)
    for first in range(0, half, rows):
        here, there = slice(first, min(first + rows, half)), slice(first + half, min(first + rows, half) + half)
        one, other = torch.from_numpy(np.array(logits[here])), torch.from_numpy(np.array(logits[there]))
        mean = _mean_logit(one, other.flip(1))
        logits[here], logits[there] = mean.numpy(), mean.flip(1).numpy()


def _mean_logit(one: Tensor, other: Tensor) -> Tensor:
    """Return the logit of the mean of two probabilities given as logits, without rounding to 0 or 1."""
    one, other = one.float(), other.float()
    yes = torch.logaddexp(F.logsigmoid(one), F.logsigmoid(other))
    no = torch.logaddexp(F.logsigmoid(-one), F.logsigmoid(-other))
    return yes - no
