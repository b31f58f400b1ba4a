"""Devices, and giving a model back as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError

__all__ = ["evaluating", "resolve_device", "unchanged"]


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    ConfigError
        If the device is unknown or not on this machine.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if not isinstance(name, str | torch.device):
        raise ConfigError(f"device is {name!r}; expected auto, cpu, cuda or cuda:N")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device '{name}': use auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device '{name}' is not supported: use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device '{name}' is not on this machine, which has {torch.cuda.device_count()} CUDA devices")
    return device


@contextmanager
def evaluating(model: nn.Module, device: torch.device | None = None) -> Iterator[nn.Module]:
    """Put a model into eval mode (and on a device) without gradients, and give it back as it came.

    Every submodule's own mode is restored, so a model with frozen parts stays frozen; every tensor goes back to its own
    device; and buffers get their values back, so a model that counts its calls does not remember being asked.
    """
    modes = {module: module.training for module in model.modules()}
    homes = {tensor: tensor.device for tensor in chain(model.parameters(), model.buffers())}
    buffers = [(module, dict(module._buffers), _copies(module)) for module in model.modules()]
    try:
        model.eval()
        if device is not None and any(home != device for home in homes.values()):
            model.to(device)
        with torch.no_grad():
            yield model
    finally:
        for module, mode in modes.items():
            module.training = mode
        for parameter in model.parameters():
            _send(parameter, homes.get(parameter, parameter.device))
        for module, held, values in buffers:
            _put_back(module, held, values)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[nn.Module]:
    """Give a model's parameters back as they came, whatever its forward pass does to them.

    Values, gradients and ``requires_grad`` are restored. This takes a copy of every parameter, which
    :func:`evaluating`, made for every training step, does not: it is for modules we know nothing about.
    """
    before = [(one, one.detach().clone(), one.grad, one.requires_grad) for one in model.parameters()]
    try:
        yield model
    finally:
        for parameter, value, gradient, requires in before:
            if not torch.equal(parameter.detach(), value):
                parameter.detach().copy_(value)
            parameter.grad = gradient
            parameter.requires_grad_(requires)


def _copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.detach().clone() for name, buffer in module._buffers.items() if buffer is not None}


def _send(parameter: nn.Parameter, home: torch.device) -> None:
    if parameter.device != home:
        parameter.data = parameter.data.to(home)
        if parameter.grad is not None:
            parameter.grad.data = parameter.grad.data.to(home)


def _put_back(module: nn.Module, held: dict[str, Tensor | None], values: dict[str, Tensor]) -> None:
    """Return a module's buffers: the same tensors, with the values they had."""
    module._buffers.clear()
    module._buffers.update(held)
    for name, value in values.items():
        buffer = held[name]
        assert buffer is not None
        buffer.detach().copy_(value)
