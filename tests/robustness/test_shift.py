"""The threat model."""

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.robustness.shift import Shift


@pytest.mark.parametrize(("window", "start", "end"), [(90, 5, 95), (75, 13, 88), (95, 3, 98), (101, 0, 101)])
def test_the_centre_window_drops_the_extra_base_on_the_right(window: int, start: int, end: int) -> None:
    shift = Shift(context=101, window=window)
    assert (shift.centre, shift.centre + window) == (start, end)


def test_every_window_is_legal_by_default() -> None:
    assert Shift(context=101, window=75).offsets.tolist() == list(range(27))
    assert Shift(context=1200, window=900).n_choices == 301


def test_max_shift_keeps_offsets_near_the_centre_and_inside() -> None:
    assert Shift(context=101, window=75, max_shift=0).offsets.tolist() == [13]
    assert Shift(context=101, window=75, max_shift=500).n_choices == 27


def test_both_strands_double_the_choices_and_keep_the_centre_forward() -> None:
    shift = Shift(context=20, window=16, strands="both")
    assert shift.n_choices == 10
    assert shift.choice_offset.tolist() == [0, 1, 2, 3, 4] * 2
    assert shift.choice_is_reverse.tolist() == [False] * 5 + [True] * 5
    assert shift.choice_offset[shift.centre_choice] == shift.centre
    assert not shift.choice_is_reverse[shift.centre_choice]


def test_a_protected_core_forbids_exactly_the_windows_that_cut_it() -> None:
    shift = Shift(context=30, window=20, protect_core=True)
    cores = np.array([[a, b] for a in range(30) for b in range(a + 1, 31)])
    legal = shift.legal(cores)
    for (start, end), row in zip(cores, legal, strict=True):
        for choice, offset in enumerate(shift.choice_offset):
            covers = set(range(start, end)) <= set(range(offset, offset + 20))
            assert row[choice] == (covers or choice == shift.centre_choice)


def test_an_unknown_core_protects_nothing() -> None:
    assert Shift(context=30, window=20, protect_core=True).legal(np.array([[-1, -1]])).all()


def test_a_core_outside_the_context_is_refused() -> None:
    with pytest.raises(InputError, match="example 1: core"):
        Shift(context=30, window=20, protect_core=True).legal(np.array([[1, 4], [28, 35]]))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 102}, "longer than the context"),
        ({"window": 0}, "at least 1"),
        ({"window": 75, "max_shift": -1}, "0 or more"),
        ({"window": 75, "strands": "reverse"}, "'forward' or 'both'"),
    ],
)
def test_an_impossible_shift_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Shift(context=101, **wrong)
