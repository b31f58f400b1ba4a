"""The state of a training run between two epochs, as one safetensors file: whole or absent, and no pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from holdfast.core.errors import InputError
from holdfast.core.files import writing

__all__ = ["Checkpoint", "Progress"]


@dataclass
class Progress:
    """The numbers of a training run after some epochs.

    Parameters
    ----------
    identity
        What is being trained: a resumed run must agree.
    epoch
        Epochs done in this attempt.
    restart
        Attempts given up before.
    best_epoch
        1-based epoch of the least attacked validation loss, 0 before the first.
    """

    identity: str
    epoch: int = 0
    restart: int = 0
    best_epoch: int = 0
    best_loss: float = float("inf")
    collapsed_epochs: int = 0
    plateau: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False


@dataclass
class Checkpoint:
    """Tensors by name, and the numbers."""

    tensors: dict[str, Tensor]
    progress: Progress

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        tensors = {name: tensor.detach().contiguous().cpu() for name, tensor in self.tensors.items()}
        with writing(path) as handle:
            handle.write(save(tensors, metadata={"progress": json.dumps(asdict(self.progress))}))

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a checkpoint.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        try:
            with safe_open(path, framework="pt") as stored:
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
                progress = Progress(**json.loads(stored.metadata()["progress"]))
        except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(f"{path}: damaged checkpoint ({error}); delete it to train from the start") from error
        return cls(tensors, progress)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's state as named tensors."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{number}.{name}": torch.as_tensor(value)
        for number, values in state.items()
        for name, value in values.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put named tensors back into an optimiser."""
    whole = optimiser.state_dict()
    whole["state"] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimiser."):
            _, number, name = key.split(".", 2)
            whole["state"].setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict(whole)
