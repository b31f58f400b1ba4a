"""Faults that were found by giving pages of settings with odd things in odd places."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.jobs.experiment import Experiment, apply_sets, load_experiment
from holdfast.jobs.grid import GridPage, expand

BARE = {"data": "sp1", "shift": {"window": 75}}


def test_parameters_reach_inside_a_bare_name_wherever_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text("data: sp1\nshift: {window: 75}\nattack: worst-of-n\n")
    loaded = load_experiment(tmp_path / "page.yaml", ["attack.params.n_try=5"])
    flags = Experiment.parse(apply_sets(BARE, ["attack=worst-of-n", "attack.params.n_try=5"]))
    grid = GridPage(base=BARE | {"attack": "worst-of-n"}, product={"attack.params.n_try": [5]})
    for experiment in (loaded, flags, *expand(grid)):
        assert (experiment.attack.name, experiment.attack.params) == ("worst-of-n", {"n_try": 5})


def test_parameters_without_a_name_are_those_of_the_default() -> None:
    assert Experiment.parse(apply_sets(BARE, ["model.params.hidden=5"])).model.name == "holdfast"
    (cell,) = expand(GridPage(base=BARE, product={"model.params.hidden": [5]}))
    assert (cell.model.name, cell.model.params) == ("holdfast", {"hidden": 5})


def test_an_empty_mapping_of_a_page_can_be_filled() -> None:
    page = BARE | {"attack": {"name": "worst-of-n", "params": None}}
    assert Experiment.parse(apply_sets(page, ["attack.params.n_try=5"])).attack.params == {"n_try": 5}
    nested = apply_sets(
        BARE | {"attack": {"name": "worst", "params": {"loss": "xe"}}}, ["attack.params.loss.params.clamp=0.1"]
    )
    assert nested["attack"]["params"]["loss"] == {"name": "xe", "params": {"clamp": 0.1}}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"include": [{"product": [1]}]}, "product: expected a mapping"),
        ({"exclude": [{"atack": "worst"}]}, "exclude: unknown key 'atack': did you mean 'attack'"),
        ({"product": {"shift": [[75]]}}, "experiment 1 of 1: shift"),
        ({"product": {"seed": [1, "x"]}}, "experiment 2 of 2: seed"),
    ],
)
def test_a_grid_page_with_something_in_the_wrong_place_is_refused(page: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        expand(GridPage.parse({"base": BARE} | page))


@pytest.mark.parametrize("text", ["a: &a {b: *a}\n", "data: 2020-13-45\n", "a: {[1, 2]: 3}\n", "[" * 5000])
def test_yaml_that_no_page_can_be_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.yaml").write_text(text)
    with pytest.raises((ConfigError, InputError), match=r"page\.yaml"):
        load_experiment(tmp_path / "page.yaml")


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ({"name": "worst", "params": {"loss": [1]}}, "expected a name, or a mapping with name and params"),
        ({"name": "worst", "params": {"loss": {"nme": "xe"}}}, "expected a name, or a mapping with name and params"),
        ({"name": "worst-of-n", "params": {"n_try": 2.5}}, "n_try: input should be a valid integer"),
        ({"name": "worst-of-n", "params": {"n_try": "5"}}, "n_try: input should be a valid integer"),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_named(attack: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Experiment.parse(BARE | {"attack": attack})
