"""The history as TensorBoard events; TensorBoard itself is an extra, so a stand-in hears what it would be told."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from holdfast.core.errors import MissingExtra
from holdfast.jobs.tensorboard import event_writer

ROW = {"epoch": 3, "train_loss": 0.5, "validation_loss": 0.6, "seconds": 1.5, "stage": "target", "restart": 0}


class Writer:
    def __init__(self, folder: str) -> None:
        self.folder, self.told = folder, []
        Writer.last = self

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.told.append((name, value, step))

    def flush(self) -> None:
        self.told.append(("flushed", 0, 0))


def test_every_number_of_a_row_is_written_at_its_epoch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in: Any = ModuleType("torch.utils.tensorboard")
    stand_in.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    event_writer(tmp_path)(ROW)
    assert Writer.last.folder == str(tmp_path)
    assert Writer.last.told == [
        ("train_loss", 0.5, 3),
        ("validation_loss", 0.6, 3),
        ("seconds", 1.5, 3),
        ("flushed", 0, 0),
    ]


def test_without_tensorboard_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"holdfast\[tensorboard\]"):
        event_writer(tmp_path)
