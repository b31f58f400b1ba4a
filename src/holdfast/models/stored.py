"""A model as two files: weights as safetensors, and the name and parameters that build it."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from holdfast.core.errors import InputError
from holdfast.core.files import writing
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel

__all__ = ["load_weights", "n_parameters", "save_weights"]


def save_weights(model: SequenceModel, path: Path) -> None:
    """Write a model's weights, whole or not at all."""
    tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in model.state_dict().items()}
    with writing(path) as handle:
        handle.write(save(tensors))


def load_weights(spec: Spec, path: Path, *, n_tasks: int, window: int) -> SequenceModel:
    """Build a model and load its weights, in eval mode on the CPU.

    Raises
    ------
    InputError
        If the file is missing or damaged, or holds the weights of another model.
    """
    model = MODELS.build(spec, n_tasks=n_tasks, window=window)
    if not path.is_file():
        raise InputError(f"{path}: no weights there; was the run finished?")
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        words = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: these are not the weights of model '{spec.name}' ({words})") from error
    return model.eval()


def n_parameters(model: SequenceModel) -> int:
    """Return how many numbers were trained.

    Examples
    --------
    >>> n_parameters(MODELS["pap_megyeri"]())
    255006
    """
    return sum(parameter.numel() for parameter in model.parameters())
