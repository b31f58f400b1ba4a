"""Motifs against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from Bio import motifs as bio

from holdfast.core.errors import InputError
from holdfast.dna.codes import decode
from holdfast.dna.interval import Interval
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


def rich() -> Motif:
    return Motif.from_counts("x", np.array([[1, 9, 0, 5, 1], [1, 0, 0, 0, 1], [1, 0, 9, 0, 1], [1, 0, 0, 4, 1]]))


def test_the_pwm_is_the_log_of_the_odds_and_of_no_odds_at_the_background() -> None:
    background = (0.3, 0.2, 0.2, 0.3)
    motif = Motif(name="x", probabilities=np.array([[0.3], [0.2], [0.2], [0.3]]), sites=10)
    assert np.abs(motif.pwm(0.1, background)).max() < 1e-12
    sure = Motif(name="x", probabilities=np.array([[1.0], [0.0], [0.0], [0.0]]), sites=9.9)
    # (9.9 + 0.1 x 0.25) / 10 and 0.1 x 0.25 / 10, over 0.25.
    assert sure.pwm(0.1)[:, 0].tolist() == pytest.approx([np.log2(0.9925 * 4)] + [np.log2(0.0025 * 4)] * 3)
    assert sure.pwm(0.0)[1, 0] == -np.inf


@pytest.mark.parametrize(
    ("changes", "start", "width"),
    [({}, 1, 3), ({"bits": 1.5, "share": 0}, 1, 2), ({"bits": 0.0, "share": 0.9}, 1, 2), ({"flank": 1}, 0, 5)],
)
def test_trimming_drops_uninformative_ends_and_says_where_the_rest_begins(
    changes: dict[str, float], start: int, width: int
) -> None:
    trimmed = rich().trimmed(**changes)  # type: ignore[arg-type]
    assert (trimmed.start, trimmed.width) == (start, width)


def test_a_motif_without_information_cannot_be_trimmed() -> None:
    with pytest.raises(InputError, match=r"no column has 0\.1 bits"):
        Motif(name="flat", probabilities=np.full((4, 5), 0.25)).trimmed()


@pytest.mark.parametrize("first_strand", ["+", "-"])
def test_trimming_and_turning_commute_with_their_coordinates(first_strand: str) -> None:
    weights = np.arange(20.0).reshape(4, 5)
    sites = (Interval("chr1", 100, 105, "+"), Interval("chr2", 200, 205, "-"))
    motif = replace(rich(), contributions=weights, places=sites)
    motif = motif if first_strand == "+" else motif.reverse_complement()
    one, other = motif.trimmed().reverse_complement(), motif.reverse_complement().trimmed()
    assert np.array_equal(one.probabilities, other.probabilities)
    assert one.contributions is not None
    assert other.contributions is not None
    assert np.array_equal(one.contributions, other.contributions)
    assert (one.start, one.strand, one.places) == (other.start, other.strand, other.places)
    # Columns 1 to 4 of a motif read along + begin one base in; along - they end one base before the site's end.
    assert [(place.start, place.end) for place in one.places] == [(101, 104), (201, 204)]
    assert one.start == 1


def test_a_place_moves_from_the_side_that_its_strand_reads_first() -> None:
    motif = replace(rich(), places=(Interval("c", 10, 15, "+"), Interval("c", 30, 35, "-"))).sliced(0, 2)
    assert [(place.start, place.end) for place in motif.places] == [(10, 12), (33, 35)]


def test_contributions_and_places_have_to_fit() -> None:
    with pytest.raises(InputError, match=r"contributions have shape \(4, 2\)"):
        replace(rich(), contributions=np.zeros((4, 2)))
    with pytest.raises(InputError, match=r"place chr1:1-3\(\+\) has to be 5 bp long"):
        replace(rich(), places=(Interval("chr1", 1, 3, "+"),))


def test_iupac_letters_are_those_of_biopython() -> None:
    rng = np.random.default_rng(0)
    counts = (
        rng.integers(0, 12, (4, 300)) * (rng.random((4, 300)) < 0.7) + np.eye(4, dtype=int)[:, rng.integers(0, 4, 300)]
    )
    motif = Motif.from_counts("x", counts, pseudocount=0)
    theirs = bio.Motif(counts={base: row.tolist() for base, row in zip("ACGT", counts, strict=True)})
    different = [
        (ours, other)
        for ours, other, column in zip(motif.iupac, theirs.degenerate_consensus, np.sort(counts, axis=0).T, strict=True)
        # Where bases tie, the order of sorting decides.
        if ours != other and len(set(column)) == 4
    ]
    assert different == []
