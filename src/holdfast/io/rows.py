"""Formats with one example a line: the loop that DeepBind's and Zeng's files share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.io.letters import CodeCollector
from holdfast.io.names import coordinates, refuse_bound_twins
from holdfast.io.records import LabelledSequences
from holdfast.io.text import at_line, numbered_lines

__all__ = ["Row", "read_rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line's name, sequence and label (1 bound, 0 unbound)."""

    name: str
    sequence: bytes
    label: int


def read_rows(
    path: Path, collector: CodeCollector, *, parse: Callable[[int, bytes], Row | None], kind: str
) -> LabelledSequences:
    """Return the examples of one file.

    Parameters
    ----------
    path
        The file.
    collector
        Encodes the sequences.
    parse
        Gets a line's number and its text; returns None for a line that holds no example, such as a header.
    kind
        The format's name, for the source sentence.

    Raises
    ------
    InputError
        What ``parse`` and the collector raise, and if there is no example.
    """
    names, labels, numbers = list[str](), list[int](), list[int]()
    for first, lines in numbered_lines(path):
        sequences, before = list[bytes](), len(names)
        for number, text in enumerate(lines, start=first):
            row = parse(number, text) if text else None
            if row is not None:
                names.append(row.name)
                sequences.append(row.sequence)
                labels.append(row.label)
                numbers.append(number)

        def locate(row: int, base: int | None, before: int = before) -> str:
            del base  # an example is one line
            return at_line(path, numbers[before + row])

        collector.add(sequences, locate=locate)
    if not names:
        raise InputError(f"{path}: no sequences in this {kind} file")
    refuse_bound_twins(names, labels, locate=lambda row: at_line(path, numbers[row]))
    chrom, start = coordinates(names, collector.length)
    return LabelledSequences(
        codes=collector.codes(),
        labels=np.array(labels, dtype=np.int8)[:, None],
        names=tuple(names),
        source=f"{kind}: {path.name}{collector.note()}",
        chrom=chrom,
        start=start,
    )
