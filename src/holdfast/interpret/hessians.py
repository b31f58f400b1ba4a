"""Integrated Hessians: integrated gradients shared out over pairs of positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.interpret.attribution.base import is_incomplete
from holdfast.interpret.attribution.gradients import input_gradient
from holdfast.interpret.interactions import WITHOUT_GRADIENT

__all__ = ["IntegratedHessians", "integrated_hessians"]

Baseline = Literal["zeros", "uniform"]
Smoothness = Annotated[float, Field(gt=0)] | None
# Copies of a window under one Hessian at a time.
ROWS = 64


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
    incomplete
        (N,) bool: the gap is too large for the interactions to be taken at their word.
    """

    task: int
    codes: Codes
    interactions: NDArray[np.float32]
    integrated_gradients: NDArray[np.float32]
    gap: NDArray[np.float32]
    incomplete: NDArray[np.bool_]


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
    # Attention's fused kernels have a first derivative only.
    with asking(model, task=task, device=device) as asked, _Smoothed(smoothness), sdpa_kernel(SDPBackend.MATH):
        sequences = one_hot(windows.to(asked.device))
        _check_twice_differentiable(asked, sequences[:1])
        base = torch.full_like(sequences[0], 0.25 if baseline == "uniform" else 0.0)
        found = [_share_out(asked, one, base, nodes) for one in sequences]
    interactions, gradients, difference = (torch.stack(column) for column in zip(*found, strict=True))
    gap = difference - interactions.sum(dim=(1, 2))
    return IntegratedHessians(
        task=task,
        codes=windows.numpy(),
        interactions=interactions.numpy(force=True),
        integrated_gradients=gradients.numpy(force=True),
        gap=gap.numpy(force=True),
        incomplete=is_incomplete(gap, difference).numpy(force=True),
    )


def _share_out(model: Asked, sequence: Tensor, base: Tensor, nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return (W, W) interactions, (W,) integrated gradients and what they are to add up to, of one (4, W) window."""
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
    return interactions, gradients, ends[0] - ends[1]


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
            rows.append((_second(model, (slope * direction).sum(), asked) * path).sum(dim=1))
    return torch.cat(rows), slope[0].detach()


def _second(model: Asked, slope: Tensor, asked: Tensor) -> Tensor:
    if not slope.requires_grad:  # a linear model without trainable weights: its slope depends on nothing
        return torch.zeros_like(asked)
    try:
        (second,) = torch.autograd.grad(slope, asked, allow_unused=True, materialize_grads=True)
    except RuntimeError as error:  # of torch, which says which of its operations has a first derivative only
        raise _refusal(model, str(error)) from error
    return second


def _check_twice_differentiable(model: Asked, sequence: Tensor) -> None:
    """Refuse a model with a layer whose gradient has none: autograd would take its curvature as 0 without a word."""
    input_gradient(model, sequence, instead=WITHOUT_GRADIENT)
    with torch.enable_grad():
        todo, seen = [model(sequence.clone().requires_grad_()).grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        todo += [before for before, _ in node.next_functions]
        if _is_once_differentiable(node):
            raise _refusal(model, f"{node.name()} has a first derivative only")


def _refusal(model: Asked, reason: str) -> InputError:
    return InputError(
        f"{type(model.model).__name__} cannot be differentiated twice: {reason}; pairwise_mutagenesis and"
        " gradient_interactions need no second derivative"
    )


def _is_once_differentiable(node: object) -> bool:
    """Return whether a step is a function written in Python with torch's ``once_differentiable``, which wraps it."""
    function: Any = getattr(node, "_forward_cls", None)
    return isinstance(node, BackwardCFunction) and hasattr(function.backward, "__wrapped__")


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
