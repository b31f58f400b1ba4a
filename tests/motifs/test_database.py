"""JASPAR from inside the package: pinned matrices, offline, with the right spelling in a refusal."""

import socket

import pytest

from holdfast.core.errors import InputError
from holdfast.motifs.database import PINNED, jaspar_motif


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
