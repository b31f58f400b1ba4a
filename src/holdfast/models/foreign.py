"""Anybody's module, made to return one logit per task. Outputs that could mean two things are refused, not guessed."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.models.base import SequenceModel

__all__ = ["Output", "as_logit_model", "refuse_probabilities"]

Output = Literal["auto", "logits", "probabilities", "two-class-logits", "two-class-probabilities"]


def as_logit_model(model: nn.Module, output: Output, *, n_tasks: int) -> nn.Module:
    """Return a module that gives (N, n_tasks) logits; ours are returned as they are.

    Parameters
    ----------
    model
        Any module from (N, 4, W) one-hot to (N,), (N, T) or, for two classes, (N, 2 T) outputs.
    output
        What the outputs are; see :func:`holdfast.robustness.audit.audit`.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        Unknown ``output``.
    InputError
        A model of ours for another number of tasks.
    """
    if output not in get_args(Output):
        raise ConfigError(f"output is '{output}'; it is one of {', '.join(get_args(Output))}")
    if not isinstance(model, SequenceModel):
        return _AsLogits(model, output, n_tasks)
    if output not in ("auto", "logits"):
        raise InputError(f"{type(model).__name__} is a SequenceModel and returns logits; output='{output}' cannot be")
    if model.n_tasks != n_tasks:
        raise InputError(f"{type(model).__name__} has {model.n_tasks} tasks, the data set has {n_tasks}")
    return model


def refuse_probabilities(logits: NDArray[np.float32], name: str) -> None:
    """Refuse outputs that were taken for logits and look like probabilities.

    Raises
    ------
    InputError
        If every one of them lies between 0 and 1.
    """
    if logits.min() >= 0 and logits.max() <= 1:
        raise InputError(
            f"every output of {name} lies between 0 and 1, so they look like probabilities; "
            "say output='probabilities', or output='logits' if they are not"
        )


class _AsLogits(nn.Module):
    """Turns what a module returns into logits, and refuses what does not fit."""

    def __init__(self, model: nn.Module, output: Output, n_tasks: int) -> None:
        super().__init__()
        self.model, self.output, self.n_tasks = model, output, n_tasks

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        name = type(self.model).__name__
        try:
            result = self.model(sequence)
        except SystemExit as error:
            raise InputError(
                f"{name} tried to end the program (exit code {error.code}) instead of returning outputs; take the exit"
                " out of its forward"
            ) from error
        if not isinstance(result, Tensor) or not result.is_floating_point():
            raise InputError(f"{name} returned {type(result).__name__}; expected a float tensor, one column per task")
        columns = 2 * self.n_tasks if self.output.startswith("two-class") else self.n_tasks
        if result.ndim == 1:
            result = result[:, None]
        if tuple(result.shape) != (len(sequence), columns):
            raise InputError(self._misfit(name, result, len(sequence), columns))
        return self._to_logits(name, result)

    def _to_logits(self, name: str, result: Tensor) -> Tensor:
        if self.output == "two-class-logits":
            return result[:, 1::2] - result[:, 0::2]
        if self.output.endswith("probabilities"):
            if bool(((result < 0) | (result > 1)).any()):
                raise InputError(
                    f"{name} returned values outside 0..1; they are not probabilities: say output='logits'"
                )
            return _log_odds(result, two_class=self.output.startswith("two-class"))
        return result

    def _misfit(self, name: str, result: Tensor, n: int, columns: int) -> str:
        hint = ""
        if tuple(result.shape) == (n, 2 * self.n_tasks):
            hint = "; are they (unbound, bound)? say output='two-class-logits' or 'two-class-probabilities'"
        return f"{name} returned shape {tuple(result.shape)}, expected ({n}, {columns}){hint}"


def _log_odds(probability: Tensor, *, two_class: bool) -> Tensor:
    """Return the logit of probabilities, in float64 and finite: a saturated 0 or 1 stays an ordered, large number."""
    wide = probability.double()
    smallest = torch.finfo(probability.dtype).tiny
    if two_class:
        bound, unbound = wide[:, 1::2], wide[:, 0::2]
    else:
        bound, unbound = wide, 1 - wide
    return bound.clamp(min=smallest).log() - unbound.clamp(min=smallest).log()
