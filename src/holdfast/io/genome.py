"""Genomes: FASTA (gz or not, a chromosome on one line or on many) and 2bit, as runs of codes in the file's order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, UNKNOWN, Codes
from holdfast.io.text import at_line, decode_text, unpacked
from holdfast.io.twobit import looks_like_twobit, twobit_pieces

__all__ = ["genome_pieces"]

# Ambiguous letters, as codes of their own until they are counted; a refused letter is larger still.
AMBIGUOUS = UNKNOWN + 1
_REFUSED = AMBIGUOUS + 1
_READ_BYTES = 1 << 20
_GAPS = b"\r\n \t"


def _table() -> bytes:
    table = bytearray([_REFUSED]) * 256
    codes = {letter: code for code, letter in enumerate(ALPHABET)} | {"N": UNKNOWN}
    for letter, code in (codes | dict.fromkeys("RYSWKMBDHV", AMBIGUOUS)).items():
        table[ord(letter)] = table[ord(letter.lower())] = code
    return bytes(table)


_TABLE = _table()


def genome_pieces(path: Path) -> Iterator[tuple[str, Codes, int]]:
    r"""Yield a genome in runs of bases.

    Lower case (soft masking) is read as upper case; R, Y and other ambiguous letters become N and are counted.

    Yields
    ------
    tuple
        Name of the chromosome (the header's first word), (n,) uint8 codes, how many ambiguous letters are among them.
        A chromosome begins with an empty run.

    Raises
    ------
    InputError
        With file and line: no FASTA or 2bit, a header without a name, a letter that is no base, a damaged file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "toy.fa"
    >>> _ = file.write_text(">chr1 one\nACg\nR\n")
    >>> [(name, codes.tolist(), ambiguous) for name, codes, ambiguous in genome_pieces(file)]
    [('chr1', [], 0), ('chr1', [0, 1, 2, 4], 1)]
    """
    if looks_like_twobit(path):
        return ((name, codes, 0) for name, codes in twobit_pieces(path))
    return _Fasta(path).pieces()


class _Fasta:
    """Walks through a FASTA file of lines of any length."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line = 1
        self._name: str | None = None
        self._header: bytes | None = None
        self._last = b"\n"

    def pieces(self) -> Iterator[tuple[str, Codes, int]]:
        """Yield runs of bases as :func:`genome_pieces`."""
        with closing(unpacked(self.path, _READ_BYTES)) as chunks:
            for number, chunk in enumerate(chunks):
                yield from self._chunk(chunk.removeprefix(b"\xef\xbb\xbf") if number == 0 else chunk)
        if self._header is not None:
            yield self._begin()
        if self._name is None:
            raise InputError(f"{self.path}: the file is empty")

    def _chunk(self, chunk: bytes) -> Iterator[tuple[str, Codes, int]]:
        position = 0
        while position < len(chunk):
            if self._header is not None:
                end = chunk.find(b"\n", position)
                self._header += chunk[position : end if end >= 0 else len(chunk)]
                if end < 0:
                    break
                yield self._begin()
                self._line += 1
                position = end + 1
                continue
            mark = chunk.find(b">", position)
            body = chunk[position : mark if mark >= 0 else len(chunk)]
            codes = np.frombuffer(body.translate(_TABLE, _GAPS), dtype=np.uint8)
            if len(codes):
                yield self._bases(body, codes)
            self._line += body.count(b"\n")
            if mark < 0:
                break
            if (chunk[mark - 1 : mark] if mark else self._last) != b"\n":
                raise InputError(f"{at_line(self.path, self._line)}: '>' within a line; a header begins a line")
            self._header, position = b"", mark + 1
        self._last = chunk[-1:]

    def _begin(self) -> tuple[str, Codes, int]:
        header = decode_text(self._header or b"")
        if not header.strip() or header[0].isspace():
            raise InputError(f"{at_line(self.path, self._line)}: a chromosome without a name; write >name")
        self._name, self._header = header.split(None, 1)[0], None
        return self._name, np.zeros(0, dtype=np.uint8), 0

    def _bases(self, body: bytes, codes: Codes) -> tuple[str, Codes, int]:
        if self._name is None:
            raise InputError(
                f"{at_line(self.path, self._line)}: {decode_text(body.strip()[:40])!r} before the first '>'; a genome"
                " is FASTA or 2bit"
            )
        highest = int(codes.max())
        if highest <= UNKNOWN:
            return self._name, codes, 0
        if highest >= _REFUSED:
            self._refuse(body)
        return self._name, np.minimum(codes, UNKNOWN), int((codes == AMBIGUOUS).sum())

    def _refuse(self, body: bytes) -> None:
        for number, text in enumerate(body.split(b"\n"), start=self._line):
            for letter in text.translate(None, _GAPS):
                if _TABLE[letter] >= _REFUSED:
                    raise InputError(
                        f"{at_line(self.path, number)}: {chr(letter)!r} in '{self._name}' is no base; A, C, G, T, N and"
                        " other IUPAC letters are"
                    )
