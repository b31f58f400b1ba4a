"""One door for all formats: found by content, forced by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.registry import Registry
from holdfast.io.deepbind import COLUMNS, read_deepbind
from holdfast.io.fasta import read_fasta
from holdfast.io.letters import UnknownLetters
from holdfast.io.npz import read_npz
from holdfast.io.records import LabelledSequences
from holdfast.io.table import delimiter_of, read_table
from holdfast.io.text import decode_text, head
from holdfast.io.zeng import looks_like_target, read_zeng, read_zeng_target

__all__ = ["READERS", "detect_format", "read"]

READERS: Registry[LabelledSequences] = Registry(
    "format",
    {
        "fasta": read_fasta,
        "table": read_table,
        "deepbind": read_deepbind,
        "zeng": read_zeng,
        "zeng_target": read_zeng_target,
        "npz": read_npz,
    },
)

_ZIP = b"PK\x03\x04"
_ZENG_LINE = re.compile(r">\S+[ \t]+[A-Za-z]+[ \t]+\S+[ \t]*")


def read(
    paths: Sequence[Path],
    *,
    format: str = "auto",
    unknown_letters: UnknownLetters | None = None,
    sequence_column: str | None = None,
    label_columns: Sequence[str] | None = None,
) -> LabelledSequences:
    r"""Return labelled sequences from files of one format.

    Parameters
    ----------
    paths
        The files, gz or not; what several of them mean is the format's matter (two FASTA files: positives, negatives).
    format
        A name in :data:`READERS`, or ``auto`` to tell it by the content.
    unknown_letters
        What to do with R, Y and other ambiguous bases: ``refuse`` (the readers' default) or read them as ``n``.
    sequence_column
        For tables.
    label_columns
        For tables; the names become the tasks.

    Raises
    ------
    InputError
        If the files are not what they have to be, with file and line.
    ConfigError
        If the format is unknown, or has no such option.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.csv"
    >>> _ = path.write_text("sequence,label\nACGT,1\nTTTT,0\n")
    >>> read([path]).source
    'table: toy.csv'
    """
    files = [Path(path) for path in paths]
    if not files:
        raise InputError("no file given to read sequences from")
    name = detect_format(files) if format == "auto" else format
    reader = READERS[name]
    given = {"unknown_letters": unknown_letters, "sequence_column": sequence_column, "label_columns": label_columns}
    options = {key: value for key, value in given.items() if value is not None}
    known = READERS.parameters(name)
    for key in options:
        if key not in known:
            raise ConfigError(f"format '{name}' has no option '{key}': {did_you_mean(key, set(known) - {'paths'})}")
    return reader(files, **options)


def detect_format(paths: Sequence[Path]) -> str:
    """Return the format that all files have, told by how they begin.

    Raises
    ------
    InputError
        If a file begins like no known format, or the files differ.
    """
    formats = {path: _format_of(path) for path in paths}
    different = set(formats.values())
    if different == {"fasta", "target"}:
        return "zeng_target"
    if len(different) > 1:
        listed = ", ".join(f"{path}: {name}" for path, name in formats.items())
        raise InputError(f"the files are of different formats ({listed}); give files of one format")
    name = different.pop()
    if name == "target":
        raise InputError(f"{paths[0]}: labels without sequences; give the FASTA file too")
    return name


def _format_of(path: Path) -> str:
    start = head(path)
    if start.startswith(_ZIP):
        return "npz"
    lines = [line for line in decode_text(start).split("\n") if line]
    first, second = [*lines, "", ""][:2]
    if first.startswith(">"):
        return "zeng" if _ZENG_LINE.fullmatch(first) and (not second or second.startswith(">")) else "fasta"
    if tuple(first.split("\t")) == COLUMNS:
        return "deepbind"
    if looks_like_target(path):
        return "target"
    if delimiter_of(first) is not None:
        return "table"
    raise InputError(f"{path}: not recognised; it begins with {first[:60]!r}. Formats: {', '.join(READERS)}")
