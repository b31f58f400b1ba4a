"""Blocks used by two models or more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["dense_over_runs", "keras_start", "sliding_max", "sliding_mean"]


def keras_start(model: nn.Module) -> None:
    """Draw the convolutions and dense layers as Keras does: glorot uniform kernels, zero biases."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def dense_over_runs(layer: nn.Linear, features: Tensor, width: int) -> Tensor:
    """Return a dense layer's output for every run of ``width`` positions, flattened time-major as Keras flattens.

    Input ``t * C + c`` of the layer is channel c of a run's position t. Runs overlap, and are not copied: the layer is
    applied position by position of the run, to all runs at once.

    Parameters
    ----------
    layer
        From width * C inputs to H.
    features
        (..., C, P).
    width
        At most P.

    Returns
    -------
    Tensor
        (..., H, P - width + 1).

    Examples
    --------
    >>> layer = nn.Linear(6, 2)
    >>> features = torch.randn(3, 5)
    >>> by_hand = torch.stack([layer(features[:, i : i + 2].T.flatten()) for i in range(4)], dim=-1)
    >>> torch.allclose(dense_over_runs(layer, features, 2), by_hand, atol=1e-6)
    True
    """
    n_runs = features.shape[-1] - width + 1
    if n_runs == 1:
        alone: Tensor = layer(features.transpose(-1, -2).flatten(-2))
        return alone[..., None]
    in_time = features.movedim(-1, 0).contiguous()  # (P, ..., C): runs of one step stand side by side in memory
    shape = (n_runs, *in_time.shape[1:-1], layer.out_features)
    rows = in_time.view(len(in_time), -1, in_time.shape[-1])
    total = in_time.new_zeros(n_runs * rows.shape[1], layer.out_features)
    if layer.bias is not None:
        total += layer.bias
    weights = layer.weight.unflatten(1, (width, -1)).permute(1, 2, 0)  # (width, C, H)
    for step, weight in enumerate(weights):
        total.addmm_(rows[step : step + n_runs].flatten(0, 1), weight)
    return total.view(shape).movedim(0, -1)


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
    n_out = features.shape[-1] - width + 1
    total: Tensor | None = None
    done, reach = 0, 1
    while True:
        if width & reach:
            part = features[..., done : done + n_out]
            total = part if total is None else total + part
            done += reach
        if done == width:
            break
        features = features[..., :-reach] + features[..., reach:]
        reach *= 2
    assert total is not None
    return total / width
