"""Wrapped and composed models in experiments."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import pytest
import torch
from planted_runs import page, planted_data

from holdfast.core.errors import ConfigError
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.experiment import Experiment, apply_sets
from holdfast.jobs.train import train

BLOCKS = [
    {"name": "conv", "filters": 6, "width": 5, "activation": "exponential"},
    {"name": "dilated_residual", "layers": 2},
]
MODULAR = {"name": "modular", "params": {"blocks": BLOCKS, "head": {"pool": "mean", "hidden": 4}}}


@pytest.mark.parametrize(
    "model",
    [
        {"name": "siamese", "params": {"model": MODULAR, "scale": "probabilities"}},
        {"name": "rc_shared", "params": {"model": MODULAR}},
        {"name": "rc_pooled", "params": {"model": MODULAR}},
        {"name": "ensemble", "params": {"members": [MODULAR, MODULAR]}},
    ],
    ids=lambda model: model["name"],
)
def test_a_model_made_of_models_is_trained_stored_and_read_back(
    page: dict[str, Any], tmp_path: Path, model: dict[str, Any]
) -> None:
    run = train(Experiment.parse({**page, "model": model, "attack": "worst"}), tmp_path)
    again = load_run_model(run)
    x = torch.eye(4)[torch.randint(4, (3, 25))].transpose(1, 2)
    logits = again(x)
    assert torch.isfinite(logits).all()
    assert again.both_strands == torch.allclose(again(x.flip(1, 2)), logits, rtol=1e-5, atol=1e-6)
    assert run.filters


def test_the_stored_page_has_every_default_of_every_block(page: dict[str, Any]) -> None:
    spec = Experiment.parse({**page, "model": {"name": "siamese", "params": {"model": MODULAR}}}).resolved_model
    inner = spec.params["model"]["params"]
    assert inner["blocks"][1] == {
        "name": "dilated_residual",
        "layers": 2,
        "width": 3,
        "activation": "relu",
        "dropout": 0.0,
    }
    assert inner["head"] == {"pool": "mean", "hidden": 4, "dropout": 0.0}
    assert "window" not in inner


def test_writing_a_default_out_is_the_same_experiment(page: dict[str, Any]) -> None:
    short = Experiment.parse({**page, "model": MODULAR})
    changed = apply_sets({**page, "model": MODULAR}, ["model.params.head={pool: mean, hidden: 4, dropout: 0.0}"])
    assert Experiment.parse(changed).identity("data") == short.identity("data")
    other = apply_sets({**page, "model": MODULAR}, ["model.params.head={pool: mean, hidden: 4, dropout: 0.1}"])
    assert Experiment.parse(other).identity("data") != short.identity("data")


def test_a_set_reaches_into_the_model_that_is_wrapped(page: dict[str, Any]) -> None:
    sets = ["model=siamese", "model.params.model=pap_megyeri", "model.params.model.params.padding=valid"]
    model = Experiment.parse(apply_sets(page, sets)).build_model(n_tasks=2)
    assert (model.n_tasks, model.min_window) == (2, 35)


def test_a_model_built_for_another_window_is_refused(page: dict[str, Any], tmp_path: Path) -> None:
    params = {"blocks": BLOCKS, "head": {"pool": "flatten"}, "window": 24}
    with pytest.raises(ConfigError, match="built for windows of 24 bp; the experiment's window is 25"):
        train(Experiment.parse({**page, "model": {"name": "modular", "params": params}}), tmp_path)
