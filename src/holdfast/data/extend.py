"""Longer windows for the examples of a data set, cut from a genome around the same bins and compared with what it has.

A reverse strand is the reverse complement of the longer window, so its centre is the old sequence too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.arrays import BLOCK_BYTES
from holdfast.data.contigs import ContigRule, Exact
from holdfast.data.dataset import SequenceDataset
from holdfast.data.deepsea_bins import DeepseaParts
from holdfast.data.genome_store import GenomeStore
from holdfast.data.parts import PARTS
from holdfast.dna.bins import Bins
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.dna.edit import reverse_complement
from holdfast.io.records import LabelledSequences
from holdfast.io.stream import RecordStream

__all__ = ["Agreement", "ByCoordinates", "ByDeepseaOrder", "Placing", "extended"]


@dataclass
class Agreement:
    """How the centres of the new windows compare with the old sequences.

    Parameters
    ----------
    examples
        Compared.
    differing
        Examples with a base that differs.
    bases
        Bases that differ.
    unknown
        Of those, where one of the two is N.
    outside
        Bases of the new windows beyond the end of a chromosome, where they are N.
    """

    examples: int = 0
    differing: int = 0
    bases: int = 0
    unknown: int = 0
    outside: int = 0

    def add(self, old: Codes, centre: Codes, outside: int) -> None:
        """Count (n, L) old sequences and the centres of their new windows."""
        wrong = old != centre
        self.examples += len(old)
        self.differing += int(wrong.any(axis=1).sum())
        self.bases += int(wrong.sum())
        self.unknown += int((wrong & ((old == UNKNOWN) | (centre == UNKNOWN))).sum())
        self.outside += outside

    def sentence(self) -> str:
        """Return the counts in words."""
        return (
            f"the centres of {self.differing:,} of {self.examples:,} windows differ from the sequences there were, in"
            f" {self.bases:,} bases, {self.unknown:,} of them N in one of the two; {self.outside:,} bases lie beyond"
            " the end of a chromosome and are N"
        )


class Placing(Protocol):
    """A way to know where in the genome an example lies."""

    def place(self, dataset: SequenceDataset) -> tuple[Bins, NDArray[np.bool_] | None]:
        """Return a bin for each of the N examples, and which are reverse strands; None: found by comparison."""

    def sentence(self) -> str:
        """Return how, for the manifest."""


@dataclass(frozen=True)
class ByCoordinates:
    """By the coordinates that the data set keeps; an example is taken for the strand that differs less."""

    def place(self, dataset: SequenceDataset) -> tuple[Bins, NDArray[np.bool_] | None]:
        """Return a bin for each example.

        Raises
        ------
        InputError
            If the coordinates are not known.
        """
        places = dataset.places
        if places.chrom is None or places.start is None:
            raise InputError(
                "the data set does not know its coordinates; give the list of bins it was made of (--bins), such as"
                " DeepSEA's allTFs.pos.bed"
            )
        return Bins.of(places.chrom, places.start, places.start + dataset.context), None

    def sentence(self) -> str:
        """Return how, for the manifest."""
        return "by the coordinates of its examples"


@dataclass(frozen=True)
class ByDeepseaOrder:
    """By a list of bins, in DeepSEA's parts and order; a part is its bins once, or twice: the second time reversed."""

    bins: Bins
    parts: DeepseaParts = field(default_factory=DeepseaParts)

    def place(self, dataset: SequenceDataset) -> tuple[Bins, NDArray[np.bool_] | None]:
        """Return a bin and the strand for each example.

        Raises
        ------
        InputError
            If a part has neither as many examples as bins nor twice as many.
        """
        bin_of = np.zeros(len(dataset), dtype=np.int64)
        reverse = np.zeros(len(dataset), dtype=bool)
        for part, rows in self.parts.rows(self.bins).items():
            examples = np.flatnonzero(dataset.split == part)
            if len(examples) not in (0, len(rows), 2 * len(rows)):
                raise InputError(
                    f"the {PARTS[part]} part has {len(examples):,} examples, but the bins make {len(rows):,} of them,"
                    f" or {2 * len(rows):,} with reverse complements; is it the list that the data set was made of?"
                )
            bin_of[examples] = np.resize(rows, len(examples))
            reverse[examples[len(rows) :]] = True
        return self.bins.take(bin_of), reverse

    def sentence(self) -> str:
        """Return how, for the manifest."""
        return "by a list of bins in DeepSEA's order"


def extended(
    dataset: SequenceDataset,
    store: GenomeStore,
    *,
    length: int,
    placing: Placing,
    contigs: ContigRule | None = None,
    max_different: float = 0.001,
) -> RecordStream:
    """Return the examples of a data set in longer windows, block by block.

    Parameters
    ----------
    dataset
        Labels, parts, groups and names are kept.
    store
        The genome.
    length
        Bases of the new windows: more than there are, by an even number, so that the centre is the same on either
        strand.
    placing
        How it is known where an example lies.
    contigs
        How chromosomes are called in the genome; left out, as in the data set or the bins.
    max_different
        Largest share of examples whose centre may differ from what the data set has.

    Returns
    -------
    RecordStream
        What the comparison found is its remark.

    Raises
    ------
    ConfigError
        If the length does not fit.
    InputError
        If places are not known, a chromosome is not in the genome, or more centres differ than may.
    """
    _check_length(length, dataset.context)
    rule = contigs or Exact()
    bins, reverse = placing.place(dataset)
    tallies = [Agreement()]
    margin = (length - dataset.context) // 2

    def blocks() -> Iterator[LabelledSequences]:
        found = tallies[0] = Agreement()
        rows = max(1, BLOCK_BYTES // length)
        for start in range(0, len(dataset), rows):
            index = np.arange(start, min(start + rows, len(dataset)))
            near = bins.take(index)
            windows, outside = store.contexts(near, length, contigs=rule)
            old = dataset.codes_at(index)
            turned = None if reverse is None else reverse[index]
            codes = _turned(windows, old, turned, margin)
            found.add(old, codes[:, margin : margin + dataset.context], int(outside.sum()))
            if found.differing > max_different * len(dataset):
                raise InputError(_too_different(found, near, codes, old, margin, max_different))
            yield _records(dataset, index, codes, near, length)

    return RecordStream(
        source=f"{dataset.manifest.provenance.source}; windows of {length} bp from {store.manifest.source},"
        f" {placing.sentence()}, chromosome names {rule.sentence()}",
        length=length,
        tasks=dataset.tasks,
        says_parts=True,
        blocks=blocks,
        remarks=lambda: (tallies[0].sentence(),),
    )


def _check_length(length: int, context: int) -> None:
    if length < context or (length - context) % 2:
        raise ConfigError(
            f"windows of {length} bp from examples of {context} bp: choose {context} or more, by an even number"
        )


def _turned(windows: Codes, old: Codes, reverse: NDArray[np.bool_] | None, margin: int) -> Codes:
    """Return the windows on the strand of their examples; where that is not known, on the one that differs less."""
    other = reverse_complement(windows)
    if reverse is None:
        centre = slice(margin, margin + old.shape[1])
        reverse = (other[:, centre] != old).sum(axis=1) < (windows[:, centre] != old).sum(axis=1)
    return np.where(reverse[:, None], other, windows)


def _too_different(found: Agreement, bins: Bins, codes: Codes, old: Codes, margin: int, max_different: float) -> str:
    row = int(np.argmax((old != codes[:, margin : margin + old.shape[1]]).any(axis=1)))
    return (
        f"{found.sentence()}, after {found.examples:,} examples, such as the one at {bins.described(row)}; that is more"
        f" than the share of {max_different:g} that may. Is it the genome build the data set was made of, the right"
        " list of bins, and are the negatives genomic?"
    )


def _records(
    dataset: SequenceDataset, index: NDArray[np.int64], codes: Codes, bins: Bins, length: int
) -> LabelledSequences:
    start = bins.start - (length - (bins.end - bins.start)) // 2
    located = bool((start >= 0).all())
    return LabelledSequences(
        codes=codes,
        labels=np.asarray(dataset.labels[index]),
        names=dataset.places.take(index).names,
        source=dataset.manifest.provenance.source,
        tasks=dataset.tasks,
        chrom=tuple(bins.names[one] for one in bins.chrom.tolist()) if located else None,
        start=start if located else None,
        group=np.asarray(dataset.group[index]),
        split=np.asarray(dataset.split[index]),
    )
