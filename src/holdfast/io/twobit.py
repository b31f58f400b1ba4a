"""UCSC's 2bit, read from a memory map with every offset checked: a file cut short is refused, not read as T."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, UNKNOWN, Codes
from holdfast.io.text import decode_text

__all__ = ["looks_like_twobit", "twobit_pieces"]

_MAGIC = {b"\x43\x27\x41\x1a": "<", b"\x1a\x41\x27\x43": ">"}
_PIECE_BASES = 1 << 22
# Two bits a base, the first base in the highest ones: the four codes of each byte.
_CODE_OF_PAIR = np.array([ALPHABET.index(letter) for letter in "TCAG"], dtype=np.uint8)
_CODES_OF_BYTE = _CODE_OF_PAIR[(np.arange(256)[:, None] >> np.array([6, 4, 2, 0])) & 3]


def looks_like_twobit(path: Path) -> bool:
    """Say whether a file begins like 2bit."""
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(4) in _MAGIC


def twobit_pieces(path: Path) -> Iterator[tuple[str, Codes]]:
    """Yield name and codes of the chromosomes in runs, each chromosome beginning with an empty run.

    Raises
    ------
    InputError
        If the file is cut short, damaged or of another version.
    """
    file = _TwoBit(path)
    for name, offset in file.index():
        yield name, np.zeros(0, dtype=np.uint8)
        for codes in file.sequence(offset):
            yield name, codes


class _TwoBit:
    """The bytes of a 2bit file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        self._order = _MAGIC[bytes(self._bytes[:4])]

    def index(self) -> list[tuple[str, int]]:
        """Return names and offsets of the sequences."""
        version, count, _ = self._integers(4, 3).tolist()
        if version != 0:
            raise InputError(f"{self._path}: 2bit of version {version}; version 0 is read")
        found, at = list[tuple[str, int]](), 16
        for _ in range(count):
            length = int(self._taken(at, 1)[0])
            name = decode_text(bytes(self._taken(at + 1, length)))
            found.append((name, int(self._integers(at + 1 + length, 1)[0])))
            at += 5 + length
        return found

    def sequence(self, at: int) -> Iterator[Codes]:
        """Yield the codes of the record at an offset."""
        bases, unknown = self._integers(at, 2).tolist()
        first = self._integers(at + 8, unknown).astype(np.int64)
        last = first + self._integers(at + 8 + 4 * unknown, unknown)
        at += 8 + 8 * unknown
        masked = int(self._integers(at, 1)[0])
        packed = self._taken(at + 8 + 8 * masked, -(-bases // 4))
        for start in range(0, bases, _PIECE_BASES):
            stop = min(start + _PIECE_BASES, bases)
            codes = _CODES_OF_BYTE[packed[start // 4 : -(-stop // 4)]].ravel()[: stop - start]
            for block in np.flatnonzero((first < stop) & (last > start)):
                codes[max(0, first[block] - start) : last[block] - start] = UNKNOWN
            yield codes

    def _integers(self, at: int, count: int) -> NDArray[np.uint32]:
        return self._taken(at, 4 * count).view(f"{self._order}u4").astype(np.uint32)

    def _taken(self, at: int, count: int) -> NDArray[np.uint8]:
        if at + count > len(self._bytes):
            raise InputError(f"{self._path}: a 2bit file cut short or damaged; fetch it again")
        return np.asarray(self._bytes[at : at + count])
