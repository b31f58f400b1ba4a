"""Negatives made fresh: each positive with its dinucleotides shuffled, as motif discovery has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.core.errors import InputError
from holdfast.core.random import numpy_generator
from holdfast.dna.shuffle import dinucleotide_shuffle
from holdfast.io.records import LabelledSequences

__all__ = ["SHUFFLED", "negatives_by_shuffle"]

SHUFFLED = "_shuf"


def negatives_by_shuffle(records: LabelledSequences, seed: int) -> LabelledSequences:
    """Return positives followed by one dinucleotide-preserving shuffle of each.

    Parameters
    ----------
    records
        Positives only, of one task.
    seed
        Another seed, other shuffles; the same positives in the same order give the same negatives.

    Returns
    -------
    LabelledSequences
        2N examples. A positive and its shuffle share group, coordinates and split; the shuffle's name ends in
        ``_shuf``.

    Raises
    ------
    InputError
        If the records hold anything but positives, or several tasks.

    Examples
    --------
    >>> positive = LabelledSequences(
    ...     codes=np.array([[0, 1, 2, 3, 0, 1]], dtype=np.uint8),
    ...     labels=np.ones((1, 1), dtype=np.int8),
    ...     names=("peak",),
    ...     source="by hand",
    ... )
    >>> both = negatives_by_shuffle(positive, seed=0)
    >>> both.names, both.labels[:, 0].tolist(), both.group.tolist()
    (('peak', 'peak_shuf'), [1, 0], [0, 0])
    """
    if len(records.tasks) != 1:
        raise InputError(
            f"{records.source}: shuffled negatives are defined for one task, these records have {len(records.tasks)};"
            " give negatives of their own"
        )
    other = int((records.labels != 1).sum())
    if other:
        raise InputError(
            f"{records.source}: {other} of {len(records)} examples are not positives; shuffled negatives are made for"
            " positives only, so leave them out or use the negatives that are given"
        )
    group = np.arange(len(records), dtype=np.int64) if records.group is None else records.group
    positives = replace(records, group=group)
    negatives = replace(
        positives,
        codes=dinucleotide_shuffle(records.codes, numpy_generator(seed, "negatives")),
        labels=np.zeros_like(records.labels),
        names=tuple(name + SHUFFLED for name in records.names),
    )
    # concatenate gives every part groups of its own; here the groups are what ties a positive to its shuffle.
    return replace(LabelledSequences.concatenate([positives, negatives]), group=np.concatenate([group, group]))
