"""Downloads against a local server that can break off, forget ranges, change the file, or lie."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.data.fetch import fetch, fetch_file
from holdfast.data.sources import PublishedFile, PublishedSet, find_published, published_sets

CONTENT = np.random.default_rng(0).bytes(1_000_003)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    ranges: bool = True
    break_after: int | None = None
    wrong_range: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def address(behaviour: Behaviour) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour.asked.append(dict(self.headers))
            if self.path != "/file.bin":
                self.send_error(404)
                return
            start = self.start()
            if start > len(behaviour.content) or (start and start == len(behaviour.content)):
                self.send_error(416)
                return
            body = behaviour.content[start:]
            self.send_response(206 if start else 200)
            if start:
                shown = start - 1 if behaviour.wrong_range else start
                total = len(behaviour.content)
                self.send_header("Content-Range", f"bytes {shown}-{total - 1}/{total}")
            self.send_header("Content-Length", str(len(body)))
            if behaviour.etag:
                self.send_header("ETag", behaviour.etag)
            self.end_headers()
            self.wfile.write(body if behaviour.break_after is None else body[: behaviour.break_after])

        def start(self) -> int:
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            fresh = self.headers.get("If-Range") == behaviour.etag
            return int(found[1]) if found and behaviour.ranges and fresh else 0

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing when the client has hung up, which some of these tests make it do."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file.bin"
    server.shutdown()
    server.server_close()
    thread.join()


def broken_off(address: str, path: Path, behaviour: Behaviour, after: int = 400_000) -> None:
    behaviour.break_after = after
    with pytest.raises(InputError, match=rf"ended after {after} of .* run the same command again"):
        fetch_file(address, path, sha256=SHA256)
    assert not path.exists()
    behaviour.break_after = None


def test_a_whole_transfer_tells_its_progress_and_leaves_one_file(address: str, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []

    def progress(name: str, done: int, total: int | None) -> None:
        seen.append((name, done, total))

    path = fetch_file(address, tmp_path / "file.bin", sha256=SHA256, progress=progress)
    assert path.read_bytes() == CONTENT
    assert [item.name for item in tmp_path.iterdir()] == ["file.bin"]
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})


def test_a_broken_transfer_goes_on_where_it_stopped(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    broken_off(address, tmp_path / "file.bin", behaviour)
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert behaviour.asked[-1]["Range"] == "bytes=400000-"
    assert behaviour.asked[-1]["If-Range"] == '"one"'
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all_again(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    broken_off(address, tmp_path / "file.bin", behaviour)
    behaviour.ranges = False
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_begun_again(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    broken_off(address, tmp_path / "file.bin", behaviour)
    behaviour.content, behaviour.etag = CONTENT[::-1], '"two"'
    fetch_file(address, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_version_nothing_is_joined(
    address: str, tmp_path: Path, behaviour: Behaviour, etag: str | None
) -> None:
    behaviour.etag = etag
    broken_off(address, tmp_path / "file.bin", behaviour)
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert "Range" not in behaviour.asked[-1]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_joined(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"something else")
    (tmp_path / "file.bin.part.json").write_text('{"address": "http://elsewhere/", "validator": "\\"one\\""}')
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert "Range" not in behaviour.asked[-1]


def test_a_part_that_is_already_whole_is_taken_anew(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    broken_off(address, tmp_path / "file.bin", behaviour)
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_rest_that_begins_elsewhere_is_refused(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    broken_off(address, tmp_path / "file.bin", behaviour)
    behaviour.wrong_range = True
    with pytest.raises(InputError, match=r"asked for the bytes from 400000 on, the server sent 'bytes 399999-"):
        fetch_file(address, tmp_path / "file.bin", sha256=SHA256)


def test_a_wrong_checksum_throws_the_file_away(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"has SHA-256 {SHA256}, expected {'0' * 64}; it was thrown away"):
        fetch_file(address, tmp_path / "file.bin", sha256="0" * 64)
    assert not (tmp_path / "file.bin").exists()
    assert not (tmp_path / "file.bin.part").exists()


def test_a_missing_file_is_told_with_its_address(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.bin: the server answers 404"):
        fetch_file(address.replace("file.bin", "missing.bin"), tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no answer"):
        fetch_file("http://127.0.0.1:9/file.bin", tmp_path / "file.bin", timeout_s=2)


def test_a_file_that_is_there_is_not_asked_for_again(address: str, tmp_path: Path, behaviour: Behaviour) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    fetch_file(address, tmp_path / "file.bin", sha256=SHA256)
    assert behaviour.asked == []
    with pytest.raises(InputError, match="move it away"):
        fetch_file(address, tmp_path / "file.bin", sha256="0" * 64)
    assert (tmp_path / "file.bin").exists()


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x/y", "x"])
def test_other_schemes_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only http and https"):
        fetch_file(address, tmp_path / "file.bin")


def test_a_set_is_fetched_file_by_file(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = tuple(PublishedFile(name=name, address=address, sha256=SHA256) for name in ("a.bin", "b.bin"))
    published = PublishedSet(name="toy", title="toy", page="none", note="none", files=both)
    monkeypatch.setattr("holdfast.data.fetch.find_published", lambda name: published)
    assert fetch("toy", tmp_path / "new") == [tmp_path / "new" / "a.bin", tmp_path / "new" / "b.bin"]


def test_a_set_without_an_address_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No public file address is known.*See https://"):
        fetch("paper-npz", tmp_path)


def test_an_unknown_set_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'sp1-h1hesc-discovery'"):
        fetch("sp1-h1esc-discovery", tmp_path)


def test_the_table_of_published_sets_is_sound() -> None:
    names = [one.name for one in published_sets()]
    assert len(names) == len(set(names))
    # The six sets of the paper: three factors, two tasks.
    assert sum(name.endswith(("-discovery", "-occupancy")) for name in names) == 6
    for one in published_sets():
        for file in one.files:
            assert re.fullmatch(r"https?://[\w.-]+/[\w./%()-]+", file.address)
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert "/" not in file.name
    assert (
        find_published("mafk-imr90-occupancy")
        .files[0]
        .address.endswith("motif_occupancy/wgEncodeAwgTfbsSydhImr90MafkIggrabUniPk/train.data")
    )
