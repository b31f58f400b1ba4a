"""Data that a tiny model learns in a second, and an executor without processes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.core.errors import HoldfastError
from holdfast.core.progress import Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.base import Failure, Outcome, Task, Work


class Inline:
    """Does the work here and now."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def run(self, work: Work, tasks: Sequence[Task], *, words: str, progress: Progress) -> list[Outcome]:
        """See :class:`holdfast.execution.base.Executor`."""
        return [self._one(work, task, progress) for task in tasks]

    def _one(self, work: Work, task: Task, progress: Progress) -> Outcome:
        self.done.append(task.words)
        try:
            return Outcome(task=task, result=work(task.payload, progress))
        except HoldfastError as error:
            return Outcome(task=task, failure=Failure(words=task.words, reason=str(error)))


@pytest.fixture
def inline() -> Inline:
    """An executor without processes."""
    return Inline()


def planted(examples: int, context: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, labels and cores: GGGG in the middle of every other example."""
    codes = np.random.default_rng(seed).integers(0, 4, (examples, context), dtype=np.uint8)
    labels = (np.arange(examples) % 2).astype(np.int8)[:, None]
    start = context // 2 - 2
    codes[labels[:, 0] == 1, start : start + 4] = 2
    core = np.where(labels == 1, np.array([[start, start + 4]]), -1).astype(np.int32)
    return codes, labels, core


@pytest.fixture(scope="session")
def planted_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 examples of 31 bp with all parts."""
    codes, labels, core = planted(160, 31)
    split = np.repeat(np.array([0, 0, 1, 2], dtype=np.uint8), 40)
    folder = tmp_path_factory.mktemp("data") / "planted"
    SequenceDataset.in_memory(codes, labels, core=core, split=split).save(folder)
    return folder


@pytest.fixture
def page(planted_data: Path) -> dict[str, Any]:
    """An experiment of one epoch."""
    return {
        "data": str(planted_data),
        "shift": {"window": 25},
        "model": {"name": "holdfast", "params": {"widths": [5, 3], "filters": [4, 4], "hidden": 4}},
        "training": {"changes": {"epochs": 1, "batch_size": 40}},
        "audit": {"bootstrap": 3, "n_try": 2},
    }
