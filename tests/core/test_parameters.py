"""Annotations as specifications: what is refused, in which words, and what is taken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field

from holdfast.core.errors import ConfigError
from holdfast.core.parameters import Share, ShareBelowOne, Size, check_fields, check_values, in_words, read_page


def build(
    widths: tuple[Size, Size] = (9, 9),
    *,
    share: Share = 0.5,
    names: Sequence[str] = (),
    padding: Literal["same", "valid"] = "same",
    limit: Annotated[float, Field(gt=0, lt=1)] | None = None,
    on: bool = False,
    anything: Any = None,
) -> None:
    """Stand for a constructor."""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("widths", 0, "widths is 0; expected a list of 2, each a whole number from 1 to 1000000"),
        ("widths", [9], r"widths is \[9\]; expected a list of 2"),
        ("widths", [9, 9, 9], "expected a list of 2"),
        ("widths", [9, 0], "from 1 to 1000000"),
        ("widths", [9, 9.5], "whole number"),
        ("widths", [9, True], "whole number"),
        ("share", "abc", "share is 'abc'; expected a number from 0 to 1"),
        ("share", None, "share is empty; expected a number from 0 to 1"),
        ("share", float("nan"), "share is nan"),
        ("share", float("inf"), "share is inf"),
        ("share", -0.1, "share is -0.1"),
        ("share", "0.5", "share is '0.5'"),
        ("share", 10**400, r"share is 10000.*\.\.\.; expected"),
        ("names", "chr1", "names is 'chr1'; expected a list, each a word"),
        ("names", ["chr1", 2], "a list, each a word"),
        ("padding", "sam", "padding is 'sam'; expected 'same' or 'valid'"),
        ("limit", 1, "limit is 1; expected a number above 0 and below 1 or nothing"),
        ("on", 1, "on is 1; expected true or false"),
        ("share", object(), "share is <object"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(name: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=f"^layer 'build': .*{words}"):
        check_values(build, {name: value}, "layer 'build'")


def test_what_fits_comes_back_as_the_annotation_has_it() -> None:
    given = {"widths": [3, 4], "share": 1, "limit": None, "names": ("a",), "anything": build}
    assert check_values(build, given, "layer") == given | {"widths": (3, 4), "names": ["a"]}


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint32])
def test_numbers_of_numpy_are_numbers(kind: type[np.integer]) -> None:
    found = check_values(build, {"widths": np.array([3, 4], dtype=kind), "share": np.float32(0.5)}, "layer")
    assert found == {"widths": (3, 4), "share": 0.5}
    assert type(found["share"]) is float
    with pytest.raises(ConfigError, match="whole number"):
        check_values(build, {"widths": np.array([3.0, 4.0])}, "layer")


def test_a_dataclass_checks_its_fields_and_keeps_no_numpy_numbers() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Pool:
        width: Size
        share: ShareBelowOne = 0.0

        def __post_init__(self) -> None:
            check_fields(self, "pool")

    assert type(Pool(width=np.int64(3)).width) is int  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="pool: share is 1; expected a number from 0 to below 1"):
        Pool(width=3, share=1)


class Inner(BaseModel, extra="forbid"):
    """A page in a page."""

    width: int | None = Field(default=None, ge=1)
    pair: tuple[int, int] = (1, 2)


class Page(BaseModel, extra="forbid"):
    """A page."""

    seed: int
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({}, "seed is not given; expected a whole number"),
        ({"seed": "one"}, "seed is 'one'; expected a whole number"),
        ({"seed": 1, "inner": {"width": 0}}, "inner.width is 0; expected a whole number of 1 or more or nothing"),
        ({"seed": 1, "inner": 3}, "inner is 3; expected a mapping with the keys width, pair"),
        ({"seed": 1, "inner": {"widht": 0}}, "unknown key 'inner.widht': did you mean 'width'"),
        ({"seed": 1, "many": [{}, {"wdth": 0}]}, "unknown key 'many.1.wdth': did you mean 'width'"),
        ({"seed": 1, "inner": {"pair": [1, "x"]}}, "inner.pair.1 is 'x'; expected a whole number"),
    ],
)
def test_a_page_of_settings_is_explained_in_the_same_words(page: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(f'page: {words}')}"):
        read_page(Page, page, where="page")


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[int, Field(le=3)], "a whole number of at most 3"),
        (Annotated[int, Field(lt=3)], "a whole number below 3"),
        (Annotated[float, Field(gt=0, le=3)], "a number above 0 and at most 3"),
        (tuple[int, str], "a list of a whole number, a word"),
        (dict[str, int], "a mapping"),
        (Any, "a value"),
    ],
)
def test_annotations_are_said_in_words(hint: object, words: str) -> None:
    assert in_words(hint) == words
