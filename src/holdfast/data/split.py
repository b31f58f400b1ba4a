"""Ways to divide examples into train, validation and test: one class each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.model_selection import train_test_split

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.parameters import Share, ShareBelowOne, check_fields
from holdfast.core.random import numpy_generator
from holdfast.core.registry import Registry
from holdfast.data.parts import TEST, TRAIN, VALIDATION
from holdfast.io.records import LabelledSequences

__all__ = ["SPLITS", "ByChromosome", "Fractions", "Given", "Paper", "Split"]


class Split(Protocol):
    """A way to divide examples."""

    def assign(self, records: LabelledSequences) -> NDArray[np.uint8]:
        """Return (N,) uint8 part numbers."""

    def parts(self, records: LabelledSequences) -> tuple[int, ...]:
        """Return the part numbers that must not be empty."""

    def sentence(self) -> str:
        """Return how the parts were drawn, for the manifest."""


@dataclass(frozen=True, kw_only=True)
class Fractions:
    """Random parts of given sizes and of one balance; whole groups stay on one side.

    A part gets groups, in random order, until it has at least its share of the examples. Bound and unbound groups (of
    the first task) are mixed evenly in that order, so the parts have the balance of the whole, to an example or two.

    Parameters
    ----------
    validation, test
        Shares of the examples.
    seed
        Another seed, other parts.

    Raises
    ------
    ConfigError
        If a share is not from 0 to 1, or the shares add up to more than 1.

    Examples
    --------
    >>> records = LabelledSequences(
    ...     codes=np.zeros((8, 4), dtype=np.uint8), labels=np.ones((8, 1), dtype=np.int8), names=tuple("abcdefgh"),
    ...     source="by hand", group=np.array([0, 1, 2, 3, 0, 1, 2, 3]),
    ... )
    >>> part = Fractions(validation=0.25, test=0.25).assign(records)
    >>> np.bincount(part).tolist(), bool((part[:4] == part[4:]).all())
    ([4, 2, 2], True)
    """

    validation: Share = 0.1
    test: Share = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, "split 'fractions'")
        if self.validation + self.test > 1:
            raise ConfigError(
                f"split 'fractions': validation {self.validation} and test {self.test} have to add up to no more than 1"
            )

    def assign(self, records: LabelledSequences) -> NDArray[np.uint8]:
        """Return (N,) uint8 part numbers."""
        split = np.full(len(records), TRAIN, dtype=np.uint8)
        sizes = {TEST: self.test * len(records), VALIDATION: self.validation * len(records)}
        for part, rows in _draw_groups(_groups(records), records.labels[:, 0], sizes, self.seed).items():
            split[rows] = part
        return split

    def parts(self, records: LabelledSequences) -> tuple[int, ...]:
        """Return the part numbers that must not be empty: those with a share above 0."""
        shares = {TRAIN: 1 - self.validation - self.test, VALIDATION: self.validation, TEST: self.test}
        return tuple(part for part, share in shares.items() if share > 0)

    def sentence(self) -> str:
        """Return how the parts were drawn, for the manifest."""
        return f"random: validation {self.validation:g}, test {self.test:g}, whole groups, balanced, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Pap & Megyeri's split: the source's own test part; a tenth of the rest, drawn by scikit-learn, for validation.

    Groups are not kept together: shuffled twins land on both sides, which the leakage counts show.

    Parameters
    ----------
    validation
        Share of the train part.
    seed
        scikit-learn's ``random_state``.

    References
    ----------
    Pap & Megyeri (2022), doi:10.5220/0010769100003116: ``train_test_split(test_size=.1, random_state=9)`` on the train
    part in file order.
    """

    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 9

    def __post_init__(self) -> None:
        check_fields(self, "split 'paper'")

    def assign(self, records: LabelledSequences) -> NDArray[np.uint8]:
        """Return (N,) uint8 part numbers.

        Raises
        ------
        InputError
            If the source has no test part of its own, or has a validation part already.
        """
        if records.split is None or not (records.split == TEST).any():
            raise InputError(
                f"{records.source}: the paper's split takes the test part from the source, which names none;"
                " give test files, or use the split 'fractions'"
            )
        if (records.split == VALIDATION).any():
            raise InputError(f"{records.source}: has its own validation part; use the split 'given'")
        split = records.split.copy()
        rows = np.flatnonzero(split == TRAIN)
        _, chosen = train_test_split(rows, test_size=self.validation, random_state=self.seed)
        split[chosen] = VALIDATION
        return split

    def parts(self, records: LabelledSequences) -> tuple[int, ...]:
        """Return the part numbers that must not be empty: all."""
        return (TRAIN, VALIDATION, TEST)

    def sentence(self) -> str:
        """Return how the parts were drawn, for the manifest."""
        return (
            f"the paper's: test as given, {self.validation:g} of train by scikit-learn's train_test_split with"
            f" random_state {self.seed}, groups not kept together"
        )


@dataclass(frozen=True, kw_only=True)
class Given:
    """The source's own parts; validation is drawn from train, by whole groups and balanced, where the source has none.

    Parameters
    ----------
    validation
        Share of the train part.
    seed
        Another seed, another validation part.
    """

    validation: ShareBelowOne = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, "split 'given'")

    def assign(self, records: LabelledSequences) -> NDArray[np.uint8]:
        """Return (N,) uint8 part numbers.

        Raises
        ------
        InputError
            If the source does not say its parts.
        """
        if records.split is None:
            raise InputError(
                f"{records.source}: does not say which examples are train and test; give test files,"
                " or use the split 'fractions'"
            )
        split = records.split.copy()
        if not (split == VALIDATION).any():
            train = np.flatnonzero(split == TRAIN)
            sizes = {VALIDATION: self.validation * len(train)}
            drawn = _draw_groups(_groups(records)[train], records.labels[train, 0], sizes, self.seed)
            split[train[drawn[VALIDATION]]] = VALIDATION
        return split

    def parts(self, records: LabelledSequences) -> tuple[int, ...]:
        """Return the part numbers that must not be empty: those of the source, and a validation part asked for."""
        given = set() if records.split is None else set(records.split.tolist())
        return tuple(sorted(given | ({VALIDATION} if TRAIN in given and self.validation > 0 else set())))

    def sentence(self) -> str:
        """Return how the parts were drawn, for the manifest."""
        return f"as given in the source; where it has no validation, {self.validation:g} of train, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class ByChromosome:
    """Whole chromosomes to validation and test, the rest to train: no neighbour of a test example is trained on.

    Parameters
    ----------
    validation, test
        Chromosome names, spelled as in the data.

    Raises
    ------
    ConfigError
        If one of them is no list, or a chromosome is in both.
    """

    validation: Sequence[str]
    test: Sequence[str]

    def __post_init__(self) -> None:
        check_fields(self, "split 'by_chromosome'")
        both = sorted(set(self.validation) & set(self.test))
        if both:
            raise ConfigError(f"split 'by_chromosome': {', '.join(both)} in both validation and test; choose one")

    def assign(self, records: LabelledSequences) -> NDArray[np.uint8]:
        """Return (N,) uint8 part numbers.

        Raises
        ------
        InputError
            If coordinates are not known, or a named chromosome has no examples.
        """
        if records.chrom is None:
            raise InputError(
                f"{records.source}: the coordinates are not known, so there are no chromosomes to divide by;"
                " use the split 'fractions'"
            )
        names, number = np.unique(np.array(records.chrom), return_inverse=True)
        for name in (*self.validation, *self.test):
            if name not in names:
                raise InputError(
                    f"{records.source}: no example lies on chromosome '{name}': {did_you_mean(name, names.tolist())}"
                )
        part_of = np.full(len(names), TRAIN, dtype=np.uint8)
        part_of[np.isin(names, list(self.validation))] = VALIDATION
        part_of[np.isin(names, list(self.test))] = TEST
        return np.asarray(part_of[number])

    def parts(self, records: LabelledSequences) -> tuple[int, ...]:
        """Return the part numbers that must not be empty: train, and those with chromosomes."""
        return (TRAIN, *((VALIDATION,) if self.validation else ()), *((TEST,) if self.test else ()))

    def sentence(self) -> str:
        """Return how the parts were drawn, for the manifest."""
        return f"by chromosome: validation {', '.join(self.validation)}; test {', '.join(self.test)}"


SPLITS: Registry[Split] = Registry(
    "split", {"fractions": Fractions, "paper": Paper, "given": Given, "by_chromosome": ByChromosome}
)


def _groups(records: LabelledSequences) -> NDArray[np.int64]:
    return np.arange(len(records), dtype=np.int64) if records.group is None else records.group


def _draw_groups(
    group: NDArray[np.int64], label: NDArray[np.int8], sizes: dict[int, float], seed: int
) -> dict[int, NDArray[np.int64]]:
    """Return the rows of each part: groups in random order, kinds of group evenly mixed, until each part has its size.

    Parameters
    ----------
    group
        (N,) numbers.
    label
        (N,) of the first task. Groups with bound examples, with unbound ones, with both and with neither are the kinds
        that are mixed; where all groups are of one kind, such as a positive and its shuffle, nothing is mixed.
    sizes
        Examples by part.
    seed
        Another seed, another order.
    """
    _, number, members = np.unique(group, return_inverse=True, return_counts=True)
    order = _mixed(numpy_generator(seed, "split").permutation(len(members)), _kinds(number, label), members)
    # How many examples come before each group in this order decides the part it falls to.
    before = np.empty(len(members), dtype=np.int64)
    before[order] = np.cumsum(members[order]) - members[order]
    rows, low = {}, 0.0
    for part, size in sizes.items():
        chosen = (before >= low) & (before < low + size)
        rows[part] = np.flatnonzero(chosen[number])
        low = float((before + members)[chosen].max()) if chosen.any() else low
    return rows


def _kinds(number: NDArray[np.int64], label: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return (G,) 0..3: whether each group has bound examples, and whether it has unbound ones."""
    bound, unbound = (np.bincount(number, weights=label == one) > 0 for one in (1, 0))
    return np.asarray(2 * bound + unbound, dtype=np.int64)


def _mixed(order: NDArray[np.int64], kind: NDArray[np.int64], members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups in an order whose every stretch holds each kind in its share of the examples."""
    middle = np.empty(len(order), dtype=np.float64)
    for one in np.unique(kind):
        own = order[kind[order] == one]
        size = np.cumsum(members[own])
        # The middle of each group on a line from 0 to 1 along which its kind is laid out.
        middle[own] = (size - members[own] / 2) / size[-1]
    return np.lexsort((kind, middle))
