"""`holdfast calibrate`, in one process."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from tiny_runs import holdfast, tiny_data

FEW = ("--set", "training.changes.epochs=2", "--set", "training.changes.batch_size=32")


def test_a_calibrated_page_is_trained_as_it_stands(holdfast: Any, tiny_data: Path) -> None:
    command = ("calibrate", "--data", tiny_data, "--window", 33, "--model", "deepbind", "--quick", "--out", "c")
    found = holdfast(*command, *FEW)
    assert found.exit_code == 0, found.output
    table, page = pd.read_csv("c/calibration.csv"), yaml.safe_load(Path("c/experiment.yaml").read_text())
    # Three settings without a hidden layer, two folds; two epochs leave room for two checkpoints.
    assert len(table) == 3 * 2 * 2
    best = table.groupby(["setting", "epoch"])["validation"].mean().max()
    assert found.stdout.startswith(f"best validation auroc {best:.4f}: setting ")
    assert page["training"]["trials"] == 2
    assert page["training"]["changes"]["batch_size"] == 32  # the user's wins over the quick plan's 128
    assert found.stdout.strip().splitlines()[-1] == "next    holdfast train c/experiment.yaml"
    done = holdfast("train", "c/experiment.yaml", "--set", "audit.bootstrap=2")
    assert done.exit_code == 0, done.output


def test_the_same_seed_finds_the_same_scores_in_one_process_or_two(holdfast: Any, tiny_data: Path) -> None:
    command = ("calibrate", "--data", tiny_data, "--window", 33, "--model", "deepbind", "--quick", *FEW)
    for out, seed, jobs in (("a", 1, 1), ("b", 1, 2), ("c", 2, 1)):
        done = holdfast(*command, "--seed", seed, "--jobs", jobs, "--out", out)
        assert done.exit_code == 0, done.output
    first, again, other = (Path(out, "calibration.csv").read_text() for out in "abc")
    assert first == again
    assert first != other


def test_demo_searches_its_depths_by_what_is_asked(holdfast: Any, tiny_data: Path) -> None:
    command = ("calibrate", "--data", tiny_data, "--window", 41, "--model", "demo", "--out", "d", *FEW)
    small = ("--set", "model.params.filters=4", "--set", "model.params.units=4", "--set", "model.params.conv_layers=3")
    for select in ("training", "validation"):
        found = holdfast(*command, *small, "--select", select)
        assert found.exit_code == 0, found.output
        assert f"best {select} accuracy" in found.stdout
    table = pd.read_csv("d/calibration.csv")
    assert sorted(table["highway_layers"]) == [5, 6, 7]
    assert set(table["fold"]) == {0}


def test_a_model_without_a_search_and_missing_flags_end_with_2(holdfast: Any, tiny_data: Path) -> None:
    refused = holdfast("calibrate", "--data", tiny_data, "--window", 33, "--model", "kmer")
    assert refused.exit_code == 2
    assert "model 'kmer' has no search of settings" in refused.stderr
    refused = holdfast("calibrate", "--data", tiny_data)
    assert refused.exit_code == 2
    assert "--data, --window and --model" in refused.stderr
