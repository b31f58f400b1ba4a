"""Motif recall says what was found, how alike it is, and what chance would give."""

import math

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.motifs.database import jaspar_matrices
from holdfast.motifs.motif import Motif
from holdfast.motifs.recall import motif_recall

INSECTS = jaspar_matrices(taxon="insects")
WANTED = INSECTS[3]


def noise(seed: int, width: int = 10) -> Motif:
    columns = np.random.default_rng(seed).dirichlet(np.ones(4), size=width).T
    return Motif(name=f"noise {seed}", probabilities=columns)


def test_the_motif_itself_is_found_first_and_a_weaker_copy_is_still_found() -> None:
    itself = motif_recall([WANTED], WANTED, INSECTS)
    weaker = motif_recall([WANTED.flattened(0.5)], WANTED, INSECTS)
    assert itself.found
    assert weaker.found
    assert itself.rank == 0
    assert itself.correlation == pytest.approx(1.0)


def test_motifs_that_are_there_by_chance_cost_their_number() -> None:
    alone = motif_recall([WANTED.flattened(0.4)], WANTED, INSECTS)
    among = motif_recall([WANTED.flattened(0.4), *map(noise, range(9))], WANTED, INSECTS)
    assert among.match is not None
    assert among.match.query.name == WANTED.name
    assert among.log10_p == pytest.approx(alone.log10_p + 1)


def test_noise_is_seldom_taken_for_the_motif() -> None:
    found = [motif_recall([noise(seed)], WANTED, INSECTS).found for seed in range(40)]
    # One in twenty is expected; more than seven of forty has a chance of 0.3 %.
    assert sum(found) <= 7


def test_no_motif_finds_nothing() -> None:
    nothing = motif_recall([], WANTED, INSECTS)
    assert not nothing.found
    assert nothing.log10_p == 0
    assert math.isnan(nothing.correlation)


def test_a_motif_that_the_data_base_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="not one of the"):
        motif_recall([WANTED], noise(0), INSECTS)
