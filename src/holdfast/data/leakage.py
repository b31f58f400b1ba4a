"""Leakage: sequences, and shuffled twins of sequences, that a model meets before it is scored on them; contradictions.

Sequences are compared by 64-bit hashes, so that millions of examples are counted in seconds and in blocks. A hash is a
sum of random 64-bit weights, one per (position, base) for identity and one per dinucleotide for twins; among
4.4 million examples a chance collision anywhere is expected once in a million counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.core.random import numpy_generator
from holdfast.data.arrays import BLOCK_BYTES
from holdfast.data.manifest import Leakage, LeakageCount
from holdfast.data.parts import PARTS, TEST, TRAIN, VALIDATION
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.dna.edit import reverse_complement

__all__ = [
    "PAIRS",
    "Divided",
    "Hashes",
    "composition_hashes",
    "contradictory",
    "leakage",
    "sequence_hashes",
    "twin_groups",
]

# The part that is scored, and the parts looked through: what a model was fitted on, or fitted and chosen on.
PAIRS = ((VALIDATION, (TRAIN,)), (TEST, (TRAIN,)), (TEST, (TRAIN, VALIDATION)))
_LETTERS = UNKNOWN + 1


class Divided(Protocol):
    """Examples in parts: a data set, or the arrays of one that is being written."""

    @property
    def context(self) -> int:
        """Bases per example."""

    @property
    def labels(self) -> NDArray[np.int8]:
        """(N, T): 1 bound, 0 unbound, -1 unknown."""

    @property
    def split(self) -> NDArray[np.uint8]:
        """(N,) part numbers."""

    def __len__(self) -> int: ...

    def codes_at(self, index: NDArray[np.int64]) -> Codes:
        """Return (n, L) codes of some examples."""


@dataclass(frozen=True, eq=False)
class Hashes:
    """What one pass over all sequences leaves of them.

    Parameters
    ----------
    forward, reverse
        (N,) :func:`sequence_hashes` of the sequences and of their reverse complements.
    composition
        (N,) :func:`composition_hashes`.
    blank
        (N,) bool: sequences of N only.
    """

    forward: NDArray[np.uint64]
    reverse: NDArray[np.uint64]
    composition: NDArray[np.uint64]
    blank: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Divided) -> Hashes:
        """Read all sequences, block by block."""
        count = len(dataset)
        forward, reverse, composition = (np.empty(count, dtype=np.uint64) for _ in range(3))
        blank = np.empty(count, dtype=np.bool_)
        # Eight bytes of weight per base: an eighth of a block's bases at a time.
        rows = max(1, BLOCK_BYTES // 8 // dataset.context)
        for start in range(0, count, rows):
            block = slice(start, start + rows)
            codes = dataset.codes_at(np.arange(start, min(start + rows, count)))
            forward[block] = sequence_hashes(codes)
            reverse[block] = sequence_hashes(reverse_complement(codes))
            composition[block] = composition_hashes(codes)
            blank[block] = codes.min(axis=1) == UNKNOWN
        return cls(forward, reverse, composition, blank)


def leakage(dataset: Divided, hashes: Hashes | None = None) -> Leakage:
    """Count duplicates, reverse-complement duplicates and shuffled twins across the parts.

    Parameters
    ----------
    dataset
        A :class:`~holdfast.data.dataset.SequenceDataset` or its arrays.
    hashes
        Of its sequences; left out, they are read.

    Returns
    -------
    Leakage
        One row per pair of parts that both have examples.

    Examples
    --------
    >>> from holdfast.data.dataset import SequenceDataset
    >>> codes = np.array([[0, 0, 1], [0, 0, 1], [2, 3, 3]], dtype=np.uint8)
    >>> data = SequenceDataset.in_memory(
    ...     codes, np.ones((3, 1), dtype=np.int8), split=np.array([0, 2, 2], dtype=np.uint8)
    ... )
    >>> row = leakage(data).of("test", "train")
    >>> row.examples, row.duplicates, row.reverse_complements
    (2, 1, 1)
    """
    hashes = hashes or Hashes.of(dataset)
    rows = []
    for part, through in PAIRS:
        scored = np.flatnonzero(dataset.split == part)
        seen = np.flatnonzero(np.isin(dataset.split, through))
        # Looking through train and validation says nothing new where there is no validation.
        if not len(scored) or not all((dataset.split == one).any() for one in through):
            continue
        known = np.unique(hashes.forward[seen])
        rows.append(
            LeakageCount(
                part=PARTS[part],
                seen_in=tuple(PARTS[one] for one in through),
                examples=len(scored),
                duplicates=int(np.isin(hashes.forward[scored], known).sum()),
                reverse_complements=int(np.isin(hashes.reverse[scored], known).sum()),
                shuffled_twins=_count_twins(hashes.composition, dataset.labels, scored, seen),
            )
        )
    return Leakage(counts=tuple(rows))


def sequence_hashes(codes: Codes) -> NDArray[np.uint64]:
    """Return (N,) hashes that are equal for equal sequences of one length.

    Examples
    --------
    >>> hashes = sequence_hashes(np.array([[0, 1], [1, 0], [0, 1]], dtype=np.uint8))
    >>> bool(hashes[0] == hashes[2]), bool(hashes[0] == hashes[1])
    (True, False)
    """
    weights = _weights("sequence", codes.shape[1] * _LETTERS)
    position = np.arange(codes.shape[1], dtype=np.int64) * _LETTERS
    return np.asarray(weights[codes + position].sum(axis=1, dtype=np.uint64))


def contradictory(hashes: NDArray[np.uint64], labels: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which labels stand against the opposite label of the same sequence.

    Parameters
    ----------
    hashes
        (N,) of the sequences.
    labels
        (N, T) int8: 1 bound, 0 unbound, -1 unknown; in memory or mapped from a file.

    Returns
    -------
    tuple[ndarray, ndarray]
        (R,) examples whose sequence is there more than once, and (R, T) bool.

    Examples
    --------
    >>> hashes = sequence_hashes(np.array([[0, 1], [2, 3], [0, 1]], dtype=np.uint8))
    >>> rows, found = contradictory(hashes, np.array([[1], [1], [0]], dtype=np.int8))
    >>> rows.tolist(), found[:, 0].tolist()
    ([0, 2], [True, True])
    """
    _, first, times = np.unique(hashes, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(times[first] > 1)
    again, repeated = hashes[rows], np.asarray(labels[rows])
    found = np.zeros(repeated.shape, dtype=bool)
    for task in range(repeated.shape[1]):
        bound, unbound = (repeated[:, task] == one for one in (1, 0))
        both = np.intersect1d(again[bound], again[unbound])
        found[:, task] = (bound | unbound) & np.isin(again, both)
    return rows, found


def composition_hashes(codes: Codes) -> NDArray[np.uint64]:
    """Return (N,) hashes that are equal for equal dinucleotide counts and equal first and last bases.

    Examples
    --------
    >>> hashes = composition_hashes(np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]], dtype=np.uint8))
    >>> bool(hashes[0] == hashes[1]), bool(hashes[0] == hashes[2])
    (True, False)
    """
    weights = _weights("dinucleotide", _LETTERS * _LETTERS)
    ends = _weights("ends", 2 * _LETTERS)
    pairs = codes[:, :-1] * np.uint8(_LETTERS) + codes[:, 1:]
    total = weights[pairs].sum(axis=1, dtype=np.uint64)
    return np.asarray(total + ends[codes[:, 0]] + ends[codes[:, -1] + np.uint8(_LETTERS)])


def twin_groups(composition: NDArray[np.uint64], labels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return (N,) group numbers in which shuffled twins share one, for sources that do not say which belong together.

    Parameters
    ----------
    composition
        (N,) :func:`composition_hashes`.
    labels
        (N, T) int8. Examples of one composition are twins where some of them are bound and some are unbound.

    Examples
    --------
    >>> codes = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 3, 3, 0]], dtype=np.uint8)
    >>> twin_groups(composition_hashes(codes), np.array([[1], [0], [0]], dtype=np.int8)).tolist()
    [0, 0, 2]
    """
    _, first, number, members = np.unique(composition, return_index=True, return_inverse=True, return_counts=True)
    # Almost no two natural sequences share their composition, so the tasks are looked at in a handful of rows.
    rows_with_equals = np.flatnonzero(members[number] > 1)
    of_row, labels = number[rows_with_equals], np.asarray(labels[rows_with_equals])
    twins = np.zeros(len(first), dtype=bool)
    for task in range(labels.shape[1]):
        bound, unbound = (np.isin(np.arange(len(first)), of_row[labels[:, task] == label]) for label in (1, 0))
        twins |= bound & unbound
    return np.asarray(np.where(twins[number], first[number], np.arange(len(composition))), dtype=np.int64)


def _count_twins(
    composition: NDArray[np.uint64], labels: NDArray[np.int8], scored: NDArray[np.int64], seen: NDArray[np.int64]
) -> int:
    # Almost no two natural sequences share their composition, so the tasks are looped over a handful of rows.
    scored = scored[np.isin(composition[scored], composition[seen])]
    seen = seen[np.isin(composition[seen], composition[scored])]
    twin = np.zeros(len(scored), dtype=bool)
    for task in range(labels.shape[1]):
        for label in (0, 1):
            opposite = composition[seen[labels[seen, task] == 1 - label]]
            twin |= (labels[scored, task] == label) & np.isin(composition[scored], opposite)
    return int(twin.sum())


def _weights(purpose: str, count: int) -> NDArray[np.uint64]:
    return numpy_generator(0, "leakage", purpose).integers(0, 1 << 64, size=count, dtype=np.uint64)
