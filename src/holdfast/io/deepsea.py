"""DeepSEA's examples: sequences with 919 profiles each, forward ones first and their reverse complements behind.

Columns 0-124 are DNase, 125-814 transcription factors, 815-918 histone marks. The containers are in
:mod:`holdfast.io.deepsea_files`; here columns become tasks, labels become 1, 0 and -1, and the two halves of a file are
compared.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes
from holdfast.dna.edit import reverse_complement
from holdfast.io.deepsea_files import DeepseaFile, Rows, open_deepsea_file
from holdfast.io.records import LabelledSequences
from holdfast.io.stream import RecordStream
from holdfast.io.text import decode_text, numbered_lines

__all__ = ["FACTORS", "PROFILES", "ReverseHalf", "read_deepsea"]

ReverseHalf = Literal["keep", "drop"]

PROFILES = {"dnase": 125, "tf": 690, "histone": 104}
_WIDTH = sum(PROFILES.values())
FACTORS = (f"{PROFILES['dnase']}:{PROFILES['dnase'] + PROFILES['tf']}",)
_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?", re.ASCII)
_DIGEST_BYTES = 16
_LOOKED_AT = 64


def read_deepsea(
    paths: Sequence[Path],
    *,
    label_columns: Sequence[str] | None = None,
    task_names: Path | None = None,
    reverse: ReverseHalf = "keep",
) -> RecordStream:
    """Return a stream of DeepSEA's examples: train.mat, valid.mat, test.mat, or the .npz files of Pap & Megyeri.

    Parameters
    ----------
    paths
        Files of one length and one number of columns. A ``.mat`` file says itself which part it is.
    label_columns
        Ranges of label columns counted from 0, end excluded, or single ones: ``125:815``, ``598``. Left out, the 690
        transcription factors where there are 919 columns, otherwise all.
    task_names
        A text file with a name a line, for all columns or for the chosen ones; a name that occurs again gets ``#2``.
        Left out, ``tf_001`` and so on.
    reverse
        Whether reverse complements in the second half of a file are kept (the paper trains on them) or dropped.

    Returns
    -------
    RecordStream
        A sequence and its reverse complement share a group. What the comparison of the halves found is among the
        remarks.

    Raises
    ------
    InputError
        If a file is damaged or of another shape, a base is not one-hot, a label is not 0, 1 or NaN, or reverse
        complements are to be dropped that are none.
    ConfigError
        If a column is none.

    References
    ----------
    Zhou & Troyanskaya (2015), doi:10.1038/nmeth.3547; Pap & Megyeri (2022), doi:10.5220/0010769100003116.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.npz"
    >>> np.savez(path, x=np.eye(4, dtype=bool)[[[0, 1, 3], [0, 2, 3]]], y=np.array([[True], [True]]))
    >>> stream = read_deepsea([path])
    >>> stream.gather().codes.tolist(), stream.tasks
    ([[0, 2, 3], [0, 1, 3]], ('task_001',))
    >>> stream.remarks()
    ('toy.npz: the second half are the reverse complements of the first (0 of 1 pairs differ, 0 in their labels)',)
    """
    if reverse not in ("keep", "drop"):
        raise ConfigError(f"reverse '{reverse}': keep or drop the reverse complements")
    if not paths:
        raise InputError("no file of DeepSEA's given")
    return RecordStream.chain(
        [_stream(open_deepsea_file(path), label_columns, task_names, reverse == "drop") for path in paths]
    )


def _stream(
    file: DeepseaFile, label_columns: Sequence[str] | None, task_names: Path | None, drop: bool
) -> RecordStream:
    columns = _columns(file, label_columns)
    tasks = _default_names(file.width, columns) if task_names is None else _names(task_names, file.width, columns)
    found = list[str]()

    def blocks() -> Iterator[LabelledSequences]:
        found.clear()
        with file.opened() as rows:
            halves = _find_halves(file, rows)
            if drop and halves is None:
                raise InputError(f"{file.path}: its second half are not the reverse complements of the first; keep it")
            start = 0
            for codes, values in rows(0):
                labels = _labels(file, values, columns, start)
                if halves is not None:
                    halves.compare(start, codes, labels)
                kept = len(codes) if halves is None or not drop else max(0, min(len(codes), halves.half - start))
                if kept:
                    yield _records(file, tasks, halves, start, codes[:kept], labels[:kept])
                start += len(codes)
        found.append(_remark(file, halves, drop))

    return RecordStream(
        source=f"DeepSEA: {file.path.name}, {len(tasks)} of {file.width} label columns",
        length=file.length,
        tasks=tasks,
        says_parts=file.part is not None,
        blocks=blocks,
        remarks=lambda: tuple(found),
    )


def _records(
    file: DeepseaFile,
    tasks: tuple[str, ...],
    halves: _Halves | None,
    start: int,
    codes: Codes,
    labels: NDArray[np.int8],
) -> LabelledSequences:
    row, stem = np.arange(start, start + len(codes)), file.path.stem
    pair = row if halves is None else row % halves.half
    return LabelledSequences(
        codes=codes,
        labels=labels,
        names=tuple(
            f"{stem}_{of}" if of == number else f"{stem}_{of}_rc"
            for of, number in zip(pair.tolist(), row.tolist(), strict=True)
        ),
        source=str(file.path),
        tasks=tasks,
        group=None if halves is None else pair,
        split=None if file.part is None else np.full(len(codes), file.part, dtype=np.uint8),
    )


class _Halves:
    """Compares the second half of a file with the first by digests, while both go by once."""

    def __init__(self, half: int) -> None:
        self.half = half
        self.differing = self.differing_labels = 0
        self._bases = np.zeros((half, _DIGEST_BYTES), dtype=np.uint8)
        self._labels = np.zeros((half, _DIGEST_BYTES), dtype=np.uint8)

    def compare(self, start: int, codes: Codes, labels: NDArray[np.int8]) -> None:
        """Take the next examples, numbered from ``start``; count the pairs that differ."""
        forward = max(0, min(len(codes), self.half - start))
        if forward:
            self._bases[start : start + forward] = _digests(reverse_complement(codes[:forward]))
            self._labels[start : start + forward] = _digests(labels[:forward])
        if forward < len(codes):
            first = start + forward - self.half
            pairs = slice(first, first + len(codes) - forward)
            self.differing += int((self._bases[pairs] != _digests(codes[forward:])).any(axis=1).sum())
            self.differing_labels += int((self._labels[pairs] != _digests(labels[forward:])).any(axis=1).sum())


def _find_halves(file: DeepseaFile, rows: Rows) -> _Halves | None:
    """Return what compares the halves, if most of the first pairs are reverse complements of each other."""
    half = file.count // 2
    if file.count % 2:
        return None
    (forward, _), (reverse, _) = (next(rows(first)) for first in (0, half))
    pairs = min(len(forward), len(reverse), half, _LOOKED_AT)
    equal = (reverse_complement(forward[:pairs]) == reverse[:pairs]).all(axis=1)
    return _Halves(half) if 2 * int(equal.sum()) > pairs else None


def _digests(rows: NDArray[Any]) -> NDArray[np.uint8]:
    joined = b"".join(hashlib.blake2b(row, digest_size=_DIGEST_BYTES).digest() for row in np.ascontiguousarray(rows))
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, _DIGEST_BYTES)


def _remark(file: DeepseaFile, halves: _Halves | None, drop: bool) -> str:
    if halves is None:
        return f"{file.path.name}: its second half are not the reverse complements of the first"
    counts = f"({halves.differing:,} of {halves.half:,} pairs differ, {halves.differing_labels:,} in their labels)"
    if drop and halves.differing + halves.differing_labels:
        raise InputError(f"{file.path}: the halves are not each other's reverse complements {counts}; keep both")
    dropped = ", and were dropped" if drop else ""
    return f"{file.path.name}: the second half are the reverse complements of the first {counts}{dropped}"


def _labels(file: DeepseaFile, values: NDArray[Any], columns: NDArray[np.int64], start: int) -> NDArray[np.int8]:
    chosen = np.ascontiguousarray(values)[:, columns]
    bound, unbound = chosen == 1, chosen == 0
    # NaN is unequal to itself.
    unknown = chosen != chosen
    if not (bound | unbound | unknown).all():
        row, column = (int(i) for i in np.argwhere(~(bound | unbound | unknown))[0])
        raise InputError(
            f"{file.path}: example {start + row} has {chosen[row, column]} in label column {columns[column]} (counted"
            " from 0); a label is 1, 0 or NaN where unknown"
        )
    labels: NDArray[np.int8] = bound.astype(np.int8)
    labels[unknown] = -1
    return labels


def _columns(file: DeepseaFile, label_columns: Sequence[str] | None) -> NDArray[np.int64]:
    wanted = label_columns if label_columns is not None else FACTORS if file.width == _WIDTH else (f"0:{file.width}",)
    chosen = list[int]()
    for text in wanted:
        match = _RANGE.fullmatch(text)
        first, last = (0, 0) if match is None else (int(match[1]), int(match[2] or int(match[1]) + 1))
        if not first < last <= file.width:
            raise ConfigError(
                f"label column '{text}': {file.path} has columns 0 to {file.width - 1}; write one, such as 598, or a"
                " range with its end excluded, such as 125:815"
            )
        chosen += range(first, last)
    if not chosen or len(set(chosen)) != len(chosen):
        raise ConfigError(f"label columns {', '.join(wanted)}: name each column once, and at least one")
    return np.array(chosen, dtype=np.int64)


def _default_names(width: int, columns: NDArray[np.int64]) -> tuple[str, ...]:
    kinds = PROFILES if width == _WIDTH else {"tf": width} if width == PROFILES["tf"] else {"task": width}
    names = [f"{kind}_{number:03d}" for kind, count in kinds.items() for number in range(1, count + 1)]
    return tuple(names[column] for column in columns)


def _names(path: Path, width: int, columns: NDArray[np.int64]) -> tuple[str, ...]:
    lines = [decode_text(line).strip() for _, block in numbered_lines(path) for line in block]
    names = [line for line in lines if line]
    if len(names) not in (width, len(columns)):
        raise InputError(
            f"{path}: {len(names)} names; expected one a line for all {width} label columns or for the"
            f" {len(columns)} chosen ones"
        )
    chosen = [names[column] for column in columns] if len(names) == width else names
    seen = Counter[str]()
    unique = list[str]()
    for name in chosen:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(unique)
