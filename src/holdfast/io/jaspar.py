r"""JASPAR's matrix files: ``>id name`` and four rows, with letters and brackets as of 2016 or bare as before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.io.matrix import Lines, MatrixRecord, numbers_of, word

__all__ = ["jaspar_text", "read_jaspar"]

_ROW = re.compile(r"(?:([ACGTU])\b)?\s*\[?([^\[\]]*)\]?")


def read_jaspar(path: Path) -> list[MatrixRecord]:
    r"""Return the matrices of a file.

    Raises
    ------
    InputError
        With file and line: a row that is none, rows of different lengths or out of order, or no motif.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.jaspar"
    >>> _ = path.write_text(">MA0001.1\tTOY\nA [ 7 0 ]\nC [ 1 0 ]\nG [ 1 10 ]\nT [ 1 0 ]\n")
    >>> [(record.accession, record.name, record.values[:, 0].tolist()) for record in read_jaspar(path)]
    [('MA0001.1', 'TOY', [7.0, 1.0, 1.0, 1.0])]
    """
    lines, records = Lines(path), list[MatrixRecord]()
    while (text := lines.peek()) is not None:
        if not text:
            lines.take()
            continue
        if not text.startswith(">") or not text[1:].strip():
            raise InputError(
                f"{lines.place}: '{text[:40]}' where a line '>id name' is expected; this is no JASPAR file"
            )
        records.append(_record(lines))
    if not records:
        raise InputError(f"{path}: there is no motif in it")
    return records


def jaspar_text(records: Sequence[MatrixRecord]) -> str:
    """Return a file of counts; the format has no place for anything else."""
    parts = []
    for record in records:
        rows = "\n".join(
            f"{base} [ {' '.join(f'{value:.10g}' for value in row)} ]"
            for base, row in zip("ACGT", record.values, strict=True)
        )
        parts.append(f">{word(record.accession or record.name)}\t{record.name}\n{rows}\n")
    return "".join(parts)


def _record(lines: Lines) -> MatrixRecord:
    place = lines.place
    identity, _, name = lines.take()[1:].strip().replace("\t", " ").partition(" ")
    rows = [_row(lines, base, place) for base in "ACGT"]
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        raise InputError(f"{place}: rows of {', '.join(str(len(row)) for row in rows)} numbers; expected one length")
    return MatrixRecord(
        name=name.strip() or identity, accession=identity, values=np.array(rows), place=place, counted=True
    )


def _row(lines: Lines, base: str, place: str) -> list[float]:
    text = lines.peek()
    match = None if text is None or text.startswith(">") else _ROW.fullmatch(text.upper())
    if match is None or (match[1] or base).replace("U", "T") != base:
        raise InputError(f"{lines.place}: expected the row of {base} of the motif at {place}")
    where = lines.place
    lines.take()
    return numbers_of(match[2].split(), where, what=f"the row of {base}")
