"""What a search may try: draws stay in their range, and a setting does not depend on how many are drawn."""

import numpy as np
import pytest

from holdfast.core.errors import ConfigError
from holdfast.core.space import Choice, LogUniform, Plan, RootUniform, SearchSpace

SPACE = SearchSpace(
    model={"dropout": Choice(0.0, 0.25)},
    training={"learning_rate": LogUniform(1e-4, 1e-1), "momentum": RootUniform(0.95, 0.99)},
    crossed={"hidden": (0, 32)},
    preset="deepbind",
)


def draws(source: Choice | LogUniform | RootUniform, n: int = 4000) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.array([source.draw(generator) for _ in range(n)])


def test_the_logarithm_of_a_log_uniform_number_is_uniform() -> None:
    found = draws(LogUniform(1e-4, 1e-1))
    assert 1e-4 <= found.min() < found.max() <= 1e-1
    # A third of the draws in each of three decades; the share of 4,000 draws has a deviation of 0.0075.
    np.testing.assert_allclose(np.histogram(found, [1e-4, 1e-3, 1e-2, 1e-1])[0] / 4000, 1 / 3, atol=0.03)


def test_the_square_of_a_root_uniform_number_is_uniform() -> None:
    found = (draws(RootUniform(0.95, 0.99)) - 0.95) / 0.04
    assert 0 <= found.min() < found.max() <= 1
    np.testing.assert_allclose(np.histogram(found**2, [0, 0.25, 0.5, 0.75, 1])[0] / 4000, 0.25, atol=0.03)


def test_a_value_given_twice_is_twice_as_likely() -> None:
    found = draws(Choice(0.0, 0.0, 0.5))
    assert float((found == 0).mean()) == pytest.approx(2 / 3, abs=0.03)


def test_every_random_setting_is_tried_with_every_crossed_value() -> None:
    settings = SPACE.draw(Plan(settings=3), seed=1)
    assert [setting.model["hidden"] for setting in settings] == [0, 32] * 3
    for one, other in zip(settings[::2], settings[1::2], strict=True):
        assert one.training == other.training
    assert len({setting.training["learning_rate"] for setting in settings}) == 3


def test_a_setting_is_the_same_however_many_are_drawn() -> None:
    assert SPACE.draw(Plan(settings=5), seed=1)[:4] == SPACE.draw(Plan(settings=2), seed=1)
    assert SPACE.draw(Plan(settings=1), seed=1) != SPACE.draw(Plan(settings=1), seed=2)


def test_without_crossing_the_first_value_stands() -> None:
    assert [setting.model["hidden"] for setting in SPACE.draw(Plan(settings=3, cross=False), seed=1)] == [0] * 3


def test_a_space_of_crossed_values_alone_is_a_grid() -> None:
    grid = SearchSpace(crossed={"a": (1, 2), "b": (3, 4, 5)}, preset="fast")
    assert len(grid.draw(Plan(settings=50), seed=0)) == 6


def test_impossible_spaces_are_refused() -> None:
    for wrong in (lambda: LogUniform(0.0, 1.0), lambda: RootUniform(2.0, 1.0), lambda: Choice(), lambda: Plan(folds=0)):
        with pytest.raises(ConfigError):
            wrong()
    with pytest.raises(ConfigError, match="steps"):
        Plan(steps=0)
