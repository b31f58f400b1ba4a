"""A published file becomes a run that audit and predict work on."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.ensemble import ensemble_of
from holdfast.jobs.import_model import import_model
from holdfast.jobs.run_table import run_rows
from holdfast.models import MODELS
from holdfast.models.published import Wanted
from holdfast.runs.folder import Run
from keras_files import dense, layer, model, write_keras

WINDOW = 60


def holdfast(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def paper_file(path: Path, window: int | None = WINDOW) -> tuple[Path, Any]:
    """The paper's CNN with drawn weights, as a Keras file, and the same as a model of ours."""
    torch.manual_seed(0)
    mine: Any = MODELS.build(Spec(name="pap_megyeri")).eval()
    state = {name: values.numpy() for name, values in mine.state_dict().items()}
    layers, weights = [], {}
    for number in (1, 2):
        shape = {"batch_input_shape": [None, window, 4]} if number == 1 else {}
        settings = {"padding": "same", "strides": [1], "activation": "relu", **shape}
        layers.append(layer("Conv1D", f"c{number}", **settings))
        weights |= dense(f"c{number}", state[f"conv{number}.weight"].transpose(2, 1, 0), state[f"conv{number}.bias"])
    layers += [layer("GlobalMaxPooling1D", "g"), layer("Dense", "d", activation="relu")]
    layers.append(layer("Dense", "o", activation="softmax"))
    weights |= dense("d", state["dense.weight"].T, state["dense.bias"])
    weights |= dense("o", state["out.weight"].T, state["out.bias"])
    return write_keras(path, {"class_name": "Sequential", "config": layers}, weights), mine


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    rows = [f">s{i}\n{''.join(draw.choice(list('ACGT'), 70))}\n" for i in range(5)]
    path = tmp_path / "some.fa"
    path.write_text("".join(rows))
    return path


def test_an_import_is_a_finished_run_with_the_files_weights(tmp_path: Path) -> None:
    path, mine = paper_file(tmp_path / "paper.h5")
    run = import_model(path, tmp_path / "runs")
    record = run.record
    assert (record.status, record.kind, record.name, record.window) == ("done", "imported", "paper", WINDOW)
    assert record.n_parameters == 255_006
    assert record.extra["source"]["file"] == "paper.h5"
    again = load_run_model(Run.open(run.folder))
    assert all(torch.equal(values, mine.state_dict()[name]) for name, values in again.state_dict().items())


def test_an_import_that_was_never_audited_is_listed_as_such_and_says_how_to(tmp_path: Path) -> None:
    path, _ = paper_file(tmp_path / "paper.h5")
    run = import_model(path, tmp_path / "runs")
    assert run_rows(tmp_path / "runs") == [(run.folder.name, "imported", "", "")]
    with pytest.raises(InputError, match=f"run `holdfast audit {run.folder} --data DATA`"):
        _ = run.audit


def test_an_import_that_was_never_audited_is_no_member_of_an_ensemble(tmp_path: Path) -> None:
    path, _ = paper_file(tmp_path / "paper.h5")
    run = import_model(path, tmp_path / "runs")
    with pytest.raises(InputError, match=f"never audited; run `holdfast audit {run.folder} --data DATA` first"):
        ensemble_of([run.folder], tmp_path / "runs")


def test_an_import_that_was_never_audited_is_explained_after_its_audit(tmp_path: Path) -> None:
    path, _ = paper_file(tmp_path / "paper.h5")
    run = import_model(path, tmp_path / "runs")
    told = holdfast("explain", "filters", run.folder, "--data", tmp_path / "sites", code=2)
    assert f"never audited; run `holdfast audit {run.folder} --data DATA`" in " ".join(told.split())


def test_an_imported_model_is_audited_on_data_and_then_like_any_run(tmp_path: Path) -> None:
    path, _ = paper_file(tmp_path / "paper.h5")
    holdfast("data", "simulate", tmp_path / "sites", "--positives", 30)
    run = import_model(path, tmp_path / "runs")
    assert f"never audited; run `holdfast audit {run.folder} --data DATA`" in holdfast("audit", run.folder, code=2)
    shown = holdfast("audit", run.folder, "--data", tmp_path / "sites", "--max-shift", 3, "--bootstrap", 5)
    assert f"{len(run.audit.shift.offsets) * run.audit.tasks[0].n_examples:,} windows scanned" in shown
    assert run.audit.shift.window == WINDOW
    assert run.audit.shift.max_shift == 3
    assert run.record.data_name == "sites"
    assert run.has("report")
    assert run.has("filters")
    clean = run.audit.tasks[0].clean["accuracy"].value
    holdfast("audit", run.folder)
    assert run.audit.tasks[0].clean["accuracy"].value == clean
    assert "paper" in holdfast("list", "--runs", tmp_path / "runs")


def test_predictions_are_the_models_own(tmp_path: Path, fasta: Path) -> None:
    path, mine = paper_file(tmp_path / "paper.h5")
    run = import_model(path, tmp_path / "runs")
    centre = pd.read_csv(io.StringIO(holdfast("predict", run.folder, fasta)), sep="\t")
    holdfast("predict", run.folder, fasta, "--windows", "all", "--out", tmp_path / "all.tsv")
    every = pd.read_csv(tmp_path / "all.tsv", sep="\t")
    assert list(centre.columns) == ["name", "start", "task", "logit", "probability"]
    assert centre["name"].tolist() == [f"s{i}" for i in range(5)]
    assert set(centre["start"]) == {5}
    assert len(every) == 5 * 11
    middle = every[every["start"] == 5].reset_index(drop=True)
    pd.testing.assert_frame_equal(middle, centre, rtol=1e-4)  # another batch, another order of sums
    letters = fasta.read_text().split("\n")[1::2]
    codes = torch.tensor([["ACGT".index(base) for base in text] for text in letters])
    x = torch.nn.functional.one_hot(codes, 4).transpose(1, 2).float()
    for start in (0, 10):
        logits = mine(x[:, :, start : start + WINDOW])[:, 0].detach().numpy()
        np.testing.assert_allclose(every[every["start"] == start]["logit"], logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(every["probability"], 1 / (1 + np.exp(-every["logit"])), rtol=1e-4)


def tracked_file(path: Path) -> Path:
    """A FactorNet of ours with two tracks and three static numbers, as Keras would save it."""
    settings = {"tracks": ["uniqueness", "dnase"], "n_static": 3}
    torch.manual_seed(0)
    mine: Any = MODELS.build(Spec(name="factornet", params=settings), window=WINDOW)
    state = {name: values.numpy() for name, values in mine.state_dict().items()}
    inner = {"units": 32, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "return_sequences": True}
    page = [
        layer("InputLayer", "in", inputs=[], batch_input_shape=[None, WINDOW, 6]),
        layer("Conv1D", "c", inputs=["in"], activation="relu", padding="valid", strides=[1]),
        layer("TimeDistributed", "t", inputs=["c"], layer=layer("Dense", "x", activation="relu")),
        layer("MaxPooling1D", "p", inputs=["t"], pool_size=[13], strides=[13], padding="valid"),
        layer("Bidirectional", "b", inputs=["p"], layer=layer("LSTM", "l", **inner)),
        layer("Flatten", "f", inputs=["b"]),
        layer("Dense", "d1", inputs=["f"], activation="relu"),
        layer("InputLayer", "meta", inputs=[], batch_input_shape=[None, 3]),
        layer("Concatenate", "j", inputs=["d1", "meta"]),
        layer("Dense", "d2", inputs=["j"], activation="relu"),
        layer("Dense", "o", inputs=["d2"], activation="sigmoid"),
        layer("Average", "m", inputs=["o", "o"]),
    ]
    weights = dense("c", state["stages.0.block.0.weight"].transpose(2, 1, 0), state["stages.0.block.0.bias"])
    weights |= dense("t", state["stages.0.block.3.weight"][:, :, 0].T, state["stages.0.block.3.bias"])
    bias = state["lstm.bias"].reshape(2, -1)
    parts = {"kernel": state["lstm.kernel"], "recurrent_kernel": state["lstm.recurrent"], "bias": bias}
    weights["b"] = {
        f"b/{side}_l/{role}:0": values[way]
        for way, side in enumerate(("forward", "backward"))
        for role, values in parts.items()
    }
    for name, own in (("d1", "first"), ("d2", "second"), ("o", "out")):
        weights |= dense(name, state[f"{own}.weight"].T, state[f"{own}.bias"])
    return write_keras(path, model(page, "m") | {"keras_version": "1.2.2"}, weights)


def test_a_model_that_reads_tracks_is_asked_only_with_what_it_may_assume(tmp_path: Path, fasta: Path) -> None:
    path = tracked_file(tmp_path / "net.h5")
    shown = holdfast("import", path, "--runs", tmp_path / "runs", "--name", "bare")
    assert "Nothing is assumed for uniqueness, dnase, static" in shown
    (bare,) = (tmp_path / "runs").glob("bare-*")
    said = holdfast("predict", bare, fasta, code=2)
    assert "reads 3 static features" in said or "reads the tracks uniqueness, dnase" in said
    assumed = ["--assume", "uniqueness=1", "--assume", "dnase=0.5", "--assume", "static=0,1,-1"]
    holdfast("import", path, "--runs", tmp_path / "runs", "--name", "told", *assumed)
    (told,) = (tmp_path / "runs").glob("told-*")
    table = pd.read_csv(io.StringIO(holdfast("predict", told, fasta)), sep="\t")
    loaded: Any = load_run_model(Run.open(told))
    letters = fasta.read_text().split("\n")[1::2]
    codes = torch.tensor([["ACGT".index(base) for base in text[5:65]] for text in letters])
    x = torch.nn.functional.one_hot(codes, 4).transpose(1, 2).float()
    tracks = torch.tensor([1.0, 0.5])[None, :, None].expand(5, 2, WINDOW)
    expected = loaded(x, tracks, torch.tensor([0.0, 1.0, -1.0]).expand(5, 3))[:, 0].detach().numpy()
    np.testing.assert_allclose(table["logit"], expected, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_imported_or_asked_is_a_message_and_no_traceback(tmp_path: Path, fasta: Path) -> None:
    path, _ = paper_file(tmp_path / "paper.h5", window=None)
    runs = ("--runs", tmp_path / "runs")
    assert "no such file" in holdfast("import", tmp_path / "none.h5", *runs, code=2)
    assert "a folder; give the model file in it" in holdfast("import", tmp_path, *runs, code=2)
    assert "not a file that can be imported" in holdfast("import", fasta, *runs, code=2)
    assert "say how many bases with --window" in holdfast("import", path, *runs, code=2)
    assert "expected name=number" in holdfast("import", path, *runs, "--assume", "dnase", code=2)
    assert not (tmp_path / "runs").exists()
    holdfast("import", path, *runs, "--window", 80)
    assert "done already" in holdfast("import", path, *runs, "--window", 80, code=2)
    (run,) = (tmp_path / "runs").iterdir()
    assert "sequences of 70 bp" in holdfast("predict", run, fasta, code=2)
    holdfast("data", "simulate", tmp_path / "sites", "--positives", 30)
    said = holdfast("audit", run, "--data", tmp_path / "sites", "--window", 70, code=2)
    assert "has its own window" in said


def test_files_without_a_name_of_their_own_are_called_by_their_folders(tmp_path: Path) -> None:
    (tmp_path / "MAX" / "onePeak").mkdir(parents=True)
    path, _ = paper_file(tmp_path / "MAX" / "onePeak" / "final_model.hdf5")
    assert import_model(path, tmp_path / "runs", wanted=Wanted()).record.name == "MAX-onePeak-final_model"
