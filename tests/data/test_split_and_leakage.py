"""Parts and what leaks between them, against counts made by hand, by brute force and by scikit-learn."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_sequences import make
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from holdfast import io
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.random import numpy_generator
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.data.leakage import composition_hashes, leakage, sequence_hashes, twin_groups
from holdfast.data.negatives import negatives_by_shuffle
from holdfast.data.split import SPLITS, ByChromosome, Fractions, Given, Paper, fold_numbers
from holdfast.dna.codes import encode
from holdfast.dna.edit import reverse_complement


@given(validation=st.floats(0, 0.5), test=st.floats(0, 0.5), groups=st.integers(1, 40), seed=st.integers(0, 5))
def test_whole_groups_stay_on_one_side_whatever_the_shares(
    validation: float, test: float, groups: int, seed: int
) -> None:
    group = np.random.default_rng(seed).integers(0, groups, 100)
    split = Fractions(validation=validation, test=test, seed=seed).assign(make(group=group))
    assert all(len(set(split[group == one].tolist())) == 1 for one in set(group.tolist()))


@given(validation=st.integers(0, 40), test=st.integers(0, 40), seed=st.integers(0, 5))
def test_shares_are_exact_when_every_example_is_alone(validation: int, test: int, seed: int) -> None:
    split = Fractions(validation=validation / 100, test=test / 100, seed=seed).assign(make())
    # A share that is no whole number of examples in floating point is rounded up by at most one.
    assert abs(int((split == 1).sum()) - validation) <= 1
    assert abs(int((split == 2).sum()) - test) <= 1


def test_fractions_depend_on_the_seed_and_on_nothing_else() -> None:
    records = make()
    assert np.array_equal(Fractions(seed=1).assign(records), Fractions(seed=1).assign(records))
    assert not np.array_equal(Fractions(seed=1).assign(records), Fractions(seed=2).assign(records))


@given(bound=st.integers(1, 60), unbound=st.integers(1, 60), test=st.floats(0, 0.6), seed=st.integers(0, 9))
def test_every_part_has_the_balance_of_the_whole(bound: int, unbound: int, test: float, seed: int) -> None:
    labels = np.repeat([1, 0], [bound, unbound]).astype(np.int8)[:, None]
    records = make(bound + unbound, labels=labels)
    split = Fractions(validation=0.2, test=test, seed=seed).assign(records)
    for part in range(3):
        chosen = labels[split == part, 0]
        # A stretch of two evenly laid out rows is off by less than one of the one kind at each of its ends.
        assert abs(int(chosen.sum()) - len(chosen) * bound / (bound + unbound)) < 2


@pytest.mark.parametrize("seed", range(50))
def test_twenty_balanced_rows_have_both_classes_in_every_part(seed: int) -> None:
    records = make(20)
    split = Fractions(seed=seed).assign(records)
    assert np.bincount(split).tolist() == [14, 2, 4]
    assert all(len(set(records.labels[split == part, 0].tolist())) == 2 for part in range(3))
    given_test = make(20, split=np.repeat([0, 2], [10, 10]).astype(np.uint8))
    validation = Given(validation=0.2, seed=seed).assign(given_test) == 1
    assert sorted(given_test.labels[validation, 0].tolist()) == [0, 1]


def test_positives_with_their_own_shuffles_fall_as_one_permutation_of_the_pairs_has_them() -> None:
    both = negatives_by_shuffle(make(50, labels=np.ones((50, 1), dtype=np.int8)), 0)
    split = Fractions(validation=0.1, test=0.2, seed=3).assign(both)
    order = numpy_generator(3, "split").permutation(50)
    assert set(np.flatnonzero(split[:50] == 2)) == set(order[:10])
    assert set(np.flatnonzero(split[:50] == 1)) == set(order[10:15])
    assert np.array_equal(split[:50], split[50:])


def test_the_papers_split_is_scikit_learns() -> None:
    given_parts = np.repeat([0, 2], [80, 20]).astype(np.uint8)
    split = Paper().assign(make(split=given_parts))
    _, expected = train_test_split(np.arange(80), test_size=0.1, random_state=9)
    assert sorted(np.flatnonzero(split == 1).tolist()) == sorted(expected.tolist())
    assert np.array_equal(split == 2, given_parts == 2)


def test_the_papers_split_needs_a_test_part_of_the_source() -> None:
    with pytest.raises(InputError, match="names none"):
        Paper().assign(make())
    with pytest.raises(InputError, match="own validation part"):
        Paper().assign(make(split=(np.arange(100) % 3).astype(np.uint8)))


def test_given_parts_are_kept_and_validation_is_drawn_by_groups_from_train_only() -> None:
    parts = np.repeat([0, 2], [80, 20]).astype(np.uint8)
    group = np.arange(100) % 40
    split = Given(validation=0.25).assign(make(split=parts, group=group))
    assert np.array_equal(split == 2, parts == 2)
    assert (split == 1).sum() == 20
    assert all(len(set(split[:80][group[:80] == one].tolist())) == 1 for one in range(40))


def test_a_given_validation_part_is_left_alone() -> None:
    parts = (np.arange(100) % 3).astype(np.uint8)
    assert np.array_equal(Given().assign(make(split=parts)), parts)
    with pytest.raises(InputError, match="does not say which"):
        Given().assign(make())


def test_chromosomes_go_whole_to_their_part() -> None:
    chrom = tuple(f"chr{i % 4}" for i in range(100))
    records = make(chrom=chrom, start=np.arange(100))
    split = ByChromosome(validation=["chr1"], test=["chr2", "chr3"]).assign(records)
    assert {(name, int(part)) for name, part in zip(chrom, split, strict=True)} == {
        ("chr0", 0), ("chr1", 1), ("chr2", 2), ("chr3", 2),
    }  # fmt: skip
    with pytest.raises(InputError, match="did you mean 'chr1'"):
        ByChromosome(validation=["chr01"], test=[]).assign(records)
    with pytest.raises(InputError, match="coordinates are not known"):
        ByChromosome(validation=["chr1"], test=["chr2"]).assign(make())


@pytest.mark.parametrize(
    "params",
    [
        Spec(name="fractions", params={"validation": 0.6, "test": 0.5}),
        Spec(name="fractions", params={"test": -0.1}),
        Spec(name="given", params={"validation": 1.0}),
        Spec(name="by_chromosome", params={"validation": ["chr1"], "test": ["chr1"]}),
        Spec(name="by_chromosome", params={"validation": "chr1", "test": ["chr2"]}),
        Spec(name="fraction"),
        Spec(name="paper", params={"sed": 9}),
    ],
)
def test_impossible_splits_are_refused_at_birth(params: Spec) -> None:
    with pytest.raises(ConfigError):
        SPLITS.build(params)


@pytest.mark.parametrize("name", list(SPLITS))
def test_every_split_says_in_a_sentence_how_it_draws(name: str) -> None:
    needed = {"by_chromosome": {"validation": ["chr1"], "test": ["chr2"]}}
    assert len(SPLITS.build(Spec(name=name, params=needed.get(name, {}))).sentence()) > 10


def test_leakage_counts_what_was_put_there_by_hand() -> None:
    a, b = "ACGTACCGTATTGCAA", "TTGACCATGACGGTAC"
    rng = np.random.default_rng(0)
    twin = negatives_by_shuffle(make(1, codes=encode(a)[None], labels=np.ones((1, 1), dtype=np.int8)), 0).codes[1]
    rows = [
        (encode(a), 1, 0),
        (encode(b), 1, 1),
        (encode(a), 1, 2),  # a duplicate of train
        (reverse_complement(encode(b)), 1, 2),  # a reverse complement of validation
        (twin, 0, 2),  # a twin of train
        (twin, 1, 2),  # the same composition with the same label is no twin
        (rng.integers(0, 4, 16, dtype=np.uint8), 0, 2),
    ]
    data = SequenceDataset.in_memory(
        np.stack([row[0] for row in rows]),
        np.array([[row[1]] for row in rows], dtype=np.int8),
        split=np.array([row[2] for row in rows], dtype=np.uint8),
    )
    found = leakage(data)
    train, both = found.of("test", "train"), found.of("test", "train", "validation")
    assert train is not None
    assert both is not None
    assert (train.examples, train.duplicates, train.reverse_complements, train.shuffled_twins) == (5, 1, 0, 1)
    assert (both.duplicates, both.reverse_complements, both.shuffled_twins) == (1, 1, 1)


def test_parts_without_examples_are_not_reported() -> None:
    data = SequenceDataset.in_memory(np.zeros((3, 4), dtype=np.uint8), np.ones((3, 1), dtype=np.int8))
    assert leakage(data).counts == ()


@given(st.integers(0, 1000))
def test_hashes_agree_exactly_when_the_thing_hashed_agrees(seed: int) -> None:
    # Short sequences over two letters: many equal ones and many equal compositions.
    codes = np.random.default_rng(seed).integers(3, 5, (40, 6), dtype=np.uint8)

    def composition(row: np.ndarray) -> tuple[object, ...]:
        pairs = Counter(zip(row[:-1].tolist(), row[1:].tolist(), strict=True))
        return int(row[0]), int(row[-1]), tuple(sorted(pairs.items()))

    identity, shape = sequence_hashes(codes), composition_hashes(codes)
    same = [[row.tolist() == other.tolist() for other in codes] for row in codes]
    alike = [[composition(row) == composition(other) for other in codes] for row in codes]
    assert (identity[:, None] == identity[None]).tolist() == same
    assert (shape[:, None] == shape[None]).tolist() == alike


def test_twins_share_a_group_and_strangers_do_not() -> None:
    positives = make(50, labels=np.ones((50, 1), dtype=np.int8))
    both = negatives_by_shuffle(positives, 3)
    group = twin_groups(composition_hashes(both.codes), both.labels)
    assert np.array_equal(group[:50], group[50:])
    assert len(set(group.tolist())) == 50


def test_fresh_negatives_depend_on_the_seed_and_follow_their_positive() -> None:
    positives = make(50, labels=np.ones((50, 1), dtype=np.int8), chrom=("chr1",) * 50, start=np.arange(50))
    one, again, other = (negatives_by_shuffle(positives, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.codes, again.codes)
    assert not np.array_equal(one.codes, other.codes)
    assert one.names[50] == "n0_shuf"
    assert one.labels[:, 0].tolist() == [1] * 50 + [0] * 50
    assert one.chrom == ("chr1",) * 100
    assert np.array_equal(composition_hashes(one.codes[:50]), composition_hashes(one.codes[50:]))


def test_negatives_are_made_of_positives_of_one_task_only() -> None:
    with pytest.raises(InputError, match="50 of 100 examples are not positives"):
        negatives_by_shuffle(make(), 0)
    with pytest.raises(InputError, match="defined for one task"):
        negatives_by_shuffle(make(4, labels=np.ones((4, 2), dtype=np.int8), tasks=("a", "b")), 0)


@pytest.mark.real_data
def test_the_papers_own_set_has_the_parts_and_the_leakage_of_the_paper(real_data: Callable[[str], Path]) -> None:
    records = io.read([real_data("ds/sp1_h1hesc_discovery.npz")])
    split = Paper().assign(records)
    assert np.bincount(split).tolist() == [21_283, 2_365, 5_912]
    found = leakage(SequenceDataset.in_memory(records.codes, records.labels, split=split))
    both = found.of("test", "train", "validation")
    assert both is not None
    assert (both.examples, both.shuffled_twins, both.duplicates) == (5_912, 4_744, 0)
    # Every negative has the composition of exactly one positive.
    _, sizes = np.unique(twin_groups(composition_hashes(records.codes), records.labels), return_counts=True)
    assert sizes.tolist() == [2] * 14_780


@pytest.mark.parametrize("n_folds", [2, 3, 5])
def test_folds_keep_groups_whole_and_are_of_nearly_equal_size(n_folds: int) -> None:
    group = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 3))
    label = (np.arange(300) % 2).astype(np.int8)
    fold = fold_numbers(group, label, n_folds, seed=1)
    for number in range(100):
        assert len(set(fold[group == number])) == 1
    # A fold is closed by the group that fills it.
    assert np.ptp(np.bincount(fold, minlength=n_folds)) <= 3 * n_folds
    assert not np.array_equal(fold, fold_numbers(group, label, n_folds, seed=2))


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(InputError, match="2 groups of examples cannot be divided into 3 folds"):
        fold_numbers(np.array([0, 0, 1, 1]), np.zeros(4, np.int8), 3, seed=0)
    with pytest.raises(ConfigError, match="2 folds or more"):
        fold_numbers(np.arange(4), np.zeros(4, np.int8), 1, seed=0)
