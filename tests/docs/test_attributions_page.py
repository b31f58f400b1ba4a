"""The page about attributions names every method, and says of each what it promises."""

import re

import pytest
import torch
from doc_blocks import ROOT

from holdfast.core.registry import Spec
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.models.zeng import ZengCNN

PAGE = (ROOT / "docs" / "guides" / "attributions.md").read_text(encoding="utf-8")
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \|.*\| (yes|no) \| (yes|no) \|$", PAGE, re.MULTILINE)}


def test_every_method_is_in_the_table_and_no_other() -> None:
    assert set(ROWS) <= set(ATTRIBUTIONS)
    missing = set(ATTRIBUTIONS) - set(ROWS)
    assert not missing, f"docs/guides/attributions.md has no row for {missing}"


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_the_method_gives(name: str) -> None:
    found = ATTRIBUTIONS.build(Spec(name=name))(ZengCNN(), torch.zeros(1, 30, dtype=torch.uint8))
    assert (found.hypothetical is not None, found.gap is not None) == tuple(word == "yes" for word in ROWS[name])
