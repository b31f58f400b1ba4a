"""Devices, and giving a model back as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from holdfast.core.errors import ConfigError

__all__ = ["evaluating", "resolve_device"]


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

    Every submodule's own mode is restored, so a model with frozen parts stays frozen.
    """
    modes = {module: module.training for module in model.modules()}
    parameter = next(model.parameters(), None)
    home = parameter.device if parameter is not None else None
    try:
        model.eval()
        if device is not None and home is not None and home != device:
            model.to(device)
        with torch.no_grad():
            yield model
    finally:
        for module, mode in modes.items():
            module.training = mode
        if home is not None:
            model.to(home)
