"""What every reader returns: coded sequences of one length with their labels, checked at birth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import UNKNOWN, Codes

__all__ = ["LabelledSequences"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSequences:
    """Sequences of one length, as uint8 codes, with labels per task and what the source says about each.

    Parameters
    ----------
    codes
        (N, L) uint8, A, C, G, T = 0..3, unknown = 4.
    labels
        (N, T) int8: 1 bound, 0 unbound, -1 unknown.
    names
        N names, as the source has them.
    source
        One sentence for the manifest: the format and the file names.
    tasks
        T different names.
    chrom
        N chromosome names, or None where coordinates are not known for every example.
    start
        (N,) int64, 0-based start of each sequence; given together with ``chrom``.
    group
        (N,) int64, not negative; a positive and its own shuffled negative share a number. None: each example is alone.
    split
        (N,) uint8, 0 train, 1 validation, 2 test, where the source itself says so.

    Raises
    ------
    InputError
        If the parts do not fit together.

    Examples
    --------
    >>> codes = np.array([[0, 1, 2], [3, 3, 4]], dtype=np.uint8)
    >>> records = LabelledSequences(
    ...     codes=codes, labels=np.array([[1], [0]], dtype=np.int8), names=("a", "b"), source="typed by hand"
    ... )
    >>> len(records), records.length, records.tasks
    (2, 3, ('bound',))
    """

    codes: Codes
    labels: NDArray[np.int8]
    names: tuple[str, ...]
    source: str
    tasks: tuple[str, ...] = ("bound",)
    chrom: tuple[str, ...] | None = None
    start: NDArray[np.int64] | None = None
    group: NDArray[np.int64] | None = None
    split: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for name in ("codes", "labels", "start", "group", "split"):
            array = getattr(self, name)
            if array is not None and not isinstance(array, np.ndarray):
                raise InputError(f"{name} is of type {type(array).__name__}; expected a numpy array")
        for name in ("names", "tasks", "chrom"):
            if isinstance(getattr(self, name), str):
                raise InputError(f"{name} is one text; expected a tuple of them")
        _check_codes(self.codes)
        _check_labels(self.labels, len(self.codes), self.tasks)
        if len(self.names) != len(self.codes):
            raise InputError(f"{len(self.names)} names for {len(self.codes)} sequences; give one each")
        self._check_coordinates()
        if self.group is not None:
            _check_column("group", self.group, np.dtype(np.int64), len(self), 0, None)
        if self.split is not None:
            _check_column("split", self.split, np.dtype(np.uint8), len(self), 0, 2)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def length(self) -> int:
        """Bases per sequence."""
        return int(self.codes.shape[1])

    def take(self, index: NDArray[np.int64]) -> LabelledSequences:
        """Return the examples with these numbers, in this order.

        Examples
        --------
        >>> codes, labels = np.array([[0], [3]], dtype=np.uint8), np.array([[1], [0]], dtype=np.int8)
        >>> both = LabelledSequences(codes=codes, labels=labels, names=("a", "b"), source="typed by hand")
        >>> both.take(np.array([1])).names
        ('b',)
        """
        order = index.tolist()
        return LabelledSequences(
            codes=self.codes[index],
            labels=self.labels[index],
            names=tuple(self.names[i] for i in order),
            source=self.source,
            tasks=self.tasks,
            chrom=None if self.chrom is None else tuple(self.chrom[i] for i in order),
            start=None if self.start is None else self.start[index],
            group=None if self.group is None else self.group[index],
            split=None if self.split is None else self.split[index],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[LabelledSequences]) -> LabelledSequences:
        """Return the examples of all parts, in order.

        Groups of different parts stay different; examples of a part without groups get a group each where another
        part has them. Coordinates are kept only where every part has them.

        Raises
        ------
        InputError
            If there is no part, lengths or tasks differ, or only some parts say their split.

        Examples
        --------
        >>> codes, labels = np.array([[0]], dtype=np.uint8), np.array([[1]], dtype=np.int8)
        >>> one = LabelledSequences(codes=codes, labels=labels, names=("a",), source="one.fa")
        >>> len(LabelledSequences.concatenate([one, one]))
        2
        """
        _check_parts(parts)
        if len(parts) == 1:
            return parts[0]
        chroms, starts = [part.chrom for part in parts], [part.start for part in parts]
        chrom = _all_or_none(chroms)
        start = _all_or_none(starts)
        split = _all_or_none([part.split for part in parts])
        return cls(
            codes=np.concatenate([part.codes for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            names=tuple(name for part in parts for name in part.names),
            source="; ".join(dict.fromkeys(part.source for part in parts)),
            tasks=parts[0].tasks,
            chrom=None if chrom is None else tuple(name for names in chrom for name in names),
            start=None if start is None else np.concatenate(start),
            group=_joined_groups(parts),
            split=None if split is None else np.concatenate(split),
        )

    def _check_coordinates(self) -> None:
        if (self.chrom is None) != (self.start is None):
            raise InputError("coordinates need both chrom and start, or neither")
        if self.chrom is not None and len(self.chrom) != len(self):
            raise InputError(f"{len(self.chrom)} chromosome names for {len(self)} sequences; give one each")
        if self.start is not None:
            _check_column("start", self.start, np.dtype(np.int64), len(self), 0, None)


def _check_codes(codes: Codes) -> None:
    if codes.ndim != 2 or codes.dtype != np.uint8:
        raise InputError(f"codes must be an (N, L) uint8 array; got shape {codes.shape}, type {codes.dtype}")
    if 0 in codes.shape:
        raise InputError(f"there must be at least one sequence of at least one base; got shape {codes.shape}")
    if codes.max() > UNKNOWN:
        row = int(np.argmax(codes.max(axis=1) > UNKNOWN))
        raise InputError(f"codes must be 0..4; sequence {row} (counted from 0) has {int(codes[row].max())}")


def _check_labels(labels: NDArray[np.int8], count: int, tasks: tuple[str, ...]) -> None:
    if not tasks or len(set(tasks)) != len(tasks):
        raise InputError(f"task names must be there and differ; got {list(tasks)}")
    if labels.dtype != np.int8 or labels.shape != (count, len(tasks)):
        raise InputError(
            f"labels must be a ({count}, {len(tasks)}) int8 array; got shape {labels.shape}, type {labels.dtype}"
        )
    wrong = (labels < -1) | (labels > 1)
    if wrong.any():
        row, task = (int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"labels must be 1 (bound), 0 (unbound) or -1 (unknown); sequence {row} (counted from 0), "
            f"task '{tasks[task]}' has {int(labels[row, task])}"
        )


def _check_column(
    name: str, values: NDArray[np.generic], dtype: np.dtype[np.generic], count: int, low: int, high: int | None
) -> None:
    if values.dtype != dtype or values.shape != (count,):
        raise InputError(f"{name} must be a ({count},) {dtype} array; got shape {values.shape}, type {values.dtype}")
    numbers = values.astype(np.int64)
    if int(numbers.min()) < low or (high is not None and int(numbers.max()) > high):
        allowed = f"at least {low}" if high is None else f"{low}..{high}"
        raise InputError(f"{name} must be {allowed}; got {int(numbers.min())} to {int(numbers.max())}")


def _check_parts(parts: Sequence[LabelledSequences]) -> None:
    if not parts:
        raise InputError("nothing to concatenate: give at least one set of sequences")
    first = parts[0]
    for part in parts[1:]:
        if part.length != first.length:
            raise InputError(
                f"sequences must have one length: {first.length} in {first.source}, {part.length} in {part.source}"
            )
        if part.tasks != first.tasks:
            raise InputError(
                f"tasks must be the same: {list(first.tasks)} in {first.source}, {list(part.tasks)} in {part.source}"
            )
        if (part.split is None) != (first.split is None):
            raise InputError(f"either every source says its split or none does: {first.source}; {part.source}")


def _all_or_none(values: Sequence[T | None]) -> list[T] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _joined_groups(parts: Sequence[LabelledSequences]) -> NDArray[np.int64] | None:
    if all(part.group is None for part in parts):
        return None
    joined, base = [], 0
    for part in parts:
        group = np.arange(len(part), dtype=np.int64) if part.group is None else part.group
        joined.append(group + base)
        base += int(group.max()) + 1
    return np.concatenate(joined)
