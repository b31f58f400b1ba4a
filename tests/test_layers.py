"""Imports go down only: a room may import those below it, never its neighbours or those above."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "holdfast"

# Top to bottom; rooms on one line are strangers to each other. `holdfast` is the package page with the version.
LAYERS = [
    {"cli"},
    {"jobs"},
    {"execution", "report", "training"},
    {"robustness", "interpret"},
    {"motifs", "data", "models"},
    {"io"},
    {"dna", "runs"},
    {"core"},
    {"holdfast"},
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# Rooms that answer without loading torch.
LIGHT = ("cli.app", "runs.folder", "report", "jobs.run_table", "jobs.report", "execution.local")


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LEVEL else "holdfast"


def _imports(path: Path) -> set[str]:
    """Return the rooms a file imports, lazily or not."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {_room(name) for name in names if name.split(".")[0] == "holdfast"}


FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_imports_only_rooms_below_its_own(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    wrong = {other for other in _imports(path) if other != room and LEVEL[other] <= LEVEL[room]}
    assert not wrong, f"{room} may not import {', '.join(sorted(wrong))}"


def test_every_room_has_its_place() -> None:
    assert {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()} == set(LEVEL) - {"holdfast"}


@pytest.mark.parametrize("module", LIGHT)
def test_light_rooms_load_no_torch(module: str) -> None:
    code = f"import sys, holdfast.{module}; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
