"""What a data set says about itself: the manifest, and where the examples came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from holdfast.data.parts import PARTS

__all__ = [
    "SCHEMA_VERSION",
    "Leakage",
    "LeakageCount",
    "Manifest",
    "PartCount",
    "Provenance",
    "contradiction_note",
    "count_labels",
    "mix",
]

SCHEMA_VERSION = 1


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeakageCount(_Record):
    """How many examples of one part were met, in some guise, in the parts a model is fitted or chosen on.

    Parameters
    ----------
    part
        The part that is scored.
    seen_in
        The parts that are looked through.
    examples
        Examples in ``part``.
    duplicates
        Of those, how many have the identical sequence in ``seen_in``.
    reverse_complements
        How many have their reverse complement there (a palindrome counts).
    shuffled_twins
        How many have there a sequence of the same dinucleotide counts, first and last base, and the opposite label:
        the positive they were shuffled from, or their own shuffle.
    """

    part: str
    seen_in: tuple[str, ...]
    examples: int
    duplicates: int
    reverse_complements: int
    shuffled_twins: int


class Leakage(_Record):
    """Leakage between the parts, one row per pair worth asking about."""

    counts: tuple[LeakageCount, ...] = ()

    def of(self, part: str, *seen_in: str) -> LeakageCount | None:
        """Return the row for a part and the parts looked through, or None if it was not counted."""
        return next((row for row in self.counts if row.part == part and row.seen_in == seen_in), None)


class Provenance(_Record):
    """Where examples came from.

    Parameters
    ----------
    source
        A sentence: format and file names.
    negatives
        How the negatives were made.
    groups
        How it is known which examples must stay together.
    split
        How the parts were drawn.
    seed
        Of negatives and split; None where nothing was drawn.
    leakage
        None where it was not counted.
    contradictory
        Examples with the sequence of another example and the opposite label; None where they were not counted.

    Examples
    --------
    >>> Provenance(source="two FASTA files").split
    'not stated'
    """

    source: str
    negatives: str = "as given in the source"
    groups: str = "not stated"
    split: str = "not stated"
    seed: int | None = None
    leakage: Leakage | None = None
    contradictory: int | None = None


class PartCount(_Record):
    """Labels of one task in one part."""

    part: str
    task: str
    bound: int
    unbound: int
    unknown: int


class Manifest(_Record):
    """The page at the front of a stored data set.

    Parameters
    ----------
    schema_version
        Of the folder's layout.
    provenance
        Source, negatives, split, seed, leakage.
    examples
        N.
    context_length
        L, in bp.
    tasks
        Names of the T label columns.
    counts
        Labels by part and task.
    balance
        Share of bound among known labels, by task; None where no label is known.
    digests
        SHA-256 of each array's bytes, by file.
    fingerprint
        SHA-256 over the arrays' digests and the tasks: two data sets with one fingerprint give the same numbers.
    """

    schema_version: int = SCHEMA_VERSION
    provenance: Provenance
    examples: int
    context_length: int
    tasks: tuple[str, ...]
    counts: tuple[PartCount, ...]
    balance: dict[str, float | None]
    digests: dict[str, str]
    fingerprint: str


def contradiction_note(examples: int) -> str:
    """Return what a description and a report say about contradictory labels.

    Examples
    --------
    >>> contradiction_note(2)
    'Contradictory labels: 2 examples have the sequence of another and the opposite label; no model gets both right.'
    """
    return (
        f"Contradictory labels: {examples:,} examples have the sequence of another and the opposite label; no model"
        " gets both right."
    )


def count_labels(labels: NDArray[np.int8], split: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (3 parts, T, 3) counts of labels -1, 0 and 1 (in that order).

    Examples
    --------
    >>> counts = count_labels(np.array([[1], [0], [-1]], dtype=np.int8), np.array([0, 0, 2], dtype=np.uint8))
    >>> counts[:, 0].tolist()
    [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    """
    counts = np.zeros((len(PARTS), labels.shape[1], 3), dtype=np.int64)
    for part in range(len(PARTS)):
        chosen = labels[split == part]
        for column, label in enumerate((-1, 0, 1)):
            counts[part, :, column] = (chosen == label).sum(axis=0)
    return counts


def mix(digests: Mapping[str, str], tasks: Sequence[str]) -> str:
    """Return the fingerprint: SHA-256 over the digests of the arrays, in the order of their names, and the tasks."""
    text = [f"{name} {digests[name]}" for name in sorted(digests)]
    return hashlib.sha256("\n".join([*text, *tasks]).encode()).hexdigest()
