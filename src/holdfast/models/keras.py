"""Keras model files as models of ours: the family is told by its layers, every layer is checked, nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.io.keras_weights import KerasFile, is_hdf5, read_keras
from holdfast.models import MODELS
from holdfast.models.keras_families import FAMILIES
from holdfast.models.keras_walk import SILENT, Family, Walk
from holdfast.models.published import Published, Wanted

__all__ = ["load", "recognise"]


def recognise(path: Path) -> bool:
    """Return whether a file is HDF5, and so perhaps a Keras model."""
    return is_hdf5(path)


def load(path: Path, wanted: Wanted) -> Published:
    """Turn a Keras file into a model of ours and its weights.

    Raises
    ------
    InputError
        If the file is none, is of no known family, or a layer is not what the family has there; the message names the
        layer, what was got and what was expected.
    ConfigError
        If something is assumed that the model does not read.
    """
    file = read_keras(path)
    family = _family_of(file)
    walk = Walk(file, family.name, wanted.columns or family.columns)
    params = family.read(walk, wanted)
    walk.end()
    if wanted.columns is None:
        walk.notes.append(f"Columns {', '.join(walk.columns)} were assumed, as {family.words} has them.")
    window = wanted.window or _length_of(file)
    spec = Spec(name=family.name, params=params)
    weights = _checked(walk, spec, window)
    words = f"{family.words}, {sum(value.numel() for value in weights.values()):,} parameters, from {path.name}"
    return Published(
        spec=spec, weights=weights, window=window, n_tasks=walk.n_tasks, words=words, notes=tuple(walk.notes)
    )


def _family_of(file: KerasFile) -> Family:
    for family in FAMILIES:
        if family.recognises(file):
            return family
    known = ", ".join(family.words for family in FAMILIES)
    listed = " > ".join(layer.kind for layer in file.layers if layer.kind not in SILENT)
    raise InputError(f"{file.path}: of no family that can be read ({known}); its layers are {listed}")


def _length_of(file: KerasFile) -> int | None:
    length = file.input_shape[-2]
    return None if length is None else int(length)


def _checked(walk: Walk, spec: Spec, window: int | None) -> dict[str, Tensor]:
    """Return the weights as tensors, after holding every array's shape against the model's."""
    context: dict[str, Any] = {"n_tasks": walk.n_tasks} | ({} if window is None else {"window": window})
    with torch.device("meta"):  # shapes without storage
        expected = {name: tuple(value.shape) for name, value in MODELS.build(spec, **context).state_dict().items()}
    for name, (layer, role, values) in walk.arrays.items():
        if expected.get(name) != values.shape:
            raise InputError(
                f"{walk.file.path}: layer '{layer}': {role} (here {name}) has shape {values.shape}, "
                f"expected {expected.get(name)} for {window} bp"
            )
        if not np.isfinite(values).all():
            raise InputError(f"{walk.file.path}: layer '{layer}': {role} holds values that are not finite")
    missing = [name for name in expected if name not in walk.arrays]
    if missing:
        raise InputError(f"{walk.file.path}: no layer gives {missing[0]} of a {walk.family}")
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, (_, _, values) in walk.arrays.items()}
