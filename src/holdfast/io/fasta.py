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
from holdfast.io.names import SHUFFLED, coordinates, refuse_bound_twins, twin_groups
from holdfast.io.records import LabelledSequences
from holdfast.io.text import at_line, decode_text, text_blocks

__all__ = ["Fasta", "read_fasta", "read_records"]

_RECORD = re.compile(rb"\n>([^\n]*)")
_NAMELESS = re.compile(r"\n[ \t\n]")
# Three ways to write a label, told apart by the first header: ">1", ">name label=1 ...", ">name|1".
_BARE = re.compile(r"([01])")
_KEYED = re.compile(r"(?:.*\s)?label=(\S*)(?:\s.*)?")
_PIPED = re.compile(r"\S+\|([01])(?:\s.*)?")
_SCHEMES = {">1": _BARE, ">name label=1": _KEYED, ">name|1": _PIPED}
_ANY_LABEL = re.compile(r"[01]$|\S+\|[01](?:\s|$)|(?:.*\s)?label=")
_SPACES = (" ", "\t")
_LABELS = ("label=", "|0", "|1", "\n0\n", "\n1\n")
_TRACES = (*_SPACES, *_LABELS, SHUFFLED)


@dataclass(frozen=True, kw_only=True)
class Fasta:
    """The records of one FASTA file.

    Parameters
    ----------
    path
        The file.
    codes
        (N, L) uint8.
    headers
        N header lines without ``>``.
    traces
        Which of a few telling strings occur in some header: most files have none, which spares a look at each header.
    note
        What the manifest should say about replaced letters.
    """

    path: Path
    codes: Codes
    headers: tuple[str, ...]
    traces: frozenset[str]
    note: str

    def names(self) -> tuple[str, ...]:
        """Return the first word of each header."""
        if self.traces.isdisjoint(_SPACES):
            return self.headers
        return tuple(header.split(None, 1)[0] for header in self.headers)


def read_fasta(paths: Sequence[Path], *, unknown_letters: UnknownLetters = "refuse") -> LabelledSequences:
    r"""Return labelled sequences from FASTA files.

    Labels in the headers: ``>1``, ``>name label=1`` or ``>name|1``, the same way in all records, 1 or 0. Without
    labels one file is positives, and two files are positives and negatives, in this order. A name is the header's
    first word without the label; where there is only the label, the file's name and a number.

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
    labelled = [(fasta, scheme) for fasta in files if (scheme := _scheme(fasta)) is not None]
    if not labelled:
        parts = _by_role(files)
    elif len(labelled) == len(files):
        parts = [_labelled(fasta, scheme) for fasta, scheme in labelled]
    else:
        with_labels = {fasta.path for fasta, _ in labelled}
        without = next(fasta.path for fasta in files if fasta.path not in with_labels)
        raise InputError(f"{labelled[0][0].path} has labels in its headers, {without} has not; use one way in all")
    joined = LabelledSequences.concatenate(parts)
    if not any(SHUFFLED in fasta.traces for fasta in files):
        return joined
    return replace(joined, group=twin_groups(joined.names))


def read_records(path: Path, *, unknown_letters: UnknownLetters = "refuse") -> Fasta:
    """Return the records of one FASTA file, whatever their headers say.

    Raises
    ------
    InputError
        With file and line: text before the first ``>``, a record without name or sequence, a refused letter, mixed
        lengths.
    """
    collector, headers, traces = CodeCollector(unknown_letters=unknown_letters), list[str](), set[str]()
    for line, block in text_blocks(path, boundary=b"\n>"):
        joined, sequences = _split(path, line, block)
        if not sequences:
            continue
        traces.update(trace for trace in _TRACES if trace in joined)

        def locate(row: int, base: int | None, line: int = line, block: bytes = block) -> str:
            return _place(path, line, block, row, base)

        headers += joined[1:-1].split("\n")
        collector.add(sequences, locate=locate)
    if not headers:
        raise InputError(f"{path}: no FASTA record; the file holds blank lines only")
    return Fasta(
        path=path,
        codes=collector.codes(),
        headers=tuple(headers),
        traces=frozenset(traces),
        note=collector.note(),
    )


def _split(path: Path, line: int, block: bytes) -> tuple[str, list[bytes]]:
    """Return a block's headers, each between two line ends, and its sequences with their line ends."""
    parts = _RECORD.split(b"\n" + block)
    if parts[0].strip(b"\n"):
        first = next(number for number, text in enumerate(parts[0].split(b"\n")) if text)
        text = decode_text(parts[0].split(b"\n")[first][:40])
        raise InputError(f"{at_line(path, line + first - 1)}: text before the first '>': {text!r}; is this FASTA?")
    if len(parts) == 1:
        return "", []
    headers = decode_text(b"\n".join([b"", *parts[1::2], b""]))
    if _NAMELESS.search(headers):
        row = next(row for row, header in enumerate(parts[1::2]) if not header or header[:1] in b" \t")
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
        suspects = fasta.headers if fasta.traces.intersection(_LABELS) else ()
        row = next((row for row, header in enumerate(suspects) if _ANY_LABEL.match(header)), None)
        if row is not None:
            raise InputError(
                f"{_header_place(fasta.path, row)}: header '>{fasta.headers[row]}' has a label, but the first header "
                f"'>{fasta.headers[0]}' has none; label every record or none"
            )
    return found


def _by_role(files: Sequence[Fasta]) -> list[LabelledSequences]:
    """Label files that say nothing themselves: one is positives, two are positives and negatives."""
    if len(files) > 2:
        raise InputError(
            f"{len(files)} FASTA files without labels in their headers; give positives and negatives, or write labels "
            "into the headers (>name label=1)"
        )
    return [
        _records(fasta, fasta.names(), np.full(len(fasta.headers), bound, dtype=np.int8), f"all {role}")
        for fasta, bound, role in zip(files, (1, 0), ("bound", "unbound"), strict=False)
    ]


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
    names = fasta.names()
    if pattern is _PIPED:
        names = tuple(name.rpartition("|")[0] for name in names)
    elif pattern is _BARE:
        names = tuple(f"{fasta.path.name}#{row}" for row in range(1, len(labels) + 1))
    return _records(fasta, names, labels, f"labels as {scheme}")


def _records(fasta: Fasta, names: tuple[str, ...], labels: NDArray[np.int8], how: str) -> LabelledSequences:
    if SHUFFLED in fasta.traces:
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
