"""Keras-like files, written by h5py alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def layer(kind: str, name: str, *, inputs: Sequence[str] | None = None, **settings: Any) -> dict[str, Any]:
    """Describe a layer; with inputs it is one of a graph."""
    page: dict[str, Any] = {"class_name": kind, "name": name, "config": {"name": name, **settings}}
    if inputs is not None:
        page["inbound_nodes"] = [[[one, 0, 0, {}] for one in inputs]] if inputs else []
    return page


def model(layers: Sequence[dict[str, Any]], output: str) -> dict[str, Any]:
    """Describe a graph."""
    return {"class_name": "Model", "config": {"layers": list(layers), "output_layers": [[output, 0, 0]]}}


def dense(name: str, kernel: NDArray[Any], bias: NDArray[Any] | None = None) -> dict[str, dict[str, NDArray[Any]]]:
    """Return a layer's arrays under Keras 2's names."""
    return {name: {f"{name}/kernel:0": kernel} | ({} if bias is None else {f"{name}/bias:0": bias})}


def write_keras(path: Path, page: dict[str, Any] | None, weights: Mapping[str, Arrays], version: str = "2.2.4") -> Path:
    """Write weights and, where a description is given, the description beside them."""
    with h5py.File(path, "w") as file:
        group: Any = file
        if page is not None:
            file.attrs["model_config"] = json.dumps({"keras_version": version, **page})
            file.attrs["backend"] = "tensorflow"
            group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([name.encode() for name in weights] or [], dtype="S64")
        for name, arrays in weights.items():
            own = group.create_group(name)
            own.attrs["weight_names"] = np.array([key.encode() for key in arrays], dtype="S64")
            for key, values in arrays.items():
                own[key] = np.asarray(values, dtype="float32")
    return path
