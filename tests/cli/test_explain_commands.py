"""`holdfast explain`, from a trained run to files in its folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pybigtools
import pytest
import torch
import yaml
from tiny_runs import holdfast
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.core.progress import Advance
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.stability import overlay
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.explain import Question
from holdfast.jobs.explain_attributions import explain_attributions
from holdfast.runs.explanations import read_maps, read_stability_table
from holdfast.runs.folder import Run

__all__ = ["holdfast"]

L, W = 41, 33


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on data with coordinates."""
    root = tmp_path_factory.mktemp("explained")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (160, L), dtype=np.uint8)
    labels = (np.arange(160) % 2).astype(np.int8)[:, None]
    codes[labels[:, 0] == 1, 18:24] = 2
    places = Places(names=tuple(f"site {n}" for n in range(160)), chrom=("chr1",) * 160, start=np.arange(160) * 100)
    split = np.repeat(np.array([0, 0, 1, 2], dtype=np.uint8), 40)
    SequenceDataset.in_memory(codes, labels, split=split, places=places).save(root / "data")
    page = {
        "data": str(root / "data"),
        "shift": {"window": W},
        "model": {"name": "holdfast", "params": {"widths": [5, 3], "filters": [6, 4], "hidden": 4}},
        "training": {"changes": {"epochs": 12, "batch_size": 16}},
        "audit": {"bootstrap": 5, "out_of_distribution": False},
    }
    (root / "page.yaml").write_text(yaml.safe_dump(page))
    done = CliRunner().invoke(app, ["train", str(root / "page.yaml"), "--runs", str(root / "runs")])
    assert done.exit_code == 0, done.output
    return next((root / "runs").iterdir())


def test_attributions_are_those_of_the_three_windows_and_are_read_again(holdfast: Any, trained: Path) -> None:
    told = holdfast("explain", "attributions", trained, "--examples", 2)
    assert told.exit_code == 0, told.output
    run = Run.open(trained)
    maps = read_maps(run)
    data, model = SequenceDataset.open(run.data.places[0]), load_run_model(run)
    assert maps.role.tolist()[:3] == ["first", "centre", "worst"]
    assert (maps.offset[1::3] == 4).all()
    assert (maps.offset[0::3] == 0).all()
    windows = np.stack([data.codes[i, o : o + W] for i, o in zip(maps.index, maps.offset, strict=True)])
    assert (windows == maps.codes).all()
    # Differences of logits of a few units in single precision: in other batches sums have another order.
    np.testing.assert_allclose(maps.per_base, ATTRIBUTIONS["ism"]()(model, windows).per_base, atol=2e-6)
    table = run.windows.set_index("index")
    # The table's worst logits were found by the shared scan, these by asking for each window.
    np.testing.assert_allclose(maps.logits[2::3], table.loc[maps.index[2::3], "worst_logit"], atol=1e-5)
    before = run.path("attributions").stat().st_mtime_ns
    again = holdfast("explain", "attributions", trained, "--examples", 2)
    assert "where it was already" in again.output
    assert run.path("attributions").stat().st_mtime_ns == before


class Bar:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.totals: list[int | None] = []
        self.done: list[int] = []

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        self.totals.append(total)
        yield lambda done, note="": self.done.append(done)

    def say(self, sentence: str) -> None:
        raise AssertionError(sentence)


def test_attributions_say_how_many_windows_are_done_whatever_the_batch_size(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "again")
    Run.open(run).path("attributions").unlink(missing_ok=True)
    bar = Bar()
    explain_attributions(run, Question(index=tuple(range(5))), progress=bar)
    assert (bar.totals, bar.done) == ([15], [3, 6, 9, 12, 15])  # ISM takes 64 windows at a time where it may


def test_asked_otherwise_it_says_what_it_writes_over(holdfast: Any, trained: Path) -> None:
    holdfast("explain", "attributions", trained, "--examples", 1, "--method", "saliency")
    chosen = read_maps(Run.open(trained)).chosen
    assert chosen.startswith("the most")
    assert "1" not in chosen
    told = holdfast(
        "explain", "attributions", trained, "--index", "3,5", "--method", "gradient-x-input", "--set", "strands=both"
    )
    assert told.exit_code == 0, told.output
    assert "writing over the maps by saliency" in told.stderr
    maps = read_maps(Run.open(trained))
    assert maps.method == "gradient-x-input (strands=both)"
    assert maps.index.tolist() == [3, 3, 3, 5, 5, 5]
    assert maps.names[0] == "site 3"


def test_tracks_hold_the_centre_windows_at_their_coordinates(holdfast: Any, trained: Path) -> None:
    holdfast("explain", "attributions", trained, "--index", "3,6", "--method", "gradient-x-input")
    run = Run.open(trained)
    maps = read_maps(run)
    lines = [line.split("\t") for line in run.path("attribution_regions").read_text().splitlines()]
    assert [line[:4] for line in lines] == [
        ["chr1", "304", "337", "site_3"],
        ["chr1", "604", "637", "site_6"],
    ]
    assert [int(line[4]) for line in lines] == [round(1000 / (1 + np.exp(-float(z)))) for z in maps.logits[1::3]]
    track = pybigtools.open(str(run.path("attribution_track")))
    values = [value for _, _, value in track.records("chr1", 304, 337)]
    np.testing.assert_array_equal(np.array(values, dtype=np.float32), maps.per_base[1])


def test_a_context_of_the_reverse_strand_is_turned_back_and_a_shuffled_one_is_left_out(
    holdfast: Any, trained: Path, tmp_path: Path
) -> None:
    data = SequenceDataset.open(Run.open(trained).data.places[0])
    names = [f"chr1:{100 * n}-{100 * n + L}(+)" for n in range(160)]
    names[3], names[4] = "chr1:300-341(-)", "chr1:400-441(+)_shuf"
    places = Places(names=tuple(names), chrom=("chr1",) * 160, start=np.arange(160) * 100)
    again = SequenceDataset.in_memory(np.array(data.codes), np.array(data.labels), split=data.split, places=places)
    again.save(tmp_path / "data")
    page = yaml.safe_load((trained / "config.yaml").read_text()) | {"data": str(tmp_path / "data")}
    (tmp_path / "page.yaml").write_text(yaml.safe_dump(page))
    done = holdfast("train", tmp_path / "page.yaml", "--runs", tmp_path / "runs")
    assert done.exit_code == 0, done.output
    [folder] = (tmp_path / "runs").iterdir()
    holdfast("explain", "attributions", folder, "--index", "3,4,5", "--method", "gradient-x-input")
    run = Run.open(folder)
    maps = read_maps(run)
    rows = [line.split("\t")[:3] for line in run.path("attribution_regions").read_text().splitlines()]
    assert rows == [["chr1", "304", "337"], ["chr1", "504", "537"]]
    track = pybigtools.open(str(run.path("attribution_track")))
    turned = [value for _, _, value in track.records("chr1", 304, 337)]
    np.testing.assert_array_equal(np.array(turned, dtype=np.float32), maps.per_base[1][::-1])
    holdfast("explain", "attributions", folder, "--index", "4", "--method", "gradient-x-input")
    assert not run.has("attribution_track")


def test_stability_is_that_of_all_windows_asked_one_by_one(holdfast: Any, trained: Path) -> None:
    told = holdfast("explain", "stability", trained, "--examples", 6, "--method", "gradient-x-input")
    assert told.exit_code == 0, told.output
    run = Run.open(trained)
    record, table = run.stability, read_stability_table(run)
    data, model = SequenceDataset.open(run.data.places[0]), load_run_model(run)
    method = ATTRIBUTIONS["gradient-x-input"]()
    scores, worst = [], []
    for index in table["index"]:
        windows = np.stack([data.codes[index, o : o + W] for o in range(L - W + 1)])
        scores.append(overlay(method(model, windows).per_base[None], np.arange(L - W + 1), context=L).score[0])
        worst.append(int(model(one_hot(torch.from_numpy(windows))).detach()[:, 0].argmin()))
    np.testing.assert_allclose(table["score"], scores, rtol=1e-4)
    assert table["worst_offset"].tolist() == worst
    assert record.score.value == pytest.approx(np.mean(scores), rel=1e-4)
    assert (record.n_examples, record.n_windows, record.edge_bp) == (6, 9, 0)
    assert (data.labels[table["index"], 0] == 1).all()
    assert (data.split[table["index"]] == 2).all()
    assert table["movement"].isna().tolist() == (table["worst_offset"] == 4).tolist()
    again = holdfast("explain", "stability", trained, "--examples", 6, "--method", "gradient-x-input")
    assert "where it was already" in again.output
    other = holdfast("explain", "stability", trained, "--examples", 6, "--method", "gradient-x-input", "--edge", 3)
    assert "writing over the stability by gradient-x-input" in other.stderr
    assert Run.open(trained).stability.edge_bp == 3


def test_filters_are_made_anew_as_asked(holdfast: Any, trained: Path) -> None:
    told = holdfast("explain", "filters", trained, "--part", "train", "--threshold", 0.8, "--filters", 2)
    assert told.exit_code == 0, told.output
    strict = {row.name: row.n_sites for row in Run.open(trained).filters}
    assert len(strict) == 2
    holdfast("explain", "filters", trained, "--part", "train", "--threshold", 0.4)
    loose = {row.name: row.n_sites for row in Run.open(trained).filters}
    assert all(loose[name] > count for name, count in strict.items())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["attributions", "--method", "isn"], "did you mean 'ism'"),
        (["attributions", "--index", "3;5"], "expected whole numbers with commas"),
        (["attributions", "--index", "160"], "the data set has examples 0..159"),
        (["attributions", "--index", "9" * 30], "the data set has examples 0..159"),
        (["stability", "--index", "3,-1"], "--index -1: the data set has examples 0..159"),
        (["attributions", "--part", "train"], "name examples with --index"),
        (["attributions", "--set", "strands=forward", "--strands", "both"], "say two things"),
        (["stability", "--task", "1"], "task 1 is asked for; it has 0..0"),
        (["stability", "--edge", "17"], "nothing is left of a window of 33 bp"),
        (["stability", "--set", "batch_size=0"], "batch_size is 0"),
        (["filters", "--threshold", "1.5"], "threshold is 1.5"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    holdfast: Any, trained: Path, arguments: list[str], words: str
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    told = holdfast("explain", arguments[0], trained, *arguments[1:])
    assert told.exit_code == 2
    assert words in " ".join(told.stderr.split())
    assert {path.name: path.stat().st_mtime_ns for path in trained.iterdir()} == before


def test_an_unfinished_run_is_refused(holdfast: Any, trained: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    run = Run.open(copy)
    run.write_record(run.record.model_copy(update={"status": "running"}))
    told = holdfast("explain", "stability", copy)
    assert told.exit_code == 2
    assert "not a finished training run" in told.stderr


def test_the_examples_of_the_default_are_the_ends_of_the_audits_table(holdfast: Any, trained: Path) -> None:
    holdfast("explain", "attributions", trained, "--examples", 3, "--method", "saliency")
    run = Run.open(trained)
    table: pd.DataFrame = run.windows
    right = table[(table["label"] == 1) & (table["centre_logit"] > 0)]
    lost = (right["centre_logit"] - right["worst_logit"])[~right["certified"]].nlargest(3)
    kept = right["worst_logit"][right["certified"]].nlargest(3)
    assert read_maps(run).index[::3].tolist() == right.loc[[*lost.index, *kept.index], "index"].tolist()


def test_a_garbled_file_is_told_and_written_over(holdfast: Any, trained: Path) -> None:
    run = Run.open(trained)
    for command, kind in (("attributions", "attributions"), ("stability", "stability")):
        holdfast("explain", command, trained, "--index", 3, "--method", "saliency")
        run.path(kind).write_bytes(b"garbled")
        told = holdfast("explain", command, trained, "--index", 3, "--method", "saliency")
        assert told.exit_code == 0, told.output
        assert "writing over a file that cannot be used" in told.stderr
    assert len(read_maps(run)) == 3
    assert run.stability.n_examples == 1
