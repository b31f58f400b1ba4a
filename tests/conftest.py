"""Fixtures shared by every test."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

REAL_DATA = Path(os.environ.get("HOLDFAST_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tests run on several processes; one thread each keeps them from fighting over cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Return a function that gives a real file's path, or skips the test where the file is absent."""

    def find(name: str) -> Path:
        path = REAL_DATA / name
        if not path.exists():
            pytest.skip(f"real data set {name} is not beside the checkout (set HOLDFAST_REAL_DATA)")
        return path

    return find
