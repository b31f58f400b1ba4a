"""The policy for letters: sequences as text become codes of one length, or an error that says where.

A, C, G, T and N pass in either case. The other IUPAC letters are ambiguous bases, which the caller reads as N or
refuses. Everything else is refused, always: a gap or a digit means the file is not what one thinks it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NoReturn

import numpy as np

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.dna.codes import ALPHABET, UNKNOWN, Codes

__all__ = ["CodeCollector", "UnknownLetters"]

UnknownLetters = Literal["refuse", "n"]

_AMBIGUOUS = 5
_REFUSED = 6
_SEPARATOR = b">"
_AMBIGUOUS_LETTERS = "RYSWKMBDHV"


def _table(*, uracil_is_thymine: bool) -> bytes:
    table = bytearray([_REFUSED]) * 256
    codes = {letter: code for code, letter in enumerate(ALPHABET)}
    codes |= {"N": UNKNOWN} | dict.fromkeys(_AMBIGUOUS_LETTERS, _AMBIGUOUS)
    if uracil_is_thymine:
        codes["U"] = codes["T"]
    for letter, code in codes.items():
        table[ord(letter)] = table[ord(letter.lower())] = code
    return bytes(table)


class CodeCollector:
    """Collects sequences, block by block, into one (N, L) array of codes.

    Parameters
    ----------
    unknown_letters
        ``"refuse"`` ambiguous bases (R, Y, ...), or read them as ``"n"``.
    uracil_is_thymine
        Whether U is read as T; otherwise it is refused.

    Raises
    ------
    ConfigError
        If the policy is another word.

    Examples
    --------
    >>> collector = CodeCollector(unknown_letters="n")
    >>> collector.add([b"ACGT", b"RRNn"], locate=lambda row, base: f"row {row}")
    >>> collector.codes().tolist(), collector.replaced
    ([[0, 1, 2, 3], [4, 4, 4, 4]], 2)
    """

    def __init__(self, *, unknown_letters: UnknownLetters, uracil_is_thymine: bool = False) -> None:
        if unknown_letters not in ("refuse", "n"):
            raise ConfigError(
                f"unknown policy for letters '{unknown_letters}': {did_you_mean(unknown_letters, ['refuse', 'n'])}"
            )
        self.unknown_letters = unknown_letters
        self.replaced = 0
        self.count = 0
        self.length = 0
        self._table = _table(uracil_is_thymine=uracil_is_thymine)
        # Grows in place, so that the codes of a large file are not held twice.
        self._buffer = bytearray()

    def add(self, sequences: Sequence[bytes], *, locate: Callable[[int, int | None], str]) -> None:
        r"""Encode some sequences; line ends inside a sequence are dropped.

        Parameters
        ----------
        sequences
            Text of each sequence.
        locate
            Gives the place of (sequence, base) for an error, of the whole sequence where base is None.

        Raises
        ------
        InputError
            If a sequence is empty, of another length than the first one, or has a letter the policy refuses.
        """
        if not sequences:
            return
        joined = _SEPARATOR.join([*sequences, b""])
        coded = np.frombuffer(joined.translate(self._table, b"\n"), dtype=np.uint8)
        length = self.length or len(sequences[0].translate(None, b"\n"))
        if coded.size != len(sequences) * (length + 1):
            self._explain(sequences, length, locate)
        codes = coded.reshape(len(sequences), length + 1)[:, :length]
        # A separator or a shifted base where a letter should be is more than N as well, so one maximum tells all.
        if length == 0 or codes.max() > UNKNOWN:
            codes = self._without_ambiguous(codes, sequences, length, locate)
        self._buffer += np.ascontiguousarray(codes).data
        self.length = length
        self.count += len(sequences)

    def codes(self) -> Codes:
        """Return (N, L) uint8 codes of everything added."""
        return np.frombuffer(self._buffer, dtype=np.uint8).reshape(self.count, self.length)

    def note(self) -> str:
        """Return what the manifest should say about replaced letters; empty if there were none."""
        return f" ({self.replaced} ambiguous letters read as N)" if self.replaced else ""

    def _without_ambiguous(
        self, codes: Codes, sequences: Sequence[bytes], length: int, locate: Callable[[int, int | None], str]
    ) -> Codes:
        ambiguous = codes == _AMBIGUOUS
        if self.unknown_letters == "refuse" or length == 0 or (codes > _AMBIGUOUS).any():
            self._explain(sequences, length, locate)
        self.replaced += int(ambiguous.sum())
        return np.where(ambiguous, np.uint8(UNKNOWN), codes)

    def _explain(self, sequences: Sequence[bytes], length: int, locate: Callable[[int, int | None], str]) -> NoReturn:
        """Raise the error of the first sequence that cannot be taken; slow, so only after something was found."""
        highest = _AMBIGUOUS if self.unknown_letters == "n" else UNKNOWN
        for row, sequence in enumerate(sequences):
            letters = sequence.translate(None, b"\n")
            if not letters:
                raise InputError(f"{locate(row, None)}: there is no sequence")
            codes = np.frombuffer(letters.translate(self._table), dtype=np.uint8)
            if codes.max() > highest:
                base = int(np.argmax(codes > highest))
                letter = chr(letters[base])
                raise InputError(f"{locate(row, base)}: letter {letter!r} (base {base + 1}) {_remedy(letter)}")
            if len(letters) != length:
                raise InputError(
                    f"{locate(row, None)}: {len(letters)} bases, but the first sequence has {length}; "
                    "all sequences must have one length"
                )
        raise AssertionError("a block was refused, but none of its sequences is at fault")


def _remedy(letter: str) -> str:
    if letter.upper() in _AMBIGUOUS_LETTERS:
        return "is an ambiguous base; remove the sequence, or read such letters as N (unknown_letters: n)"
    if letter.upper() == "U":
        return "is RNA; write T for U"
    return "is not DNA; a sequence may hold A, C, G, T and N only"
