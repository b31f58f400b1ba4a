"""A model whose functions are modules, so that a library that gives rules to modules sees them.

tangermeme attaches DeepLIFT's rules to modules such as ``nn.ReLU``, and takes everything else for linear. Models here
and elsewhere call functions: ``torch.exp``, ``.relu()``, ``.amax()``. :class:`Visible` runs a model under a function
mode that hands such calls to modules of its own. It also puts the rows of a batch in the order that the rules expect,
examples in the first half and their references in the second, where a model reads both strands in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["Elementwise", "Visible"]

ELEMENTWISE = {
    *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardtanh"),
    *("exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "square", "abs", "reciprocal", "pow", "__pow__", "__rdiv__"),
    *("sigmoid", "hardsigmoid", "tanh", "log_sigmoid", "clamp", "clip", "clamp_min", "clamp_max"),
}


class Elementwise(nn.Module):
    """A function of each number by itself; which one is set before each call."""

    function: Callable[[Tensor], Tensor]

    def forward(self, values: Tensor) -> Tensor:
        """Return as many numbers."""
        return self.function(values)


class Visible(nn.Module):
    """A model that answers for pairs, (2 M, 4, W) to (2 M, 1), its functions being modules.

    Parameters
    ----------
    model
        (N, 4, W) to (N,) logits. It is no child of this module, so that its own layers get no rules beside those of the
        functions that they call.
    product
        A module that multiplies two tensors, with a rule.
    whole
        Kinds of layers that get a rule as a whole; these are children.

    Attributes
    ----------
    answered
        (2 M,) logits of the last pass, without a gradient.
    """

    answered: Tensor

    def __init__(self, model: nn.Module, *, product: nn.Module, whole: tuple[type[nn.Module], ...]) -> None:
        super().__init__()
        self.hidden = (model,)
        self.elementwise, self.product = Elementwise(), product
        self.made = nn.ModuleDict()
        self.whole = nn.ModuleList(layer for layer in model.modules() if isinstance(layer, whole))
        self.rows = 0

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (2 M, 1) logits of M windows and their M references."""
        self.rows = len(sequence)
        with _Redirected(self), self._whole_by_pairs():
            logits: Tensor = self.hidden[0](sequence)
        self.answered = logits.detach()
        return logits[:, None]

    def by_pairs(self, module: nn.Module, *values: Tensor) -> Tensor:
        """Call a module with the rows of the batch, which may be several strands' pairs, in two halves."""
        places = [place for place, size in enumerate(values[0].shape) if size and size % self.rows == 0]
        if not places:
            made: Tensor = module(*values)
            return made
        half = self.rows // 2
        halves = [one.movedim(places[0], 0).unflatten(0, (-1, 2, half)).transpose(0, 1).flatten(0, 2) for one in values]
        answer: Tensor = module(*halves)
        in_order: Tensor = answer.unflatten(0, (2, -1, half)).transpose(0, 1).flatten(0, 2)
        return in_order.movedim(0, places[0])

    @contextmanager
    def _whole_by_pairs(self) -> Iterator[None]:
        """Let the model call the layers that get a rule as a whole by pairs."""
        places = [
            (parent, name, layer)
            for parent in self.hidden[0].modules()
            for name, layer in parent.named_children()
            if any(layer is one for one in self.whole)
        ]
        try:
            for parent, name, layer in places:
                setattr(parent, name, _ByPairs(self, layer))
            yield
        finally:
            for parent, name, layer in places:
                setattr(parent, name, layer)

    def layer(self, name: str, make: Callable[[], nn.Module]) -> nn.Module:
        """Return the module for calls with the same settings, made on the first.

        A module that is made during a pass gets rules from the next pass on.
        """
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


class _ByPairs(nn.Module):
    """Stands in a model's place for a layer that gets a rule as a whole."""

    def __init__(self, visible: Visible, layer: nn.Module) -> None:
        super().__init__()
        self.held = (visible, layer)

    def forward(self, values: Tensor) -> Tensor:
        visible, layer = self.held
        return visible.by_pairs(layer, values)


class _Redirected(TorchFunctionMode):
    """Sends calls of functions that are not linear to the modules of a :class:`Visible`."""

    def __init__(self, visible: Visible) -> None:
        super().__init__()
        self.visible = visible
        self.handlers: Mapping[str, Callable[..., Tensor]] = {
            **dict.fromkeys(("mul", "__mul__", "__rmul__", "multiply"), self._product),
            **dict.fromkeys(("div", "__truediv__", "true_divide"), self._quotient),
            **dict.fromkeys(("matmul", "__matmul__", "bmm"), self._matrix_product),
            "lerp": self._lerp,
            "amax": self._amax,
            "max_pool1d": self._max_pool,
            "softmax": self._softmax,
            "maximum": self._maximum,
            "where": self._where,
            "logsumexp": self._logsumexp,
        }

    def __torch_function__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function, or what stands for it."""
        given = dict(kwargs or {})
        # Inside a custom autograd function, where gradients are off, there is nothing to attach a rule to.
        varying = [one for one in args if isinstance(one, Tensor) and one.requires_grad]
        if not torch.is_grad_enabled() or not varying:
            return func(*args, **given)
        name = str(getattr(func, "__name__", ""))
        plain = name if name.startswith("__") else name.rstrip("_")
        if plain in ELEMENTWISE:
            return self._elementwise(_out_of_place(func, name), args, given)
        if plain in self.handlers:
            return self.handlers[plain](func, *args, **given)
        return func(*args, **given)

    def _elementwise(self, function: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Tensor:
        rest = args[1:]
        settings = {key: value for key, value in given.items() if key != "inplace"}
        self.visible.elementwise.function = lambda values: function(values, *rest, **settings)
        return self.visible.by_pairs(self.visible.elementwise, args[0])

    def _unary(self, function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        return self._elementwise(function, (values,), {})

    def _product(self, func: Any, left: Any, right: Any) -> Tensor:
        if not (_varies(left) and _varies(right)):
            made: Tensor = func(left, right)
            return made
        return self.visible.by_pairs(self.visible.product, *torch.broadcast_tensors(left, right))

    def _quotient(self, func: Any, left: Any, right: Any) -> Tensor:
        if not _varies(right):
            made: Tensor = func(left, right)
            return made
        return self._product(torch.mul, left, self._unary(torch.reciprocal, right))

    def _matrix_product(self, func: Any, left: Tensor, right: Tensor) -> Tensor:
        if not (_varies(left) and _varies(right)) or left.ndim != 3 or right.ndim != 3:
            made: Tensor = func(left, right)
            return made
        pairs = self._product(torch.mul, left[..., None], right[:, None])  # (N, P, Q, R)
        return pairs.sum(dim=2)

    def _lerp(self, func: Any, start: Tensor, end: Tensor, weight: Any) -> Tensor:
        return start + self._product(torch.mul, end - start, weight)

    def _maximum(self, func: Any, left: Tensor, right: Tensor) -> Tensor:
        return right + self._unary(torch.relu, left - right)

    def _where(self, func: Any, condition: Tensor, left: Any, right: Any) -> Tensor:
        """Choose; where the larger of two is chosen, as a maximum."""
        made: Tensor = func(condition, left, right)
        is_maximum = _varies(left) and _varies(right) and torch.equal(made, torch.maximum(left, right))
        return self._maximum(torch.maximum, left, right) if is_maximum else made

    def _logsumexp(self, func: Any, values: Tensor, dim: int, keepdim: bool = False) -> Tensor:
        made: Tensor
        if values.shape[dim] == 2:
            left, right = values.split(1, dim=dim)
            made = right + self._unary(F.softplus, left - right)
        else:
            largest = values.detach().amax()
            made = self._unary(torch.log, self._unary(torch.exp, values - largest).sum(dim, keepdim=True)) + largest
        return made if keepdim else made.squeeze(dim)

    def _amax(self, func: Any, values: Tensor, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
        if not isinstance(dim, int):
            made: Tensor = func(values, dim, keepdim)
            return made
        if values.shape[dim] == 2:
            left, right = values.split(1, dim=dim)
            largest = self._maximum(torch.maximum, left, right)
            return largest if keepdim else largest.squeeze(dim)
        last = values.movedim(dim, -1)
        width = last.shape[-1]
        channels = last.flatten(1, -2) if last.ndim > 2 else last[:, None]
        largest = self._max_pool(func, channels, width).view(last.shape[:-1])
        return largest.unsqueeze(dim) if keepdim else largest

    def _max_pool(
        self, func: Any, values: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, **rest: Any
    ) -> Tensor:
        width, step, zeros = _number(kernel_size), _number(stride or kernel_size), _number(padding)
        if _number(rest.get("dilation", 1)) != 1 or rest.get("ceil_mode"):
            made: Tensor = func(values, kernel_size, stride, padding, **rest)
            return made
        name = f"max_{width}_{step}_{zeros}"
        return self.visible.by_pairs(self.visible.layer(name, lambda: nn.MaxPool1d(width, step, zeros)), values)

    def _softmax(self, func: Any, values: Tensor, dim: int, *rest: Any, **settings: Any) -> Tensor:
        place = dim % values.ndim
        return self.visible.by_pairs(self.visible.layer(f"softmax_{place}", lambda: nn.Softmax(place)), values)


def _varies(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _number(value: Any) -> int:
    return int(value[0] if isinstance(value, list | tuple) else value)


def _out_of_place(function: Any, name: str) -> Any:
    """Return the function that makes a new tensor, for one that writes into its argument."""
    in_place = name.endswith("_") and not name.startswith("__")
    return getattr(Tensor, name[:-1]) if in_place else function
