"""`holdfast motifs` in one process: what is printed, what is written, what is refused."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny_runs import holdfast, tiny_data

from holdfast.motifs.database import jaspar_matrices, jaspar_motif
from holdfast.motifs.files import write_motifs


@pytest.fixture
def motifs() -> Path:
    write_motifs([jaspar_motif("SP1"), jaspar_motif("MAFK")], Path("m.meme"))
    return Path("m.meme")


def test_match_prints_the_best_and_writes_all(holdfast: Any, motifs: Path) -> None:
    done = holdfast("motifs", "match", motifs, "--max-q", 0.05, "--out", "m.tsv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv("m.tsv", sep="\t")
    assert set(table["query"]) == {"MA0079.5", "MA0496.4"}
    assert (table.groupby("query", sort=False).first()["target"] == ["MA0079.5", "MA0496.4"]).all()
    assert table["q"].max() <= 0.05
    assert table.groupby("query").size().min() > 3
    lines = done.stdout.splitlines()
    shown = [line for line in lines if line.startswith((" MA0079.5", " MA0496.4"))]
    assert len(shown) == 6
    assert f"{len(table):,} matches of 2 motifs; the best 3 of each are shown" in lines
    assert lines[-1] == "table   m.tsv"


def test_match_takes_a_file_as_data_base(holdfast: Any, motifs: Path) -> None:
    write_motifs(jaspar_matrices("JASPAR2020", taxon="insects"), Path("d.transfac"))
    done = holdfast("motifs", "match", motifs, "--database", "d.transfac", "--distance", "euclidean", "--max-e", 1000)
    assert done.exit_code == 0, done.output
    assert "matches of" in done.stdout
    refused = holdfast("motifs", "match", motifs, "--database", "d.transfac", "--taxon", "plants")
    assert refused.exit_code == 2
    assert "error: d.transfac is a file: taxon and species are for a JASPAR release" in refused.stderr


def test_nothing_similar_is_an_empty_table(holdfast: Any, motifs: Path) -> None:
    done = holdfast("motifs", "match", motifs, "--taxon", "urochordates", "--max-q", 0, "--out", "m.tsv")
    assert done.exit_code == 0, done.output
    assert "0 matches of 0 motifs" in done.stdout
    assert len(pd.read_csv("m.tsv", sep="\t")) == 0


def test_scan_counts_sites_and_writes_each(holdfast: Any, motifs: Path, tiny_data: Path) -> None:
    done = holdfast("motifs", "scan", motifs, tiny_data, "--max-p", 0.001, "--out", "s.tsv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv("s.tsv", sep="\t")
    assert (table["p"] < 0.001).all()
    assert (table["end"] - table["start"] == table["site"].str.len()).all()
    assert set(table["strand"]) == {"+", "-"}
    counted = table.groupby("motif").size()
    assert any(line.split()[:2] == ["MA0079.5", f"{counted['MA0079.5']}"] for line in done.stdout.splitlines())
    one = holdfast("motifs", "scan", motifs, tiny_data, "--max-p", 0.001, "--one-strand", "--out", "o.tsv")
    assert one.exit_code == 0, one.output
    assert set(pd.read_csv("o.tsv", sep="\t")["strand"]) == {"+"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("match", "nothing.meme"), "nothing.meme: there is no such file"),
        (("match", "m.meme", "--database", "JASPAR2027"), "unknown JASPAR release 'JASPAR2027'"),
        (("match", "m.meme", "--taxon", "vertebrate"), "did you mean 'vertebrates'"),
        (("match", "m.meme", "--max-q", "7"), "motif matching: max_q is 7.0; expected a number from 0 to 1"),
        (("scan", "m.meme", "m.meme"), "m.meme"),
        (("scan", "m.meme", "x.fa", "--max-p", "0"), "scanning: max_p is 0.0"),
    ],
)
def test_mistakes_are_told_in_one_line(holdfast: Any, motifs: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("x.fa").write_text(">a\nACGT\n")
    refused = holdfast("motifs", *arguments)
    assert refused.exit_code == 2, refused.output
    assert f"error: {message}" in refused.stderr or message in refused.stderr
    assert "Traceback" not in refused.output
