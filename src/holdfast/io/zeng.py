"""Zeng et al. (2016): one-line text (``>chr:start-end SEQ label``), and FASTA with a ``.target`` file.

Names give 1-based positions with both ends included (``start-end`` spans 100 for 101 bases); a shuffled negative is
called like its positive with ``_shuf`` behind. Test and training files were drawn at random, so twins are found across
files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.io.fasta import read_records
from holdfast.io.letters import CodeCollector, UnknownLetters
from holdfast.io.names import coordinates, refuse_bound_twins, twin_groups
from holdfast.io.records import LabelledSequences
from holdfast.io.rows import Row, read_rows
from holdfast.io.text import at_line, decode_text, numbered_lines

__all__ = ["looks_like_target", "read_zeng", "read_zeng_target"]

# Column 1 says bound, column 2 unbound: the other way round than the arrays of the D_s container.
_TARGETS: dict[tuple[bytes, ...], int] = {(b"1", b"0"): 1, (b"0", b"1"): 0}


def read_zeng(paths: Sequence[Path], *, unknown_letters: UnknownLetters = "refuse") -> LabelledSequences:
    r"""Return labelled sequences from lines of ``>chr:start-end SEQ label``.

    Parameters
    ----------
    paths
        Files of one sequence length; a sequence and its shuffle share a group, also across files.
    unknown_letters
        What to do with R, Y and other ambiguous bases.

    Raises
    ------
    InputError
        With file and line: not three fields, a label other than 0 or 1, a ``_shuf`` labelled 1, a refused letter,
        mixed lengths.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.txt"
    >>> _ = path.write_text(">chr1:11-14 ACGT 1\n>chr1:11-14_shuf AGCT 0\n")
    >>> records = read_zeng([path])
    >>> records.start.tolist(), records.group.tolist(), records.labels.ravel().tolist()
    ([10, 10], [0, 0], [1, 0])
    """
    if not paths:
        raise InputError("no file of Zeng's text format given")
    return _with_groups([_read_text(path, unknown_letters) for path in paths])


def read_zeng_target(paths: Sequence[Path], *, unknown_letters: UnknownLetters = "refuse") -> LabelledSequences:
    r"""Return labelled sequences from FASTA files, each with a ``.target`` file of two 0/1 columns.

    Parameters
    ----------
    paths
        As many FASTA files as target files, in any order; the first FASTA file goes with the first target file.
    unknown_letters
        What to do with R, Y and other ambiguous bases.

    Raises
    ------
    InputError
        As :func:`read_zeng`, and if the numbers of records and of target lines differ.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "toy.fa").write_text(">chr1:11-14\nACGT\n>chr1:11-14_shuf\nAGCT\n")
    >>> _ = (folder / "toy.target").write_text("1\t0\n0\t1\n")
    >>> read_zeng_target([folder / "toy.fa", folder / "toy.target"]).labels.ravel().tolist()
    [1, 0]
    """
    targets = [path for path in paths if looks_like_target(path)]
    fastas = [path for path in paths if path not in targets]
    if not fastas or len(fastas) != len(targets):
        raise InputError(
            f"{len(fastas)} FASTA and {len(targets)} target files; give one target file (two columns of 0 and 1) "
            "with each FASTA file"
        )
    pairs = zip(fastas, targets, strict=True)
    return _with_groups([_read_pair(fasta, target, unknown_letters) for fasta, target in pairs])


def looks_like_target(path: Path) -> bool:
    """Say whether a file starts like a ``.target`` file: two columns of 0 and 1."""
    for _, lines in numbered_lines(path):
        for text in lines:
            if text:
                return tuple(text.split()) in _TARGETS
    return False


def _with_groups(parts: list[LabelledSequences]) -> LabelledSequences:
    joined = LabelledSequences.concatenate(parts)
    return replace(joined, group=twin_groups(joined.names))


def _read_text(path: Path, unknown_letters: UnknownLetters) -> LabelledSequences:
    collector = CodeCollector(unknown_letters=unknown_letters)
    return read_rows(path, collector, parse=lambda number, text: _row(path, number, text), kind="Zeng text")


def _row(path: Path, number: int, text: bytes) -> Row:
    fields = text.split()
    if len(fields) != 3 or not fields[0].startswith(b">") or len(fields[0]) == 1:
        raise InputError(
            f"{at_line(path, number)}: {decode_text(text[:60])!r} is not '>chr:start-end SEQ label', three fields"
        )
    if fields[2] not in (b"0", b"1"):
        raise InputError(f"{at_line(path, number)}: label {decode_text(fields[2][:20])!r}; it must be 0 or 1")
    return Row(decode_text(fields[0][1:]), fields[1], int(fields[2]))


def _read_pair(fasta_path: Path, target_path: Path, unknown_letters: UnknownLetters) -> LabelledSequences:
    fasta = read_records(fasta_path, unknown_letters=unknown_letters)
    bound, numbers = _read_target(target_path)
    if len(bound) != len(fasta.headers):
        raise InputError(
            f"{fasta_path} has {len(fasta.headers)} sequences, {target_path} has {len(bound)} lines; "
            "they must be the same examples in the same order"
        )
    names = fasta.names()
    refuse_bound_twins(names, bound, locate=lambda row: at_line(target_path, numbers[row]))
    chrom, start = coordinates(names, fasta.codes.shape[1])
    return LabelledSequences(
        codes=fasta.codes,
        labels=np.array(bound, dtype=np.int8)[:, None],
        names=names,
        source=f"FASTA with target: {fasta_path.name}, {target_path.name}{fasta.note}",
        chrom=chrom,
        start=start,
    )


def _read_target(path: Path) -> tuple[list[int], list[int]]:
    bound, numbers = list[int](), list[int]()
    for first, lines in numbered_lines(path):
        for number, text in enumerate(lines, start=first):
            if not text:
                continue
            label = _TARGETS.get(tuple(text.split()))
            if label is None:
                raise InputError(
                    f"{at_line(path, number)}: {decode_text(text[:40])!r}; a target line is '1 0' (bound) or "
                    "'0 1' (unbound)"
                )
            bound.append(label)
            numbers.append(number)
    return bound, numbers
