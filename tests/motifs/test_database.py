"""JASPAR from inside the package: pinned matrices, offline, with the right spelling in a refusal."""

import socket
import warnings

import numpy as np
import pyjaspar
import pytest

from holdfast.core.errors import InputError
from holdfast.motifs.database import PINNED, jaspar_collection, jaspar_matrices, jaspar_motif
from holdfast.motifs.motif import Motif


@pytest.mark.parametrize(("name", "consensus"), [("SP1", "GGGGCGGGG"), ("MAFK", "CTGACTCAGC")])
def test_pinned_factors_have_their_known_sites(name: str, consensus: str) -> None:
    motif = jaspar_motif(name)
    assert motif.consensus == consensus
    assert motif.source == f"JASPAR2026 {PINNED[name]}"


def test_znf143_is_the_long_human_matrix() -> None:
    motif = jaspar_motif("ZNF143")
    assert (motif.name, motif.width) == ("ZNF143", 23)


def test_no_network_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    jaspar_motif.cache_clear()
    assert jaspar_motif("USF1").width == 10


def test_an_older_matrix_can_be_named_by_id() -> None:
    assert jaspar_motif("MA0079.3").width == 11


def test_a_name_with_several_matrices_lists_them() -> None:
    with pytest.raises(InputError, match=r"several matrices of 'CTCF': name one of MA0139\.2"):
        jaspar_motif("CTCF")


@pytest.mark.parametrize("name", ["SP11111", "MA9999.1"])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="has no matrix"):
        jaspar_motif(name)


def test_an_unknown_release_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'JASPAR20"):
        jaspar_motif("SP1", "JASPAR2027")


@pytest.mark.parametrize(
    ("release", "group"),
    [
        ("JASPAR2014", {"taxon": "nematodes"}),
        ("JASPAR2026", {"taxon": "urochordates"}),
        ("JASPAR2024", {"species": "7227"}),
    ],
)
def test_matrices_of_a_group_are_those_that_pyjaspar_gives(release: str, group: dict[str, str]) -> None:
    keys = {"taxon": "tax_group", "species": "species"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        database = pyjaspar.jaspardb(release=release)
        theirs = database.fetch_motifs(collection="CORE", **{keys[key]: [value] for key, value in group.items()})
        database.conn.close()
    ours = {motif.accession: motif for motif in jaspar_matrices(release, **group)}
    assert set(ours) == {str(motif.matrix_id) for motif in theirs}
    for motif in theirs:
        counts = np.array([motif.counts[base] for base in "ACGT"])
        same = Motif.from_counts(motif.name, counts)
        assert np.array_equal(same.probabilities, ours[motif.matrix_id].probabilities)
        assert (same.name, same.sites) == (ours[motif.matrix_id].name, ours[motif.matrix_id].sites)


def test_taxon_and_species_narrow_the_choice() -> None:
    vertebrates = jaspar_matrices(taxon="vertebrates")
    mouse = jaspar_matrices(taxon="vertebrates", species="Mus musculus")
    assert len(vertebrates) > 1000
    assert 50 < len(mouse) < len(vertebrates)
    assert {motif.accession for motif in mouse} <= {motif.accession for motif in vertebrates}
    assert [motif.accession for motif in mouse] == sorted(motif.accession for motif in mouse)


def test_the_collection_has_each_human_name_once_with_its_lowest_id() -> None:
    human = jaspar_matrices(species="9606")
    lowest = {name: min(m.accession for m in human if m.name == name) for name in {m.name for m in human}}
    assert {motif.name: motif.accession for motif in jaspar_collection()} == lowest


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"taxon": "vertebrate"}, "has no taxon 'vertebrate': did you mean 'vertebrates'"),
        ({"species": "Homo sapient"}, "did you mean 'Homo sapiens'"),
        ({"taxon": "plants", "species": "9606"}, "no CORE matrices of taxon plants and species 9606 together"),
    ],
)
def test_unknown_groups_name_the_nearest(group: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        jaspar_matrices(**group)
