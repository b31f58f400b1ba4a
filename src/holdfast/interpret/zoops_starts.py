"""Where to start looking for a motif: windows of the data round the k-mers that too many sequences share."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.dna.codes import UNKNOWN, Codes

__all__ = ["seed_probabilities", "start_widths", "start_windows"]

# Short words find frequent, weak motifs; long ones a site that a few sequences share.
_WORDS = (6, 10)


def start_widths(smallest: int, largest: int) -> list[int]:
    """Return the widths to start from: each about 1.4 times the one before, as MEME's.

    Examples
    --------
    >>> start_widths(6, 30)
    [6, 8, 12, 17, 24, 30]
    """
    widths = [smallest]
    while widths[-1] < largest:
        widths.append(min(largest, max(widths[-1] + 1, round(smallest * 2 ** (len(widths) / 2)))))
    return widths


def start_windows(
    codes: Codes, usable: NDArray[np.bool_], width: int, count: int, background: NDArray[np.float64]
) -> Codes:
    """Return windows of the data, each round another k-mer, those of the most enriched k-mers.

    A k-mer in c sequences where e are expected counts c ln(c / e) - (c - e); a window is chosen for the sum of its
    k-mers.

    Parameters
    ----------
    codes
        (N, L) uint8.
    usable
        (N, L): known bases that no earlier motif covers.
    width
        Of the windows.
    count
        K-mers of each length (6 and 10, or the width).
    background
        (4,) probabilities.

    Returns
    -------
    Codes
        (S, width), S at most twice ``count``; empty if no window is usable.
    """
    lengths = sorted({min(width, word) for word in _WORDS})
    found = [_windows_round_words(codes, usable, width, word, count, background) for word in lengths]
    return np.unique(np.concatenate(found), axis=0)


def seed_probabilities(windows: Tensor, background: Tensor) -> Tensor:
    """Return (S, W, 4) probabilities, half the window's base and half the background."""
    base = torch.arange(4, dtype=torch.uint8, device=windows.device)
    return 0.5 * (windows[..., None] == base).to(background.dtype) + 0.5 * background


def _windows_round_words(
    codes: Codes, usable: NDArray[np.bool_], width: int, word: int, count: int, background: NDArray[np.float64]
) -> Codes:
    number, there = _words(codes, usable, word)
    value = _enrichment(number, there, word, background)
    fits = np.asarray(np.lib.stride_tricks.sliding_window_view(usable, width, axis=1).all(axis=2))
    # The window of each word has it in the middle, or as near to it as the sequence's ends allow.
    start = np.clip(np.arange(number.shape[1]) - (width - word) // 2, 0, codes.shape[1] - width)
    total = np.lib.stride_tricks.sliding_window_view(value, width - word + 1, axis=1).sum(axis=2)[:, start]
    row, place = np.nonzero(there & fits[:, start])
    order = np.lexsort((-total[row, place], number[row, place]))
    row, place = row[order], place[order]
    _, first = np.unique(number[row, place], return_index=True)  # of each word, its best window
    row, place = row[first], place[first]
    best = np.argsort(-value[row, place], kind="stable")[:count]
    windows = np.lib.stride_tricks.sliding_window_view(codes, width, axis=1)
    return np.asarray(windows[row[best], start[place[best]]])


def _words(codes: Codes, usable: NDArray[np.bool_], word: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (N, places) numbers of words, the same for a word and its reverse complement, and which are usable."""
    windows = np.lib.stride_tricks.sliding_window_view(usable & (codes != UNKNOWN), word, axis=1)
    there: NDArray[np.bool_] = np.asarray(windows.all(axis=2))
    letters = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int64), word, axis=1)
    power = 4 ** np.arange(word)
    forward, reverse = letters @ power[::-1], (3 - letters) @ power
    return np.where(there, np.minimum(forward, reverse), -1), there


def _enrichment(
    number: NDArray[np.int64], there: NDArray[np.bool_], word: int, background: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (N, places) how surprising it is that so many sequences have the word."""
    row = np.nonzero(there)[0]
    pairs = np.unique(row * 4**word + number[there])  # a word counts once in a sequence
    words, times = np.unique(pairs % 4**word, return_counts=True)
    digits = words[:, None] // 4 ** np.arange(word) % 4
    probability = background[digits].prod(axis=1) + background[3 - digits].prod(axis=1)
    places = there.sum(axis=1)
    mean = places.sum() / max(1, np.count_nonzero(places))
    expected = np.count_nonzero(places) * -np.expm1(-probability * mean)
    surprise = np.where(times > expected, times * np.log(times / expected) - (times - expected), 0.0)
    value = np.zeros(number.shape)
    value[there] = surprise[np.searchsorted(words, number[there])]
    return value
