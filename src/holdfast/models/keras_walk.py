"""A walk along the layers of a Keras file: each is checked, and its arrays are noted under our names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.io.keras_weights import KerasFile, KerasLayer
from holdfast.models.published import Wanted

__all__ = ["SILENT", "Family", "Walk"]

# Layers that change nothing at inference.
SILENT = frozenset({"InputLayer", "Dropout"})
_GATES = ("hard_sigmoid", "sigmoid")


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of published file.

    Parameters
    ----------
    name
        Of the model that reads it.
    columns
        Order of the bases in its files.
    recognises
        Whether a file's kinds of layers, in order, are those of the family.
    read
        Walks the layers and returns the model's parameters; the walk keeps the arrays.
    words
        The family in print.
    """

    name: str
    columns: str
    recognises: Callable[[KerasFile], bool]
    read: Callable[[Walk, Wanted], dict[str, Any]]
    words: str


@dataclass(eq=False)
class Walk:
    """A walk along the layers of a file, which checks each and notes where its arrays go.

    Parameters
    ----------
    file
        What is read.
    family
        The name of the model, for messages.
    columns
        Order of the bases in the first kernel's rows.
    """

    file: KerasFile
    family: str
    columns: str
    arrays: dict[str, tuple[str, str, NDArray[np.float32]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_tasks: int = 1
    _at: int = 0

    def __post_init__(self) -> None:
        self.layers = [layer for layer in self.file.layers if layer.kind not in SILENT]

    def next_is(self, *kinds: str) -> bool:
        """Return whether the next layers are of these kinds."""
        return tuple(layer.kind for layer in self.layers[self._at : self._at + len(kinds)]) == kinds

    def take(self, kind: str, **settings: object) -> KerasLayer:
        """Return the next layer, refusing another kind or other settings (a tuple gives those that are allowed)."""
        if self._at >= len(self.layers):
            raise InputError(f"{self.file.path}: the layers end where a {self.family} has a {kind}")
        layer = self.layers[self._at]
        if layer.kind != kind:
            raise InputError(
                f"{self.file.path}: layer '{layer.name}' is a {layer.kind} where a {self.family} has a {kind}"
            )
        self._at += 1
        for key, wanted in settings.items():
            allowed = wanted if isinstance(wanted, tuple) else (wanted,)
            if layer.setting(key) not in allowed:
                raise InputError(
                    f"{self.file.path}: layer '{layer.name}' has {key} {layer.setting(key)!r}, "
                    f"expected {' or '.join(repr(one) for one in allowed)}"
                )
        return layer

    def skip(self, *kinds: str) -> bool:
        """Go past the next layers if they are of these kinds, and return whether they were."""
        here = self.next_is(*kinds)
        self._at += len(kinds) if here else 0
        return here

    def end(self) -> None:
        """Refuse layers that nobody has read."""
        if self._at < len(self.layers):
            layer = self.layers[self._at]
            raise InputError(
                f"{self.file.path}: layer '{layer.name}' ({layer.kind}) follows where a {self.family} has ended"
            )

    def activation(self, layer: KerasLayer) -> str:
        """Return a layer's activation, be it its own or a layer behind it."""
        own = str(layer.setting("activation") or "linear")
        if own == "linear" and self.next_is("ReLU"):
            return (
                "relu" if self.take("ReLU", max_value=None, negative_slope=(0.0, None), threshold=(0.0, None)) else own
            )
        if own == "linear" and self.next_is("Activation"):
            return str(self.take("Activation").setting("activation"))
        return own

    def check_activation(self, layer: KerasLayer, wanted: str) -> None:
        """Refuse a layer with another activation."""
        got = self.activation(layer)
        if got != wanted:
            raise InputError(f"{self.file.path}: layer '{layer.name}' has activation '{got}', expected '{wanted}'")

    def array(self, layer: KerasLayer, role: str, n_axes: int) -> NDArray[np.float32]:
        """Return one of a layer's arrays."""
        if role not in layer.weights:
            have = ", ".join(layer.weights) or "nothing"
            raise InputError(f"{self.file.path}: layer '{layer.name}' ({layer.kind}) holds {have}, expected a {role}")
        values = layer.weights[role]
        if values.ndim != n_axes:
            raise InputError(
                f"{self.file.path}: layer '{layer.name}': {role} has shape {values.shape}, expected {n_axes} axes"
            )
        return values

    def put(self, target: str, layer: KerasLayer, role: str, values: NDArray[np.float32]) -> None:
        """Note that a parameter of ours gets these values, which came from an array of a layer."""
        self.arrays[target] = (layer.name, role, values)

    def convolution(self, target: str, layer: KerasLayer, *, first: bool = False) -> tuple[int, int, int]:
        """Note a convolution's arrays, the bases of the first one in our order; return width, channels and filters."""
        if layer.kind == "Conv2D":
            kernel = self.array(layer, "kernel", 4)
            if kernel.shape[0] != 1:
                raise InputError(
                    f"{self.file.path}: layer '{layer.name}': kernel has {kernel.shape[0]} rows, expected 1"
                )
            kernel = kernel[0]
        else:
            kernel = self.array(layer, "kernel", 3)
        if first:
            kernel = self.turned(layer, kernel)
        self.put(f"{target}.weight", layer, "kernel", kernel.transpose(2, 1, 0))
        self.put(f"{target}.bias", layer, "bias", self.array(layer, "bias", 1))
        width, channels, filters = kernel.shape
        return width, channels, filters

    def turned(self, layer: KerasLayer, kernel: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a kernel (..., C, F) with its first four channels in the order A, C, G, T."""
        if kernel.shape[-2] < 4:
            raise InputError(
                f"{self.file.path}: layer '{layer.name}': kernel has shape {kernel.shape}, expected 4 channels or more"
            )
        order = [self.columns.index(base) for base in "ACGT"] + list(range(4, kernel.shape[-2]))
        return kernel[..., order, :]

    def dense(self, target: str, layer: KerasLayer, *, bias: bool = True) -> tuple[int, int]:
        """Note a dense layer's arrays; return its inputs and units."""
        kernel = self.array(layer, "kernel", 2)
        self.put(f"{target}.weight", layer, "kernel", kernel.T)
        if bias:
            self.put(f"{target}.bias", layer, "bias", self.array(layer, "bias", 1))
        return kernel.shape[0], kernel.shape[1]

    def lstm(self, target: str) -> tuple[int, str]:
        """Note the arrays of the bidirectional LSTM that comes next; return its units and its gate."""
        layer = self.take(
            "Bidirectional",
            wrapped="LSTM",
            activation="tanh",
            recurrent_activation=_GATES,
            return_sequences=True,
            go_backwards=(False, None),
            merge_mode=("concat", None),
        )
        for role, name, axes in (("kernel", "kernel", 2), ("recurrent_kernel", "recurrent", 2), ("bias", "bias", 1)):
            ahead, back = (self.array(layer, f"{side}/{role}", axes) for side in ("forward", "backward"))
            if ahead.shape != back.shape:
                raise InputError(
                    f"{self.file.path}: layer '{layer.name}': {role} has shape {ahead.shape} forward, {back.shape} back"
                )
            values = np.concatenate([ahead, back]) if axes == 1 else np.stack([ahead, back])
            self.put(f"{target}.{name}", layer, role, values)
        return int(layer.setting("units")), str(layer.setting("recurrent_activation"))

    def rate(self, *, default: float = 0.0) -> float:
        """Return the rate of the first dropout layer."""
        rates = [layer.setting("rate") for layer in self.file.layers if layer.kind == "Dropout"]
        return float(rates[0]) if rates else default
