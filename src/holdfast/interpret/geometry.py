"""Which bases a layer's outputs see, found by asking: a not-a-number at one base reaches exactly what depends on it.

Sums, maxima, rectifiers and exponentials all hand a not-a-number on, so one pass per base shows the receptive field of
every position of a layer, whatever stands before it: modules or plain functions, padding, strides, dilation, residuals.
The answer does not hang on weights or on which input happened to win a maximum, as the support of a gradient would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError, did_you_mean
from holdfast.models.base import SequenceModel

__all__ = ["Geometry", "Layer", "layer_geometry", "named_layer"]

# Values of the input of one block of probes.
PROBE_BASES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where a layer's positions look: position p at the bases ``[first + p * jump, first + p * jump + width)``.

    Parameters
    ----------
    first
        Base at which position 0 begins to look, from the window's start; negative where padding stands before it.
    jump
        Bases from one position to the next: the product of the strides so far.
    width
        The receptive field, in bases.
    positions
        Their number.
    window
        W, in bases.
    """

    first: int
    jump: int
    width: int
    positions: int
    window: int

    @property
    def starts(self) -> NDArray[np.int64]:
        """(P,) first base of each position's field, cut at the window's start."""
        return np.maximum(self.first + np.arange(self.positions) * self.jump, 0)

    @property
    def ends(self) -> NDArray[np.int64]:
        """(P,) one behind the last base of each position's field, cut at the window's end."""
        return np.minimum(self.first + np.arange(self.positions) * self.jump + self.width, self.window)


class Layer:
    """A layer of a model, and its (N, C, P) output on (N, 4, W) inputs, as the forward strand gives it.

    The model is stopped once the layer has answered. A model that reads both strands in one batch, the forward strands
    first, is asked for those. A convolution over the four bases answers alone, without what is put around its input.

    Parameters
    ----------
    model
        That holds the layer.
    name
        As ``model.named_modules()`` has it.
    """

    def __init__(self, model: nn.Module, name: str) -> None:
        self.model, self.name = model, name
        self.module = model.get_submodule(name)

    @property
    def reads_bases(self) -> bool:
        """Whether the layer is a convolution over the four bases."""
        return isinstance(self.module, nn.Conv1d) and self.module.in_channels == 4

    def __call__(self, sequence: Tensor) -> Tensor:
        """Return the layer's output.

        Raises
        ------
        InputError
            If the model does not call the layer, or its output has no positions.
        """
        output = self.module(sequence) if self.reads_bases else self._caught(sequence)
        n = len(sequence)
        if not isinstance(output, Tensor) or output.ndim != 3 or len(output) % n:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(f"layer '{self.name}' returns {shape}; expected ({n}, channels, positions)")
        return output[:n]

    def _caught(self, sequence: Tensor) -> Any:
        handle = self.module.register_forward_hook(_stop)
        try:
            for ask in self._ways():
                try:
                    ask(sequence)
                except _Answered as answer:
                    return answer.output
        finally:
            handle.remove()
        raise InputError(
            f"{type(self.model).__name__} uses the weights of layer '{self.name}' without calling it, so its outputs"
            " cannot be seen; name a layer around it"
        )

    def _ways(self) -> list[Callable[[Tensor], object]]:
        """Return how to run the model: as ever, and as in training, where a shared scan passes layers by."""
        plain = [self.model.penalised_forward] if isinstance(self.model, SequenceModel) else []
        return [self.model, *plain]


def named_layer(model: nn.Module, layer: int | str) -> Layer:
    """Return a layer of a model.

    Parameters
    ----------
    model
        Any module.
    layer
        The number of a convolution, from 0 in the order of ``model.modules()``, or any module's name.

    Raises
    ------
    InputError
        If there is no such layer; the message names those there are.

    Examples
    --------
    >>> named_layer(nn.Sequential(nn.Conv1d(4, 8, 5), nn.ReLU(), nn.Conv1d(8, 8, 3)), 1).name
    '2'
    """
    names = dict(model.named_modules())
    convolutions = [name for name, module in names.items() if isinstance(module, nn.Conv1d)]
    if isinstance(layer, int):
        if not 0 <= layer < len(convolutions):
            have = f"its convolutions are 0..{len(convolutions) - 1}" if convolutions else "it has no convolution"
            raise InputError(f"{type(model).__name__} has no convolution {layer}; {have}")
        return Layer(model, convolutions[layer])
    if layer not in names or not layer:
        raise InputError(f"{type(model).__name__} has no layer '{layer}': {did_you_mean(layer, filter(None, names))}")
    return Layer(model, layer)


def layer_geometry(model: nn.Module, read: Callable[[Tensor], Tensor], window: int) -> Geometry:
    """Return where each position of some features looks.

    Parameters
    ----------
    model
        What ``read`` asks; put into eval mode on the CPU meanwhile and given back as it came.
    read
        (N, 4, W) to (N, C, P): a :class:`Layer`, or any function of the input.
    window
        W, in bp.

    Raises
    ------
    InputError
        If the features are not laid out evenly over the window, or each of them sees all of it.

    Examples
    --------
    >>> stack = nn.Sequential(nn.Conv1d(4, 8, 5, padding=2), nn.MaxPool1d(3))
    >>> geometry = layer_geometry(stack, stack, 30)
    >>> geometry.first, geometry.jump, geometry.width, geometry.positions
    (-2, 3, 7, 10)
    """
    with evaluating(model, torch.device("cpu")):
        starts, ends = _fields(read, window)
        found = _fitted(starts, ends, window)
        if found is None and len(starts) > 1:
            # Such a window cuts every field; a longer one does not, if the layers before can read it.
            found = _from_longer(read, window, len(starts))
    if found is None or not _agree(found, starts, ends):
        raise InputError(
            f"the layer's {len(starts)} positions are not spread evenly over the window of {window} bp: each sees"
            f" {int((ends - starts).min())} to {int((ends - starts).max())} bp; a stack of convolutions and poolings is"
            " expected, shorter than the window"
        )
    return found


def _fitted(starts: NDArray[np.int64], ends: NDArray[np.int64], window: int) -> Geometry | None:
    """Return the geometry that has these fields, or None where no even layout has."""
    jump = int(np.concatenate([np.diff(starts), np.diff(ends)]).max()) if len(starts) > 1 else 1
    whole = int((ends - starts).argmax())
    width = int(ends[whole] - starts[whole])
    first = int(starts[whole]) - whole * jump
    found = Geometry(first=first, jump=jump, width=width, positions=len(starts), window=window)
    return found if jump >= 1 and _agree(found, starts, ends) else None


def _agree(found: Geometry, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> bool:
    # Poolings may leave the last bases of the window unread.
    read = np.minimum(found.ends, ends.max())
    return np.array_equal(found.starts, starts) and np.array_equal(read, ends)


def _from_longer(read: Callable[[Tensor], Tensor], window: int, positions: int) -> Geometry | None:
    for longer in (2 * window, 4 * window):
        try:
            found = _fitted(*_fields(read, longer), longer)
        except RuntimeError:  # of torch: some layer is built for one length
            return None
        if found is not None:
            return replace(found, positions=positions, window=window)
    return None


def _fields(read: Callable[[Tensor], Tensor], window: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (P,) first bases that reach each position, and (P,) one behind the last."""
    seen = _seen(read, window)
    if not seen.any(axis=0).all():
        raise InputError("some positions of the layer see no base of the window; give a longer window")
    return seen.argmax(axis=0), window - seen[::-1].argmax(axis=0)


def _seen(read: Callable[[Tensor], Tensor], window: int) -> NDArray[np.bool_]:
    """Return (W, P): whether base i reaches position p."""
    rows = max(1, PROBE_BASES // window)
    parts = []
    for base in torch.arange(window).split(rows):
        probe = torch.full((len(base), 4, window), 0.25)
        probe[torch.arange(len(base)), :, base] = torch.nan
        parts.append(read(probe).isnan().any(dim=1))
    return torch.cat(parts).numpy()


class _Answered(Exception):
    """Carries a layer's output out of the model that it stops."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output


def _stop(module: nn.Module, inputs: object, output: object) -> None:
    raise _Answered(output)
