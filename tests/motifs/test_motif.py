"""Motifs against closed forms."""

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.dna.codes import decode
from holdfast.motifs.motif import Motif

COUNTS = np.array([[8, 0, 1], [0, 4, 1], [0, 4, 1], [0, 0, 1]])


def test_a_pseudocount_is_shared_out_by_the_background() -> None:
    motif = Motif.from_counts("x", COUNTS, pseudocount=2.0, background=(0.4, 0.1, 0.1, 0.4))
    assert motif.probabilities[:, 0].tolist() == pytest.approx([8.8 / 10, 0.2 / 10, 0.2 / 10, 0.8 / 10])
    assert motif.sites == 8


def test_information_is_two_one_and_nought_bits_for_one_two_and_four_equal_bases() -> None:
    motif = Motif.from_counts("x", COUNTS, pseudocount=0.0)
    assert motif.information().tolist() == pytest.approx([2, 1, 0])


def test_information_is_nought_where_the_column_is_the_background() -> None:
    background = (0.3, 0.2, 0.2, 0.3)
    motif = Motif(name="x", probabilities=np.array(background)[:, None])
    assert motif.information(background).tolist() == pytest.approx([0])
    assert motif.information().tolist()[0] > 0


def test_consensus_takes_the_most_probable_base() -> None:
    assert Motif.from_counts("x", COUNTS).consensus == "ACA"


def test_the_reverse_complement_of_the_reverse_complement_is_the_motif() -> None:
    motif = Motif.from_counts("x", COUNTS)
    assert motif.reverse_complement().consensus == "ACT"
    assert np.array_equal(motif.reverse_complement().reverse_complement().probabilities, motif.probabilities)


def test_sampled_frequencies_are_the_probabilities() -> None:
    motif = Motif.from_counts("x", np.array([[5, 1], [3, 1], [2, 1], [0, 7]]), pseudocount=0.0)
    sites = motif.sample(np.random.default_rng(0), 40_000)
    found = np.stack([(sites == base).mean(axis=0) for base in range(4)])
    # Five standard errors of a share: 5 * sqrt(.25 / 40,000) = 0.0125.
    assert np.abs(found - motif.probabilities).max() < 0.0125
    assert found[3, 0] == 0


def test_a_certain_motif_samples_its_consensus() -> None:
    motif = Motif.from_counts("x", np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), pseudocount=0)
    assert {decode(site) for site in motif.sample(np.random.default_rng(0), 50)} == {"ACGT"}


def test_flattening_to_power_nought_is_uniform_and_to_one_is_the_motif() -> None:
    motif = Motif.from_counts("x", COUNTS)
    assert motif.flattened(0).probabilities == pytest.approx(np.full((4, 3), 0.25))
    assert motif.flattened(1).probabilities == pytest.approx(motif.probabilities)
    assert motif.flattened(0.5).information().sum() < motif.information().sum()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((3, 2)) / 3, r"shape \(3, 2\)"),
        (np.ones((4, 0)), r"shape \(4, 0\)"),
        (np.ones((4, 2)), "add up to 1"),
        (np.array([[1.5], [-0.5], [0], [0]]), "add up to 1"),
        (np.array([[np.nan], [0.5], [0.5], [0]]), "add up to 1"),
    ],
)
def test_matrices_that_are_not_probabilities_are_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Motif(name="x", probabilities=matrix)


def test_negative_counts_and_empty_columns_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        Motif.from_counts("x", np.array([[-1], [1], [1], [1]]))
    with pytest.raises(InputError, match="position 1"):
        Motif.from_counts("x", np.array([[1, 0], [0, 0], [0, 0], [0, 0]]), pseudocount=0)
