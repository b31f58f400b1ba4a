"""Logits of every legal window, once. Everything robustness needs is a reduction of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import check_values
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.models.base import SequenceModel, WindowModel, loop_over_windows
from holdfast.robustness.shift import Shift

__all__ = ["SCAN_BASES", "scan", "score"]

# Bases of contexts whose windows a caller scans at a time: feature maps of a few MB.
SCAN_BASES = 32 * 128
# Bases of windows that are scored one by one at a time: batches large enough for a recurrent layer.
SCORE_BASES = 64 * 1024


def scan(model: nn.Module, codes: Tensor, shift: Shift) -> Tensor:
    """Return the logits of every choice of the threat model.

    A model of ours that ``scans_fast`` shares its trunk between windows; any other module is asked about each window
    in turn, with bounded memory. The caller sets eval mode and gradients.

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
    _refuse_unreadable_window(model, shift.window)
    reach = codes[:, shift.first_offset : shift.last_offset + shift.window]
    blocks = [_one_strand(model, reach, shift.window)]
    if shift.strands == "both":
        blocks.append(_one_strand(model, reverse_complement(reach), shift.window).flip(1))
    return torch.cat(blocks, dim=1)


def score(model: nn.Module, codes: Tensor, shift: Shift, choice: Tensor) -> Tensor:
    """Return the logits of some choices of each example.

    Where a model reads all windows for about the price of one, or all are asked for, they are scanned; else the
    model is asked about the chosen windows alone.

    Parameters
    ----------
    model
        (N, 4, W) one-hot to (N, T) logits.
    codes
        (N, L) uint8 contexts, on the model's device.
    shift
        The threat model; its context is L.
    choice
        (N, M) int64 choices of ``shift``; the logits at a negative one mean nothing.

    Returns
    -------
    Tensor
        (N, M, T).

    Raises
    ------
    InputError
        As :func:`scan`.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> codes = torch.zeros(3, 10, dtype=torch.uint8)
    >>> score(KmerLogistic(k=2), codes, Shift(context=10, window=8), torch.tensor([[0, 2]] * 3)).shape
    torch.Size([3, 2, 1])
    """
    choice = choice.clamp(min=0)
    if isinstance(model, WindowModel) or choice.shape[1] >= shift.n_choices:
        rows = max(1, SCAN_BASES // codes.shape[1])
        logits = torch.cat([scan(model, block, shift) for block in codes.split(rows)])
        return logits.gather(1, choice[..., None].expand(-1, -1, logits.shape[-1]))
    _refuse_unreadable_window(model, shift.window)
    start = torch.from_numpy(shift.choice_offset).to(codes.device)[choice]
    row = torch.arange(len(codes), device=codes.device)[:, None]
    windows = codes.unfold(1, shift.window, 1)[row, start].flatten(0, 1)
    if shift.strands == "both":
        reverse = torch.from_numpy(shift.choice_is_reverse).to(codes.device)[choice].flatten()
        windows = torch.where(reverse[:, None], reverse_complement(windows), windows)
    parts = [model(one_hot(part)) for part in windows.split(max(1, SCORE_BASES // shift.window))]
    scored: Tensor = torch.cat(parts).unflatten(0, choice.shape)
    return scored


def _refuse_unreadable_window(model: nn.Module, window: int) -> None:
    if not isinstance(model, SequenceModel):
        return
    name = type(model).__name__
    if window < model.min_window:
        raise InputError(f"{name} reads at least {model.min_window} bp; the window is {window} bp")
    if model.fixed_window not in (None, window):
        raise InputError(f"{name} was built for windows of {model.fixed_window} bp; the window is {window} bp")


def _one_strand(model: nn.Module, codes: Tensor, window: int) -> Tensor:
    if isinstance(model, SequenceModel):
        return model.scan(one_hot(codes), window)
    return loop_over_windows(model, one_hot(codes), window)
