"""The history as TensorBoard events, for those who watch a training from a browser (extra ``tensorboard``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast.core.errors import MissingExtra

__all__ = ["event_writer"]


def event_writer(folder: Path) -> Callable[[dict[str, Any]], None]:
    """Return a function that writes one history row as scalars.

    Raises
    ------
    MissingExtra
        If TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtra("TensorBoard is not installed; pip install 'holdfast[tensorboard]'") from error
    writer = SummaryWriter(str(folder))

    def write(row: dict[str, Any]) -> None:
        for name, value in row.items():
            if isinstance(value, int | float) and name not in ("epoch", "restart"):
                writer.add_scalar(name, value, row["epoch"])
        writer.flush()

    return write
