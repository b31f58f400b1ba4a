"""Asking any model about one task: in eval mode, where it stands, given back as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.attribution.base import TaskLogit, check_windows, recurrent_gradients

__all__ = ["Asked", "asking", "home_of", "windows_of"]

# Bases of windows in flight: larger blocks cost more in page faults than they save.
BLOCK_BASES = 64 * 1024


class Asked(TaskLogit):
    """A model that answers for one task, and the device on which it stands.

    Parameters
    ----------
    model
        (N, 4, W) to (N, T) logits, in eval mode.
    task
        Which of the T.
    device
        Where it is.
    """

    def __init__(self, model: nn.Module, task: int, device: torch.device) -> None:
        super().__init__(model, task)
        self.device = device

    def logits(self, codes: Tensor | Codes) -> NDArray[np.float32]:
        """Return (N,) logits of (N, W) uint8 windows, a bounded block at a time."""
        windows = torch.as_tensor(codes)
        rows = max(1, BLOCK_BASES // max(1, windows.shape[1]))
        parts = [self(one_hot(block.to(self.device))).detach().float() for block in windows.split(rows)]
        return torch.cat(parts).numpy(force=True)


@contextmanager
def asking(model: nn.Module, *, task: int = 0, device: torch.device | None = None) -> Iterator[Asked]:
    """Put a model into eval mode for one task's questions, gradients off, and give it back as it came.

    Recurrent layers can give gradients meanwhile, which cuDNN's refuse in eval mode.

    Parameters
    ----------
    model
        Any module from (N, 4, W) one-hot to (N, T) logits.
    task
        Whose logit, from 0.
    device
        Where to compute; where the model is, if not given.
    """
    home = home_of(model, device)
    with evaluating(model, home), recurrent_gradients(model):
        asked = Asked(model, task, home)
        asked.training = False  # its own flag only: evaluating has set, and will restore, the model's
        yield asked


def home_of(model: nn.Module, device: torch.device | None = None) -> torch.device:
    """Return the device to ask a model on: the one given, or where its first parameter is, or the CPU."""
    return device or next((one.device for one in model.parameters()), torch.device("cpu"))


def windows_of(codes: Tensor | Codes, model: nn.Module, task: int) -> Tensor:
    """Return (N, W) uint8 windows on the CPU, refused where the model cannot read them.

    Raises
    ------
    InputError
        If the codes are not windows that the model can read, or it has no such task.
    """
    windows = torch.as_tensor(codes).cpu()
    check_windows(model, windows, task)
    return windows
