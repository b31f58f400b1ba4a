"""Text files in blocks of whole lines, gz or not, with errors that name the file and the line.

Blocks, and not lines, because a reader that touches each line in Python cannot keep up with a disk.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from holdfast.core.errors import InputError

__all__ = ["at_line", "decode_text", "head", "numbered_lines", "text_blocks", "unpacked"]

# Small enough that a block and what is made of it stay within a core's cache.
_BLOCK_BYTES = 1 << 18
# The longest record or line one can hold: a file without line ends must not fill the memory.
_LONGEST_BYTES = 1 << 26
_UTF8_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_OTHER_PACKING = {
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def at_line(path: Path, line: int) -> str:
    """Return the place of a line as every error spells it.

    Examples
    --------
    >>> at_line(Path("reads.fa"), 3)
    'reads.fa line 3'
    """
    return f"{path} line {line}"


def text_blocks(path: Path, *, boundary: bytes = b"\n") -> Iterator[tuple[int, bytes]]:
    r"""Yield a text file in blocks of whole lines, with the number of each block's first line.

    A byte order mark is dropped and Windows line ends become ``\n``. gz is known by its first bytes, not by its name.

    Parameters
    ----------
    path
        A regular file.
    boundary
        Starts with a line end; blocks end after the line end of its last occurrence. ``b"\n>"`` keeps FASTA records
        whole.

    Raises
    ------
    InputError
        If the file is missing, empty, not text, a damaged or truncated gz, or has a record of more than 64 MiB.
    """
    line, held = 1, b""
    with closing(unpacked(path, _BLOCK_BYTES)) as chunks:
        for number, chunk in enumerate(chunks):
            held += chunk.removeprefix(_UTF8_MARK) if number == 0 else chunk
            end = held.rfind(boundary) + 1
            if end == 0 and len(held) > _LONGEST_BYTES:
                what = "line" if boundary == b"\n" else "record"
                raise InputError(
                    f"{at_line(path, line)}: a {what} of more than {_LONGEST_BYTES >> 20} MiB; "
                    "the sequences of a data set are short windows, not chromosomes"
                )
            if end > 0:
                yield line, _checked(path, line, held[:end])
                line += held.count(b"\n", 0, end)
                held = held[end:]
    if held:
        yield line, _checked(path, line, held)
    elif line == 1:
        raise InputError(f"{path}: the file is empty")


def numbered_lines(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the lines of a text file in blocks, without line ends, with the number of each block's first line."""
    for line, block in text_blocks(path):
        lines = block.split(b"\n")
        yield line, lines[:-1] if lines[-1] == b"" else lines


def head(path: Path, size: int = 1 << 16) -> bytes:
    """Return the first bytes of a file, unpacked if it is gz, to tell its format by.

    Raises
    ------
    InputError
        If it cannot be read or is empty.
    """
    with closing(unpacked(path, size)) as chunks:
        first = next(chunks, b"")
    if not first:
        raise InputError(f"{path}: the file is empty")
    return first.removeprefix(_UTF8_MARK).replace(b"\r\n", b"\n")


def decode_text(raw: bytes) -> str:
    """Return the text of names: UTF-8, or Latin-1 where it is not UTF-8.

    Examples
    --------
    >>> decode_text("é".encode()), decode_text("é".encode("latin-1"))
    ('é', 'é')
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def unpacked(path: Path, size: int) -> Generator[bytes]:
    """Yield the bytes of a file, unpacked if it is gz, some at a time.

    Raises
    ------
    InputError
        If it is missing, not a regular file, or a damaged or truncated gz.
    """
    # A named pipe can be read only once and may never end, so only regular files pass.
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    if not path.is_file():
        raise InputError(f"{path}: not a regular file; give the file itself")
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
            while chunk := stream.read(size):
                yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: the gz file is truncated or damaged ({error}); fetch or pack it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _checked(path: Path, line: int, block: bytes) -> bytes:
    if line == 1:
        for magic, packing in _OTHER_PACKING.items():
            if block.startswith(magic):
                raise InputError(f"{path}: this is {packing}, not plain text or gz; convert it first")
    zero = block.find(b"\0")
    if zero >= 0:
        where = at_line(path, line + block.count(b"\n", 0, zero))
        raise InputError(f"{where}: a NUL byte; this is a binary file, not text")
    if b"\r" not in block:
        return block
    unix = block.replace(b"\r\n", b"\n")
    lone = unix.find(b"\r")
    if lone >= 0:
        where = at_line(path, line + unix.count(b"\n", 0, lone))
        raise InputError(f"{where}: a carriage return without a line feed; save the file with Unix line ends")
    return unix
