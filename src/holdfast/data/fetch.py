"""Downloads that can be broken off and taken up again, and are believed only when their checksum agrees.

Nothing here runs unless a user asks for a data set by name. A transfer goes into ``NAME.part``; beside it
``NAME.part.json`` keeps which address and which version of the file it is, so that two versions are never joined.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from holdfast.core.errors import InputError
from holdfast.core.files import sha256_of, write_text
from holdfast.data.sources import find_published

__all__ = ["Progress", "fetch", "fetch_file"]

_BLOCK = 1 << 18
_TIMEOUT_S = 30.0
_AGAIN = "run the same command again to go on from there"


class Progress(Protocol):
    """Told after each block how many bytes of a file are there, and of how many (None where that is not known)."""

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Show it."""


def fetch(name: str, folder: Path, *, progress: Progress | None = None) -> list[Path]:
    """Download the files of a published data set that are not there yet.

    Parameters
    ----------
    name
        One of :func:`holdfast.data.sources.published_sets`.
    folder
        Where the files go.
    progress
        Told how far each file is.

    Returns
    -------
    list[Path]
        The files, in the set's order.

    Raises
    ------
    InputError
        If the set is unknown or has no public address, or a file cannot be had whole.
    """
    published = find_published(name)
    if not published.files:
        raise InputError(f"{name}: {published.note} See {published.page}")
    return [
        fetch_file(file.address, Path(folder) / file.name, sha256=file.sha256, progress=progress)
        for file in published.files
    ]


def fetch_file(
    address: str,
    path: Path,
    *,
    sha256: str | None = None,
    progress: Progress | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Path:
    """Download one file, going on where an earlier attempt stopped.

    Parameters
    ----------
    address
        http or https.
    path
        Where the file goes; it appears whole or not at all.
    sha256
        What the bytes have to hash to; None takes them as they come.
    progress
        Told how far it is.
    timeout_s
        Seconds of silence after which the server is given up.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    InputError
        If the address does not answer, the transfer breaks off (what came is kept), the disk is full, or the checksum
        is not the expected one (what came is thrown away).
    """
    if not address.startswith(("http://", "https://")):
        raise InputError(f"{address}: only http and https addresses can be fetched")
    if path.exists():
        _check(path, address, sha256)
        return path
    part = _Part(path=path.with_name(path.name + ".part"), address=address)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _transfer(part, path.name, progress, timeout_s)
        _check(part.path, address, sha256)
        part.path.replace(path)
        part.note.unlink(missing_ok=True)
    except urllib.error.HTTPError as error:
        raise InputError(
            f"{address}: the server answers {error.code} {error.reason}; see the page of the set"
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise InputError(f"{address}: no answer ({reason}); {part.size()} bytes are kept, {_AGAIN}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); make room and {_AGAIN}") from error
    return path


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What has come so far, and the version of the file it belongs to."""

    path: Path
    address: str

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self) -> str | None:
        """Return the version to ask the rest of, or None where the server gave none or the note is of another file."""
        try:
            kept = json.loads(self.note.read_text())
        except (OSError, ValueError):
            return None
        of_this = isinstance(kept, dict) and kept.get("address") == self.address
        return str(kept["validator"]) if of_this and kept.get("validator") else None

    def start(self, response: http.client.HTTPResponse) -> None:
        """Write down which version is coming."""
        etag = response.headers.get("ETag", "")
        # A weak tag promises equal meaning, not equal bytes: it cannot join two halves.
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        write_text(self.note, json.dumps({"address": self.address, "validator": validator}))


def _transfer(part: _Part, name: str, progress: Progress | None, timeout_s: float) -> None:
    with _ask(part, timeout_s) as response:
        done = _offset(response, part)
        if done == 0:
            part.start(response)
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        with part.path.open("r+b" if done else "wb") as handle:
            handle.seek(done)
            handle.truncate()
            while block := response.read(_BLOCK):
                handle.write(block)
                done += len(block)
                if progress is not None:
                    progress(name, done, total)
    if total is not None and done < total:
        raise InputError(f"{part.address}: the connection ended after {done} of {total} bytes; {_AGAIN}")


def _ask(part: _Part, timeout_s: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "holdfast", "Accept-Encoding": "identity"}
    size, validator = part.size(), part.validator()
    if size and validator:
        headers |= {"Range": f"bytes={size}-", "If-Range": validator}
    request = urllib.request.Request(part.address, headers=headers)
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or "Range" not in headers:
            raise
        # All of it is here already, or what is here is longer than the file: begin again rather than guess.
        part.note.unlink(missing_ok=True)
        return _ask(part, timeout_s)
    return response


def _offset(response: http.client.HTTPResponse, part: _Part) -> int:
    """Return where the answer's first byte belongs: 0, unless the server sends the rest that was asked for."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != part.size():
        raise InputError(
            f"{part.address}: asked for the bytes from {part.size()} on, the server sent"
            f" '{response.headers.get('Content-Range')}'; delete {part.path} and run the same command again"
        )
    return int(found[1])


def _check(path: Path, address: str, sha256: str | None) -> None:
    if sha256 is None:
        return
    found = sha256_of(path)
    if found == sha256:
        return
    if path.suffix == ".part":
        path.unlink()
        raise InputError(
            f"{address}: the file has SHA-256 {found}, expected {sha256}; it was thrown away. If it is so again, the"
            " published file has changed"
        )
    raise InputError(f"{path} is there with SHA-256 {found}, expected {sha256}; move it away to download it again")
