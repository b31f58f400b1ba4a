"""From records to a stored data set: negatives, parts, leakage, store; what cannot be learned from is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast import io
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import check_values
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.data.leakage import contradictory, hashed, leakage, twin_groups
from holdfast.data.manifest import Provenance
from holdfast.data.negatives import negatives_by_shuffle
from holdfast.data.parts import PARTS, TEST, TRAIN, VALIDATION
from holdfast.data.simulate import TRUTH, Simulation
from holdfast.data.split import Fractions, Given, Split
from holdfast.dna.codes import UNKNOWN
from holdfast.io.letters import UnknownLetters
from holdfast.io.records import LabelledSequences

__all__ = ["MIN_EXAMPLES", "Negatives", "build", "build_simulated", "read_parts"]

Negatives = Literal["given", "shuffle"]
# Below this nothing can be said about a classifier, and it is more likely that a wrong file was named.
MIN_EXAMPLES = 10
_CLASSES = {1: "bound", 0: "unbound"}


def read_parts(
    train: Sequence[Path],
    *,
    validation: Sequence[Path] = (),
    test: Sequence[Path] = (),
    format: str = "auto",
    unknown_letters: UnknownLetters | None = None,
    sequence_column: str | None = None,
    label_columns: Sequence[str] | None = None,
) -> LabelledSequences:
    """Read files, where some may be said to be validation or test.

    Parameters
    ----------
    train
        The files, or those of the train part where others are named for the other parts.
    validation, test
        Files of those parts.
    format, unknown_letters, sequence_column, label_columns
        As :func:`holdfast.io.read` takes them, for all files.

    Returns
    -------
    LabelledSequences
        With ``split`` set where parts were named, as the source has it otherwise.

    Raises
    ------
    InputError
        If a file cannot be read, or the parts differ in length or tasks.
    """
    read = partial(
        io.read,
        format=format,
        unknown_letters=unknown_letters,
        sequence_column=sequence_column,
        label_columns=label_columns,
    )
    if not validation and not test:
        return read(train)
    parts = []
    for number, paths in ((TRAIN, train), (VALIDATION, validation), (TEST, test)):
        if paths:
            records = read(paths)
            parts.append(replace(records, split=np.full(len(records), number, dtype=np.uint8)))
    return LabelledSequences.concatenate(parts)


def build(
    records: LabelledSequences,
    path: Path,
    *,
    split: Split | None = None,
    negatives: Negatives = "given",
    seed: int = 0,
    overwrite: bool = False,
) -> SequenceDataset:
    """Store records as a data set.

    Parameters
    ----------
    records
        What a reader returned.
    path
        The folder to make.
    split
        How to divide them; left out, the source's own parts, or random ones where it has none.
    negatives
        ``given``: as they are in the records; ``shuffle``: parts of the source that hold positives only get
        dinucleotide shuffles of them.
    seed
        Of the shuffles.
    overwrite
        Replace a data set of that name.

    Returns
    -------
    SequenceDataset
        Opened from the folder.

    Raises
    ------
    InputError
        If there is one class only, too few examples, a class of N only, or one whose every sequence has the opposite
        label too, or if a part would be empty or of one class.
    """
    check_values(build, {"records": records, "negatives": negatives, "seed": seed}, "data set")
    if isinstance(split, str):
        raise ConfigError(f"data set: split is '{split}'; expected one of its classes, such as Fractions(test=0.2)")
    sentence = "as given in the source"
    if negatives == "shuffle":
        records, sentence = _with_shuffled(records, seed)
    drawn = negatives == "shuffle"
    provenance = Provenance(source=records.source, negatives=sentence, seed=seed if drawn else None)
    return _store(records, path, split=split, provenance=provenance, overwrite=overwrite)


def build_simulated(
    simulation: Simulation, path: Path, *, split: Split | None = None, overwrite: bool = False
) -> SequenceDataset:
    """Store a simulation as a data set, its truth as ``truth.parquet`` in the folder.

    Parameters
    ----------
    simulation
        Examples, cores and truth.
    path
        The folder to make.
    split
        How to divide the examples; left out, random parts.
    overwrite
        Replace a data set of that name.

    Raises
    ------
    InputError
        As :func:`build`.
    """
    made = {
        "shuffle": "one dinucleotide shuffle per positive, made before decoys were planted",
        "background": "new background sequences, with decoys only",
    }
    config = simulation.config
    provenance = Provenance(source=simulation.records.source, negatives=made[config.negatives], seed=config.seed)
    return _store(
        simulation.records,
        path,
        split=split,
        provenance=provenance,
        overwrite=overwrite,
        core=simulation.core,
        attach={TRUTH: simulation.truth_bytes()},
    )


def _with_shuffled(records: LabelledSequences, seed: int) -> tuple[LabelledSequences, str]:
    part_of = np.zeros(len(records), dtype=np.uint8) if records.split is None else records.split
    pieces, made, kept = [], [], []
    for number in np.unique(part_of).tolist():
        piece = records.take(np.flatnonzero(part_of == number))
        name = "all" if records.split is None else PARTS[number]
        if (piece.labels == 1).all():
            pieces.append(negatives_by_shuffle(piece, seed + number))
            made.append(name)
        else:
            pieces.append(piece)
            kept.append(name)
    if not made:
        raise InputError(
            f"{records.source}: shuffled negatives were asked for, but no part holds positives only; use the negatives"
            " that are given"
        )
    sentence = f"one dinucleotide shuffle per positive ({', '.join(made)})"
    sentence += f", as given in the source ({', '.join(kept)})" if kept else ""
    return LabelledSequences.concatenate(pieces), sentence


def _store(
    records: LabelledSequences,
    path: Path,
    *,
    split: Split | None,
    provenance: Provenance,
    overwrite: bool,
    core: NDArray[np.int32] | None = None,
    attach: Mapping[str, bytes] | None = None,
) -> SequenceDataset:
    _refuse_unlearnable(records)
    clashes = contradictory(hashed(records.codes), records.labels)
    _refuse_contradiction(records, clashes)
    groups = "as the source or the shuffle says"
    if records.group is None:
        records = replace(records, group=twin_groups(records.codes, records.labels))
        groups = "opposite labels and equal dinucleotide counts: taken for shuffled twins"
    strategy = split or _default_split(records)
    part_of = strategy.assign(records)
    _refuse_poor_parts(records, part_of, strategy)
    dataset = SequenceDataset.in_memory(
        records.codes,
        records.labels,
        split=part_of,
        group=records.group,
        core=core,
        places=Places(names=records.names, chrom=records.chrom, start=records.start),
        tasks=records.tasks,
    )
    found = {
        "groups": groups,
        "split": strategy.sentence(),
        "leakage": leakage(dataset),
        "contradictory": int(clashes.any(axis=1).sum()),
    }
    return dataset.save(path, provenance=provenance.model_copy(update=found), attach=attach, overwrite=overwrite)


def _default_split(records: LabelledSequences) -> Split:
    return Fractions() if records.split is None else Given()


def _refuse_unlearnable(records: LabelledSequences) -> None:
    if len(records) < MIN_EXAMPLES:
        raise InputError(
            f"{records.source}: {len(records)} examples; at least {MIN_EXAMPLES} are needed. Is it the file you meant?"
        )
    blank = records.codes.min(axis=1) == UNKNOWN
    if blank.all():
        raise InputError(
            f"{records.source}: all {len(records)} sequences consist of N only, so there is nothing to read; if they"
            " were cut from a masked genome, cut them from the unmasked one"
        )
    bound, unbound = (records.labels == 1).sum(axis=0), (records.labels == 0).sum(axis=0)
    for task, yes, no in zip(records.tasks, bound.tolist(), unbound.tolist(), strict=True):
        if not no and yes:
            raise InputError(
                f"{records.source}: task '{task}' has {yes} bound examples and no unbound one; give negatives, or ask"
                " for dinucleotide shuffles of the positives (negatives: shuffle)"
            )
        if not yes:
            raise InputError(
                f"{records.source}: task '{task}' has {no} unbound examples and no bound one; nothing can be learned"
            )
    for label, word in _CLASSES.items():
        if blank[(records.labels == label).any(axis=1)].all():
            raise InputError(
                f"{records.source}: every {word} example consists of N only; give sequences with known bases"
            )


def _refuse_contradiction(records: LabelledSequences, clashes: NDArray[np.bool_]) -> None:
    for label, word in _CLASSES.items():
        chosen = records.labels == label
        if clashes[chosen].all():
            raise InputError(
                f"{records.source}: every {word} example ({int(chosen.any(axis=1).sum())}) is also there as"
                f" {_CLASSES[1 - label]}, with the same sequence; was one file given for both?"
            )


def _refuse_poor_parts(records: LabelledSequences, part_of: NDArray[np.uint8], strategy: Split) -> None:
    for part in strategy.parts(records):
        labels = records.labels[part_of == part]
        if not len(labels):
            raise InputError(
                f"{records.source}: the {PARTS[part]} part would be empty ({strategy.sentence()}); choose other shares,"
                " chromosomes or files"
            )
        both = (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
        if not both.any():
            raise InputError(
                f"{records.source}: the {PARTS[part]} part would hold one class only ({len(labels)} examples,"
                f" {strategy.sentence()}); choose other shares, chromosomes or files, or ask for shuffled negatives"
            )
