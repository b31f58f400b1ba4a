"""Which experiments a grid page means, and that what is done is not done again."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from planted_runs import inline, page, planted_data

from holdfast.core.errors import ConfigError, InputError
from holdfast.jobs import grid as grid_job
from holdfast.jobs.grid import GridPage, expand, run_grid
from holdfast.jobs.summary import summary, write_study
from holdfast.jobs.train import located_run
from holdfast.runs.folder import Run

BASE = {"data": "sp1", "shift": {"window": 75}}


def _names(**page: Any) -> list[str]:
    return [experiment.run_name for experiment in expand(GridPage.parse({"base": BASE, **page}))]


def test_a_product_is_every_combination_in_order() -> None:
    names = _names(product={"shift.window": [75, 90], "attack": ["centre", "worst"]})
    assert names == [f"sp1-holdfast-{window}-{attack}-s0" for window in (75, 90) for attack in ("centre", "worst")]


def test_included_pages_are_laid_over_the_base_and_have_products_of_their_own() -> None:
    names = _names(
        product={"attack": ["worst"]}, include=[{"model": "kmer", "product": {"shift.window": [75, 90]}}, {"seed": 5}]
    )
    assert names == [
        "sp1-holdfast-75-worst-s0",
        "sp1-kmer-75-centre-s0",
        "sp1-kmer-90-centre-s0",
        "sp1-holdfast-75-centre-s5",
    ]


def test_excluded_combinations_need_every_value_of_an_entry() -> None:
    product = {"shift.window": [75, 90], "attack": ["centre", "worst"]}
    names = _names(product=product, exclude=[{"attack": "worst", "shift.window": 90}])
    assert names == ["sp1-holdfast-75-centre-s0", "sp1-holdfast-75-worst-s0", "sp1-holdfast-90-centre-s0"]


def test_an_experiment_named_twice_is_run_once() -> None:
    assert _names(product={"seed": [0, 0]}, include=[{"seed": 0}]) == ["sp1-holdfast-75-centre-s0"]


def test_a_named_thing_of_the_base_is_replaced_with_its_parameters() -> None:
    base = BASE | {"model": {"name": "kmer", "params": {"k": 4}}}
    models = {"model": [{"name": "holdfast"}, "pap_megyeri"]}
    kept = expand(GridPage(base=base, product=models))
    assert [(one.model.name, one.model.params) for one in kept] == [("holdfast", {}), ("pap_megyeri", {})]
    deeper = expand(GridPage(base=base, product={"model.params.k": [5]}))
    assert deeper[0].model.params == {"k": 5}


def test_sets_win_over_everything() -> None:
    experiments = expand(GridPage(base=BASE, product={"seed": [1, 2]}), ["shift.window=80", "training.preset=paper"])
    assert {(one.shift.window, one.training.preset) for one in experiments} == {(80, "paper")}


def test_a_wrong_page_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'product'"):
        GridPage.parse({"produt": {}})
    with pytest.raises(ConfigError, match=r"product\.seed"):
        GridPage.parse({"base": BASE, "product": {"seed": 3}})
    with pytest.raises(ConfigError, match=r"product\.seed: expected a list"):
        expand(GridPage(base=BASE, product={"seed": []}))


def test_missing_data_stop_a_grid_before_it_starts(inline: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such data set"):
        run_grid(expand(GridPage(base=BASE | {"data": str(tmp_path / "none")})), tmp_path, inline)
    assert inline.done == []


def test_a_second_call_reuses_every_run_and_its_summary_is_the_same(
    inline: Any, page: dict[str, Any], tmp_path: Path
) -> None:
    grid = GridPage(base=page, product={"attack": ["centre", "random", "worst"]}, include=[{"model": "kmer"}])
    first = run_grid(expand(grid), tmp_path, inline)
    written = write_study(first.runs, tmp_path)
    once = written.csv.read_bytes()
    second = run_grid(expand(grid), tmp_path, inline)
    assert (first.reused, second.reused, len(inline.done)) == (0, 4, 4)
    assert write_study(second.runs, tmp_path).csv.read_bytes() == once
    table = pd.read_csv(written.csv)
    assert table["label"].tolist() == ["No Shift", "Rnd", "Worst", "control"]
    assert (table["clean_accuracy"] >= table["worst_accuracy"]).all()
    assert (table["certified_accuracy"] == table["worst_accuracy"]).all()  # both count examples right everywhere
    assert "| control |" in written.markdown.read_text()


def test_a_job_that_fails_is_named_and_tried_again_from_where_it_stopped(
    inline: Any, page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiments = expand(GridPage(base=page, product={"seed": [1, 2]}))
    train = grid_job.train

    def failing(experiment: Any, root: Path, **rest: Any) -> Run:
        if experiment.seed == 2:
            located_run(experiment, root).write_config({})  # what a killed worker may leave
            raise InputError("the disk is full")
        return train(experiment, root, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(grid_job, "train", failing)
        result = run_grid(experiments, tmp_path, inline)
    assert [run.record.seed for run in result.runs] == [1]
    assert [failure.reason for failure in result.failures] == ["the disk is full"]
    again = run_grid(experiments, tmp_path, inline)
    assert ([run.record.seed for run in again.runs], again.failures, again.reused) == ([1, 2], [], 1)


def test_rows_that_share_a_strategy_are_told_apart_by_model_or_seed(
    inline: Any, page: dict[str, Any], tmp_path: Path
) -> None:
    result = run_grid(expand(GridPage(base=page, product={"seed": [1, 2]})), tmp_path, inline)
    assert summary(result.runs)["label"].tolist() == ["No Shift, seed 1", "No Shift, seed 2"]
