"""MEME's motif files: the minimal format, and the text that MEME, DREME and STREME write, with matrices alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.io.matrix import Lines, MatrixRecord, as_matrix, numbers_of, remark, said_in, word

__all__ = ["meme_background", "meme_text", "read_meme"]

_WIDTH = re.compile(r"\bw\s*=\s*(\d+)")
_SITES = re.compile(r"\bnsites\s*=\s*(\S+)")
_LETTERS = re.compile(r"ALPHABET\s*=\s*(\S+)")
_MATRIX = re.compile(r"letter-probability\s+matrix:")


def read_meme(path: Path) -> list[MatrixRecord]:
    r"""Return the letter-probability matrices of a file; log-odds matrices, sites and block diagrams are passed over.

    Raises
    ------
    InputError
        With file and line: not a MEME file, not of DNA, a damaged matrix, or no motif.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.meme"
    >>> matrix = "letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n 0.7 0.1 0.1 0.1\n 0 0 1 0\n"
    >>> _ = path.write_text(f"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF MA0001.1 TOY\n{matrix}")
    >>> [(record.accession, record.name, record.sites, record.values[:, 1].tolist()) for record in read_meme(path)]
    [('MA0001.1', 'TOY', 20.0, [0.0, 0.0, 1.0, 0.0])]
    """
    lines, records = Lines(path), list[MatrixRecord]()
    name, remarks, seen = list[str](), dict[str, object](), False
    while (text := lines.peek()) is not None:
        place = lines.place
        if _MATRIX.match(text):
            if not name:
                raise InputError(f"{place}: a matrix without a motif; a line 'MOTIF name' comes before it")
            records.append(_record(lines, name, remarks))
            name, remarks = [], {}
            continue
        lines.take()
        seen = seen or text.startswith("MEME version")
        alphabet = _LETTERS.match(text)
        if alphabet and alphabet[1].upper() != "ACGT":
            raise InputError(f"{place}: the alphabet is {alphabet[1]}; expected ACGT, motifs of DNA")
        if text.startswith("MOTIF") and len(text.split()) > 1:
            name, remarks = _name(text), {}
        elif text.startswith("#"):
            remarks |= said_in(text.lstrip("# "), place)
    if not seen:
        raise InputError(f"{path}: no line 'MEME version 4'; this is no MEME file")
    if not records:
        raise InputError(f"{path}: there is no letter-probability matrix in it")
    return records


def meme_background(path: Path) -> tuple[float, float, float, float] | None:
    """Return the background that a MEME file tells, None if it tells none.

    Raises
    ------
    InputError
        If it is no four probabilities.
    """
    lines = Lines(path)
    while (text := lines.peek()) is not None:
        place = lines.place
        lines.take()
        if not text.startswith("Background letter frequencies"):
            continue
        words = (lines.peek() or "").split()
        numbers = numbers_of(words[1::2], place, what="the background")
        if [letter.upper() for letter in words[::2]] != list("ACGT") or len(numbers) != 4 or sum(numbers) <= 0:
            raise InputError(f"{lines.place}: the background is '{' '.join(words)[:60]}'; expected A, C, G and T")
        a, c, g, t = (number / sum(numbers) for number in numbers)
        return a, c, g, t
    return None


def meme_text(records: Sequence[MatrixRecord], background: Sequence[float]) -> str:
    """Return a file in the minimal format; what it has no place for goes into a comment, which other readers pass over.

    Parameters
    ----------
    records
        Probabilities.
    background
        Of A, C, G, T.
    """
    letters = " ".join(f"{base} {share:.6g}" for base, share in zip("ACGT", background, strict=True))
    parts = [f"MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n{letters}\n"]
    for record in records:
        names = [word(text) for text in (record.accession, record.name) if text]
        sites = "" if record.sites is None else f" nsites= {record.sites:.10g}"
        rows = "\n".join(" " + " ".join(f"{value:.8f}" for value in column) for column in record.values.T)
        parts.append(
            f"MOTIF {' '.join(dict.fromkeys(names))}\n# {remark(record.remarks)}\n"
            f"letter-probability matrix: alength= 4 w= {record.values.shape[1]}{sites} E= 0\n{rows}\n"
        )
    return "\n".join(parts)


def _name(text: str) -> list[str]:
    """Return id and other name; MEME's own output goes on with the width."""
    words = text.split()[1:3]
    return words[:1] if len(words) > 1 and (words[1] == "width" or "=" in words[1]) else words


def _record(lines: Lines, name: list[str], remarks: dict[str, object]) -> MatrixRecord:
    place = lines.place
    header = lines.take()
    width, sites = _WIDTH.search(header), _SITES.search(header)
    rows = list[list[float]]()
    while (text := lines.peek()) and _is_row(text, wanted=width is not None and len(rows) < int(width[1])):
        rows.append(numbers_of(text.split(), lines.place, what="a row of the matrix"))
        lines.take()
    if width is not None and len(rows) != int(width[1]):
        raise InputError(f"{place}: {len(rows)} rows after 'w= {width[1]}'; the matrix is cut short")
    counted = numbers_of([sites[1]], place, what="nsites")[0] if sites is not None else None
    return MatrixRecord(
        name=name[-1],
        accession=name[0] if len(name) > 1 else "",
        values=as_matrix(rows, place),
        sites=counted or None,
        place=place,
        remarks=remarks,
    )


def _is_row(text: str, *, wanted: bool) -> bool:
    return wanted or bool(re.match(r"[\d.]", text))
