"""Exact sharing between windows for one or two convolutions with zero ('same') padding.

Zero padding changes the few positions next to a window's ends. There, an output of the second layer is a sum over taps,
and each tap falls on one of three things: padding (nothing), a first-layer value that the padding changed (the window's
own), or one that it did not (shared by all windows). Taps of the last kind are partial sums of the shared convolution
and cost nothing extra; only those of the middle kind are computed per window. A single layer has none of these: an
output at a window's end is a partial sum of shared taps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.models.layers import sliding_max

__all__ = ["max_over_padded_layer", "max_over_padded_windows"]


def max_over_padded_layer(sequence: Tensor, layer: nn.Conv1d, window: int) -> Tensor:
    """Return the maximum over positions of relu(layer(window)), 'same' padded, for every window.

    Parameters
    ----------
    sequence
        (N, 4, L) contexts.
    layer
        A convolution of width k, at least 2, with bias; its own ``padding`` is not used.
    window
        W, at least k.

    Returns
    -------
    Tensor
        (N, S, C), S = L - W + 1.
    """
    assert layer.bias is not None
    k = layer.kernel_size[0]
    n_windows = sequence.shape[-1] - window + 1
    best = sliding_max(F.conv1d(sequence, layer.weight), window - k + 1)
    # Left end: the last m taps on the window's first m values. Right end: the first m taps on its last m values.
    last = _last_taps(_taps_apart(sequence[..., : n_windows + k - 2], layer))
    for m in range(k - (k - 1) // 2, k):
        best = torch.maximum(best, last[m][..., :n_windows])
    first = _first_taps(_taps_apart(sequence[..., window - k + 1 :], layer))
    for m in range(k - k // 2, k):
        best = torch.maximum(best, first[m][..., k - 1 - m : k - 1 - m + n_windows])
    return (best.transpose(1, 2) + layer.bias).relu_()


def max_over_padded_windows(sequence: Tensor, first: nn.Conv1d, second: nn.Conv1d, window: int) -> Tensor:
    """Return the maximum over positions of relu(second(relu(first(window)))), both 'same' padded, for every window.

    Parameters
    ----------
    sequence
        (N, 4, L) contexts.
    first, second
        Convolutions of width k1 and k2 with bias; their own ``padding`` is not used.
    window
        W, at least k1 + k2.

    Returns
    -------
    Tensor
        (N, S, C), S = L - W + 1.
    """
    assert second.bias is not None
    k1, k2 = first.kernel_size[0], second.kernel_size[0]
    n_windows = sequence.shape[-1] - window + 1
    left_1, right_1, left_2, right_2 = (k1 - 1) // 2, k1 // 2, (k2 - 1) // 2, k2 // 2
    taps = _taps_apart(first(sequence).relu_(), second)
    last, leading = _last_taps(taps), _first_taps(taps)
    # Left end: the padding changes the first left_1 values; the shared ones begin at first-layer index i.
    own = _own_part(F.pad(_slices(sequence, 0, k1 - 1, n_windows), (left_1, 0)), first, second, n_windows)
    shares = {}
    for position in range(left_1 + left_2):
        n_shared = position + right_2 - left_1 + 1
        if n_shared > 0:
            shares[position + right_2] = last[n_shared][..., :n_windows]
    left = _best(own[..., right_2 : right_2 + left_1 + left_2], shares, first_place=right_2)
    # Right end, the mirror image: the shared values end at first-layer index i + W - k1.
    bases = _slices(sequence, window - k1 + 1, k1 - 1, n_windows)
    own = _own_part(F.pad(bases, (0, right_1)), first, second, n_windows)
    shares = {}
    for back in reversed(range(right_1 + right_2)):  # position W - 1 - back
        n_shared = back + left_2 - right_1 + 1
        if n_shared > 0:
            begin = window - k1 - n_shared + 1
            shares[right_1 - 1 - back + right_2] = leading[n_shared][..., begin : begin + n_windows]
    right = _best(own[..., : right_1 + right_2], shares, first_place=0)
    interior = sliding_max(last[k2], window - k1 - k2 + 2)
    best = torch.maximum(interior, torch.maximum(left, right))
    return (best.transpose(1, 2) + second.bias).relu_()


def _best(own: Tensor, shares: dict[int, Tensor], *, first_place: int) -> Tensor:
    """Return the maximum over places of own plus shared taps, (N, C, S).

    Parameters
    ----------
    own
        (N, C, S, places), the first of them ``first_place``.
    shares
        Place -> (N, C, S); neighbouring places, ascending. Places that are not among them have none.
    """
    if not shares:
        return own.amax(dim=-1)
    start = next(iter(shares)) - first_place
    stop = start + len(shares)
    best = (own[..., start:stop] + torch.stack(list(shares.values()), dim=-1)).amax(dim=-1)
    for alone in (own[..., :start], own[..., stop:]):
        if alone.shape[-1]:
            best = torch.maximum(best, alone.amax(dim=-1))
    return best


def _own_part(bases: Tensor, first: nn.Conv1d, second: nn.Conv1d, n_windows: int) -> Tensor:
    """Return the second layer's taps on the first-layer values that the padding changed, (N, C, S, positions).

    The convolution is padded in full, and skips the taps that fall outside.
    """
    changed = first(bases).relu_()
    own = F.conv1d(changed, second.weight, padding=second.kernel_size[0] - 1)
    return own.view(-1, n_windows, *own.shape[1:]).transpose(1, 2)


def _slices(features: Tensor, start: int, width: int, count: int) -> Tensor:
    """Return (N * count, C, width): positions [start + i, start + i + width) for i = 0 .. count - 1."""
    span = features[..., start : start + width + count - 1]
    return span.unfold(-1, width, 1).transpose(1, 2).flatten(0, 1)


def _taps_apart(shared: Tensor, layer: nn.Conv1d) -> list[Tensor]:
    """Return for each tap its product with every shared value: k tensors (N, C, P)."""
    weight = layer.weight.permute(2, 0, 1).flatten(0, 1)  # (k * C, C of the input)
    return list((weight @ shared).unflatten(1, (layer.kernel_size[0], -1)).unbind(dim=1))


def _last_taps(taps: list[Tensor]) -> dict[int, Tensor]:
    """Return m -> the last m taps applied to m consecutive values, indexed by the first value's place."""
    sums = {1: taps[-1]}
    for m in range(2, len(taps) + 1):
        sums[m] = sums[m - 1][..., 1:] + taps[-m][..., : sums[m - 1].shape[-1] - 1]
    return sums


def _first_taps(taps: list[Tensor]) -> dict[int, Tensor]:
    """Return m -> the first m taps applied to m consecutive values, indexed by the first value's place."""
    sums = {1: taps[0]}
    for m in range(2, len(taps)):
        sums[m] = sums[m - 1][..., :-1] + taps[m - 1][..., m - 1 :]
    return sums
