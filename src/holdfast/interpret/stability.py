"""Whether an explanation survives a shift: the maps of a context's windows, laid over each other base by base.

Everything is a reduction of how often, how much and with which sign each base counts in the windows that hold it.
Offsets are plain numbers here; the threat model they come from belongs to :mod:`holdfast.robustness.shift`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Share, check_values
from holdfast.dna.codes import Codes
from holdfast.interpret.attribution.base import Attribution

__all__ = ["MIN_WINDOWS", "Overlay", "WindowMaps", "check_edge", "explain_windows", "moved", "overlay"]

Floats = NDArray[np.float64]
# Bases of windows whose maps are held at a time; one example's windows at the least.
BLOCK_BASES = 1 << 20
MIN_WINDOWS = 5
"""A base that fewer windows hold is never called fleeting."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowMaps:
    """The maps of every window of some neighbouring examples.

    Parameters
    ----------
    first
        Number of the first example.
    maps
        (B, S, W) float32 contributions.
    logits
        (B, S) float32.
    incomplete
        Maps among them whose method promises completeness and did not keep it.
    """

    first: int
    maps: NDArray[np.float32]
    logits: NDArray[np.float32]
    incomplete: int

    @property
    def rows(self) -> slice:
        """Which examples these are."""
        return slice(self.first, self.first + len(self.maps))


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlay:
    """N examples' maps in context coordinates; S windows of W bases in contexts of L.

    Parameters
    ----------
    count
        (N, L): windows that hold the base.
    mean
        (N, L): mean contribution over them; NaN where there is none.
    spread
        (N, L): standard deviation over them.
    sign
        (N, L): how one-sided the base is, ``abs(n+ - n-) / (n+ + n-)``: 1 where every window gives it one sign, 0 where
        as many say more as say less; NaN where all say nothing.
    fleeting
        (N, L) bool: bases whose importance appears at one offset only, or at few.
    score
        (N,): stability, -1 to 1; NaN where no base is shared or every map is zero.
    sign_score
        (N,): mean of ``sign`` over bases, each counting as much as its mean absolute contribution.
    """

    count: NDArray[np.int64]
    mean: Floats
    spread: Floats
    sign: Floats
    fleeting: NDArray[np.bool_]
    score: Floats
    sign_score: Floats


def explain_windows(
    attribution: Attribution,
    model: nn.Module,
    codes: Codes,
    *,
    window: int,
    offsets: Sequence[int] | NDArray[np.integer],
    task: int = 0,
    index: NDArray[np.int64] | None = None,
    device: torch.device | None = None,
) -> Iterator[WindowMaps]:
    """Yield the maps of the windows of every example, a bounded number of examples at a time.

    Parameters
    ----------
    attribution
        The method.
    model
        Any module from (N, 4, W) one-hot to (N, T) logits.
    codes
        (N, L) uint8 contexts.
    window
        W.
    offsets
        (S,) where windows start.
    task
        Whose logit.
    index
        (N,) numbers of the examples, for draws: all windows of an example share its draws.
    device
        Where to compute; where the model is, if not given.

    Raises
    ------
    InputError
        If a window lies outside the context, or the model cannot read it.
    """
    starts = _checked_offsets(offsets, window, codes.shape[1])
    numbers = np.arange(len(codes)) if index is None else np.asarray(index)
    rows = max(1, BLOCK_BASES // (len(starts) * window))
    for first in range(0, len(codes), rows):
        block = np.asarray(codes[first : first + rows])
        windows = np.lib.stride_tricks.sliding_window_view(block, window, axis=1)[:, starts]
        flat = np.ascontiguousarray(windows).reshape(-1, window)
        which = np.repeat(numbers[first : first + rows], len(starts))
        yield _explained(attribution, model, flat, which, first=first, shape=windows.shape, task=task, device=device)


def _explained(
    attribution: Attribution,
    model: nn.Module,
    windows: Codes,
    index: NDArray[np.int64],
    *,
    first: int,
    shape: tuple[int, ...],
    task: int,
    device: torch.device | None,
) -> WindowMaps:
    """Ask for the maps of windows, so many at a time that what a method says of all four bases stays bounded too."""
    maps, logits = np.empty(windows.shape, dtype=np.float32), np.empty(len(windows), dtype=np.float32)
    incomplete, step = 0, max(1, BLOCK_BASES // windows.shape[1])
    for start in range(0, len(windows), step):
        part = slice(start, start + step)
        found = attribution(model, windows[part], task=task, index=torch.from_numpy(index[part]), device=device)
        maps[part], logits[part] = found.per_base, found.logits
        incomplete += int(found.incomplete.sum()) if found.incomplete is not None else 0
    return WindowMaps(first=first, maps=maps.reshape(shape), logits=logits.reshape(shape[:2]), incomplete=incomplete)


def overlay(
    maps: NDArray[np.floating],
    offsets: Sequence[int] | NDArray[np.integer],
    *,
    context: int,
    legal: NDArray[np.bool_] | None = None,
    edge_bp: Count = 0,
    important: Share = 0.25,
    few: Share = 0.1,
) -> Overlay:
    """Lay the maps of windows over each other in the coordinates of their context.

    Stability is the cosine of every window's map with every other's, at the bases both hold, all pairs in one: with
    a_ij what window i gives base j, and n_j the windows that hold it,

        sum_j sum_(i != k) a_ij a_kj / sum_j (n_j - 1) sum_i a_ij^2.

    It is 1 if and only if each base counts the same in every window that holds it, 0 for maps that have nothing to do
    with each other, and never above 1. A pair of windows of which one calls a base important and the other says nothing
    lowers it as much as it should, which a mean of pairwise cosines would not.

    Parameters
    ----------
    maps
        (N, S, W).
    offsets
        (S,) where the windows start.
    context
        L.
    legal
        (N, S) windows that count for an example; all of them, if not given.
    edge_bp
        Bases next to either end of a window that are left out, for what a k-mer or a filter sees there is cut.
    important
        A base is important to an example where its largest contribution is at least this share of the largest one
        anywhere, in absolute value.
    few
        An important base is fleeting where it reaches half of its own largest contribution in one window only, or in
        at most this share of the windows that hold it.

    Raises
    ------
    InputError
        If a window lies outside the context, or nothing is left of it without its edges.

    Examples
    --------
    Two windows of three bases that agree on both bases they share, and two that do not:

    >>> same = overlay(np.array([[[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]]), [0, 1], context=4)
    >>> other = overlay(np.array([[[1.0, 2.0, 3.0], [-3.0, 2.0, 4.0]]]), [0, 1], context=4)
    >>> same.score.round(9).tolist(), other.score.round(9).tolist(), same.count.tolist()
    ([1.0], [0.0], [[1, 2, 2, 1]])
    """
    check_values(overlay, {"edge_bp": edge_bp, "important": important, "few": few}, "overlay")
    n, _, window = maps.shape
    starts = _checked_offsets(offsets, window, context)
    check_edge(edge_bp, window)
    kept = np.ones((n, len(starts)), dtype=bool) if legal is None else legal
    sums = _Sums.of(maps, starts, kept, context, edge_bp)
    with np.errstate(invalid="ignore", divide="ignore"):  # NaN where no window says anything
        mean = sums.total / sums.count
        spread = np.sqrt(np.maximum(sums.square / sums.count - mean**2, 0.0))
        sign = np.abs(sums.above - sums.below) / (sums.above + sums.below)
        agreed, asked = (sums.total**2 - sums.square).sum(axis=1), ((sums.count - 1) * sums.square).sum(axis=1)
        score = np.clip(np.where(asked > 0, agreed, np.nan) / asked, -1.0, 1.0)
        weight = sums.absolute / sums.count
        told = np.isfinite(sign)
        sign_score = np.where(told, sign * weight, 0.0).sum(axis=1) / np.where(told, weight, 0.0).sum(axis=1)
    often = _windows_at_half(maps, starts, kept, sums.largest, edge_bp)
    matters = (sums.largest > 0) & (sums.largest >= important * sums.largest.max(axis=1, keepdims=True))
    fleeting = matters & (sums.count >= MIN_WINDOWS) & (often <= np.maximum(1, few * sums.count))
    return Overlay(
        count=sums.count, mean=mean, spread=spread, sign=sign, fleeting=fleeting, score=score, sign_score=sign_score
    )


@dataclass(frozen=True, eq=False)
class _Sums:
    """Of each base of each context, (N, L) each, over the windows that hold it."""

    count: NDArray[np.int64]
    above: NDArray[np.int64]
    below: NDArray[np.int64]
    total: Floats
    square: Floats
    absolute: Floats
    largest: Floats

    @classmethod
    def of(
        cls,
        maps: NDArray[np.floating],
        offsets: NDArray[np.int64],
        legal: NDArray[np.bool_],
        context: int,
        edge_bp: int,
    ) -> _Sums:
        """Add up the windows, one offset at a time."""
        shape = (len(maps), context)
        count, above, below = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        total, square, absolute, largest = (np.zeros(shape, dtype=np.float64) for _ in range(4))
        sums = cls(count, above, below, total, square, absolute, largest)
        inside = slice(edge_bp, maps.shape[2] - edge_bp)
        for number, offset in enumerate(offsets):
            at = slice(offset + inside.start, offset + inside.stop)
            counts = legal[:, [number]]
            values = np.where(counts, maps[:, number, inside].astype(np.float64), 0.0)
            sums.count[:, at] += counts
            sums.above[:, at] += values > 0
            sums.below[:, at] += values < 0
            sums.total[:, at] += values
            sums.square[:, at] += values**2
            sums.absolute[:, at] += np.abs(values)
            sums.largest[:, at] = np.maximum(sums.largest[:, at], np.abs(values))
        return sums


def _windows_at_half(
    maps: NDArray[np.floating],
    offsets: NDArray[np.int64],
    legal: NDArray[np.bool_],
    largest: Floats,
    edge_bp: int,
) -> NDArray[np.int64]:
    """Return (N, L): windows in which a base reaches half of its own largest contribution."""
    often = np.zeros(largest.shape, dtype=np.int64)
    inside = slice(edge_bp, maps.shape[2] - edge_bp)
    for number, offset in enumerate(offsets):
        at = slice(offset + inside.start, offset + inside.stop)
        often[:, at] += (np.abs(maps[:, number, inside]) >= largest[:, at] / 2) & legal[:, [number]]
    return often


def moved(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    first_offset: NDArray[np.integer],
    second_offset: NDArray[np.integer],
    context: int,
) -> Floats:
    """Return how far one window's map lies from another's, (N,): one less their cosine at the bases both hold.

    Parameters
    ----------
    first, second
        (N, W) maps of two windows of each example.
    first_offset, second_offset
        (N,) where the windows start.
    context
        L.

    Returns
    -------
    ndarray
        0 where the maps have one shape, 1 where they have nothing in common, 2 where they say the opposite; NaN where
        the windows share no base or one of the maps is zero there.

    Examples
    --------
    >>> a, b = np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 6.0, -9.0]])
    >>> moved(a, b, first_offset=np.array([0]), second_offset=np.array([1]), context=4).round(9).tolist()
    [0.0]
    """
    placed, held = [], np.ones((len(first), context), dtype=bool)
    rows = np.arange(len(first))[:, None]
    for maps, offset in ((first, first_offset), (second, second_offset)):
        columns = np.asarray(offset)[:, None] + np.arange(maps.shape[1])
        values, inside = np.zeros(held.shape), np.zeros(held.shape, dtype=bool)
        values[rows, columns], inside[rows, columns] = maps, True
        placed.append(values)
        held &= inside
    a, b = (np.where(held, values, 0.0) for values in placed)
    norms = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):  # NaN where there is nothing to compare
        return np.asarray(1.0 - np.clip(np.where(norms > 0, (a * b).sum(axis=1), np.nan) / norms, -1.0, 1.0))


def check_edge(edge_bp: int, window: int) -> None:
    """Refuse edges that leave nothing of a window.

    Raises
    ------
    InputError
        If they do.
    """
    if 2 * edge_bp >= window:
        raise InputError(f"edge_bp is {edge_bp}: nothing is left of a window of {window} bp; give less")


def _checked_offsets(offsets: Sequence[int] | NDArray[np.integer], window: int, context: int) -> NDArray[np.int64]:
    starts = np.asarray(offsets, dtype=np.int64)
    if len(starts) == 0 or starts.min() < 0 or starts.max() + window > context:
        raise InputError(
            f"offsets {starts.tolist()[:5]} of windows of {window} bp do not lie in contexts of {context} bp"
        )
    return starts
