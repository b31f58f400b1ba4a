"""CSV and TSV with a header: one sequence column, one label column or more (a task each)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError, did_you_mean
from holdfast.io.letters import CodeCollector, UnknownLetters
from holdfast.io.names import coordinates, refuse_bound_twins, twin_groups
from holdfast.io.records import LabelledSequences
from holdfast.io.text import at_line, decode_text, numbered_lines

__all__ = ["delimiter_of", "read_table"]

# Column names that need not be spelled out by the user, compared without case.
_SEQUENCE_COLUMNS = ("sequence", "seq")
_LABEL_COLUMNS = ("label", "bound", "target")
_NAME_COLUMNS = ("name", "id")
_LABELS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}
_UNKNOWN_LABELS = ("", "-1", "-1.0", "na", "nan")
_ROWS_A_BLOCK = 1 << 14


@dataclass(frozen=True, kw_only=True)
class _Layout:
    width: int
    sequence: int
    labels: tuple[int, ...]
    tasks: tuple[str, ...]
    name: int | None


def read_table(
    paths: Sequence[Path],
    *,
    sequence_column: str | None = None,
    label_columns: Sequence[str] | None = None,
    unknown_letters: UnknownLetters = "refuse",
) -> LabelledSequences:
    r"""Return labelled sequences from comma- or tab-separated tables.

    Parameters
    ----------
    paths
        Files with the same label columns.
    sequence_column
        Its header; without it, the one column called ``sequence`` or ``seq``.
    label_columns
        Their headers, which become the tasks; without them, the one column called ``label``, ``bound`` or ``target``,
        whose task is ``bound``. A label is 1 or 0; with several tasks it may be unknown: empty, NA or -1.
    unknown_letters
        What to do with R, Y and other ambiguous bases.

    Returns
    -------
    LabelledSequences
        Names from a column ``name`` or ``id``, otherwise ``file#row``; coordinates where such names give them.

    Raises
    ------
    InputError
        With file and line: no such column, a column twice, another number of columns than the header's, a label that
        is none, a refused letter, mixed lengths.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.csv"
    >>> _ = path.write_text("sequence,ctcf,sp1\nACGT,1,0\nTTTT,,1\n")
    >>> records = read_table([path], label_columns=["ctcf", "sp1"])
    >>> records.tasks, records.labels.tolist()
    (('ctcf', 'sp1'), [[1, 0], [-1, 1]])
    """
    if not paths:
        raise InputError("no table given")
    if label_columns is not None and not label_columns:
        raise InputError("the list of label columns is empty; name at least one")
    wanted = None if label_columns is None else tuple(label_columns)
    parts = [_read_file(path, sequence_column, wanted, unknown_letters) for path in paths]
    joined = LabelledSequences.concatenate(parts)
    return replace(joined, group=twin_groups(joined.names))


def delimiter_of(header: str) -> str | None:
    r"""Return what separates the columns of a header line: a tab if there is one, else a comma; None if neither.

    Examples
    --------
    >>> delimiter_of("seq\tlabel"), delimiter_of("seq,label"), delimiter_of("seq")
    ('\t', ',', None)
    """
    return next((mark for mark in "\t," if mark in header), None)


def _read_file(
    path: Path, sequence_column: str | None, label_columns: tuple[str, ...] | None, unknown_letters: UnknownLetters
) -> LabelledSequences:
    rows = _rows(path)
    number, header = next(rows)
    layout = _layout(path, number, header, sequence_column, label_columns)
    collector = CodeCollector(unknown_letters=unknown_letters)
    names, numbers, labels = list[str](), list[int](), list[list[int]]()
    waiting = list[bytes]()

    def encode_waiting() -> None:
        first = len(numbers) - len(waiting)
        collector.add(waiting, locate=lambda row, _: at_line(path, numbers[first + row]))
        waiting.clear()

    for number, cells in rows:
        if len(cells) != layout.width:
            raise InputError(f"{at_line(path, number)}: {len(cells)} columns, but the header promises {layout.width}")
        numbers.append(number)
        waiting.append(cells[layout.sequence].encode())
        labels.append(_labels(path, number, cells, layout))
        names.append(f"{path.name}#{len(numbers)}" if layout.name is None else cells[layout.name])
        if len(waiting) == _ROWS_A_BLOCK:
            encode_waiting()
    encode_waiting()
    if not names:
        raise InputError(f"{path}: no sequences below the header")
    if len(layout.tasks) == 1:
        refuse_bound_twins(names, [row[0] for row in labels], locate=lambda row: at_line(path, numbers[row]))
    chrom, start = coordinates(names, collector.length)
    return LabelledSequences(
        codes=collector.codes(),
        labels=np.array(labels, dtype=np.int8),
        names=tuple(names),
        source=f"table: {path.name}{collector.note()}",
        tasks=layout.tasks,
        chrom=chrom,
        start=start,
    )


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the table's rows, blank lines left out, each with the number of its last line."""
    header = next((text for text in _text_lines(path) if text), "")
    delimiter = delimiter_of(header)
    if delimiter is None:
        raise InputError(f"{path}: the header {header[:60]!r} has neither commas nor tabs; is this a table?")
    reader = csv.reader(_text_lines(path), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{at_line(path, reader.line_num)}: not a readable table row ({error})") from error


def _text_lines(path: Path) -> Iterator[str]:
    for _, lines in numbered_lines(path):
        yield from decode_text(b"\n".join(lines)).split("\n")


def _layout(
    path: Path, number: int, header: list[str], sequence_column: str | None, label_columns: tuple[str, ...] | None
) -> _Layout:
    columns = [cell.strip() for cell in header]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"{at_line(path, number)}: column '{twice[0]}' is there more than once; rename one")
    where = at_line(path, number)
    sequence = _only(where, columns, _SEQUENCE_COLUMNS, "sequence", sequence_column)
    chosen: tuple[str | None, ...] = (None,) if label_columns is None else label_columns
    labels = tuple(_only(where, columns, _LABEL_COLUMNS, "label", name) for name in chosen)
    tasks = ("bound",) if label_columns is None else label_columns
    if sequence in labels or len(set(labels)) != len(labels):
        raise InputError(
            f"{where}: each column can serve once; got sequence '{columns[sequence]}', labels {list(tasks)}"
        )
    named = [index for index, name in enumerate(columns) if name.lower() in _NAME_COLUMNS]
    taken = {sequence, *labels}
    return _Layout(
        width=len(columns),
        sequence=sequence,
        labels=labels,
        tasks=tasks,
        name=named[0] if len(named) == 1 and named[0] not in taken else None,
    )


def _only(where: str, columns: list[str], usual: tuple[str, ...], role: str, wanted: str | None) -> int:
    """Return the index of the column the user named, or of the only one with a usual name."""
    if wanted is not None:
        if wanted not in columns:
            raise InputError(f"{where}: no column '{wanted}': {did_you_mean(wanted, columns)}")
        return columns.index(wanted)
    found = [index for index, name in enumerate(columns) if name.lower() in usual]
    if len(found) != 1:
        problem = "no column is" if not found else f"{len(found)} columns are"
        raise InputError(
            f"{where}: {problem} called {' or '.join(usual)}; name the {role} column yourself; columns: {columns}"
        )
    return found[0]


def _labels(path: Path, number: int, cells: list[str], layout: _Layout) -> list[int]:
    labels = []
    for index, task in zip(layout.labels, layout.tasks, strict=True):
        text = cells[index].strip()
        label = _LABELS.get(text)
        if label is None and len(layout.labels) > 1 and text.lower() in _UNKNOWN_LABELS:
            label = -1
        if label is None:
            unknown = " (or empty where unknown)" if len(layout.labels) > 1 else ""
            raise InputError(
                f"{at_line(path, number)}: the label of '{task}' is {text[:20]!r}; it must be 0 or 1{unknown}"
            )
        labels.append(label)
    return labels
