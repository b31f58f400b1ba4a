"""Keras 1 and 2 model files (HDF5) as plain layers and arrays; nothing in a file is executed.

Weights are read by h5py and the description of the layers is parsed as JSON. The byte code that a Lambda layer carries
is never looked at. Keras 1's names and twelve-array LSTMs, and Theano's reversed kernels, are turned into Keras 2's
form here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError

__all__ = ["KerasFile", "KerasLayer", "is_hdf5", "read_keras"]

Array = NDArray[np.float32]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_KINDS = {"Convolution1D": "Conv1D", "Convolution2D": "Conv2D"}
_MERGES = {"ave": "Average", "max": "Maximum", "concat": "Concatenate", "mul": "Multiply", "sum": "Add"}
_SETTINGS = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "border_mode": "padding",
    "pool_length": "pool_size",
    "stride": "strides",
    "p": "rate",
    "inner_activation": "recurrent_activation",
}
_KERAS_1_ROLE = re.compile(r"_(?P<kind>[WUb])(?:_(?P<gate>[icfo]))?$")
_ROLES = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One layer, as Keras 2 would describe it.

    Parameters
    ----------
    name
        Its name in the file.
    kind
        Its class in Keras 2, such as ``Conv1D``.
    settings
        Its configuration; of a wrapper (TimeDistributed, Bidirectional), the wrapped layer's.
    weights
        Arrays by role: ``kernel``, ``bias``, ``recurrent_kernel``, ``embeddings``; of a Bidirectional layer, each with
        ``forward/`` or ``backward/`` before it.
    inputs
        Names of the layers that its first call reads, in order.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    weights: Mapping[str, Array]
    inputs: tuple[str, ...]

    def setting(self, key: str) -> Any:
        """Return a setting, one-element lists opened; None where the file does not say."""
        value = self.settings.get(key)
        return value[0] if isinstance(value, list) and len(value) == 1 else value


@dataclass(frozen=True, eq=False)
class KerasFile:
    """A model file.

    Parameters
    ----------
    path
        Where it lies.
    layers
        In the order in which the graph executes them; a layer that is called twice stands where it is called first.
    version
        Of Keras, as far as the file says.
    kernels_reversed
        Whether convolution kernels came from Theano, and were reversed to be cross-correlations.
    """

    path: Path
    layers: tuple[KerasLayer, ...]
    version: str
    kernels_reversed: bool

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of the first input without the batch; lengths that the file leaves open are None."""
        for layer in self.layers:
            shape = layer.settings.get("batch_input_shape")
            if shape:
                return tuple(shape[1:])
        raise InputError(f"{self.path}: no layer says the shape of the input")


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 files do."""
    with path.open("rb") as handle:
        return handle.read(len(_SIGNATURE)) == _SIGNATURE


def read_keras(path: Path) -> KerasFile:
    """Read a Keras 1 or 2 model file; without a description inside, ``model.json`` beside it is read.

    Raises
    ------
    InputError
        If the file is missing or damaged, is of Keras 3, or says nothing about its layers.
    """
    try:
        with h5py.File(path, "r") as file:
            group = file.get("model_weights", file)
            page, where = _description(path, file)
            arrays = {name: _arrays(group, name) for name in _names(group, "layer_names")}
            backend = _text(file.attrs.get("backend", ""))
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({' '.join(str(error).split())})") from error
    except (KeyError, RuntimeError, AttributeError) as error:
        raise InputError(f"{path}: not a Keras model file ({' '.join(str(error).split())})") from error
    # Keras 1 did not write its backend down; TensorFlow's names end in ":0", Theano's do not.
    theano = backend == "theano" or (not backend and _from_theano(arrays))
    try:
        layers = tuple(_layers(page, arrays, reverse=theano))
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {error}") from error
        raise InputError(f"{where}: not a description of Keras layers ({type(error).__name__}: {error})") from error
    return KerasFile(path=path, layers=layers, version=str(page.get("keras_version", "")), kernels_reversed=theano)


def _description(path: Path, file: h5py.File) -> tuple[dict[str, Any], Path]:
    """Return the description of the layers and the file it came from."""
    beside = path.with_name("model.json")
    if "model_config" in file.attrs:
        text, where = _text(file.attrs["model_config"]), path
    elif beside.is_file():
        text, where = beside.read_text(encoding="utf-8", errors="replace"), beside
    else:
        raise InputError(
            f"{path}: holds weights without a description of their layers; put the model's JSON beside it as model.json"
        )
    try:
        page = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: the description of the layers is no JSON ({error})") from error
    if not isinstance(page, dict):
        raise InputError(f"{where}: the description of the layers is a {type(page).__name__}, expected a mapping")
    version = page.setdefault("keras_version", _text(file.attrs.get("keras_version", "")))
    if str(version).startswith("3"):
        raise InputError(f"{where}: saved by Keras {version}; files of Keras 1 and 2 can be read")
    return page, where


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Return a list of names; Keras cuts long lists into numbered pieces."""
    if attribute in group.attrs:
        pieces = [group.attrs[attribute]]
    elif f"{attribute}0" in group.attrs:
        count = sum(1 for key in group.attrs if re.fullmatch(rf"{attribute}\d+", key))
        pieces = [group.attrs[f"{attribute}{number}"] for number in range(count)]
    else:
        raise KeyError(f"no attribute '{attribute}'")
    return [_text(name) for piece in pieces for name in piece]


def _arrays(group: h5py.Group, layer: str) -> dict[str, Array]:
    """Return a layer's arrays under the names they were saved by."""
    if layer not in group:
        raise KeyError(f"layer '{layer}' is listed, and its weights are not there")
    own = group[layer]
    found = {}
    for name in _names(own, "weight_names"):
        if name not in own:
            raise KeyError(f"weight '{name}' of layer '{layer}' is listed, and is not there")
        values = own[name]
        if not isinstance(values, h5py.Dataset) or values.dtype.kind != "f":
            raise KeyError(f"weight '{name}' of layer '{layer}' is no array of numbers")
        found[name] = np.asarray(values, dtype=np.float32)
    return found


def _from_theano(arrays: Mapping[str, Mapping[str, Array]]) -> bool:
    names = [name for weights in arrays.values() for name in weights]
    return bool(names) and not any(name.endswith(":0") for name in names)


def _layers(page: dict[str, Any], arrays: Mapping[str, dict[str, Array]], *, reverse: bool) -> Iterator[KerasLayer]:
    described = _described(page)
    for name in _execution_order(page, described):
        layer, inputs = described[name]
        kind, settings = _as_keras_2(layer)
        weights = _by_role(name, arrays.get(name, {}))
        if kind in ("Conv1D", "Conv2D") and "kernel" in weights:
            weights["kernel"] = _as_cross_correlation(weights["kernel"], kind, reverse=reverse)
        yield KerasLayer(name, kind, settings, weights, inputs)


def _described(page: dict[str, Any]) -> dict[str, tuple[dict[str, Any], tuple[str, ...]]]:
    """Return every layer's description and the names that its first call reads."""
    config = page["config"]
    layers = config["layers"] if isinstance(config, dict) else config
    found: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
    before: tuple[str, ...] = ()
    for layer in layers:
        name = layer.get("name") or layer["config"]["name"]
        nodes = layer.get("inbound_nodes")
        inputs = before if nodes is None else tuple(str(source[0]) for source in (nodes[0] if nodes else ()))
        found[name] = (layer, inputs)
        before = (name,)  # a Sequential model says nothing about inputs
    return found


def _execution_order(page: dict[str, Any], described: Mapping[str, tuple[Any, tuple[str, ...]]]) -> list[str]:
    """Return the layers that the outputs need, each after everything it reads; numbers in names say nothing."""
    config = page["config"]
    ends = config.get("output_layers") if isinstance(config, dict) else None
    waiting = [str(end[0]) for end in ends][::-1] if ends else [list(described)[-1]]
    done: dict[str, bool] = {}  # False while what a layer reads is being looked at
    order = []
    while waiting:
        name = waiting[-1]
        if name not in described:
            raise InputError(f"layer '{name}' is read by another one and not described")
        if name not in done:
            done[name] = False
            ahead = [one for one in described[name][1][::-1] if not done.get(one, False)]
            if any(one in done for one in ahead):
                raise InputError(f"layer '{name}' reads what it gives: the graph has a circle")
            waiting += ahead
            continue
        waiting.pop()
        if not done[name]:
            done[name] = True
            order.append(name)
    return order


def _as_keras_2(layer: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a layer's class and settings in Keras 2's words; a wrapper is described by what it wraps."""
    kind, config = str(layer["class_name"]), dict(layer["config"])
    if kind == "Merge":
        kind = _MERGES.get(str(config.get("mode")), f"Merge by {config.get('mode')}")
    wrapped: dict[str, Any] = {}
    if kind in ("TimeDistributed", "Bidirectional"):
        inner_kind, wrapped = _as_keras_2(config["layer"])
        wrapped["wrapped"] = inner_kind
    if kind in ("Dense", "LSTM") and "output_dim" in config:
        config["units"] = config["output_dim"]
    renamed = {_SETTINGS.get(str(key), str(key)): value for key, value in config.items() if key != "layer"}
    return _KINDS.get(kind, kind), renamed | wrapped


def _by_role(layer: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return a layer's arrays by what they are; the gates of a Keras 1 LSTM are put side by side: i, f, c, o."""
    found: dict[str, Array] = {}
    gates: dict[str, dict[str, Array]] = {}
    for name, values in arrays.items():
        *path, last = name.split(":")[0].split("/")
        side = next((f"{part[: part.index('ward') + 4]}/" for part in [*path, last] if _is_side(part)), "")
        old = _KERAS_1_ROLE.search(last)
        role = side + (_ROLES[old["kind"]] if old else last)
        if old and old["gate"]:
            gates.setdefault(role, {})[old["gate"]] = values
        else:
            found[role] = values
    for role, blocks in gates.items():
        if set(blocks) != set("ifco"):
            raise InputError(f"layer '{layer}': {role} has the gates {', '.join(sorted(blocks))}, expected i, f, c, o")
        found[role] = np.concatenate([blocks[gate] for gate in "ifco"], axis=-1)
    return found


def _is_side(part: str) -> bool:
    return part.startswith(("forward_", "backward_"))


def _as_cross_correlation(kernel: Array, kind: str, *, reverse: bool) -> Array:
    """Return a kernel (k, C, F), or (rows, k, C, F) of a Conv2D, as a cross-correlation's."""
    if kind == "Conv1D" and kernel.ndim == 4 and kernel.shape[1] == 1:  # Keras 1 kept (k, 1, C, F)
        kernel = kernel[:, 0]
    if not reverse:
        return kernel
    return kernel[::-1] if kind == "Conv1D" else kernel[::-1, ::-1]
