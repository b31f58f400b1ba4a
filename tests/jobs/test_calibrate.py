"""A calibration from experiment to final run."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.space import Choice, LogUniform, Plan, SearchSpace
from holdfast.data.build import build_simulated
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.jobs.calibrate import calibrate, plan_of, write_calibration
from holdfast.jobs.experiment import Experiment, load_experiment
from holdfast.jobs.train import train
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.stored import load_weights
from holdfast.motifs.database import jaspar_motif
from holdfast.training.search import Score, best_trial, performance

SMALL = {"widths": [5, 3], "filters": [6, 4]}
PLAN = Plan(settings=3, folds=2, checkpoints=2, trials=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "tiny"
    build_simulated(simulate(SimulationConfig(tf="SP1", positives=150, context=41, spread_bp=4), jaspar_motif), folder)
    return folder


@pytest.fixture
def searchable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives the default model a search: three random rates, all hopeless, with two sizes of the head."""
    space = SearchSpace(
        model={"dropout": Choice(0.0)},
        training={"learning_rate": LogUniform(1e-9, 1e-9)},
        crossed={"hidden": (4, 6)},
        preset="deepbind",
        plan=PLAN,
    )
    monkeypatch.setattr(HoldfastNet, "search", space, raising=False)


def experiment(data: Path, **changes: Any) -> Experiment:
    page: dict[str, Any] = {"data": str(data), "shift": {"window": 33}, "model": {"name": "holdfast", "params": SMALL}}
    page |= {"training": {"changes": {"epochs": 4, "batch_size": 32, "optimiser": "adam", **changes}}}
    return Experiment.parse(page | {"audit": {"bootstrap": 5}})


@pytest.mark.usefixtures("searchable")
def test_a_perturbation_is_refused_not_left_out_in_silence(data: Path) -> None:
    page = experiment(data).plain() | {"perturbation": "pgd"}
    with pytest.raises(ConfigError, match="calibration trains on unperturbed windows"):
        calibrate(Experiment.parse(page), PLAN)


@pytest.mark.usefixtures("searchable")
def test_every_setting_is_scored_on_every_fold_at_every_checkpoint(data: Path) -> None:
    found = calibrate(experiment(data), PLAN)
    keys = found.table[["setting", "fold", "epoch"]].apply(tuple, axis=1)
    assert sorted(keys) == [(s, f, e) for s in range(6) for f in range(2) for e in (2, 4)]
    assert set(found.table["hidden"]) == {4, 6}
    means = found.table.groupby(["setting", "epoch"])["validation"].mean()
    assert found.best.value == pytest.approx(means.max())
    assert (found.best.setting, found.best.epoch) == means.idxmax()


@pytest.mark.usefixtures("searchable")
def test_what_the_experiment_sets_is_not_searched(data: Path) -> None:
    page = experiment(data, learning_rate=5e-3)
    fixed = page.model_copy(update={"model": page.model.model_copy(update={"params": {**SMALL, "hidden": 5}})})
    found = calibrate(fixed, PLAN)
    assert "hidden" not in found.table
    assert "learning_rate" not in found.table
    assert len(set(found.table["setting"])) == 3
    assert found.experiment.model.params["hidden"] == 5
    assert found.experiment.training.changes["learning_rate"] == 5e-3


@pytest.mark.usefixtures("searchable")
def test_the_best_setting_is_trained_on_all_training_data_and_audited(data: Path, tmp_path: Path) -> None:
    found = calibrate(experiment(data, learning_rate=5e-3), PLAN)
    assert found.best.value > 0.7  # a planted motif
    page_path, table_path = write_calibration(found, tmp_path / "out")
    page = load_experiment(page_path)
    assert page == found.experiment
    assert table_path.read_text().count("\n") == len(found.table) + 1
    assert (page.training.trials, page.training.all_data, page.training.recipe().keep) == (2, True, "last")
    run = train(page, tmp_path / "runs")
    assert run.record.training is not None
    notes = [note for note in run.record.training.notes if note.startswith("Trial")]
    assert len(notes) == 2
    # The kept weights are those of the better trial.
    best = max(float(note.rsplit(" ", 1)[1].rstrip(".")) for note in notes)
    model = load_weights(run.model_spec, run.path("weights"), n_tasks=1, window=33)
    again = performance(model, SequenceDataset.open(data).training_examples(), page.build_attack(41), "auroc")
    assert again == pytest.approx(best, abs=1e-4)  # printed to four places
    assert len(run.history) == page.training.recipe().epochs


@pytest.mark.usefixtures("searchable")
def test_selection_by_training_examples_looks_at_those(data: Path) -> None:
    page = experiment(data, learning_rate=5e-3)
    plan = Plan(folds=1, selection="training", metric="accuracy")
    held_out = calibrate(page, dataclasses.replace(plan, selection="validation"))
    trained = calibrate(page, plan)
    n = {part: len(SequenceDataset.open(data).part(part)) for part in ("train", "validation")}
    # An accuracy is a whole number of examples of the part it was taken on.
    for column, part in (("training", "train"), ("validation", "validation")):
        right = trained.table[column].to_numpy() * n[part]
        np.testing.assert_allclose(right, np.round(right), atol=1e-9)
    assert trained.best.value == trained.table["training"].max()
    assert held_out.best.value == held_out.table["validation"].max()
    assert not trained.experiment.training.all_data
    assert trained.experiment.training.recipe().keep == "best"


def test_the_largest_mean_wins_and_ties_go_to_the_shorter_training() -> None:
    values = {(0, 1): (0.5, 0.9), (0, 2): (0.8, 0.8), (1, 1): (0.7, 0.9), (1, 2): (0.99, math.nan)}
    scores = [
        Score(setting=s, fold=f, epoch=e, steps=e * 10 + f, validation=value[f], training=1 - value[f])
        for (s, e), value in values.items()
        for f in (0, 1)
    ]
    best = best_trial(scores)
    assert (best.setting, best.epoch, best.steps) == (0, 2, 20)
    assert best.value == pytest.approx(0.8)
    assert best_trial(scores, "training").value == pytest.approx(0.3)
    with pytest.raises(InputError, match="every setting diverged"):
        best_trial([dataclasses.replace(score, validation=math.nan) for score in scores])


@pytest.mark.usefixtures("searchable")
def test_a_setting_that_diverges_does_not_stop_the_search(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = SearchSpace(
        training={"optimiser": Choice("sgd")}, crossed={"dropout": (0.0,)}, preset="deepbind", plan=PLAN
    )
    rates = dataclasses.replace(space, training={"learning_rate": Choice(1e30, 5e-3)})
    monkeypatch.setattr(HoldfastNet, "search", rates)
    found = calibrate(experiment(data, optimiser="sgd"), Plan(settings=4, folds=2))
    diverged = found.table[found.table["learning_rate"] == 1e30]
    assert len(diverged)
    assert diverged["validation"].isna().all()
    assert found.experiment.training.changes["learning_rate"] == 5e-3


@pytest.mark.usefixtures("searchable")
def test_a_search_that_was_kept_is_not_done_again_whatever_it_is_judged_by(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, plan = experiment(data, learning_rate=5e-3), Plan(folds=1)
    first = calibrate(page, plan, kept=tmp_path)
    monkeypatch.setattr("holdfast.jobs.calibrate._scores", lambda piece: pytest.fail("trained again"))
    again = calibrate(page, plan, kept=tmp_path)
    assert again.best == first.best
    assert again.table.equals(first.table)
    by_training = calibrate(page, dataclasses.replace(plan, selection="training"), kept=tmp_path)
    assert by_training.best.value == first.table["training"].max()


@pytest.mark.usefixtures("searchable")
def test_a_short_search_may_end_in_a_longer_training(data: Path, tmp_path: Path) -> None:
    page = experiment(data, learning_rate=5e-3)
    short = page.model_copy(update={"training": page.training.model_copy(update={"changes": {"optimiser": "adam"}})})
    plan = Plan(steps=5, batch_size=32, final_steps=20, checkpoints=1)
    found = calibrate(short, plan, kept=tmp_path)
    per_epoch = -(-len(SequenceDataset.open(data).part("train")) // 32)
    assert found.experiment.training.recipe().epochs == max(1, round(20 / per_epoch))
    assert set(found.table["epoch"]) == {max(1, round(5 / per_epoch))}
    # How the best one is trained does not change the search.
    calibrate(short, dataclasses.replace(plan, final_steps=40, trials=2), kept=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 1
    with pytest.raises(ConfigError, match="final_steps has to be 1 or more"):
        Plan(final_steps=0)


def test_a_model_without_a_search_is_refused_and_others_named(data: Path) -> None:
    with pytest.raises(ConfigError, match=r"model 'kmer' has no search of settings; these have: .*deepbind"):
        plan_of(Experiment.parse({"data": str(data), "shift": {"window": 33}, "model": "kmer"}))


def test_the_plans_of_deepbind_are_the_authors(data: Path) -> None:
    page = Experiment.parse({"data": str(data), "shift": {"window": 33}, "model": "deepbind"})
    full, quick = plan_of(page), plan_of(page, quick=True, selection="training")
    assert (full.settings, full.folds, full.checkpoints, full.trials, full.steps) == (30, 3, 5, 6, 20_000)
    assert (quick.settings, quick.folds, quick.trials, quick.steps, quick.batch_size) == (3, 2, 2, 1000, 128)
    assert quick.selection == "training"


def test_all_data_needs_the_last_epoch() -> None:
    page = {"data": "d", "shift": {"window": 33}, "training": {"all_data": True}}
    with pytest.raises(ConfigError, match="keep: last"):
        Experiment.parse(page)
