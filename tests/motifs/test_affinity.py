"""Average affinity against its definition and its expectation."""

import itertools

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.dna.edit import reverse_complement
from holdfast.motifs.affinity import average_affinity
from holdfast.motifs.motif import Motif

RNG = np.random.default_rng(1)
MOTIF = Motif(name="toy", probabilities=RNG.dirichlet(np.ones(4), 3).T, sites=20)
BACKGROUND = (0.3, 0.2, 0.2, 0.3)


def test_it_is_the_mean_ratio_over_windows_and_strands() -> None:
    codes = RNG.integers(0, 4, (6, 11)).astype(np.uint8)
    ratio = 2 ** MOTIF.pwm(0.1, BACKGROUND)
    for sequence, found in zip(codes, average_affinity(MOTIF, codes, background=BACKGROUND), strict=True):
        windows = [
            ratio[strand[start : start + 3], np.arange(3)].prod()
            for strand in (sequence, reverse_complement(sequence))
            for start in range(9)
        ]
        assert found == pytest.approx(np.mean(windows))


def test_its_expectation_under_the_background_is_one() -> None:
    every = np.array(list(itertools.product(range(4), repeat=5)), dtype=np.uint8)
    chance = np.array(BACKGROUND)[every].prod(axis=1)
    assert (average_affinity(MOTIF, every, background=BACKGROUND) * chance).sum() == pytest.approx(1)


def test_an_unknown_base_counts_as_its_expectation() -> None:
    codes = RNG.integers(0, 4, (1, 9)).astype(np.uint8)
    filled = np.repeat(codes, 4, axis=0)
    filled[:, 4], codes[:, 4] = np.arange(4), 4
    mean = average_affinity(MOTIF, filled, background=BACKGROUND) @ np.array(BACKGROUND)
    assert average_affinity(MOTIF, codes, background=BACKGROUND)[0] == pytest.approx(mean)


def test_both_strands_of_a_sequence_have_one_affinity() -> None:
    codes = RNG.integers(0, 5, (40, 60)).astype(np.uint8)
    assert average_affinity(MOTIF, reverse_complement(codes)) == pytest.approx(average_affinity(MOTIF, codes))


def test_sequences_shorter_than_the_motif_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(3, 2\); expected \(N, L\) with L of 3 bp"):
        average_affinity(MOTIF, np.zeros((3, 2), dtype=np.uint8))
