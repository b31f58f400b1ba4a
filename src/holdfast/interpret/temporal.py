"""Temporal output scores: what a model would say had it read only so far, from the left and from the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, check_values
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.models.base import SequenceModel

__all__ = ["TemporalScores", "temporal_scores"]

Unread = Literal["cut", "unknown"]
_INSTEAD = "`--unread unknown` (unread='unknown') asks about whole windows with the unread bases unknown instead"


@dataclass(frozen=True, kw_only=True, eq=False)
class TemporalScores:
    """P+ of every prefix and every suffix of N windows.

    Parameters
    ----------
    task
        Whose probability.
    unread
        What became of the bases not read.
    codes
        (N, W) uint8.
    forward
        (N, W) float32: column i is P+ of bases ``[0, i + 1)``; not-a-number where that is too short for the model.
    backward
        (N, W) float32: column i is P+ of bases ``[i, W)``.
    """

    task: int
    unread: str
    codes: Codes
    forward: NDArray[np.float32]
    backward: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)


def temporal_scores(
    model: nn.Module,
    codes: Tensor | Codes,
    *,
    task: Count = 0,
    unread: Unread = "cut",
    device: torch.device | None = None,
) -> TemporalScores:
    """Return what a model says of every prefix and every suffix of some windows.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits. To be ``cut`` for, it has to read shorter inputs: recurrent
        networks do, and so do convolutions with a global pooling.
    codes
        (N, W) uint8 windows.
    task
        Whose probability.
    unread
        ``cut``: the model gets a shorter input. ``unknown``: it gets the whole window, the bases not read unknown (N),
        which is another question, and one that every model can answer.
    device
        Where to compute; where the model is, if not given.

    Raises
    ------
    InputError
        If the model cannot read the windows, or reads one length only and is to be asked about shorter ones.

    References
    ----------
    Lanchantin et al. (2017), doi:10.1142/9789813207813_0025.

    Examples
    --------
    >>> from holdfast.models.dashboard import DashboardRNN
    >>> found = temporal_scores(DashboardRNN(), np.zeros((2, 30), dtype=np.uint8))
    >>> found.forward.shape, bool(np.isclose(found.forward[0, -1], found.backward[0, 0]))
    ((2, 30), True)
    """
    check_values(temporal_scores, {"task": task, "unread": unread}, "temporal_scores")
    windows = windows_of(codes, model, task)
    shortest = 1 if unread == "unknown" else _shortest(model, windows.shape[1])
    with asking(model, task=task, device=device) as asked:
        forward = [_part(asked, windows, 0, end, unread, shortest) for end in range(1, windows.shape[1] + 1)]
        backward = [_part(asked, windows, i, windows.shape[1], unread, shortest) for i in range(windows.shape[1])]
    return TemporalScores(
        task=task,
        unread=unread,
        codes=windows.numpy(),
        forward=np.stack(forward, axis=1),
        backward=np.stack(backward, axis=1),
    )


def _shortest(model: nn.Module, window: int) -> int:
    """Return the fewest bases that a model reads."""
    if not isinstance(model, SequenceModel):
        return 1
    if model.fixed_window is not None:
        raise InputError(
            f"{type(model).__name__} reads windows of {model.fixed_window} bp and no shorter ones, so it has no answer"
            f" on prefixes; {_INSTEAD}"
        )
    return min(model.min_window, window)


def _part(model: Asked, windows: Tensor, start: int, end: int, unread: str, shortest: int) -> NDArray[np.float32]:
    """Return (N,) P+ of the bases [start, end)."""
    if end - start < shortest:
        return np.full(len(windows), np.nan, dtype=np.float32)
    if unread == "unknown":
        read = torch.full_like(windows, UNKNOWN)
        read[:, start:end] = windows[:, start:end]
    else:
        read = windows[:, start:end]
    try:
        logits = model.logits(read)
    except RuntimeError as error:  # of torch: a foreign model's layer does not fit the length
        raise InputError(f"{type(model.model).__name__} cannot read {end - start} bp ({error}); {_INSTEAD}") from error
    return torch.from_numpy(logits).sigmoid().numpy()
