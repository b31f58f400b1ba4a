r"""TRANSFAC's matrix files: two-letter line codes, a row for each position under ``P0 A C G T``, ``//`` at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.io.matrix import Lines, MatrixRecord, as_matrix, numbers_of, remark, said_in, word

__all__ = ["read_transfac", "transfac_text"]

_POSITION = re.compile(r"\d+\s")


def read_transfac(path: Path) -> list[MatrixRecord]:
    r"""Return the matrices of a file; columns may stand in any order of A, C, G, T.

    Raises
    ------
    InputError
        With file and line: a damaged matrix, or none.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.transfac"
    >>> _ = path.write_text("AC M00001\nXX\nID TOY\nP0 A C G T\n01 7 1 1 1 A\n02 0 0 10 0 G\nXX\n//\n")
    >>> [(record.accession, record.name, record.values[:, 1].tolist()) for record in read_transfac(path)]
    [('M00001', 'TOY', [0.0, 0.0, 10.0, 0.0])]
    """
    lines, records = Lines(path), list[MatrixRecord]()
    fields, remarks = dict[str, str](), dict[str, object]()
    while (text := lines.peek()) is not None:
        place, code, rest = lines.place, text[:2], text[2:].strip()
        if code in ("P0", "PO"):
            records.append(_record(lines, fields, remarks))
            continue
        lines.take()
        if code == "//":
            fields, remarks = {}, {}
        elif code == "CC":
            remarks |= said_in(rest, place)
        elif code in ("AC", "ID", "NA"):
            fields[code] = rest
    if not records:
        raise InputError(f"{path}: no line 'P0 A C G T'; there is no TRANSFAC matrix in it")
    return records


def transfac_text(records: Sequence[MatrixRecord]) -> str:
    """Return a file of counts; what the format has no place for goes into a comment line."""
    parts = []
    for record in records:
        rows = "\n".join(
            f"{number:02d}  " + "  ".join(f"{value:.10g}" for value in column)
            for number, column in enumerate(record.values.T, start=1)
        )
        parts.append(
            f"AC  {word(record.accession or record.name)}\nXX\nID  {word(record.name)}\nXX\n"
            f"CC  {remark(record.remarks)}\nXX\nP0  A  C  G  T\n{rows}\nXX\n//\n"
        )
    return "".join(parts)


def _record(lines: Lines, fields: dict[str, str], remarks: dict[str, object]) -> MatrixRecord:
    place = lines.place
    letters = [letter.upper().replace("U", "T") for letter in lines.take()[2:].split()[:4]]
    if sorted(letters) != list("ACGT"):
        raise InputError(f"{place}: the columns are '{' '.join(letters)}'; expected A, C, G and T")
    rows = list[list[float]]()
    while (text := lines.peek()) and _POSITION.match(text):
        rows.append(numbers_of(text.split()[1:5], lines.place, what="a row of the matrix"))
        lines.take()
    accession = fields.get("AC", "")
    name = fields.get("NA") or fields.get("ID") or accession
    if not name:
        raise InputError(f"{place}: a matrix without a name; a line AC, ID or NA comes before it")
    values = as_matrix(rows, place)[[letters.index(base) for base in "ACGT"]]
    return MatrixRecord(name=name, accession=accession, values=values, place=place, counted=True, remarks=remarks)
