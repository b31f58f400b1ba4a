"""`holdfast explain motifs`: what a model's maps point at is found, named and kept."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_runs import holdfast
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.data.dataset import SequenceDataset
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.files import read_motifs, write_motifs
from holdfast.motifs.motif import Motif
from holdfast.runs.folder import Run

__all__ = ["holdfast"]

W = 33


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on sequences whose bound half holds one word; the data base beside it has a motif of that word."""
    root = tmp_path_factory.mktemp("motifs")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (400, 41), dtype=np.uint8)
    labels = (np.arange(400) % 2).astype(np.int8)[:, None]
    codes[labels[:, 0] == 1, 15:24] = [2, 2, 0, 1, 3, 1, 2, 0, 2]  # GGACTCGAG
    SequenceDataset.in_memory(codes, labels, split=np.repeat(np.array([0, 1, 2, 2], dtype=np.uint8), 100)).save(
        root / "data"
    )
    page = {
        "data": str(root / "data"),
        "shift": {"window": W},
        "model": {"name": "holdfast", "params": {"widths": [7, 3], "filters": [8, 4], "hidden": 4}},
        "training": {"changes": {"epochs": 25, "batch_size": 16}},
        "audit": {"bootstrap": 5, "out_of_distribution": False},
    }
    (root / "page.yaml").write_text(yaml.safe_dump(page))
    done = CliRunner().invoke(app, ["train", str(root / "page.yaml"), "--runs", str(root / "runs")])
    assert done.exit_code == 0, done.output
    sure = np.full((4, 9), 0.02)
    sure[[2, 2, 0, 1, 3, 1, 2, 0, 2], np.arange(9)] = 0.94
    word = Motif(name="word", probabilities=sure, source="planted")
    write_motifs([word, *(jaspar_motif(name) for name in ("SP1", "MAFK", "MA0139.2"))], root / "known.meme")
    return next((root / "runs").iterdir())


def test_the_word_in_the_bound_sequences_is_found_and_named(holdfast: Any, trained: Path) -> None:
    known = trained.parent.parent / "known.meme"
    told = holdfast("explain", "motifs", trained, "--database", known, "--width", 12)
    assert told.exit_code == 0, told.output
    run = Run.open(trained)
    first = run.motifs.motifs[0]
    assert first.kind == "attributed"
    assert first.matches[0].name == "word"
    assert first.matches[0].e_value < 0.01
    assert run.motifs.n_targets == 4
    kept = read_motifs(run.path("motif_file"))
    assert [motif.name for motif in kept] == [row.name for row in run.motifs.motifs]
    table = pd.read_csv(run.path("matches"), sep="\t")
    assert set(table.columns) >= {"p", "e", "q", "offset", "strand"}
    page = run.path("report").read_text()
    assert "Motifs, and what they are called" in page
    assert "word" in page


def test_asked_again_it_reads_and_asked_otherwise_it_says_what_it_writes_over(holdfast: Any, trained: Path) -> None:
    known = trained.parent.parent / "known.meme"
    options = ("explain", "motifs", trained, "--database", known, "--width", 12)
    holdfast(*options)
    before = Run.open(trained).path("motifs").stat().st_mtime_ns
    assert "where it was already" in holdfast(*options).output
    assert Run.open(trained).path("motifs").stat().st_mtime_ns == before
    other = holdfast(*options, "--motifs", 1)
    assert "writing over the motifs by corrected-gradient" in " ".join(other.output.split())
    assert len([row for row in Run.open(trained).motifs.motifs if row.kind == "attributed"]) <= 1


def test_filters_or_a_data_base_that_changed_in_between_are_matched_again(holdfast: Any, trained: Path) -> None:
    known = trained.parent.parent / "other.meme"
    names = ("SP1", "MAFK")
    write_motifs([jaspar_motif(name) for name in names], known)
    options = ("explain", "motifs", trained, "--database", known, "--width", 12)
    holdfast(*options)
    holdfast("explain", "filters", trained, "--filters", 2)
    again = holdfast(*options)
    assert again.exit_code == 0, again.output
    assert "where it was already" not in again.output
    filters = [row.name for row in Run.open(trained).motifs.motifs if row.kind == "filter"]
    assert filters == [row.name for row in Run.open(trained).filters]
    write_motifs([jaspar_motif(name).reverse_complement() for name in names], known)
    assert "where it was already" not in holdfast(*options).output
    assert "where it was already" in holdfast(*options).output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--width", "60"), "stretches of 60 bp do not fit windows of 33 bp"),
        (("--database", "JASPAR1999"), "JASPAR1999"),
        (("--method", "magic"), "unknown attribution 'magic'"),
    ],
)
def test_what_cannot_be_asked_is_refused(holdfast: Any, trained: Path, options: tuple[str, ...], words: str) -> None:
    told = holdfast("explain", "motifs", trained, *options)
    assert told.exit_code == 2
    assert words in " ".join(told.output.split())
    assert "Traceback" not in told.output
