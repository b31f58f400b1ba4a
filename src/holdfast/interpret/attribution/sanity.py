"""Does a map depend on what was learned? Weights are shuffled layer by layer from the top, and the map redrawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from holdfast.core.device import evaluating, unchanged
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, check_values
from holdfast.core.random import torch_generator
from holdfast.dna.codes import Codes
from holdfast.interpret.attribution.base import Attribution

__all__ = ["Randomisation", "randomisation_check"]

# What a layer learns beside its parameters: the statistics by which a batch norm scales in eval mode.
STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True, kw_only=True, eq=False)
class Randomisation:
    """Rank correlations of maps with those of the model as it came, the weights shuffled from the top layer down.

    Parameters
    ----------
    method
        The attribution with its settings.
    layers
        K names, top first; in row k the weights of layers 0 .. k are shuffled.
    correlation
        (K, N) Spearman correlations of the contributions per base; NaN where a map is flat.
    absolute
        (K, N) the same of absolute contributions.
    """

    method: str
    layers: tuple[str, ...]
    correlation: NDArray[np.float64]
    absolute: NDArray[np.float64]


def randomisation_check(
    model: nn.Module, codes: Tensor | Codes, method: Attribution, *, task: int = 0, seed: Count = 0
) -> Randomisation:
    """Return how much of each map is left when the model forgets what it learned, layer by layer from the top.

    The numbers of each parameter, and of a norm's running statistics, are put in a random order, so that they keep
    their distribution. A method whose maps still correlate when all layers are shuffled shows the sequence, or the
    architecture, and not what was learned.

    Parameters
    ----------
    model
        Given back as it came.
    codes
        (N, W) uint8 windows.
    method
        The attribution to be checked.
    task
        Whose logit.
    seed
        Of the orders.

    Returns
    -------
    Randomisation
        A row for each layer with weights, in the reverse of the order in which the model defines them.

    Raises
    ------
    InputError
        If the model has no weights, or its windows cannot be explained.

    References
    ----------
    Adebayo et al. (2018), arXiv:1810.03292, cascading randomisation; there weights are drawn anew.

    Examples
    --------
    >>> from holdfast.interpret.attribution.gradients import GradientTimesInput
    >>> from holdfast.models.zeng import ZengCNN
    >>> windows = torch.randint(0, 4, (3, 60), dtype=torch.uint8)
    >>> found = randomisation_check(ZengCNN(), windows, GradientTimesInput())
    >>> found.layers, found.correlation.shape
    (('out', 'dense', 'stages.0.block.0'), (3, 3))
    """
    check_values(randomisation_check, {"seed": seed}, "randomisation_check")
    learned = method(model, codes, task=task).per_base
    generator = torch_generator(seed, "randomisation")
    layers = [(name, numbers) for name, layer in model.named_modules() if (numbers := _learned(layer))][::-1]
    if not layers:
        raise InputError(f"{type(model).__name__} has no weights to shuffle; ask about a model that was trained")
    plain, absolute = [], []
    with unchanged(model), evaluating(model):
        for _, numbers in layers:
            _shuffle(numbers, generator)
            forgot = method(model, codes, task=task).per_base
            plain.append(_rank_correlation(learned, forgot))
            absolute.append(_rank_correlation(np.abs(learned), np.abs(forgot)))
    return Randomisation(
        method=repr(method),
        layers=tuple(name for name, _ in layers),
        correlation=np.array(plain),
        absolute=np.array(absolute),
    )


def _learned(layer: nn.Module) -> list[Tensor]:
    """Return what a layer itself has learned: its parameters, and a norm's running statistics."""
    statistics = [buffer for name, buffer in layer.named_buffers(recurse=False) if name in STATISTICS]
    return list(chain(layer.parameters(recurse=False), statistics))


def _shuffle(numbers: list[Tensor], generator: torch.Generator) -> None:
    for tensor in numbers:
        order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
        tensor.copy_(tensor.flatten()[order].view_as(tensor))


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Spearman's correlation of each row; NaN where a row is constant."""
    ranks = [rankdata(rows, axis=1) for rows in (first, second)]
    centred = [rows - rows.mean(axis=1, keepdims=True) for rows in ranks]
    product, (left, right) = (centred[0] * centred[1]).sum(axis=1), [np.sqrt((one**2).sum(axis=1)) for one in centred]
    norm = left * right
    return np.where(norm > 0, product / np.where(norm > 0, norm, 1.0), np.nan)
