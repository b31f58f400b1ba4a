"""Which bases act together: second-order mutagenesis, changes of the gradient, integrated Hessians."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.core.random import numpy_generator
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.interpret.attribution.gradients import input_gradient

__all__ = [
    "GradientInteractions",
    "IntegratedHessians",
    "PairEffects",
    "gradient_interactions",
    "integrated_hessians",
    "pairwise_mutagenesis",
]

Interval = tuple[int, int]
Baseline = Literal["zeros", "uniform"]
Smoothness = Annotated[float, Field(gt=0)] | None
# Copies of a window under one Hessian at a time.
ROWS = 64


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


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegratedHessians:
    """Integrated gradients shared out over pairs of positions, for N windows.

    Parameters
    ----------
    task
        Whose logit.
    codes
        (N, W) uint8.
    interactions
        (N, W, W) float32, symmetric; the diagonal is what a position does on its own. Row i adds up to its integrated
        gradient.
    integrated_gradients
        (N, W) float32, computed on their own.
    gap
        (N,) float32: f(x) - f(baseline) less the sum of all interactions.
    """

    task: int
    codes: Codes
    interactions: NDArray[np.float32]
    integrated_gradients: NDArray[np.float32]
    gap: NDArray[np.float32]


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


def integrated_hessians(
    model: nn.Module,
    codes: Tensor | Codes,
    *,
    baseline: Baseline = "zeros",
    nodes: Size = 16,
    smoothness: Smoothness = 10.0,
    task: Count = 0,
    device: torch.device | None = None,
) -> IntegratedHessians:
    """Return integrated gradients shared out over pairs of positions.

    The double integral of the paper over (alpha, beta) depends on their product t alone, whose density is -log t; it is
    a single integral here, taken at Gauss-Legendre nodes of u with t = u^4, exact to rounding where the logit is a
    polynomial of the input.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits that can be differentiated twice.
    codes
        (N, W) uint8 windows.
    baseline
        All ``zeros``, or 0.25 at each base (``uniform``).
    nodes
        Points between baseline and window.
    smoothness
        A rectifier has no curvature, so as the paper does rectifiers (torch's relu) are taken as softplus of this
        beta, with log(1 + exp(beta z)) / beta; the gap, and the integrated gradients, are those of the smoothed model.
        None leaves the model as it is.
    task
        Whose logit.
    device
        Where to compute; where the model is, if not given.

    Raises
    ------
    InputError
        If the model has no second derivative.

    References
    ----------
    Janizek et al. (2021), JMLR 22(104), arXiv:2002.04138.
    """
    given = {"baseline": baseline, "nodes": nodes, "smoothness": smoothness}
    check_values(integrated_hessians, given, "integrated_hessians")
    windows = windows_of(codes, model, task)
    with asking(model, task=task, device=device) as asked, _Smoothed(smoothness):
        sequences = one_hot(windows.to(asked.device))
        _check_twice_differentiable(asked, sequences[:1])
        base = torch.full_like(sequences[0], 0.25 if baseline == "uniform" else 0.0)
        found = [_share_out(asked, one, base, nodes) for one in sequences]
    interactions, gradients, gap = (torch.stack(column).numpy(force=True) for column in zip(*found, strict=True))
    return IntegratedHessians(
        task=task, codes=windows.numpy(), interactions=interactions, integrated_gradients=gradients, gap=gap
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
    """Return (M, W) windows in which every base of the source is another one."""
    start, end = source
    if end - start == 1:
        steps = np.array([[1], [2], [3]])
    else:
        rng = numpy_generator(seed[0], "mutants", seed[1], start, end)
        steps = rng.integers(1, 4, (count, end - start))
    places = np.broadcast_to(np.arange(start, end), steps.shape)
    return _substituted(codes, places, ((codes[start:end] + steps) % 4).astype(np.uint8))


def _gradient_change(model: Asked, codes: Codes, mutants: Codes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (4, W) mean change of the gradient and the (W,) strength of the change."""
    both = torch.from_numpy(np.concatenate([codes[None], mutants])).to(model.device)
    gradient = input_gradient(model, one_hot(both)).float()
    change = gradient[0] - gradient[1:]
    return change.mean(dim=0).numpy(force=True), change.abs().mean(dim=0).amax(dim=0).numpy(force=True)


def _share_out(model: Asked, sequence: Tensor, base: Tensor, nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return (W, W) interactions, (W,) integrated gradients and the gap of one (4, W) window."""
    path = sequence - base
    window = path.shape[1]
    interactions, gradients = path.new_zeros(window, window), path.new_zeros(window)
    for t, weight in _nodes(nodes):
        density = -np.log(t) * weight
        rows, slope = _hessian_rows(model, base + t * path, path)
        own = (slope * path).sum(dim=0)
        interactions += t * density * rows + torch.diag(density * own)
    for t, weight in _nodes(nodes):
        gradients += weight * (input_gradient(model, (base + t * path)[None])[0] * path).sum(dim=0)
    ends = model(torch.stack([sequence, base]))
    return interactions, gradients, ends[0] - ends[1] - interactions.sum()


def _nodes(count: int) -> Iterable[tuple[float, float]]:
    """Return t in (0, 1) and weights of an integral over t, by Gauss-Legendre in u, t = u^4."""
    place, weight = np.polynomial.legendre.leggauss(count)
    u = (place + 1) / 2
    return list(zip((u**4).tolist(), (weight / 2 * 4 * u**3).tolist(), strict=True))


def _hessian_rows(model: Asked, point: Tensor, path: Tensor) -> tuple[Tensor, Tensor]:
    """Return (W, W) path' H path summed over bases, and the (4, W) gradient, at one point."""
    rows = []
    for places in torch.arange(path.shape[1], device=path.device).split(ROWS):
        which = torch.arange(len(places), device=path.device)
        direction = path.new_zeros(len(places), *path.shape)
        direction[which, :, places] = path[:, places].T
        with torch.enable_grad():
            asked = point.expand(len(places), -1, -1).clone().requires_grad_()
            (slope,) = torch.autograd.grad(model(asked).sum(), asked, create_graph=True)
            rows.append((_second((slope * direction).sum(), asked) * path).sum(dim=1))
    return torch.cat(rows), slope[0].detach()


def _second(slope: Tensor, asked: Tensor) -> Tensor:
    if not slope.requires_grad:  # a linear model without trainable weights: its slope depends on nothing
        return torch.zeros_like(asked)
    (second,) = torch.autograd.grad(slope, asked, allow_unused=True, materialize_grads=True)
    return second


def _check_twice_differentiable(model: Asked, sequence: Tensor) -> None:
    """Refuse a model with a layer whose gradient has none: autograd would take its curvature as 0 without a word."""
    with torch.enable_grad():
        todo, seen = [model(sequence.clone().requires_grad_()).grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        todo += [before for before, _ in node.next_functions]
        if _is_once_differentiable(node):
            raise InputError(
                f"{type(model.model).__name__} cannot be differentiated twice: {node.name()} has a first derivative"
                " only; pairwise_mutagenesis and gradient_interactions need no second one"
            )


def _is_once_differentiable(node: object) -> bool:
    """Return whether a step is a function written in Python with torch's ``once_differentiable``, which wraps it."""
    return isinstance(node, BackwardCFunction) and hasattr(node._forward_cls.backward, "__wrapped__")


_RECTIFIERS = {F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}


class _Smoothed(TorchFunctionMode):
    """Takes rectifiers as softplus while it is on."""

    def __init__(self, beta: float | None) -> None:
        super().__init__()
        self.beta = beta

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self.beta is not None and func in _RECTIFIERS:
            return F.softplus(args[0], beta=self.beta)
        return func(*args, **(kwargs or {}))
