"""Files that are either whole or absent: write to a temporary name, fsync, rename."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from holdfast.core.errors import InputError

__all__ = ["BAD_PATH", "check_folder", "explained_disk_error", "sha256_of", "write_text", "writing"]

BAD_PATH = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""Error numbers of the operating system that speak of a path and of who may use it, not of a fault of ours."""


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that appears under its name only when the block ends well.

    Raises
    ------
    InputError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    # with_name refuses a path without a name, such as `.`; a folder is refused below.
    temporary = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is there and is no regular file; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise explained_disk_error(error, path) from error
    finally:
        with suppress(OSError):  # whatever went wrong above is what the user has to hear
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with writing(path) as handle:
        handle.write(text.encode())


def check_folder(path: Path) -> None:
    """Check that a folder can be made or written, before long work whose results will go there; nothing is made.

    Raises
    ------
    InputError
        If something else is in the way, or the folder belongs to somebody else.
    """
    there = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    if not there.is_dir():
        raise InputError(f"{path}: cannot be a folder, {there} is in the way; choose another folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{path}: {there} cannot be written by this user; choose another folder")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def explained_disk_error(error: OSError, path: Path) -> OSError | InputError:
    """Return an error the user can mend where a file could not be written, the same error otherwise."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(f"{path}: the disk is full; free some space and run the same command again")
    if error.errno in (*BAD_PATH, errno.EISDIR, errno.EEXIST, errno.ENOENT):
        return InputError(f"{path}: cannot be written ({error.strerror}); choose another folder")
    return error
