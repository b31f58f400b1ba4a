"""Grad-CAM: where the last convolution fired for the logit, laid back over the window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from holdfast.core.errors import InputError
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit
from holdfast.interpret.attribution.visible import ELEMENTWISE

__all__ = ["GradCAM"]

# What may stand between a convolution and its activation.
BEFORE_ACTIVATION = ("batch_norm", "dropout")


@dataclass(frozen=True, kw_only=True)
class GradCAM(Attribution):
    """The last convolution's maps, each weighted by its mean gradient, added up, rectified, and spread over the window.

    Maps are taken after the activation: what a rectifier takes away does not fire, and would outweigh what does.
    A place of the maps stands for the middle of the bases it reads; between two middles the value is interpolated. Of a
    model that reads both strands, or of an ensemble, all last maps are laid over each other.

    References
    ----------
    Selvaraju et al. (2017), arXiv:1610.02391.
    """

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return one value of 0 or more per position.

        Raises
        ------
        InputError
            If the model has no convolution over the bases.
        """
        watch = _Watch(one_hot(codes))
        with torch.enable_grad(), watch:
            logit = model(watch.sequence.requires_grad_()).sum()
        if not watch.chains:
            name = type(model.model).__name__
            raise InputError(f"{name} has no convolution over the bases, which Grad-CAM looks at; use another method")
        maps = [chain.maps for chain in watch.chains]
        gradients = torch.autograd.grad(logit, maps)
        spread = [
            chain.over_window(gradient, codes.shape) for chain, gradient in zip(watch.chains, gradients, strict=True)
        ]
        return Explained(per_base=torch.stack(spread).sum(dim=0))


@dataclass(eq=False)
class _Chain:
    """Convolutions and poolings from the bases on: the last maps, and what their places read.

    Parameters
    ----------
    turned
        (parts, N) whether each window is read from its other strand; parts follow each other in the batch.
    maps
        (parts * N, C, P).
    held
        What the model goes on with.
    first
        The first base that place 0 reads; less than 0 in padding.
    reach
        Bases that a place reads.
    jump
        Bases between two places.
    middle
        Of the bases that place 0 of the maps reads; poolings behind the maps do not move it.
    step
        Bases between two places of the maps.
    """

    turned: Tensor
    maps: Tensor
    held: Tensor
    first: int = 0
    reach: int = 1
    jump: int = 1
    middle: float = 0.0
    step: int = 1

    def through(self, *, width: int, stride: int, padding: int) -> None:
        """Go on through a layer of so many taps, from end to end."""
        self.first -= padding * self.jump
        self.reach += (width - 1) * self.jump
        self.jump *= stride

    def keep(self, maps: Tensor) -> None:
        """Take a convolution's output for the last maps."""
        self.maps, self.middle, self.step = maps, self.first + (self.reach - 1) / 2, self.jump

    def over_window(self, gradient: Tensor, shape: torch.Size) -> Tensor:
        """Return the (N, W) weighted and rectified maps, interpolated between the middles of what places read."""
        places = (gradient.mean(dim=-1, keepdim=True) * self.maps.detach()).sum(dim=1).relu()
        n_places = places.shape[1]
        where = ((torch.arange(shape[1], device=places.device) - self.middle) / self.step).clamp(0, n_places - 1)
        low = where.floor().long()
        high = (low + 1).clamp(max=n_places - 1)
        spread = torch.lerp(places[:, low], places[:, high], (where - low).to(places)).view(-1, *shape)
        return torch.where(self.turned[..., None], spread.flip(-1), spread).sum(dim=0)


class _Watch(TorchFunctionMode):
    """Follows convolutions, poolings and paddings of whatever model runs in it, from the bases on."""

    def __init__(self, sequence: Tensor) -> None:
        super().__init__()
        self.sequence, self.chains, self.padding = sequence, list[_Chain](), 0
        self.layers: Mapping[str, Callable[..., _Chain | None]] = {
            "conv1d": self._convolution,
            "max_pool1d": self._pooling,
            "avg_pool1d": self._pooling,
            "pad": self._pad,
        }

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function, and note what it was."""
        chain, name = self._going_on(args), str(getattr(func, "__name__", ""))
        made = func(*args, **(kwargs or {}))
        plain = name.rstrip("_")
        if name in self.layers:
            chain = self.layers[name](made, *args, **(kwargs or {}))
        elif chain is not None and plain in ELEMENTWISE:
            chain.keep(made)
        elif plain not in BEFORE_ACTIVATION:
            return made
        if chain is None:
            return made
        chain.held = made.clone()  # what follows may write into it
        return chain.held

    def _going_on(self, args: tuple[Any, ...]) -> _Chain | None:
        """Return the chain whose maps a function is given, which no other layer has seen yet."""
        return next((chain for chain in self.chains if args and args[0] is chain.held), None)

    def _pad(
        self, made: Tensor, input: Tensor, pad: Iterable[int], mode: str = "constant", value: float | None = None
    ) -> _Chain | None:
        self.padding = next(iter(pad))
        return None

    def _convolution(
        self,
        made: Tensor,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> _Chain | None:
        reads_bases = self._turned(input)
        before, self.padding = self.padding, 0
        if reads_bases is not None:
            self.chains.append(_Chain(turned=reads_bases, maps=made, held=made))
            before = before if input.shape[-1] > self.sequence.shape[-1] else 0
        elif not self.chains:
            return None
        span = (weight.shape[-1] - 1) * _number(dilation) + 1
        inside = (span - 1) // 2 if padding == "same" else 0 if padding == "valid" else _number(padding)
        chain = self.chains[-1]
        chain.through(width=span, stride=_number(stride), padding=before + inside)
        chain.keep(made)
        return chain

    def _pooling(
        self,
        made: Tensor,
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        **rest: object,
    ) -> _Chain | None:
        if not self.chains:
            return None
        width = _number(kernel_size)
        self.chains[-1].through(width=width, stride=_number(stride or width), padding=_number(padding))
        return self.chains[-1]

    def _turned(self, read: Tensor) -> Tensor | None:
        """Return (parts, N) whether rows are the windows' other strands; None where they are no windows."""
        window = self.sequence.shape[-1]
        before = self.padding if read.shape[-1] > window else 0
        bases = read.detach()[:, :4, before : before + window]
        if bases.shape[1:] != self.sequence.shape[1:] or len(bases) % len(self.sequence):
            return None
        parts = bases.unflatten(0, (-1, len(self.sequence)))
        sequence = self.sequence.detach()
        known = sequence.sum(dim=(1, 2))
        as_given, other = ((parts * one).sum(dim=(2, 3)) for one in (sequence, sequence.flip(1, 2)))
        return other > as_given if bool((torch.maximum(as_given, other) == known).all()) else None


def _number(value: Any) -> int:
    return int(value[0] if isinstance(value, list | tuple) else value)
