"""Each optimiser takes the steps of its definition."""

import pytest
import torch

from holdfast.models.kmer import KmerLogistic
from holdfast.training.optimisers import build_optimiser
from holdfast.training.recipe import recipe


class Slope(KmerLogistic):
    """One weight that slides down a plane."""

    def __init__(self) -> None:
        super().__init__(k=1)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def parameter_groups(self) -> list[dict[str, object]]:
        return [{"params": [self.weight]}]


def steps(optimiser: str, count: int, **changes: object) -> list[float]:
    """Places after each step under a gradient of 2."""
    model, places = Slope(), []
    taken = build_optimiser(model, recipe("paper", {"optimiser": optimiser, "learning_rate": 0.1, **changes}))
    for _ in range(count):
        model.weight.grad = torch.full((1,), 2.0)
        taken.step()
        places.append(float(model.weight.detach()))
    return places


def test_plain_sgd_moves_by_rate_times_slope() -> None:
    assert steps("sgd", 3) == pytest.approx([-0.2, -0.4, -0.6])


def test_nesterov_moves_by_the_slope_and_the_velocity_ahead() -> None:
    place, velocity, expected = 0.0, 0.0, []
    for _ in range(4):
        velocity = 0.9 * velocity + 2.0
        place -= 0.1 * (2.0 + 0.9 * velocity)
        expected.append(place)
    assert steps("sgd", 4, momentum=0.9) == pytest.approx(expected)


def test_rmsprop_divides_by_the_root_of_the_average_square() -> None:
    place, square, expected = 0.0, 0.0, []
    for _ in range(4):
        square = 0.95 * square + 0.05 * 4.0
        place -= 0.1 * 2.0 / (square**0.5 + 1e-6)
        expected.append(place)
    assert steps("rmsprop", 4, rho=0.95, epsilon=1e-6) == pytest.approx(expected)


def test_adadelta_moves_by_its_own_earlier_moves() -> None:
    place, square, moved, expected = 0.0, 0.0, 0.0, []
    for _ in range(4):
        square = 0.9 * square + 0.1 * 4.0
        move = 2.0 * ((moved + 1e-6) / (square + 1e-6)) ** 0.5
        moved = 0.9 * moved + 0.1 * move**2
        place -= 0.1 * move
        expected.append(place)
    assert steps("adadelta", 4, epsilon=1e-6) == pytest.approx(expected, rel=1e-5)  # float32


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adams_first_step_is_the_rate(name: str) -> None:
    assert steps(name, 1) == pytest.approx([-0.1], rel=1e-4)
