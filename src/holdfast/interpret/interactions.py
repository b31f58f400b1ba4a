"""Which bases act together: second-order mutagenesis, and changes of the gradient when a source is mutated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.core.random import numpy_generator
from holdfast.dna.codes import UNKNOWN, Codes, one_hot
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.interpret.attribution.gradients import input_gradient

__all__ = ["WITHOUT_GRADIENT", "GradientInteractions", "PairEffects", "gradient_interactions", "pairwise_mutagenesis"]

Interval = tuple[int, int]
WITHOUT_GRADIENT = "pairwise_mutagenesis (--kind pairs) needs none"


@dataclass(frozen=True, kw_only=True, eq=False)
class PairEffects:
    """What two substitutions do together beyond what each does alone, for N windows.

    Parameters
    ----------
    task
        Whose logit.
    codes
        (N, W) uint8.
    start
        First of the P positions looked at.
    effects
        (N, P, 4, P, 4) float32: entry (i, a, j, b) is f(both) - f(a at i) - f(b at j) + f(x). 0 where a or b is the
        base that is there, and where i is j.
    """

    task: int
    codes: Codes
    start: int
    effects: NDArray[np.float32]

    @property
    def strength(self) -> NDArray[np.float32]:
        """(N, P, P): the largest absolute effect of a pair of positions."""
        return np.asarray(np.abs(self.effects).max(axis=(2, 4)))


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientInteractions:
    """How the gradient map changes when a source is mutated, for N windows and S sources.

    Parameters
    ----------
    task
        Whose logit.
    codes
        (N, W) uint8.
    sources
        (S, 2) int64 intervals ``[start, end)``.
    change
        (N, S, 4, W) float32: gradient of the window less that of its mutant, mean over mutants.
    strength
        (N, S, W) float32: mean absolute change of the most changed row of each target; 0 inside the source.
    """

    task: int
    codes: Codes
    sources: NDArray[np.int64]
    change: NDArray[np.float32]
    strength: NDArray[np.float32]


def pairwise_mutagenesis(
    model: nn.Module,
    codes: Tensor | Codes,
    *,
    window: Interval | None = None,
    task: Count = 0,
    device: torch.device | None = None,
) -> PairEffects:
    """Return the effects of all pairs of substitutions: second-order in-silico mutagenesis.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits.
    codes
        (N, W) uint8 windows.
    window
        Positions ``[start, end)`` to substitute; all, if not given. P positions cost 9 P (P - 1) / 2 + 3 P passes.
    task
        Whose logit.
    device
        Where to compute; where the model is, if not given.

    References
    ----------
    Koo et al. (2018), doi:10.1101/418459.
    """
    windows = windows_of(codes, model, task)
    start, end = _interval(window or (0, windows.shape[1]), windows.shape[1])
    with asking(model, task=task, device=device) as asked:
        effects = np.stack([_pair_effects(asked, one, start, end) for one in windows.numpy()])
    return PairEffects(task=task, codes=windows.numpy(), start=start, effects=effects)


def gradient_interactions(
    model: nn.Module,
    codes: Tensor | Codes,
    *,
    sources: Sequence[Interval] | None = None,
    mutants: Size = 10,
    seed: Count = 0,
    task: Count = 0,
    device: torch.device | None = None,
) -> GradientInteractions:
    """Return how mutating each source changes the gradient elsewhere: deep feature interaction maps.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits that has a gradient.
    codes
        (N, W) uint8 windows.
    sources
        Intervals ``[start, end)``, motif instances say; every single base, if not given. A source of one base gets its
        three substitutions, a longer one ``mutants`` draws in which each of its bases is another one.
    mutants
        Draws for a longer source.
    seed
        Of the draws; a draw belongs to a window and a source.
    task
        Whose logit.
    device
        Where to compute; where the model is, if not given.

    References
    ----------
    Greenside et al. (2018), doi:10.1093/bioinformatics/bty575.
    """
    check_values(gradient_interactions, {"mutants": mutants, "seed": seed}, "gradient_interactions")
    windows = windows_of(codes, model, task)
    length = windows.shape[1]
    chosen = [_interval(one, length) for one in (sources or [(base, base + 1) for base in range(length)])]
    with asking(model, task=task, device=device) as asked:
        found = [
            [_gradient_change(asked, one, _mutants(one, source, mutants, (seed, number))) for source in chosen]
            for number, one in enumerate(windows.numpy())
        ]
    change, strength = (np.array([[pair[part] for pair in row] for row in found]) for part in (0, 1))
    for number, (start, end) in enumerate(chosen):
        strength[:, number, start:end] = 0
    return GradientInteractions(
        task=task, codes=windows.numpy(), sources=np.array(chosen), change=change, strength=strength
    )


def _interval(given: Interval, length: int) -> Interval:
    start, end = int(given[0]), int(given[1])
    if not 0 <= start < end <= length:
        raise InputError(f"positions {start}..{end} are not inside a window of {length} bp; intervals are half-open")
    return start, end


def _pair_effects(model: Asked, codes: Codes, start: int, end: int) -> NDArray[np.float32]:
    """Return (P, 4, P, 4) effects of one window."""
    width = end - start
    place, base = np.repeat(np.arange(width), 4), np.tile(np.arange(4, dtype=np.uint8), width)
    changes = base != codes[start + place]
    place, base = place[changes], base[changes]
    singles = _substituted(codes, start + place[:, None], base[:, None])
    known = model.logits(np.concatenate([codes[None], singles])).astype(np.float64)
    reference, alone = known[0], known[1:]
    effects = np.zeros((width, 4, width, 4), dtype=np.float32)
    for one in range(len(place)):
        others = np.flatnonzero(place > place[one])
        if not len(others):
            continue
        both = model.logits(_substituted(singles[one], start + place[others, None], base[others, None]))
        effect = both - alone[one] - alone[others] + reference
        effects[place[one], base[one], place[others], base[others]] = effect
        effects[place[others], base[others], place[one], base[one]] = effect
    return effects


def _substituted(codes: Codes, place: NDArray[np.int64], base: Codes) -> Codes:
    """Return (M, W) copies of one window with the bases (M, k) at the places (M, k)."""
    mutants = np.repeat(codes[None], len(place), axis=0)
    np.put_along_axis(mutants, place, base, axis=1)
    return mutants


def _mutants(codes: Codes, source: Interval, count: int, seed: tuple[int, int]) -> Codes:
    """Return (M, W) windows in which every base of the source is another one; an unknown one is any of the four."""
    start, end = source
    there = codes[start:end].astype(np.int64)
    choices = np.where(there < UNKNOWN, 3, 4)
    if end - start == 1:
        steps = 1 + np.arange(choices[0])[:, None]
    else:
        rng = numpy_generator(seed[0], "mutants", seed[1], start, end)
        steps = 1 + rng.integers(0, choices, (count, end - start))
    places = np.broadcast_to(np.arange(start, end), steps.shape)
    return _substituted(codes, places, ((there + steps) % 4).astype(np.uint8))


def _gradient_change(model: Asked, codes: Codes, mutants: Codes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (4, W) mean change of the gradient and the (W,) strength of the change."""
    both = torch.from_numpy(np.concatenate([codes[None], mutants])).to(model.device)
    gradient = input_gradient(model, one_hot(both), instead=WITHOUT_GRADIENT).float()
    change = gradient[0] - gradient[1:]
    return change.mean(dim=0).numpy(force=True), change.abs().mean(dim=0).amax(dim=0).numpy(force=True)
