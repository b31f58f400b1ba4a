"""A small simulated data set and a page that trains on it in a second."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from holdfast.cli.app import app
from holdfast.data.build import build_simulated
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.motifs.database import jaspar_motif

TINY = {"name": "holdfast", "params": {"widths": [5, 3], "filters": [6, 4], "hidden": 4}}


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 examples of 41 bp."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    config = SimulationConfig(tf="SP1", positives=80, context=41, spread_bp=4)
    build_simulated(simulate(config, jaspar_motif), folder)
    return folder


@pytest.fixture
def tiny_page(tiny_data: Path) -> dict[str, Any]:
    """An experiment of two epochs, as plain values."""
    return {
        "data": str(tiny_data),
        "shift": {"window": 33},
        "model": TINY,
        "attack": "worst",
        "training": {"changes": {"epochs": 2, "batch_size": 32}},
        "audit": {"bootstrap": 5},
    }


@pytest.fixture
def page_file(tiny_page: dict[str, Any], tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(tiny_page))
    return path


@pytest.fixture
def holdfast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command line in a temporary folder, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*args: object) -> Result:
        return CliRunner().invoke(app, [str(arg) for arg in args])

    return run
