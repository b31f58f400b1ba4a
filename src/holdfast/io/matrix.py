"""What files of motifs say: one matrix a record, rows turned to A, C, G, T, and where it stood in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.io.text import at_line, decode_text, numbered_lines

__all__ = ["MARK", "Lines", "MatrixRecord", "as_matrix", "numbers_of", "remark", "said_in", "word"]

MARK = "holdfast:"
"""Begins a comment of ours in a format that has comments; JSON follows."""

_BASES = 4


@dataclass(frozen=True, kw_only=True)
class MatrixRecord:
    """A matrix as a file has it.

    Parameters
    ----------
    name
        Of the factor; the accession where there is no other.
    values
        (4, W) counts or probabilities of 0 or more, rows A, C, G, T.
    place
        File and line, for messages.
    accession
        Id; empty if there is only a name.
    counted
        Whether the format holds counts; else it holds probabilities.
    sites
        Sites counted, where the file says so beside the matrix.
    remarks
        What a comment of ours told beside the matrix.
    """

    name: str
    values: NDArray[np.float64]
    place: str = ""
    accession: str = ""
    counted: bool = False
    sites: float | None = None
    remarks: Mapping[str, Any] = field(default_factory=dict)


class Lines:
    """The lines of a text file one after another, with one line of looking ahead.

    Parameters
    ----------
    path
        Text, gz or not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = self._read()
        self._next = next(self._lines, None)

    def _read(self) -> Iterator[tuple[int, str]]:
        for first, lines in numbered_lines(self.path):
            for number, line in enumerate(lines, start=first):
                yield number, decode_text(line).strip()

    def peek(self) -> str | None:
        """Return the next line without white space around it, None at the end."""
        return None if self._next is None else self._next[1]

    @property
    def place(self) -> str:
        """File and number of the next line."""
        return f"{self.path}: its end" if self._next is None else at_line(self.path, self._next[0])

    def take(self) -> str:
        """Return the next line and go on."""
        assert self._next is not None
        text = self._next[1]
        self._next = next(self._lines, None)
        return text


def numbers_of(words: list[str], place: str, *, what: str) -> list[float]:
    """Return numbers of 0 or more, four or as many as there are words.

    Raises
    ------
    InputError
        If a word is no such number.

    Examples
    --------
    >>> numbers_of(["1", "0.5"], "x.meme line 3", what="a row")
    [1.0, 0.5]
    """
    try:
        numbers = [float(text) for text in words]
    except ValueError:
        numbers = [np.nan]
    if not all(np.isfinite(number) and number >= 0 for number in numbers):
        raise InputError(f"{place}: {what} is '{' '.join(words)[:60]}'; expected numbers of 0 or more")
    return numbers


def as_matrix(rows: list[list[float]], place: str) -> NDArray[np.float64]:
    """Return (4, W) values of W rows of four.

    Raises
    ------
    InputError
        If there is no row, or one of another length.
    """
    if not rows:
        raise InputError(f"{place}: a matrix without rows")
    wrong = next((number for number, row in enumerate(rows) if len(row) != _BASES), None)
    if wrong is not None:
        raise InputError(f"{place}: row {wrong + 1} of the matrix has {len(rows[wrong])} numbers; expected 4")
    return np.array(rows, dtype=np.float64).T.copy()


def remark(remarks: Mapping[str, Any]) -> str:
    """Return a comment of ours, without the format's own sign for comments.

    Examples
    --------
    >>> remark({"start": 3})
    'holdfast: {"start": 3}'
    """
    return f"{MARK} {json.dumps(dict(remarks))}"


def said_in(comment: str, place: str) -> dict[str, Any]:
    """Return what a comment tells if it is one of ours, nothing otherwise.

    Raises
    ------
    InputError
        If it is ours and damaged.

    Examples
    --------
    >>> said_in('holdfast: {"start": 3}', "x.meme line 9"), said_in("by hand", "x.meme line 9")
    ({'start': 3}, {})
    """
    text = comment.strip()
    if not text.startswith(MARK):
        return {}
    try:
        found = json.loads(text.removeprefix(MARK))
    except ValueError as error:
        raise InputError(f"{place}: the comment after '{MARK}' is no JSON ({error}); delete the line") from error
    if not isinstance(found, dict):
        raise InputError(f"{place}: the comment after '{MARK}' is no JSON object; delete the line")
    return found


def word(text: str) -> str:
    """Return a name as one word, as formats with columns need it.

    Examples
    --------
    >>> word("filter 3")
    'filter_3'
    """
    return "_".join(text.split()) or "unnamed"
