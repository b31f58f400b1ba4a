"""Logits of every legal window, once. Everything robustness needs is a reduction of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import check_values
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.models.base import WindowModel
from holdfast.robustness.shift import Shift

__all__ = ["SCAN_BASES", "loop_over_windows", "scan"]

# Bases of contexts whose windows a caller scans at a time: feature maps of a few MB.
SCAN_BASES = 32 * 128
# Values in flight per block of the plain loop. Larger blocks cost more in page faults than they save.
LOOP_BASES = 64 * 128


def scan(model: nn.Module, codes: Tensor, shift: Shift) -> Tensor:
    """Return the logits of every choice of the threat model.

    A :class:`~holdfast.models.base.WindowModel` shares its trunk between windows; any other module is asked about
    each window in turn, with bounded memory. The caller sets eval mode and gradients.

    Parameters
    ----------
    model
        (N, 4, W) one-hot to (N, T) logits.
    codes
        (N, L) uint8 contexts, on the model's device.
    shift
        The threat model; its context is L.

    Returns
    -------
    Tensor
        (N, K, T); column k is choice k of ``shift``.

    Raises
    ------
    InputError
        If the contexts are not of the threat model's length, or the model cannot read the window.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> scan(KmerLogistic(k=2), torch.zeros(3, 10, dtype=torch.uint8), Shift(context=10, window=8)).shape
    torch.Size([3, 3, 1])
    """
    check_values(scan, {"model": model, "codes": codes, "shift": shift}, "scan")
    if codes.ndim != 2 or codes.dtype != torch.uint8:
        raise InputError(f"codes are {codes.dtype} {tuple(codes.shape)}; expected torch.uint8 of shape (N, L)")
    if codes.shape[1] != shift.context:
        raise InputError(f"contexts are {codes.shape[1]} bp long, the shift set was made for {shift.context} bp")
    shortest = getattr(model, "min_window", 1)
    if isinstance(shortest, int) and shift.window < shortest:
        raise InputError(f"{type(model).__name__} reads at least {shortest} bp; the window is {shift.window} bp")
    reach = codes[:, shift.first_offset : shift.last_offset + shift.window]
    blocks = [_one_strand(model, reach, shift.window)]
    if shift.strands == "both":
        blocks.append(_one_strand(model, reverse_complement(reach), shift.window).flip(1))
    return torch.cat(blocks, dim=1)


def _one_strand(model: nn.Module, codes: Tensor, window: int) -> Tensor:
    if isinstance(model, WindowModel):
        return model.scan(one_hot(codes), window)
    return loop_over_windows(model, codes, window)


def loop_over_windows(model: nn.Module, codes: Tensor, window: int) -> Tensor:
    """Return (N, S, T) logits by asking the model about every window, a bounded block at a time."""
    windows = codes.unfold(1, window, 1)  # (N, S, W), a view
    n, n_windows = windows.shape[:2]
    rows = max(1, LOOP_BASES // window)
    if n_windows > rows:
        parts = [model(one_hot(part)) for row in windows for part in row.split(rows)]
    else:
        parts = [model(one_hot(part.flatten(0, 1))) for part in windows.split(max(1, rows // n_windows))]
    logits = torch.cat(parts)
    return logits.view(n, n_windows, logits.shape[-1])
