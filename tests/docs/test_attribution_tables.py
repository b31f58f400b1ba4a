"""The tables of attribution methods say what their JSON says."""

from typing import Any

import pytest
from attribution_tables import attribution_truth, comparison, nodes, pointing, randomisation, said_of_pointing
from result_tables import table_of


def row(model: str, state: str, seed: int, method: str, auroc: float, **more: Any) -> dict[str, Any]:
    """One model's maps of factor F by one method."""
    values = {"auroc": [auroc, auroc - 0.1, auroc + 0.1], "aupr": [auroc / 2, 0.0, 1.0], "both_strands": None}
    values |= {"largest_gap": None, "share_flagged": None, "absolute_rank_correlation_with_ism": 0.5}
    row = {"data": "F", "model": model, "state": state, "seed": seed, "method": method, **values}
    return row | {"cpu_seconds_per_window": 0.002 * seed} | more


@pytest.fixture
def page() -> dict[str, Any]:
    both = {"both_strands": {"auroc_gain": [0.02, 0.0, 0.1]}}
    rows = []
    for seed, change in ((1, 0.0), (2, 0.1)):
        rows += [row("m", "trained", seed, "ism", 0.8 + change, **both)]
        gap = {"largest_gap": 0.003 * seed, "share_flagged": 0.5 * (seed - 1)}
        rows += [row("m", "trained", seed, "deeplift", 0.7 + change, **both, **gap)]
    rows += [row("m", "untrained", 0, "ism", 0.45), row("planted matrix", "told", 0, "ism", 0.99)]
    compared = [
        {"model": "m", "state": state, "method": "deeplift", "auroc_less_ism": [shift, -0.2, 0.05]}
        for state, shift in (("trained", -0.1), ("untrained", 0.3))
    ]
    compared += [one | {"method": "ism", "auroc_less_ism": [0.0, 0.0, 0.0]} for one in compared]
    randomised = [
        {"data": data, "model": "m", "method": "ism", "layers": ["d", "c", "b", "a"]}
        | {"correlation": [-0.5, 0.2, 0.1, last], "absolute": [0.8, 0.6, 0.4, last]}
        for data, last in (("F", 0.1), ("G", 0.3))
    ]
    flat = {"correlation": None, "absolute": [None, None, None, None]}
    randomised.append(randomised[0] | {"method": "grad-cam"} | flat)
    return {
        "window_bp": 75,
        "examples": 7,
        "models": [{"data": "F", "model": "m", "state": "trained", "seed": 1, "clean_auroc": 0.95}],
        "rows": rows,
        "controls": [
            {"data": "F", "control": "G or C", "auroc": [0.6, 0.5, 0.7], "aupr": [0.2, 0.1, 0.3], "share": 0.12}
        ],
        "steps": [
            {"data": data, "model": "m", "steps": steps, "refine": refine}
            | {"largest_gap": gap, "share_flagged": flagged, "cpu_seconds_per_window": 0.001 * steps}
            for data, steps, refine, gap, flagged in (
                ("F", 50, True, 0.012, 0.0),
                ("F", 50, False, 0.14, 0.5),
                ("G", 50, False, 0.3, 0.3),
                ("F", 800, False, 0.009, 0.0),
            )
        ],
        "compared": compared,
        "randomised": randomised,
        "randomised_settings": {"windows": 4, "orders": 2, "changes": {"deepshap": {"references": 5}}},
        "closed_forms": [
            {"model": "linear", "method": "ism", "largest_difference": 2e-6},
            {"model": "linear", "method": "deeplift", "largest_difference": 0.0, "largest_gap": 0.0},
            {"model": "linear", "method": "grad-cam", "refused": "no convolution"},
        ],
    }


def test_a_trained_model_has_the_mean_of_its_seeds_and_an_absent_score_is_empty(page: dict[str, Any]) -> None:
    made = pointing(page, "auroc")
    assert "| method | `m`, F | `m` untrained | planted matrix |" in made
    assert "| `ism` | 0.850 | 0.450 | 0.990 |" in made
    assert "| `deeplift` | 0.750 |  |  |" in made
    assert "| `ism` | 0.425 | 0.225 | 0.495 |" in pointing(page, "aupr")


def test_what_looks_at_no_model_is_told_beside_the_scores(page: dict[str, Any]) -> None:
    said = said_of_pointing(page)
    assert "G or C 0.600 / 0.200 (F)" in said
    assert ".5 / 0.120 (F)" in said
    assert "over examples: 0.100 to 0.100" in said
    assert "`m` 0.950 (F)" in said


def test_trained_models_are_compared_with_mutagenesis_and_the_worst_gap_is_shown(page: dict[str, Any]) -> None:
    made = comparison(page)
    assert "| `ism` |  | 0.50 | +0.020 |  |  | 3.0 |" in made
    assert "| `deeplift` | -0.100 (-0.200 to +0.050) | 0.50 | +0.020 | 6e-03 | 25% | 3.0 |" in made


def test_what_randomisation_leaves_is_the_mean_over_factors_and_a_flat_map_has_no_number(page: dict[str, Any]) -> None:
    made = randomisation(page)
    assert "| `ism` | 0.80 | 0.60 | 0.20 | 0.20 |" in made
    assert "| `grad-cam` |  |  |  |  |" in made


def test_nodes_have_the_worst_gap_and_the_mean_cost_over_factors(page: dict[str, Any]) -> None:
    made = nodes(page).splitlines()
    assert made[2:] == [
        "| 50 | 0.3 | 40% | 50 |",
        "| 50, refined where flagged | 0.012 | 0% | 50 |",
        "| 800 | 0.009 | 0% | 800 |",
    ]
    assert nodes(page) in attribution_truth(page)


def test_the_whole_names_settings_and_closed_forms(page: dict[str, Any]) -> None:
    made = attribution_truth(page)
    assert "`deepshap` with references = 5" in made
    assert "| linear | `ism` | 2e-06 |  |" in made
    assert "| linear | `deeplift` | 0 | 0 |" in made
    assert "refused" not in made


def test_the_name_of_the_result_finds_these_tables_and_not_those_of_its_prefix() -> None:
    assert table_of("attribution_truth") is attribution_truth
    assert table_of("attribution") is not attribution_truth
