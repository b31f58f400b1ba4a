"""DeepBind's ``.seq.gz``: FoldID, EventID, seq, Bound; ``_AC`` files hold positives only, ``_B`` files both classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.io.letters import CodeCollector, UnknownLetters
from holdfast.io.names import twin_groups
from holdfast.io.records import LabelledSequences
from holdfast.io.rows import Row, read_rows
from holdfast.io.text import at_line, decode_text

__all__ = ["COLUMNS", "read_deepbind"]

COLUMNS = ("FoldID", "EventID", "seq", "Bound")


def read_deepbind(paths: Sequence[Path], *, unknown_letters: UnknownLetters = "refuse") -> LabelledSequences:
    r"""Return labelled sequences from DeepBind files. U is read as T, as DeepBind does.

    Parameters
    ----------
    paths
        Files of one sequence length; an event's ``_peak`` and ``_shuf`` share a group within a file.
    unknown_letters
        What to do with R, Y and other ambiguous bases (DeepBind itself reads them as N).

    Raises
    ------
    InputError
        With file and line: another header, another number of columns, Bound other than 0 or 1, a refused letter,
        mixed lengths.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.seq"
    >>> _ = path.write_text("FoldID\tEventID\tseq\tBound\nA\ts1_peak\tACGU\t1\nA\ts1_shuf\tACGT\t0\n")
    >>> records = read_deepbind([path])
    >>> records.codes.tolist(), records.group.tolist()
    ([[0, 1, 2, 3], [0, 1, 2, 3]], [0, 0])
    """
    if not paths:
        raise InputError("no DeepBind file given")
    return LabelledSequences.concatenate([_read_file(path, unknown_letters) for path in paths])


def _read_file(path: Path, unknown_letters: UnknownLetters) -> LabelledSequences:
    collector = CodeCollector(unknown_letters=unknown_letters, uracil_is_thymine=True)
    header_seen = False

    def parse(number: int, text: bytes) -> Row | None:
        nonlocal header_seen
        if header_seen:
            return _row(path, number, text)
        _check_header(path, number, text)
        header_seen = True
        return None

    records = read_rows(path, collector, parse=parse, kind="DeepBind")
    return replace(records, group=twin_groups(records.names))


def _check_header(path: Path, number: int, text: bytes) -> None:
    if tuple(decode_text(text).split("\t")) != COLUMNS:
        raise InputError(
            f"{at_line(path, number)}: the header is {decode_text(text[:80])!r}; "
            f"a DeepBind file starts with the tab-separated columns {', '.join(COLUMNS)}"
        )


def _row(path: Path, number: int, text: bytes) -> Row:
    fields = text.split(b"\t")
    if len(fields) != len(COLUMNS):
        raise InputError(f"{at_line(path, number)}: {len(fields)} columns, but the header promises {len(COLUMNS)}")
    if fields[3] not in (b"0", b"1"):
        raise InputError(f"{at_line(path, number)}: Bound is {decode_text(fields[3][:20])!r}; it must be 0 or 1")
    return Row(decode_text(fields[1]), fields[2], int(fields[3]))
