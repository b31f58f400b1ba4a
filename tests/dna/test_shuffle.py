"""The dinucleotide shuffle is exact, uniform, and leaves ends and N where they are."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import chi2

from holdfast.core.errors import InputError
from holdfast.dna import shuffle as shuffle_module
from holdfast.dna.codes import decode, encode
from holdfast.dna.shuffle import dinucleotide_shuffle, shuffle

CODES = arrays(np.uint8, st.tuples(st.integers(0, 6), st.integers(0, 40)), elements=st.integers(0, 4))
LARGE_SEEDS = st.integers(0, 2**32 - 1)


def dinucleotides(codes: NDArray[np.uint8]) -> Counter[tuple[int, int]]:
    return Counter(itertools.pairwise(codes.tolist()))


def every_shuffle(text: str) -> set[str]:
    """All sequences with the dinucleotides and the ends of a short one, by trying every order of its inner bases."""
    wanted = dinucleotides(encode(text))
    tried = {text[0] + "".join(inner) + text[-1] for inner in set(itertools.permutations(text[1:-1]))}
    return {sequence for sequence in tried if dinucleotides(encode(sequence)) == wanted}


def runs(codes: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Maximal runs of known bases, found base by base."""
    found, start = [], None
    for i, code in enumerate([*codes.tolist(), 4]):
        if code < 4 and start is None:
            start = i
        if code == 4 and start is not None:
            found.append((start, i))
            start = None
    return found


@given(CODES, LARGE_SEEDS)
def test_each_run_keeps_its_dinucleotides_and_ends_and_n_stays(codes: NDArray[np.uint8], seed: int):
    shuffled = dinucleotide_shuffle(codes, np.random.default_rng(seed))
    assert shuffled.shape == codes.shape
    assert shuffled.dtype == np.uint8
    assert np.array_equal(shuffled == 4, codes == 4)
    for before, after in zip(codes, shuffled, strict=True):
        for start, end in runs(before):
            assert dinucleotides(after[start:end]) == dinucleotides(before[start:end])
            assert after[start] == before[start]
            assert after[end - 1] == before[end - 1]


@pytest.mark.parametrize(
    "text", ["ACAGATACA", "AACAGTTGACA", "ACGTCAATG", "AAAGAAACA", "CATTACAGTA", "GGCGGATGG", "TACGATTACAT"]
)
def test_every_euler_walk_is_equally_likely(text: str):
    possible, draws = every_shuffle(text), 40_000
    assert len(possible) > 3
    copies = np.repeat(encode(text)[None], draws, axis=0)
    seen = Counter(decode(row) for row in dinucleotide_shuffle(copies, np.random.default_rng(1)))
    assert set(seen) == possible
    expected = draws / len(possible)
    statistic = sum((seen[sequence] - expected) ** 2 / expected for sequence in possible)
    # One in a million by chance, and the seed is fixed.
    assert statistic < chi2.isf(1e-6, len(possible) - 1)


def test_walks_within_a_run_between_unknown_bases_are_equally_likely():
    draws = 20_000
    copies = np.repeat(encode("NACAGATACANTTACGATTT")[None], draws, axis=0)
    seen = Counter(decode(row) for row in dinucleotide_shuffle(copies, np.random.default_rng(2)))
    left, right = every_shuffle("ACAGATACA"), every_shuffle("TTACGATTT")
    assert set(seen) == {f"N{a}N{b}" for a in left for b in right}
    expected = draws / len(seen)
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < chi2.isf(1e-6, len(seen) - 1)


def test_a_sequence_where_random_last_edges_almost_never_connect_is_as_fast_as_any():
    # Drawing last edges at random would succeed once in 400^3 tries here.
    text = "A" * 400 + "C" * 400 + "G" * 400 + "T"
    codes = np.repeat(encode(text)[None], 50, axis=0)
    assert np.array_equal(dinucleotide_shuffle(codes, np.random.default_rng(0)), codes)


def test_more_sequences_than_a_block_are_all_shuffled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shuffle_module, "_BLOCK_BASES", 256)
    codes = np.random.default_rng(0).integers(0, 4, (100, 60), dtype=np.uint8)
    shuffled = dinucleotide_shuffle(codes, np.random.default_rng(1))
    assert (shuffled != codes).any(axis=1).all()
    assert all(dinucleotides(a) == dinucleotides(b) for a, b in zip(codes, shuffled, strict=True))
    assert (np.sort(shuffle(codes, np.random.default_rng(1)), axis=1) == np.sort(codes, axis=1)).all()


@pytest.mark.parametrize("function", [dinucleotide_shuffle, shuffle])
def test_the_same_seed_gives_the_same_result_and_the_input_is_left_alone(function):
    codes = np.random.default_rng(0).integers(0, 5, (30, 50), dtype=np.uint8)
    kept = codes.copy()
    codes.flags.writeable = False
    first, again, other = (function(codes, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(codes, kept)


def test_equal_rows_are_shuffled_independently():
    codes = np.repeat(np.random.default_rng(0).integers(0, 4, (1, 101), dtype=np.uint8), 200, axis=0)
    assert len({row.tobytes() for row in dinucleotide_shuffle(codes, np.random.default_rng(0))}) == 200


@given(CODES, LARGE_SEEDS)
def test_the_mononucleotide_shuffle_keeps_bases_and_unknown_places(codes: NDArray[np.uint8], seed: int):
    shuffled = shuffle(codes, np.random.default_rng(seed))
    assert np.array_equal(shuffled == 4, codes == 4)
    assert np.array_equal(np.sort(shuffled, axis=1), np.sort(codes, axis=1))


def test_every_permutation_of_bases_is_equally_likely():
    draws = 20_000
    copies = np.repeat(encode("ANACG")[None], draws, axis=0)
    seen = Counter(decode(row) for row in shuffle(copies, np.random.default_rng(5)))
    assert len(seen) == 12
    expected = draws / 12
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < chi2.isf(1e-6, 11)


@pytest.mark.parametrize("function", [dinucleotide_shuffle, shuffle])
@pytest.mark.parametrize(
    "codes",
    [np.zeros(5, dtype=np.uint8), np.zeros((2, 5), dtype=np.int64), np.full((2, 5), 5, dtype=np.uint8)],
    ids=["one axis", "another type", "codes above 4"],
)
def test_what_is_not_codes_is_refused(function, codes):
    with pytest.raises(InputError):
        function(codes, np.random.default_rng(0))
