"""Data bases by name, sequences of every kind, and a motif as a classifier."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.build import build_simulated
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.jobs.motifs import (
    MATCH_COLUMNS,
    affinity_auroc,
    affinity_gain,
    base_shares,
    match_files,
    match_table,
    motif_database,
    named_sequences,
    scan_files,
)
from holdfast.motifs.affinity import average_affinity
from holdfast.motifs.database import jaspar_matrices, jaspar_motif
from holdfast.motifs.files import read_motifs, write_motifs
from holdfast.motifs.motif import Motif

INSECTS = jaspar_matrices("JASPAR2020", taxon="insects")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("motifs") / "mafk"
    config = SimulationConfig(tf="MAFK", positives=150, context=61, spread_bp=6)
    build_simulated(simulate(config, jaspar_motif), folder)
    return folder


def test_a_release_is_of_vertebrates_unless_told_otherwise() -> None:
    def accessions(motifs: tuple[Motif, ...]) -> list[str]:
        return [motif.accession for motif in motifs]

    vertebrates = jaspar_matrices("JASPAR2020", taxon="vertebrates")
    assert accessions(motif_database("jaspar2020")) == accessions(vertebrates)
    assert accessions(motif_database("JASPAR2020", taxon="all")) == accessions(jaspar_matrices("JASPAR2020"))
    fly = jaspar_matrices("JASPAR2020", species="7227")
    assert accessions(motif_database("JASPAR2020", species="7227")) == accessions(fly)
    assert 0 < len(fly) < len(vertebrates)


def test_a_file_is_a_data_base_too_but_has_no_taxa(tmp_path: Path) -> None:
    write_motifs(INSECTS[:3], tmp_path / "x.meme")
    assert [motif.name for motif in motif_database(str(tmp_path / "x.meme"))] == [motif.name for motif in INSECTS[:3]]
    with pytest.raises(ConfigError, match="taxon and species are for a JASPAR release"):
        motif_database(str(tmp_path / "x.meme"), taxon="plants")
    with pytest.raises(InputError, match="unknown JASPAR release 'JASPAR1999'"):
        motif_database("JASPAR1999")
    with pytest.raises(InputError, match="there is no such file"):
        motif_database("nothing.meme")


def test_matches_of_a_file_are_a_table_of_one_row_each(tmp_path: Path) -> None:
    write_motifs([INSECTS[2].reverse_complement(), INSECTS[7]], tmp_path / "x.jaspar")
    found = match_files(tmp_path / "x.jaspar", "JASPAR2020", taxon="insects", max_q=0.01)
    table = match_table(found)
    assert tuple(table.columns) == MATCH_COLUMNS
    assert len(table) == len(found) >= 2
    best = table.groupby("query", sort=False).first()
    assert best["target"].tolist() == [INSECTS[2].accession, INSECTS[7].accession]
    assert best["strand"].tolist() == ["-", "+"]
    assert (best.index == best["target"]).all()
    assert best["query_consensus"].tolist() == best["target_consensus"].tolist()
    assert match_table([]).empty


def test_sequences_are_read_from_a_data_set_a_fasta_of_any_lengths_and_a_table(simulated: Path, tmp_path: Path) -> None:
    data = SequenceDataset.open(simulated)
    names, codes = named_sequences(simulated)
    assert (names, len(codes)) == (data.names, 300)
    with gzip.open(tmp_path / "x.fa.gz", "wt") as handle:
        handle.write(">a one\nACGT\nACRT\n>b\nAC\n")
    names, codes = named_sequences(tmp_path / "x.fa.gz")
    assert names == ("a", "b")
    assert [one.tolist() for one in codes] == [[0, 1, 2, 3, 0, 1, 4, 3], [0, 1]]
    (tmp_path / "x.csv").write_text("name,sequence,label\nu,ACGT,1\nv,TTTT,0\n")
    names, codes = named_sequences(tmp_path / "x.csv")
    assert (names, codes[1].tolist()) == (("u", "v"), [3, 3, 3, 3])


def test_two_sequences_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(">a\nACGT\n>a\nACG\n")
    with pytest.raises(InputError, match="two sequences are called 'a'"):
        named_sequences(tmp_path / "x.fa")


def test_a_planted_motif_is_found_where_it_was_planted(simulated: Path, tmp_path: Path) -> None:
    write_motifs([jaspar_motif("MAFK")], tmp_path / "x.meme")
    sites = scan_files(tmp_path / "x.meme", simulated, max_p=1e-4)
    data = SequenceDataset.open(simulated)
    core = dict(zip(data.names, data.core.tolist(), strict=True))
    strong = sites[sites["p"] < 1e-5]
    assert len(strong) > 20
    hit = [row.start < core[row.sequence][1] and core[row.sequence][0] < row.end for row in strong.itertuples()]
    # Of 300 x 52 windows on 2 strands one in a hundred thousand by chance: a third of a site.
    assert np.mean(hit) > 0.95


def test_backgrounds_are_those_asked_for(simulated: Path, tmp_path: Path) -> None:
    write_motifs([jaspar_motif("MAFK")], tmp_path / "x.meme", background=(0.4, 0.1, 0.1, 0.4))
    best = {
        kind: scan_files(tmp_path / "x.meme", simulated, background=kind)["score"].iloc[0]
        for kind in ("sequences", "motifs", "uniform")
    }
    assert len(set(best.values())) == 3


def test_base_shares_are_those_of_all_sequences_together() -> None:
    rng = np.random.default_rng(0)
    sequences = [rng.choice(5, 4000, p=[0.4, 0.2, 0.2, 0.1, 0.1]).astype(np.uint8) for _ in range(5)]
    # Five standard errors of a share of 18,000 bases: 5 x sqrt(.25 / 18,000) = 0.019.
    assert base_shares(sequences) == pytest.approx((4 / 9, 2 / 9, 2 / 9, 1 / 9), abs=0.019)


def test_the_auroc_of_affinity_is_that_of_scikit_learn_and_its_interval_holds_it(simulated: Path) -> None:
    data = SequenceDataset.open(simulated)
    motif = jaspar_motif("MAFK")
    found = affinity_auroc(motif, data)
    test = data.part("test")
    score = average_affinity(motif, test.codes, background=base_shares([test.codes]))
    assert found.value == pytest.approx(roc_auc_score(test.labels[:, 0], score), abs=1e-6)
    assert found.low < found.value < found.high
    assert found.low > 0.8
    other = affinity_auroc(jaspar_motif("SP1"), data)
    assert other.high < found.low
    assert affinity_auroc(motif, data, seed=1).low != found.low


def test_the_gain_of_a_motif_is_the_difference_of_aurocs_over_the_same_draws(simulated: Path) -> None:
    data = SequenceDataset.open(simulated)
    better, worse = jaspar_motif("MAFK"), jaspar_motif("SP1")
    gain, back = affinity_gain(better, worse, data), affinity_gain(worse, better, data)
    apart = affinity_auroc(better, data).value - affinity_auroc(worse, data).value
    assert gain.value == pytest.approx(apart, abs=1e-12)
    assert (back.value, back.low, back.high) == pytest.approx((-gain.value, -gain.high, -gain.low), abs=1e-12)
    assert gain.low > 0
    # Paired: beside itself and its other strand, which scores alike, a motif gains nothing in any draw.
    for same in (better, better.reverse_complement()):
        alike = affinity_gain(better, same, data)
        assert max(abs(alike.low), abs(alike.high)) < 1e-6


@pytest.mark.real_data
def test_motifs_of_a_real_file_find_ctcf_in_jaspar(real_data: Callable[[str], Path]) -> None:
    file = real_data("tool_outputs/tomtom_5.0.3/CTCF_DeepBind/filters_meme.txt")
    found = match_table(match_files(file, "JASPAR2026", max_q=1e-4))
    assert len(read_motifs(file)) == 9
    assert set(found[found["e"] < 1e-4].groupby("query").first()["target_name"]) == {"CTCF"}
