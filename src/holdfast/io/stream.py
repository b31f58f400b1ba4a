"""Labelled sequences in blocks, for files that do not fit in memory; records in memory are a stream of one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.io.records import LabelledSequences, all_or_none

__all__ = ["Columns", "RecordStream"]


class Columns:
    """What is small about each example, kept while its bases and labels go by: part, group and place.

    Parameters
    ----------
    source
        Named in errors.

    Examples
    --------
    >>> columns = Columns(source="typed by hand")
    >>> codes, labels = np.array([[0]], dtype=np.uint8), np.array([[1]], dtype=np.int8)
    >>> columns.add(LabelledSequences(codes=codes, labels=labels, names=("a",), source="typed by hand"))
    >>> len(columns), columns.split
    (1, None)
    """

    def __init__(self, *, source: str) -> None:
        self.source = source
        self._lengths = list[int]()
        self._first_label = list[NDArray[np.int8]]()
        self._split = list[NDArray[np.uint8] | None]()
        self._group = list[NDArray[np.int64] | None]()
        self._chrom = list[tuple[str, ...] | None]()
        self._start = list[NDArray[np.int64] | None]()

    def add(self, block: LabelledSequences) -> None:
        """Take the next examples."""
        self._lengths.append(len(block))
        self._first_label.append(block.first_label.copy())
        self._split.append(block.split)
        self._group.append(block.group)
        self._chrom.append(block.chrom)
        self._start.append(block.start)

    def __len__(self) -> int:
        return sum(self._lengths)

    @cached_property
    def first_label(self) -> NDArray[np.int8]:
        """(N,) labels of the first task."""
        return np.concatenate(self._first_label)

    @cached_property
    def split(self) -> NDArray[np.uint8] | None:
        """(N,) part numbers, or None where the source does not say them for every example."""
        known = all_or_none(self._split)
        return np.concatenate(known) if known else None

    @cached_property
    def group(self) -> NDArray[np.int64] | None:
        """(N,) group numbers; examples without one stand alone where others have one; None where none has."""
        known = [group for group in self._group if group is not None]
        if not known:
            return None
        fresh, joined = max(int(group.max()) for group in known) + 1, list[NDArray[np.int64]]()
        for group, count in zip(self._group, self._lengths, strict=True):
            joined.append(np.arange(fresh, fresh + count, dtype=np.int64) if group is None else group)
            fresh += count if group is None else 0
        return np.concatenate(joined)

    @cached_property
    def chrom(self) -> tuple[str, ...] | None:
        """N chromosome names, or None where they are not known for every example."""
        known = all_or_none(self._chrom)
        return tuple(name for names in known for name in names) if known else None

    @cached_property
    def start(self) -> NDArray[np.int64] | None:
        """(N,) 0-based starts, known where the chromosomes are."""
        known = all_or_none(self._start)
        return np.concatenate(known) if known else None


def _nothing() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordStream:
    """What a reader of large files returns: the shape of the whole at once, the examples block by block.

    Parameters
    ----------
    source
        One sentence for the manifest: the format and the file names.
    length
        Bases per sequence.
    tasks
        T different names.
    says_parts
        Whether the blocks say which examples are train, validation and test.
    blocks
        Starts reading and yields the examples in order. Group numbers hold for the whole stream.
    remarks
        What reading has found, for the manifest; asked for after the last block.

    Examples
    --------
    >>> codes = np.array([[0, 1, 2], [3, 3, 4]], dtype=np.uint8)
    >>> records = LabelledSequences(
    ...     codes=codes, labels=np.array([[1], [0]], dtype=np.int8), names=("a", "b"), source="typed by hand"
    ... )
    >>> stream = RecordStream.of(records)
    >>> stream.length, len(list(stream.blocks())), len(stream.gather())
    (3, 1, 2)
    """

    source: str
    length: int
    tasks: tuple[str, ...]
    says_parts: bool
    blocks: Callable[[], Iterator[LabelledSequences]]
    remarks: Callable[[], Sequence[str]] = _nothing

    @classmethod
    def of(cls, records: LabelledSequences) -> RecordStream:
        """Return records in memory as a stream of one block."""
        return cls(
            source=records.source,
            length=records.length,
            tasks=records.tasks,
            says_parts=records.split is not None,
            blocks=lambda: iter((records,)),
        )

    def sentence(self) -> str:
        """Return the source with what reading has found; complete after the last block."""
        return "; ".join((self.source, *self.remarks()))

    def in_part(self, number: int) -> RecordStream:
        """Return the stream with every example in one part, whatever the source says."""

        def blocks() -> Iterator[LabelledSequences]:
            for block in self.blocks():
                yield replace(block, split=np.full(len(block), number, dtype=np.uint8))

        return replace(self, says_parts=True, blocks=blocks)

    def gather(self) -> LabelledSequences:
        """Return all examples in memory.

        Raises
        ------
        InputError
            If a file is not what it has to be.
        """
        blocks, columns = list[LabelledSequences](), Columns(source=self.source)
        for block in self.blocks():
            blocks.append(block)
            columns.add(block)
        if len(blocks) == 1:
            return replace(blocks[0], source=self.sentence())
        return LabelledSequences(
            codes=np.concatenate([block.codes for block in blocks]),
            labels=np.concatenate([block.labels for block in blocks]),
            names=tuple(name for block in blocks for name in block.names),
            source=self.sentence(),
            tasks=self.tasks,
            chrom=columns.chrom,
            start=columns.start,
            group=columns.group,
            split=columns.split,
        )

    @classmethod
    def chain(cls, streams: Sequence[RecordStream]) -> RecordStream:
        """Return the examples of all streams, in order; groups of different streams stay different.

        Raises
        ------
        InputError
            If there is no stream, lengths or tasks differ, or only some streams say their parts.
        """
        _check_alike(streams)
        if len(streams) == 1:
            return streams[0]

        def blocks() -> Iterator[LabelledSequences]:
            base = 0
            for stream in streams:
                top = base
                for block in stream.blocks():
                    group = None if block.group is None else block.group + base
                    top = top if group is None else max(top, int(group.max()) + 1)
                    yield replace(block, group=group)
                base = top

        first = streams[0]
        return cls(
            source="; ".join(dict.fromkeys(stream.source for stream in streams)),
            length=first.length,
            tasks=first.tasks,
            says_parts=first.says_parts,
            blocks=blocks,
            remarks=lambda: tuple(remark for stream in streams for remark in stream.remarks()),
        )


def _check_alike(streams: Sequence[RecordStream]) -> None:
    if not streams:
        raise InputError("nothing to read: give at least one file")
    first = streams[0]
    for stream in streams[1:]:
        for what, one, other in (
            ("sequences must have one length", first.length, stream.length),
            ("tasks must be the same", _named(first.tasks), _named(stream.tasks)),
        ):
            if one != other:
                raise InputError(f"{what}: {one} in {first.source}, {other} in {stream.source}")
        if stream.says_parts != first.says_parts:
            raise InputError(f"either every source says its parts or none does: {first.source}; {stream.source}")


def _named(tasks: tuple[str, ...]) -> str:
    return ", ".join(tasks)
