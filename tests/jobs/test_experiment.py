"""An experiment page: what is refused, what decides a run's identity, and the round trip through YAML."""

from typing import Any

import pytest

from holdfast.core.errors import ConfigError
from holdfast.jobs.experiment import Experiment, apply_sets

PAGE: dict[str, Any] = {"data": "data/sp1", "shift": {"window": 75}}


def test_the_plain_page_gives_the_same_experiment_again() -> None:
    page = PAGE | {"attack": {"name": "worst-of-n", "params": {"n_try": 3}}, "model": "kmer", "seed": 4}
    once = Experiment.parse(page)
    assert Experiment.parse(once.plain()) == once


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"attack": "worst"},
        {"model": "kmer"},
        {"shift": {"window": 76}},
        {"shift": {"window": 75, "max_shift": 3}},
        {"training": {"preset": "paper"}},
        {"training": {"changes": {"epochs": 1}}},
        {"audit": {"part": "validation"}},
        {"audit": {"perturbations": ["pgd"]}},
        {"audit": {"substitutions": 1}},
        {"perturbation": "noise"},
        {"perturbation": {"name": "noise", "params": {"epsilon": 0.2}}},
    ],
)
def test_whatever_decides_the_numbers_changes_the_identity(change: dict[str, Any]) -> None:
    assert Experiment.parse(PAGE | change).identity("f") != Experiment.parse(PAGE).identity("f")


@pytest.mark.parametrize("change", [{"name": "mine"}, {"device": "cpu"}, {"data": "elsewhere/sp1"}])
def test_names_places_and_devices_do_not(change: dict[str, Any]) -> None:
    assert Experiment.parse(PAGE | change).identity("f") == Experiment.parse(PAGE).identity("f")


def test_a_page_without_other_adversaries_is_the_page_it_was_before_there_were_any() -> None:
    plain = Experiment.parse(PAGE | {"perturbation": None, "audit": {"perturbations": [], "substitutions": 0}}).plain()
    assert "perturbation" not in plain
    assert not {"perturbations", "substitutions", "protect"} & set(plain["audit"])


def test_a_perturbation_is_part_of_the_strategy_and_of_the_name() -> None:
    page = Experiment.parse(PAGE | {"attack": "worst", "perturbation": {"name": "fgsm", "params": {"epsilon": 0.2}}})
    assert page.strategy == "Worst + FGSM"
    assert page.made_name == "sp1-holdfast-75-worst-s0-perturbation=fgsm-perturbation.epsilon=0.2"
    assert Experiment.parse(page.plain()) == page


def test_the_contents_of_the_data_do() -> None:
    assert Experiment.parse(PAGE).identity("f") != Experiment.parse(PAGE).identity("g")


def test_sets_reach_inside_and_leave_the_page_alone() -> None:
    assert apply_sets(PAGE, ["shift.max_shift=5", "training.changes.epochs=2"]) == {
        "data": "data/sp1",
        "shift": {"window": 75, "max_shift": 5},
        "training": {"changes": {"epochs": 2}},
    }
    assert PAGE["shift"] == {"window": 75}


@pytest.mark.parametrize("change", ["epochs", "=2", "data.x=2", "shift.window=[1"])
def test_a_set_that_makes_no_sense_is_refused(change: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        apply_sets(PAGE, [change])


@pytest.mark.parametrize("page", [{}, {"data": 3}, PAGE | {"shift": None}, PAGE | {1: 2}, PAGE | {"model": []}])
def test_a_page_of_another_shape_is_refused_and_never_crashes(page: dict[Any, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^page\.yaml: "):
        Experiment.parse(page, where="page.yaml")
