"""The job and the command that find motifs in files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.core.errors import ConfigError, InputError
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import decode, encode
from holdfast.interpret.zoops import Zoops
from holdfast.io import read
from holdfast.io.contributions import read_contributions
from holdfast.io.detect import ReadOptions
from holdfast.jobs.discover import discover, discover_in_files
from holdfast.motifs.files import read_motifs

SITE = "GATTACAG"


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    """Write 50 bound sequences with a site at base 9, and 10 unbound ones without."""
    codes = np.random.default_rng(0).integers(0, 4, (60, 30), dtype=np.uint8)
    codes[:50, 9:17] = encode(SITE)
    path = tmp_path / "toy.fa"
    path.write_text("".join(f">seq{n} label={int(n < 50)}\n{decode(row)}\n" for n, row in enumerate(codes)))
    return path


def test_the_command_writes_motifs_and_sites(fasta: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.meme"
    words = [
        "motifs",
        "discover",
        str(fasta),
        "--out",
        str(out),
        "--motifs",
        "1",
        "--max-width",
        "10",
        "--device",
        "cpu",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    [motif] = read_motifs(out)
    assert motif.consensus in (SITE, "CTGTAATC")
    assert "ZOOPS expectation maximisation, 50 sites" in motif.source
    table = pd.read_csv(out.with_suffix(".sites.tsv"), sep="\t")
    assert set(table["sequence"]) == {f"seq{n}" for n in range(50)}  # the unbound ones were left out
    assert set(table["start"]) == {9}
    assert set(table["motif"]) == {"ZOOPS-1"}
    assert motif.consensus in done.output


def test_where_nothing_is_found_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "noise.fa"
    codes = np.random.default_rng(1).integers(0, 4, (40, 20), dtype=np.uint8)
    path.write_text("".join(f">s{n}\n{decode(row)}\n" for n, row in enumerate(codes)))
    out = tmp_path / "none.meme"
    done = CliRunner().invoke(app, ["motifs", "discover", str(path), "--out", str(out), "--max-width", "10"])
    assert done.exit_code == 0, done.output
    assert "no motif found" in done.output
    assert not out.exists()


def test_a_program_that_is_missing_ends_with_two(fasta: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["motifs", "discover", str(fasta), "--method", "meme"])
    assert done.exit_code == 2
    assert "no program 'meme'" in done.output


def test_contributions_go_with_modisco_alone(fasta: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--contributions FILE\.npy"):
        discover_in_files([fasta], tmp_path / "x.meme", method="modisco")
    with pytest.raises(ConfigError, match=r"--contributions FILE\.npy"):
        discover_in_files([fasta], tmp_path / "x.meme", contributions=tmp_path / "y.npy")
    with pytest.raises(ConfigError, match="hypothetical contributions"):
        discover(np.zeros((3, 40), dtype=np.uint8), method="modisco")


def test_a_file_of_unbound_sequences_has_nothing_to_find(tmp_path: Path) -> None:
    path = tmp_path / "unbound.fa"
    path.write_text(">a label=0\nACGTACGTAC\n>b label=0\nACGTACGTAC\n")
    with pytest.raises(InputError, match="every sequence is labelled unbound"):
        discover_in_files([path], tmp_path / "x.meme", settings=Zoops(max_width=8))


def test_a_run_folder_is_told_apart_from_sequences(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    with pytest.raises(InputError, match=r"run is a run folder; .* `holdfast explain motifs .*run`"):
        discover_in_files([tmp_path / "run"], tmp_path / "x.meme")
    assert not (tmp_path / "x.meme").exists()


def test_a_data_set_folder_is_searched_as_its_file_is(fasta: Path, tmp_path: Path) -> None:
    records = read([fasta])
    data = SequenceDataset.in_memory(records.codes, records.labels, places=Places(names=tuple(records.names)))
    data.save(tmp_path / "data")
    settings, texts = Zoops(motifs=1, max_width=10), []
    for source, name in ((fasta, "file"), (tmp_path / "data", "folder")):
        discover_in_files([source], tmp_path / f"{name}.meme", settings=settings, device="cpu")
        texts.append([(tmp_path / f"{name}{end}").read_text() for end in (".meme", ".sites.tsv")])
    assert texts[0] == texts[1]
    with pytest.raises(ConfigError, match="data is a data set folder, whose letters are read already"):
        told = ReadOptions(unknown_letters="n")
        discover_in_files([tmp_path / "data"], tmp_path / "x.meme", settings=settings, options=told)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a finished data set"):
        discover_in_files([tmp_path], tmp_path / "x.meme")


def test_seqlets_become_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("modiscolite", reason="the extra modisco is not installed")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (200, 101), dtype=np.uint8)
    codes[:, 40:50] = encode("GATTACAGCC")
    scores = rng.normal(0, 0.01, (200, 4, 101))
    scores[:, :, 40:50] += 2 * np.eye(4)[encode("GATTACAGCC")].T - 0.5
    [best, *_] = discover(codes, method="modisco", hypothetical=scores)
    assert best.log10_e_value is None
    assert best.motif.contributions is not None
    assert best.sites["site"].str.contains("GATTACAGCC|GGCTGTAATC").all()


@pytest.mark.parametrize("array", [np.zeros((2, 3, 4)), np.zeros((2, 4, 3), dtype=int), np.array([None])])
def test_contributions_of_another_shape_or_kind_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "scores.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(InputError, match=r"scores\.npy"):
        read_contributions(path, 2, 3)
