"""From records to a stored data set: negatives, parts, leakage, store; what cannot be learned from is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import check_values
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.data.leakage import Hashes, contradictory, leakage, twin_groups
from holdfast.data.manifest import Provenance
from holdfast.data.negatives import negatives_by_shuffle
from holdfast.data.parts import PARTS, TEST, TRAIN, VALIDATION
from holdfast.data.simulate import TRUTH, Simulation
from holdfast.data.split import Fractions, Given, Split
from holdfast.data.store import StoreWriter
from holdfast.io.detect import ReadOptions, read_stream
from holdfast.io.records import LabelledSequences
from holdfast.io.stream import Columns, RecordStream

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
    options: ReadOptions | None = None,
) -> RecordStream:
    """Open files, where some may be said to be validation or test.

    Parameters
    ----------
    train
        The files, or those of the train part where others are named for the other parts.
    validation, test
        Files of those parts.
    format, options
        As :func:`holdfast.io.read_stream` takes them, for all files.

    Returns
    -------
    RecordStream
        Its blocks say their part where parts were named, otherwise what the source says.

    Raises
    ------
    InputError
        If a file cannot be read, or the parts differ in length or tasks.
    """
    if not validation and not test:
        return read_stream(train, format=format, options=options)
    parts = ((TRAIN, train), (VALIDATION, validation), (TEST, test))
    return RecordStream.chain(
        [read_stream(paths, format=format, options=options).in_part(number) for number, paths in parts if paths]
    )


def build(
    records: LabelledSequences | RecordStream,
    path: Path,
    *,
    split: Split | None = None,
    negatives: Negatives = "given",
    seed: int = 0,
    overwrite: bool = False,
) -> SequenceDataset:
    """Store records as a data set, block by block.

    Parameters
    ----------
    records
        What a reader returned. Of a stream only one block is in memory, and a few hundred bytes for each example gone
        by; shuffled negatives take it whole.
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
    check_values(build, {"negatives": negatives, "seed": seed}, "data set")
    if isinstance(split, str):
        raise ConfigError(f"data set: split is '{split}'; expected one of its classes, such as Fractions(test=0.2)")
    stream = records if isinstance(records, RecordStream) else RecordStream.of(records)
    sentence, drawn = "as given in the source", negatives == "shuffle"
    if drawn:
        shuffled, sentence = _with_shuffled(stream.gather(), seed)
        stream = RecordStream.of(shuffled)
    provenance = Provenance(source=stream.source, negatives=sentence, seed=seed if drawn else None)
    return _store(stream, path, split=split, provenance=provenance, overwrite=overwrite)


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
        RecordStream.of(simulation.records),
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
    stream: RecordStream,
    path: Path,
    *,
    split: Split | None,
    provenance: Provenance,
    overwrite: bool,
    core: NDArray[np.int32] | None = None,
    attach: Mapping[str, bytes] | None = None,
) -> SequenceDataset:
    """Write the blocks, then look at what was written to divide it; a refusal leaves nothing behind."""
    with StoreWriter(
        path, context=stream.length, tasks=stream.tasks, provenance=provenance, overwrite=overwrite
    ) as writer:
        columns = _append(stream, writer, core)
        arrays = writer.arrays()
        _refuse_unlearnable(columns, writer.counts.sum(axis=0), stream.tasks)
        hashes = Hashes.of(arrays)
        _refuse_blank(hashes.blank, arrays.labels, stream.source)
        clashes = _count_contradictions(hashes.forward, arrays.labels, writer.counts.sum(axis=(0, 1)), stream.source)
        groups = "as the source or the shuffle says"
        if columns.group is None:
            columns.group = twin_groups(hashes.composition, arrays.labels)
            groups = "opposite labels and equal dinucleotide counts: taken for shuffled twins"
        strategy = split or _default_split(stream)
        part_of = strategy.assign(columns)
        writer.divide(part_of, columns.group)
        _refuse_poor_parts(columns, writer.counts, strategy)
        found = {"source": stream.sentence(), "groups": groups, "split": strategy.sentence(), "contradictory": clashes}
        writer.provenance = provenance.model_copy(update=found | {"leakage": leakage(writer.arrays(), hashes)})
        for name, content in (attach or {}).items():
            writer.attach(name).write_bytes(content)
    return SequenceDataset.open(path, verify=False)


def _append(stream: RecordStream, writer: StoreWriter, core: NDArray[np.int32] | None) -> Columns:
    columns = Columns(source=stream.source)
    for block in stream.blocks():
        rows = slice(len(columns), len(columns) + len(block))
        places = Places(names=block.names, chrom=block.chrom, start=block.start)
        writer.append(block.codes, block.labels, core=None if core is None else core[rows], places=places)
        columns.add(block)
    return columns


def _default_split(stream: RecordStream) -> Split:
    return Given() if stream.says_parts else Fractions()


def _refuse_unlearnable(records: Columns, counts: NDArray[np.int64], tasks: Sequence[str]) -> None:
    """Refuse too few examples, or no task with both classes; ``counts``: (T, 3) of labels -1, 0 and 1."""
    if len(records) < MIN_EXAMPLES:
        raise InputError(
            f"{records.source}: {len(records)} examples; at least {MIN_EXAMPLES} are needed. Is it the file you meant?"
        )
    if (counts[:, 1:] > 0).all(axis=1).any():
        return
    no, yes = counts[0, 1:].tolist()
    if yes:
        raise InputError(
            f"{records.source}: task '{tasks[0]}' has {yes} bound examples and no unbound one; give negatives, or ask"
            " for dinucleotide shuffles of the positives (negatives: shuffle)"
        )
    raise InputError(
        f"{records.source}: task '{tasks[0]}' has {no} unbound examples and no bound one; nothing can be learned"
    )


def _refuse_blank(blank: NDArray[np.bool_], labels: NDArray[np.int8], source: str) -> None:
    """Refuse a source, or a class of it, whose every sequence consists of N."""
    if blank.all():
        raise InputError(
            f"{source}: all {len(blank)} sequences consist of N only, so there is nothing to read; if they were cut"
            " from a masked genome, cut them from the unmasked one"
        )
    if not blank.any():
        return
    for label, word in _CLASSES.items():
        if blank[(labels == label).any(axis=1)].all():
            raise InputError(f"{source}: every {word} example consists of N only; give sequences with known bases")


def _count_contradictions(
    hashes: NDArray[np.uint64], labels: NDArray[np.int8], counts: NDArray[np.int64], source: str
) -> int:
    """Return how many examples stand against the same sequence; ``counts``: of labels -1, 0 and 1."""
    rows, clashes = contradictory(hashes, labels)
    for label, word in _CLASSES.items():
        if (clashes & (labels[rows] == label)).sum() == counts[label + 1]:
            raise InputError(
                f"{source}: every {word} example ({counts[label + 1]}) is also there as {_CLASSES[1 - label]}, with the"
                " same sequence; was one file given for both?"
            )
    return int(clashes.any(axis=1).sum())


def _refuse_poor_parts(records: Columns, counts: NDArray[np.int64], strategy: Split) -> None:
    for part in strategy.parts(records):
        if not counts[part].any():
            raise InputError(
                f"{records.source}: the {PARTS[part]} part would be empty ({strategy.sentence()}); choose other shares,"
                " chromosomes or files"
            )
        if not (counts[part, :, 1:] > 0).all(axis=1).any():
            raise InputError(
                f"{records.source}: the {PARTS[part]} part would hold one class only ({counts[part, 0].sum()} examples,"
                f" {strategy.sentence()}); choose other shares, chromosomes or files, or ask for shuffled negatives"
            )
