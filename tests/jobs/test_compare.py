"""Models side by side: a folder of sets is found, every cell is run, and pairs are told apart by an exact test."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from planted_runs import Inline, inline, planted
from sklearn.metrics import roc_auc_score

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.space import Plan, SearchSpace
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.collection import collect
from holdfast.jobs.compare import Comparison, compare_models, contender, paired
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.runs.folder import Run


def write_csv(path: Path, examples: int, seed: int) -> None:
    codes, labels, _ = planted(examples, 31, seed)
    rows = ["sequence,label"]
    rows += ["".join("ACGT"[c] for c in row) + f",{y}" for row, y in zip(codes, labels[:, 0], strict=True)]
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two sets as train, dev and test files, one without dev."""
    for number, name in enumerate(("tf.a", "tf.b")):
        for part, examples in {"train": 120, "dev": 40, "test": 60}.items():
            if (name, part) != ("tf.b", "dev"):
                write_csv(tmp_path / f"{name}.{part}.csv", examples, seed=10 * number + len(part))
    (tmp_path / "notes.txt").write_text("not a data set")
    return tmp_path


def test_files_of_one_stem_are_the_parts_of_a_set(folder: Path, tmp_path: Path) -> None:
    found = collect(folder, tmp_path / "made")
    assert list(found) == ["tf.a", "tf.b"]
    for name, sizes in {"tf.a": [120, 40, 60], "tf.b": [108, 12, 60]}.items():
        made = SequenceDataset.open(found[name])
        assert [len(made.part(part)) for part in ("train", "validation", "test")] == sizes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: demo\ncalibrate: {step: 3}", "calibrate has no setting 'step': did you mean 'steps'"),
        ("model: demo\ncalibrate: [3]", "expected settings of a plan"),
        ("model: demo\ncalibrate: {steps: many}", "calibrate: steps is 'many'"),
        ("model: kmer\ncalibrate: {}", "model 'kmer' has no search of settings"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_before_anything_is_trained(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "one.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        contender(str(tmp_path / "one.yaml"))


def test_a_contender_is_searched_on_every_set_apart(
    folder: Path, tmp_path: Path, inline: Inline, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SearchSpace(crossed={"hidden": (4, 6)}, preset="demo", plan=Plan(selection="training"))
    monkeypatch.setattr(HoldfastNet, "search", space, raising=False)
    page = "model: {name: holdfast, params: {widths: [5, 3], filters: [6, 4]}}\ncalibrate: {selection: SELECTION}\n"
    page += "training: {changes: {epochs: 1}}\n"
    pages = tmp_path / "pages"
    pages.mkdir()
    for selection in ("training", "validation"):
        (pages / f"by_{selection}.yaml").write_text(page.replace("SELECTION", selection))
    contenders = tuple(contender(str(pages / f"by_{name}.yaml")) for name in ("training", "validation"))
    found = compare_models(Comparison(data=folder, contenders=contenders), tmp_path / "runs", inline)
    assert found.table.groupby("model")["data"].nunique().tolist() == [2, 2]
    kept = sorted((tmp_path / "runs" / "calibrated").glob("*.json"))
    assert len(kept) == 2  # a search for each set, which serves both contenders
    chosen = {run.model_spec.params["hidden"] for run in found.result.runs}
    assert chosen <= {4, 6}
    for path in kept:
        assert {row["setting"] for row in json.loads(path.read_text())} == {0, 1}


def test_deepbinds_pairs_get_shuffled_negatives_where_a_file_has_none(tmp_path: Path) -> None:
    codes, _, _ = planted(200, 31)
    lines = ["FoldID\tEventID\tseq\tBound"]
    text = ["".join("ACGT"[c] for c in row) for row in codes]
    bound = {"AC": [(i, 1) for i in range(100)], "B": [(i, i % 2) for i in range(100, 200)]}
    for part, rows in bound.items():
        body = [f"{part[0]}\tseq_{i}_{'peak' if y else 'shuf'}\t{text[i]}\t{y}" for i, y in rows]
        (tmp_path / f"CTCF_(K562)_{part}.seq").write_text("\n".join([*lines, *body]) + "\n")
    (path,) = collect(tmp_path, tmp_path / "made").values()
    made = SequenceDataset.open(path)
    assert path.name == "CTCF_K562"
    assert sum(len(made.part(p)) for p in ("train", "validation")) == 200
    assert len(made.part("test")) == 100


def test_a_set_without_a_test_file_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.train.csv", 40, 0)
    with pytest.raises(InputError, match=r"x has train; expected one file for train and one for test"):
        collect(tmp_path, tmp_path / "made")
    with pytest.raises(InputError, match="no data set folder"):
        (tmp_path / "empty").mkdir()
        collect(tmp_path / "empty", tmp_path / "made")


def test_every_set_model_and_strategy_is_run_and_the_numbers_are_the_runs(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "small.yaml"
    own.write_text("model: {name: holdfast, params: {filters: [8, 8]}}\ntraining: {changes: {epochs: 1}}\n")
    asked = Comparison(
        data=folder,
        contenders=(contender("kmer"), contender(str(own))),
        strategies=("centre", "random"),
        window=25,
    )
    executor = Inline()
    found = compare_models(asked, tmp_path / "runs", executor)
    cells = set(zip(found.table["data"], found.table["model"], found.table["strategy"], strict=True))
    trained = set(product(("tf.a", "tf.b"), ("small",), ("No Shift", "Rnd")))
    assert cells == trained | {(name, "kmer", "No Shift") for name in ("tf.a", "tf.b")}  # solved for, not attacked
    row = found.table.iloc[0]
    run = Run.open(tmp_path / "runs" / row["run"])
    test = SequenceDataset.open(tmp_path / "runs" / "data" / "tf.a").part("test")
    centre = test.batch(np.arange(len(test))).crop(torch.full((len(test),), 3), 25)
    logits = load_run_model(run)(centre.one_hot())
    assert row["clean_auroc"] == pytest.approx(roc_auc_score(test.labels[:, 0], logits.detach()[:, 0]))
    assert "| median |" in found.markdown.read_text()
    again = compare_models(asked, tmp_path / "runs", executor)
    assert again.result.reused == 6
    pd.testing.assert_frame_equal(again.table, found.table)


def test_pairs_are_signed_ranks_over_sets() -> None:
    """Seven differences 1..7, one of them negative and of rank 1: W = 1, p = 2 * 2 / 2**7."""
    differences = np.array([-1.0, 2, 3, 4, 5, 6, 7]) / 100
    rows = [
        {"data": f"d{i}", "task": "t", "model": m, "strategy": "No Shift", "clean_auroc": v, "worst_auroc": 0.5}
        for i, d in enumerate(differences)
        for m, v in (("a", 0.8 + d), ("b", 0.8))
    ]
    clean, worst = paired(pd.DataFrame(rows)).to_dict("records")
    assert (clean["wins_a"], clean["wins_b"], clean["ties"], clean["sets"]) == (6, 1, 0, 7)
    assert clean["p"] == pytest.approx(4 / 2**7)
    assert clean["median_difference"] == pytest.approx(0.04)
    assert worst["ties"] == 7
    assert np.isnan(worst["p"])


def test_a_contender_is_a_known_model_or_a_file_of_known_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'holdfast'"):
        contender("holdfas")
    page = tmp_path / "x.yaml"
    page.write_text("model: kmer\nwindow: 7\n")
    with pytest.raises(ConfigError, match="unknown key 'window'"):
        contender(str(page))
    with pytest.raises(ConfigError, match="two models or more, each once"):
        Comparison(data=tmp_path, contenders=(contender("kmer"), contender("kmer")))
    with pytest.raises(ConfigError, match="did you mean 'worst'"):
        Comparison(data=tmp_path, contenders=(contender("kmer"), contender("holdfast")), strategies=("wors",))
