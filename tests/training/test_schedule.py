"""Rates, plateaus, curricula and presets."""

import pytest

from holdfast.core.errors import ConfigError
from holdfast.robustness.attacks import CentreShift, RandomShift, SampledWorstShift, WorstShift
from holdfast.robustness.shift import Shift
from holdfast.training.recipe import PRESETS, Stage, recipe
from holdfast.training.schedule import Plateau, rate_at, stage_at, stage_attack

SHIFT = Shift(context=101, window=75)


def test_the_paper_preset_is_the_authors() -> None:
    paper = PRESETS["paper"]
    assert (paper.optimiser, paper.learning_rate, paper.batch_size, paper.epochs) == ("adam", 5e-5, 64, 100)
    assert (paper.plateau_factor, paper.plateau_patience, paper.min_delta, paper.patience) == (0.25, 5, 1e-4, 25)
    assert paper.curriculum == ()
    assert paper.on_collapse == "report"


def test_a_one_cycle_rate_rises_then_falls() -> None:
    page = recipe("fast", {"warm_up": 0.25, "learning_rate": 1.0})
    rates = [rate_at(page, step / 100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 25
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)


def test_the_rate_falls_when_the_loss_stands_still_for_the_patience() -> None:
    page, state = PRESETS["paper"], Plateau()
    scales = []
    for loss in [1.0, 0.9, *[0.9] * 11, 0.5]:
        state = state.after(loss, page)
        scales.append(state.scale)
    # Keras: the fifth epoch in a row without a gain of min_delta lowers the rate, and the count starts again.
    assert scales == [1.0] * 6 + [0.25] * 5 + [0.0625] * 3


def test_a_curriculum_covers_every_epoch_in_order() -> None:
    page = recipe("fast", {"epochs": 12})
    stages = [stage_at(page, WorstShift(shift=SHIFT), epoch) for epoch in range(12)]
    places = [page.curriculum.index(stage) for stage in stages]
    assert places == sorted(places)
    assert set(places) == set(range(len(page.curriculum)))
    assert stages[-1] == page.curriculum[-1]


def test_attacks_that_do_not_search_have_no_curriculum() -> None:
    for attack in (CentreShift(shift=SHIFT), RandomShift(shift=SHIFT)):
        assert stage_at(PRESETS["fast"], attack, 0) == Stage(attack="target", share=1)


def test_a_stage_narrows_the_reach_and_keeps_the_kind() -> None:
    target = SampledWorstShift(shift=SHIFT, n_try=20, seed=4)
    narrow = stage_attack(Stage(attack="target", share=1, reach=0.2), target)
    assert isinstance(narrow, SampledWorstShift)
    assert narrow.shift.max_shift == 3
    assert narrow.n_try == 7
    assert isinstance(stage_attack(Stage(attack="random", share=1), target), RandomShift)
    assert stage_attack(Stage(attack="target", share=1), target) == target


@pytest.mark.parametrize(
    ("preset", "changes", "message"),
    [
        ("slow", {}, "unknown preset 'slow'"),
        ("fast", {"lerning_rate": 1}, "did you mean 'learning_rate'"),
        ("fast", {"epochs": 0}, "training: epochs is 0; expected a whole number of 1 or more"),
        ("fast", {"curriculum": [{"attack": "random", "share": 1}]}, "last stage"),
    ],
)
def test_an_impossible_recipe_is_refused(preset: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe(preset, changes)


def test_a_halved_rate_is_halved_after_each_stretch_of_epochs() -> None:
    page = PRESETS["dashboard"]
    steps = 7
    rates = [rate_at(page, (epoch + step / steps) / page.epochs) for epoch in range(50) for step in range(steps)]
    assert rates == [0.01 * 0.5 ** (number // (10 * steps)) for number in range(50 * steps)]


def test_the_presets_of_older_papers_are_the_authors() -> None:
    deepbind, dashboard, zeng, danq = (PRESETS[name] for name in ("deepbind", "dashboard", "zeng", "danq"))
    assert (zeng.optimiser, zeng.learning_rate, zeng.epochs, zeng.patience) == ("adadelta", 1.0, 20, 10)
    assert (danq.optimiser, danq.batch_size, danq.patience) == ("rmsprop", 100, 5)
    assert (deepbind.optimiser, deepbind.batch_size) == ("sgd", 64)
    assert (dashboard.learning_rate, dashboard.halve_every, dashboard.epochs) == (0.01, 10, 50)
    assert (dashboard.batch_size, dashboard.clip_value) == (256, 5.0)
