"""What `import holdfast` offers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import holdfast


def _declared() -> dict[str, str]:
    """Return name -> module of the imports that type checkers read."""
    tree = ast.parse(Path(holdfast.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_there_are_at_most_25_and_each_is_there() -> None:
    assert len(holdfast.__all__) <= 25
    for name in holdfast.__all__:
        assert getattr(holdfast, name).__doc__, name
    assert set(holdfast.__all__) <= set(dir(holdfast))


def test_type_checkers_see_what_is_loaded() -> None:
    assert _declared() == holdfast._HOMES
    assert set(holdfast.__all__) == set(holdfast._HOMES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'adit'"):
        _ = holdfast.adit  # type: ignore[attr-defined]


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, holdfast; assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
