"""The demo in small: what it makes, that it reuses it, and that its scanner knows the truth."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path

import numpy as np
import pytest
import torch
from planted_runs import inline

from holdfast.core.registry import Spec
from holdfast.data.simulate import SimulationConfig
from holdfast.dna.codes import encode, one_hot
from holdfast.jobs import demo as demo_job
from holdfast.jobs.demo import DemoSettings, run_demo
from holdfast.jobs.scanner import MatrixScanner
from holdfast.motifs.motif import Motif
from holdfast.runs.find import find_runs

SMALL = DemoSettings(factors=("SP1",), positives=100, epochs=1)


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch: pytest.MonkeyPatch, inline: object) -> None:
    monkeypatch.setattr(demo_job, "LocalExecutor", lambda jobs: inline)


def test_the_demo_trains_three_ways_with_a_control_and_writes_one_report(tmp_path: Path) -> None:
    found = run_demo(tmp_path, SMALL)
    strategies = {(run.record.strategy, run.record.model) for run in found.result.runs}
    assert strategies == {
        ("No Shift", "holdfast"),
        ("Rnd", "holdfast"),
        ("Worst", "holdfast"),
        ("No Shift", "kmer"),
    }
    assert found.report == tmp_path / "report.html"
    assert "Worst" in found.report.read_text()
    assert "told the planted matrix" in found.truths[0]
    page = found.report.read_text()
    assert "Does the explanation hold fast?" in page
    assert "Motifs, and what they are called" in page
    assert "What it would call bound most surely" in page
    assert "GGGGCGGGG" in page[page.index("What a planted pattern does") :]
    asked = [run.has("stability") and run.has("motifs") for run in found.result.runs]
    assert sum(asked) == 3  # the control has no gradient to ask for


def test_a_second_demo_reuses_the_runs_and_says_so_and_fresh_starts_anew(tmp_path: Path, inline: object) -> None:
    run_demo(tmp_path, SMALL)
    again = run_demo(tmp_path, SMALL)
    assert again.result.reused == 4
    assert any("--fresh" in sentence for sentence in again.opening)
    stranger = tmp_path / "runs" / "notes"
    stranger.mkdir()
    fresh = run_demo(tmp_path, SMALL, fresh=True)
    assert (fresh.result.reused, len(find_runs(tmp_path / "runs"))) == (0, 4)
    assert stranger.is_dir()  # only the demo's own runs are thrown away


def test_the_scanner_gives_the_log_odds_worked_out_by_hand() -> None:
    # One position that is always G, strong sites only, GC 0.5: odds 4 for G (or C, on the other strand).
    motif = Motif(name="g", probabilities=np.array([[0.0], [0.0], [1.0], [0.0]]))
    scanner = MatrixScanner(motif, SimulationConfig(gc=0.5, weak_fraction=0.5, weak_power=1.0))
    windows = one_hot(torch.from_numpy(encode("GAAA"))[None])
    # A site at G on the forward strand with probability 1/4 x 1/2; elsewhere the odds are 0.
    assert scanner(windows).item() == pytest.approx(np.log(0.25 * 0.5 * 4), abs=1e-5)


def test_the_scanner_gives_both_strands_one_answer() -> None:
    motif = Motif(name="m", probabilities=np.array([[0.7, 0.1], [0.1, 0.1], [0.1, 0.1], [0.1, 0.7]]))
    sequence = one_hot(torch.randint(0, 4, (5, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))
    scanner = MatrixScanner(motif, SimulationConfig())
    torch.testing.assert_close(scanner(sequence), scanner(sequence.flip(1, 2)))


def test_the_site_that_is_planted_has_the_clear_letters_of_the_matrix() -> None:
    clear, vague = [0.97, 0.01, 0.01, 0.01], [0.25] * 4
    motif = Motif(name="m", probabilities=np.array([vague, clear, vague, clear[::-1], vague]).T)
    assert demo_job._site(motif) == "ANT"


def test_the_embedded_default_is_the_papers_three_factors_at_75_of_101() -> None:
    assert demo_job.DEMO.factors == ("SP1", "MAFK", "ZNF143")
    assert (demo_job.DEMO.window, demo_job.DEMO.simulation("SP1").context) == (75, 101)
    assert Spec(name="holdfast").params == {}
