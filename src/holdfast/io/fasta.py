r"""FASTA: labels in the headers, or positives and negatives as two files.

Read in blocks: a regular expression splits records, one table look-up encodes a block, and no base is touched in
Python.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import Codes
from holdfast.io.letters import CodeCollector, UnknownLetters
from holdfast.io.names import coordinates, refuse_bound_twins, twin_groups
from holdfast.io.records import LabelledSequences
from holdfast.io.text import at_line, decode_text, text_blocks

__all__ = ["Fasta", "read_fasta", "read_records"]

_RECORD = re.compile(rb"\n>([^\n]*)")
_NAMELESS = re.compile(r"\n[ \t\n]")
# Three ways to write a label, told apart by the first header: ">1", ">name label=1 ...", ">name|1".
_BARE = re.compile(r"([01])")
_KEYED = re.compile(r"(?:.*\s)?label=(\S*)(?:\s.*)?")
_PIPED = re.compile(r"\S*\|([01])(?:\s.*)?")
_SCHEMES = {">1": _BARE, ">name label=1": _KEYED, ">name|1": _PIPED}
_TRACES = ("label=", "|0", "|1", "\n0\n", "\n1\n")
_ANY_LABEL = re.compile(r"^(?:[01]$|\S*\|[01](?:\s|$)|(?:.*\s)?label=)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Fasta:
    """The records of one FASTA file: (N, L) codes, N headers without ``>``, and a note on replaced letters."""

    path: Path
    codes: Codes
    headers: tuple[str, ...]
    note: str

    def names(self) -> tuple[str, ...]:
        """Return the first word of each header."""
        joined = "\n".join(self.headers)
        if " " not in joined and "\t" not in joined:
            return self.headers
        return tuple(header.split(None, 1)[0] for header in self.headers)


def read_fasta(paths: Sequence[Path], *, unknown_letters: UnknownLetters = "refuse") -> LabelledSequences:
    r"""Return labelled sequences from FASTA files.

    Labels in the headers: ``>1``, ``>name label=1`` or ``>name|1``, the same way in all records, 1 or 0. Without
    labels one file is positives, and two files are positives and negatives, in this order.

    Parameters
    ----------
    paths
        Any number of files with labels; one or two without.
    unknown_letters
        What to do with R, Y and other ambiguous bases.

    Raises
    ------
    InputError
        With file and line, if a file is no FASTA of sequences of one length with labels as above.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.fa"
    >>> _ = path.write_text(">a label=1\nACGT\n>b label=0\nAC\nGG\n")
    >>> records = read_fasta([path])
    >>> records.names, records.labels.ravel().tolist(), records.codes[1].tolist()
    (('a', 'b'), [1, 0], [0, 1, 2, 2])
    """
    if not paths:
        raise InputError("no FASTA file given; give one with labels, or positives and negatives")
    files = [read_records(path, unknown_letters=unknown_letters) for path in paths]
    schemes = [_scheme(fasta) for fasta in files]
    if all(scheme is not None for scheme in schemes):
        parts = [_labelled(fasta, scheme) for fasta, scheme in zip(files, schemes, strict=True) if scheme is not None]
    elif any(scheme is not None for scheme in schemes):
        with_labels = next(fasta.path for fasta, scheme in zip(files, schemes, strict=True) if scheme is not None)
        without = next(fasta.path for fasta, scheme in zip(files, schemes, strict=True) if scheme is None)
        raise InputError(f"{with_labels} has labels in its headers, {without} has not; use one way in all files")
    elif len(files) > 2:
        raise InputError(
            f"{len(files)} FASTA files without labels in their headers; give positives and negatives, or write labels "
            "into the headers (>name label=1)"
        )
    else:
        roles = ("bound", "unbound")[: len(files)]
        parts = [
            _records(fasta, np.full(len(fasta.headers), role == "bound", dtype=np.int8), f"all {role}")
            for fasta, role in zip(files, roles, strict=True)
        ]
    joined = LabelledSequences.concatenate(parts)
    return replace(joined, group=twin_groups(joined.names))


def read_records(path: Path, *, unknown_letters: UnknownLetters = "refuse") -> Fasta:
    """Return the records of one FASTA file, whatever their headers say.

    Raises
    ------
    InputError
        With file and line: text before the first ``>``, a record without name or sequence, a refused letter, mixed
        lengths.
    """
    collector, headers = CodeCollector(unknown_letters=unknown_letters), list[str]()
    for line, block in text_blocks(path, boundary=b"\n>"):
        names, sequences = _split(path, line, block)
        if not names:
            continue

        def locate(row: int, base: int | None, line: int = line, block: bytes = block) -> str:
            return _place(path, line, block, row, base)

        headers += names
        collector.add(sequences, locate=locate)
    if not headers:
        raise InputError(f"{path}: no FASTA record; the file holds blank lines only")
    return Fasta(path=path, codes=collector.codes(), headers=tuple(headers), note=collector.note())


def _split(path: Path, line: int, block: bytes) -> tuple[list[str], list[bytes]]:
    parts = _RECORD.split(b"\n" + block)
    if parts[0].strip(b"\n"):
        first = next(number for number, text in enumerate(parts[0].split(b"\n")) if text)
        text = decode_text(parts[0].split(b"\n")[first][:40])
        raise InputError(f"{at_line(path, line + first - 1)}: text before the first '>': {text!r}; is this FASTA?")
    if len(parts) == 1:
        return [], []
    joined = decode_text(b"\n".join(parts[1::2]))
    headers = joined.split("\n")
    if _NAMELESS.search(f"\n{joined}\n"):
        row = next(row for row, header in enumerate(headers) if not header or header[0] in " \t")
        raise InputError(f"{_place(path, line, block, row, None)}: a record without a name; write >name")
    return headers, parts[2::2]


def _place(path: Path, line: int, block: bytes, row: int, base: int | None) -> str:
    """Return the place of a record's header, or of one of its bases, in a block that starts at a line."""
    parts = _RECORD.split(b"\n" + block)
    line += parts[0].count(b"\n") + sum(1 + sequence.count(b"\n") for sequence in parts[2 : 2 + 2 * row : 2])
    if base is not None:
        for text in parts[2 + 2 * row].split(b"\n"):
            if base < len(text):
                break
            base -= len(text)
            line += 1
    return f"{at_line(path, line)} (record '{decode_text(parts[1 + 2 * row])[:60]}')"


def _scheme(fasta: Fasta) -> str | None:
    """Return how the headers carry labels, told by the first one; None if they carry none."""
    found = next((way for way, pattern in _SCHEMES.items() if pattern.fullmatch(fasta.headers[0])), None)
    if found is None:
        joined = "\n".join(["", *fasta.headers, ""])
        # A look for fixed strings first: the expression is slow on millions of headers.
        labelled = _ANY_LABEL.search(joined) if any(trace in joined for trace in _TRACES) else None
        if labelled is not None:
            row = joined.count("\n", 0, labelled.start()) - 1
            raise InputError(
                f"{_header_place(fasta.path, row)}: header '>{fasta.headers[row]}' has a label, but the first header "
                f"'>{fasta.headers[0]}' has none; label every record or none"
            )
    return found


def _labelled(fasta: Fasta, scheme: str) -> LabelledSequences:
    pattern = _SCHEMES[scheme]
    labels = np.empty(len(fasta.headers), dtype=np.int8)
    for row, header in enumerate(fasta.headers):
        match = pattern.fullmatch(header)
        if match is None or match[1] not in ("0", "1"):
            raise InputError(
                f"{_header_place(fasta.path, row)}: header '>{header}' has no label 0 or 1 written as in '{scheme}', "
                "which the first header uses; if these are names and not labels, rename them"
            )
        labels[row] = int(match[1])
    return _records(fasta, labels, f"labels as {scheme}", numbered=scheme == ">1")


def _records(fasta: Fasta, labels: NDArray[np.int8], how: str, *, numbered: bool = False) -> LabelledSequences:
    """Return the records with labels; where the header is the label alone, the file and a number serve as names."""
    count = len(fasta.headers)
    names = tuple(f"{fasta.path.name}#{row}" for row in range(1, count + 1)) if numbered else fasta.names()
    refuse_bound_twins(names, labels.tolist(), locate=lambda row: _header_place(fasta.path, row))
    chrom, start = coordinates(names, fasta.codes.shape[1])
    return LabelledSequences(
        codes=fasta.codes,
        labels=labels[:, None],
        names=names,
        source=f"FASTA, {how}: {fasta.path.name}{fasta.note}",
        chrom=chrom,
        start=start,
    )


def _header_place(path: Path, row: int) -> str:
    """Return the place of a header; reads the file again, which only errors do."""
    for line, block in text_blocks(path, boundary=b"\n>"):
        count = len(_RECORD.findall(b"\n" + block))
        if row < count:
            return _place(path, line, block, row, None)
        row -= count
    return str(path)
