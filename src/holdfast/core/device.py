"""Devices, and giving a model back as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError

__all__ = ["evaluating", "resolve_device", "unchanged"]


def resolve_device(name: str = "auto") -> torch.device:
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

    Every submodule's own mode is restored, so a model with frozen parts stays frozen, and so is every buffer: a model
    that counts its calls, or updates statistics in eval mode, does not remember being asked.
    """
    modes = {module: module.training for module in model.modules()}
    buffers = [(module, dict(module._buffers), _copies(module)) for module in model.modules()]
    tensor = next(chain(model.parameters(), model.buffers()), None)
    home = tensor.device if tensor is not None else None
    try:
        model.eval()
        if device is not None and home is not None and home != device:
            model.to(device)
        with torch.no_grad():
            yield model
    finally:
        for module, mode in modes.items():
            module.training = mode
        if home is not None and device is not None and home != device:
            model.to(home)
        for module, held, values in buffers:
            _put_back(module, held, values)


@contextmanager
def unchanged(model: nn.Module) -> Iterator[nn.Module]:
    """Give a model back as it came, whatever was done to its tensors: for asking modules we know nothing about.

    Parameters keep their identity, values, devices, gradients and ``requires_grad``; buffers and modes are restored
    too. It takes a copy of every tensor, which :func:`evaluating`, made for every training step, does not.
    """
    parameters = list(model.parameters())
    before = [(one.data, one.detach().clone(), one.grad, one.requires_grad) for one in parameters]
    try:
        with evaluating(model):
            yield model
    finally:
        for parameter, (data, value, gradient, requires) in zip(parameters, before, strict=True):
            parameter.data = data  # where it was, if it was moved
            if not torch.equal(data, value):
                data.copy_(value)
            parameter.grad = gradient
            parameter.requires_grad_(requires)


def _copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.detach().clone() for name, buffer in module._buffers.items() if buffer is not None}


def _put_back(module: nn.Module, held: dict[str, Tensor | None], values: dict[str, Tensor]) -> None:
    module._buffers.clear()
    module._buffers.update(held)
    for name, value in values.items():
        buffer = held[name]
        assert buffer is not None
        with torch.no_grad():
            buffer.copy_(value)
