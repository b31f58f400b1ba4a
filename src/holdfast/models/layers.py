"""Blocks used by two models or more."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["sliding_logsum", "sliding_max", "sliding_mean"]


def sliding_max(features: Tensor, width: int) -> Tensor:
    """Return the maximum over every run of ``width`` positions, in log2(width) steps.

    Parameters
    ----------
    features
        (..., P).
    width
        At most P.

    Returns
    -------
    Tensor
        (..., P - width + 1).

    Examples
    --------
    >>> sliding_max(torch.tensor([1.0, 3.0, 2.0, 0.0]), 3).tolist()
    [3.0, 3.0]
    """
    if width == features.shape[-1]:
        return features.amax(dim=-1, keepdim=True)
    reach = 1
    while 2 * reach <= width:
        features = torch.maximum(features[..., :-reach], features[..., reach:])
        reach *= 2
    rest = width - reach
    return torch.maximum(features[..., : features.shape[-1] - rest], features[..., rest:]) if rest else features


def sliding_mean(features: Tensor, width: int) -> Tensor:
    """Return the mean over every run of ``width`` positions: (..., P) to (..., P - width + 1).

    Sums are built from runs of 1, 2, 4, ... positions, so no long running sum loses digits.

    Examples
    --------
    >>> sliding_mean(torch.tensor([1.0, 3.0, 2.0, 4.0]), 3).tolist()
    [2.0, 3.0]
    """
    if width == features.shape[-1]:
        return features.mean(dim=-1, keepdim=True)
    return _sliding_fold(features, width, torch.add) / width


def sliding_logsum(features: Tensor, width: int) -> Tensor:
    """Return the logarithm of the sum of exponentials over every run of ``width`` positions.

    Examples
    --------
    >>> sliding_logsum(torch.tensor([1.0, 3.0, 2.0, 4.0]).log(), 3).exp().round().tolist()
    [6.0, 9.0]
    """
    if width == features.shape[-1]:
        return features.logsumexp(dim=-1, keepdim=True)
    return _sliding_fold(features, width, torch.logaddexp)


def _sliding_fold(features: Tensor, width: int, add: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return an associative sum over every run of ``width`` positions, made of runs of 1, 2, 4, ... positions."""
    n_out = features.shape[-1] - width + 1
    total: Tensor | None = None
    done, reach = 0, 1
    while True:
        if width & reach:
            part = features[..., done : done + n_out]
            total = part if total is None else add(total, part)
            done += reach
        if done == width:
            break
        features = add(features[..., :-reach], features[..., reach:])
        reach *= 2
    assert total is not None
    return total
