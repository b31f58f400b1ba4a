"""The contract of an attribution method: which bases of a window made the model say what it said.

A method answers for one block of windows; batches, strands, devices, giving the model back as it came and checking
completeness are done here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_fields
from holdfast.core.progress import Advance
from holdfast.dna.codes import UNKNOWN, Codes, one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.models.base import SequenceModel

__all__ = [
    "Attribution",
    "Attributions",
    "Explained",
    "TaskLogit",
    "check_windows",
    "is_incomplete",
    "largest_gap",
    "recurrent_gradients",
]

Strands = Literal["forward", "both"]
# A gap of more than this share of what was to be explained (or of one unit of logit, if that is more) is flagged.
TOLERANCE = 1e-2


class TaskLogit(nn.Module):
    """A model that answers for one task alone: (N, 4, W) to (N,) logits.

    Parameters
    ----------
    model
        (N, 4, W) to (N, T) logits.
    task
        Which of the T.
    """

    def __init__(self, model: nn.Module, task: int) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N,) logits of (N, 4, W) inputs.

        Raises
        ------
        InputError
            If the model answers with something else than (N, T) logits, or has no such task.
        """
        logits: Tensor = self.model(sequence)
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
        if len(shape) != 2 or not 0 <= self.task < shape[1]:
            name, what = type(self.model).__name__, f"a shape of {shape}" if shape else f"a {type(logits).__name__}"
            raise InputError(f"{name} answers with {what}; expected (N, T) logits with T above task {self.task}")
        return logits[:, self.task]


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """What a method says of one block of windows.

    Parameters
    ----------
    hypothetical
        (N, 4, W): what each base would contribute if it stood there. None for methods that know positions only.
    per_base
        (N, W): what each position contributes; taken from ``hypothetical`` where that is given.
    gap
        (N,): what was to be explained less the sum of contributions, for methods that promise that it is nothing.
    explained
        (N,): what was to be explained, for methods that promise completeness: f(x) - f(reference).
    incomplete
        (N,): whether the gap is too large or no number; taken from the gap and what was to be explained.
    """

    hypothetical: Tensor | None = None
    per_base: Tensor | None = None
    gap: Tensor | None = None
    explained: Tensor | None = None
    incomplete: Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Attributions:
    """Contributions of every base of N windows to one task's logit.

    Parameters
    ----------
    method
        The method with its settings.
    task
        Whose logit.
    codes
        (N, W) uint8 windows.
    logits
        (N,) float32.
    per_base
        (N, W) float32 contributions of the bases that are there; 0 at unknown bases.
    hypothetical
        (N, 4, W) float32, rows A, C, G, T, or None for methods that know positions only.
    gap
        (N,) float32: f(x) - f(reference) less the sum of contributions, or None where a method promises nothing.
    incomplete
        (N,) bool: the gap, of either strand where both were asked, is no number or too large for the map to be taken at
        its word. None where nothing is promised.
    """

    method: str
    task: int
    codes: Codes
    logits: NDArray[np.float32]
    per_base: NDArray[np.float32]
    hypothetical: NDArray[np.float32] | None = None
    gap: NDArray[np.float32] | None = None
    incomplete: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def contributions(self) -> NDArray[np.float32]:
        """(N, 4, W): the contribution of the base that is there in its row, 0 elsewhere."""
        rows = np.arange(4, dtype=np.uint8)[:, None] == self.codes[:, None, :]
        return np.where(rows, self.per_base[:, None, :], np.float32(0))


@dataclass(frozen=True, kw_only=True)
class Attribution(ABC):
    """Says what each base of a window contributes to a logit.

    A subclass explains one block of windows; the call does the rest. The model is asked in eval mode and given back as
    it came; its parameters get no gradients.

    Parameters
    ----------
    strands
        ``both`` takes the mean of the window's map and of its reverse complement's, turned back.
    batch_size
        Windows per block.
    seed
        Of draws, where there are any; a draw belongs to an example, not to its place in a batch.
    """

    strands: Strands = "forward"
    batch_size: Size = 64
    seed: Count = 0

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    @abstractmethod
    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return the maps of one block of windows.

        Parameters
        ----------
        model
            In eval mode, on the codes' device. Gradients are off; a method that wants them turns them on for its input.
        codes
            (N, W) uint8.
        index
            (N,) int64 numbers of the examples, for draws.
        """

    @final
    def __call__(
        self,
        model: nn.Module,
        codes: Tensor | Codes,
        *,
        task: int = 0,
        index: Tensor | None = None,
        device: torch.device | None = None,
        advance: Advance | None = None,
    ) -> Attributions:
        """Return the contributions of every base of some windows.

        Parameters
        ----------
        model
            Any module from (N, 4, W) one-hot to (N, T) logits.
        codes
            (N, W) uint8 windows.
        task
            Whose logit, from 0.
        index
            (N,) numbers of the examples in their data set; 0, 1, ... if not given.
        device
            Where to compute; where the model is, if not given.
        advance
            Called after each block with the number of windows that are done.

        Raises
        ------
        InputError
            If the codes are not windows that the model can read, or it has no such task.
        """
        windows = torch.as_tensor(codes)
        check_windows(model, windows, task)
        number = torch.arange(len(windows)) if index is None else torch.as_tensor(index)
        home = device or next((one.device for one in model.parameters()), torch.device("cpu"))
        parts: list[tuple[Tensor, Explained]] = []
        with evaluating(model, home), recurrent_gradients(model):
            asked = TaskLogit(model, task).eval()
            for first in range(0, len(windows), self.batch_size):
                block, which = (rows[first : first + self.batch_size].to(home) for rows in (windows, number))
                parts.append((asked(one_hot(block)), self._on_strands(asked, block, which)))
                if advance is not None:
                    advance(first + len(block))
        return self._joined(windows, task, parts)

    def _on_strands(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        forward = _filled_in(self.explain(model, codes, index), codes)
        if self.strands == "forward":
            return forward
        turned = reverse_complement(codes)
        back = _filled_in(self.explain(model, turned, index), turned)
        return Explained(
            hypothetical=_mean(forward.hypothetical, back.hypothetical, flip=(1, 2)),
            per_base=_mean(forward.per_base, back.per_base, flip=(1,)),
            gap=_mean(forward.gap, back.gap),
            incomplete=_either(forward.incomplete, back.incomplete),
        )

    def _joined(self, windows: Tensor, task: int, parts: list[tuple[Tensor, Explained]]) -> Attributions:
        per_base = _joined_array([part.per_base for _, part in parts])
        assert per_base is not None
        flags = [part.incomplete for _, part in parts if part.incomplete is not None]
        logits = _joined_array([logit for logit, _ in parts])
        assert logits is not None
        return Attributions(
            method=repr(self),
            task=task,
            codes=windows.numpy(force=True),
            logits=logits,
            per_base=per_base,
            hypothetical=_joined_array([part.hypothetical for _, part in parts]),
            gap=_joined_array([part.gap for _, part in parts]),
            incomplete=torch.cat(flags).numpy(force=True) if flags else None,
        )


def largest_gap(explained: Tensor) -> Tensor:
    """Return the gap from which on a map is flagged, by the logits that it was to explain."""
    return TOLERANCE * explained.abs().clamp(min=1.0)


def is_incomplete(gap: Tensor, explained: Tensor) -> Tensor:
    """Return where a gap is too large, or no number, for the map to be taken at its word."""
    return ~(gap.abs() <= largest_gap(explained))


def check_windows(model: nn.Module, windows: Tensor, task: int) -> None:
    """Refuse windows that are no codes, or that a model of ours cannot read, and a task that it has not."""
    if windows.ndim != 2 or windows.dtype != torch.uint8 or len(windows) == 0:
        raise InputError(
            f"codes are {windows.dtype} {tuple(windows.shape)}; expected torch.uint8 of shape (N, W), N at least 1"
        )
    if not isinstance(model, SequenceModel):
        return
    name, window = type(model).__name__, windows.shape[1]
    if window < model.min_window or model.fixed_window not in (None, window):
        readable = f"at least {model.min_window}" if model.fixed_window is None else f"{model.fixed_window}"
        raise InputError(f"{name} reads windows of {readable} bp; the windows have {window} bp")
    if not 0 <= task < model.n_tasks:
        raise InputError(f"{name} has tasks 0..{model.n_tasks - 1}; asked for task {task}")


@contextmanager
def recurrent_gradients(model: nn.Module) -> Iterator[None]:
    """Let recurrent layers give gradients in eval mode, which cuDNN's refuse."""
    if not any(isinstance(module, nn.RNNBase) for module in model.modules()):
        yield
        return
    with torch.backends.cudnn.flags(enabled=False):
        yield


def _filled_in(found: Explained, codes: Tensor) -> Explained:
    """Return what was found with each position's contribution, 0 at unknown bases, and with flags if it has gaps."""
    if found.hypothetical is None:
        assert found.per_base is not None
        per_base = torch.where(codes < UNKNOWN, found.per_base, 0.0)
    else:
        per_base = (found.hypothetical * one_hot(codes, found.hypothetical.dtype)).sum(dim=1)
    if found.gap is None or found.explained is None:
        return replace(found, per_base=per_base)
    return replace(found, per_base=per_base, incomplete=is_incomplete(found.gap, found.explained))


def _mean(first: Tensor | None, second: Tensor | None, *, flip: tuple[int, ...] = ()) -> Tensor | None:
    if first is None or second is None:
        return None
    return (first + (second.flip(flip) if flip else second)) / 2


def _either(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return None if first is None or second is None else first | second


def _joined_array(parts: list[Tensor | None]) -> NDArray[np.float32] | None:
    known = [part.detach().float() for part in parts if part is not None]
    return torch.cat(known).numpy(force=True) if known else None
