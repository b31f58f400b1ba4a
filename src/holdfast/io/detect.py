"""One door for all formats: found by content, forced by name."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.registry import Registry
from holdfast.io.deepbind import COLUMNS, read_deepbind
from holdfast.io.deepsea import ReverseHalf, read_deepsea
from holdfast.io.fasta import read_fasta
from holdfast.io.letters import UnknownLetters
from holdfast.io.members import member_names
from holdfast.io.npz import read_npz
from holdfast.io.records import LabelledSequences
from holdfast.io.stream import RecordStream
from holdfast.io.table import delimiter_of, read_table
from holdfast.io.text import decode_text, head
from holdfast.io.zeng import looks_like_target, read_zeng, read_zeng_target

__all__ = ["READERS", "ReadOptions", "detect_format", "read", "read_stream"]

READERS: Registry[LabelledSequences | RecordStream] = Registry(
    "format",
    {
        "fasta": read_fasta,
        "table": read_table,
        "deepbind": read_deepbind,
        "zeng": read_zeng,
        "zeng_target": read_zeng_target,
        "npz": read_npz,
        "deepsea": read_deepsea,
    },
)

_ZIP = b"PK\x03\x04"
_MATLAB_OR_HDF5 = (b"MATLAB 5.0", b"MATLAB 7.3", b"\x89HDF")
_ZENG_LINE = re.compile(r">\S+[ \t]+[A-Za-z]+[ \t]+\S+[ \t]*")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What some formats can be told; None leaves a reader its default.

    Parameters
    ----------
    unknown_letters
        What to do with R, Y and other ambiguous bases: ``refuse`` (the readers' default) or read them as ``n``.
    sequence_column
        For tables.
    label_columns
        For tables: names, which become the tasks. For DeepSEA's files: ranges of columns counted from 0, ``125:815``.
    task_names
        For DeepSEA's files: a text file with a name a line.
    reverse
        For DeepSEA's files: ``keep`` or ``drop`` the reverse complements in the second half.
    """

    unknown_letters: UnknownLetters | None = None
    sequence_column: str | None = None
    label_columns: Sequence[str] | None = None
    task_names: Path | None = None
    reverse: ReverseHalf | None = None

    def given(self) -> dict[str, object]:
        """Return what was told, by name."""
        every = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in every.items() if value is not None}


def read(paths: Sequence[Path], *, format: str = "auto", options: ReadOptions | None = None) -> LabelledSequences:
    r"""Return labelled sequences from files of one format, in memory.

    As :func:`read_stream`, which large files should be read with.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.csv"
    >>> _ = path.write_text("sequence,label\nACGT,1\nTTTT,0\n")
    >>> read([path]).source
    'table: toy.csv'
    """
    return read_stream(paths, format=format, options=options).gather()


def read_stream(paths: Sequence[Path], *, format: str = "auto", options: ReadOptions | None = None) -> RecordStream:
    r"""Return labelled sequences from files of one format, in blocks where the format allows it.

    Parameters
    ----------
    paths
        The files, gz or not; what several of them mean is the format's matter (two FASTA files: positives, negatives).
    format
        A name in :data:`READERS`, or ``auto`` to tell it by the content.
    options
        What the format can be told beside; None leaves it all to the reader.

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
    >>> stream = read_stream([path], options=ReadOptions(unknown_letters="n"))
    >>> stream.length, [len(block) for block in stream.blocks()]
    (4, [2])
    """
    files = [Path(path) for path in paths]
    if not files:
        raise InputError("no file given to read sequences from")
    name = detect_format(files) if format == "auto" else format
    reader = READERS[name]
    given = {} if options is None else options.given()
    known = READERS.parameters(name)
    for key in given:
        if key not in known:
            raise ConfigError(f"format '{name}' has no option '{key}': {did_you_mean(key, set(known) - {'paths'})}")
    found = reader(files, **given)
    return found if isinstance(found, RecordStream) else RecordStream.of(found)


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
        return "deepsea" if _has_x_and_y(path) else "npz"
    if start.startswith(_MATLAB_OR_HDF5):
        return "deepsea"
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


def _has_x_and_y(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as container:
            return {"x", "y"} <= set(member_names(container))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        # The reader of the other .npz says what is wrong with it.
        return False
