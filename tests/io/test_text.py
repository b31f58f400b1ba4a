"""Text in blocks: line numbers, packing, and damage told by file and line."""

import gzip
import os
from pathlib import Path

import pytest

from holdfast.core.errors import InputError
from holdfast.io import text as text_module
from holdfast.io.text import head, numbered_lines, text_blocks


def lines_of(path: Path) -> list[tuple[int, bytes]]:
    return [(first + i, line) for first, lines in numbered_lines(path) for i, line in enumerate(lines)]


@pytest.mark.parametrize("block_bytes", [1, 3, 7, 1 << 22])
@pytest.mark.parametrize("packed", [False, True])
def test_lines_and_their_numbers_do_not_depend_on_the_block(tmp_path, monkeypatch, block_bytes: int, packed: bool):
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", block_bytes)
    raw = b"first\n\nthird line\nlast without end"
    path = tmp_path / "named.gz.not"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    assert lines_of(path) == [(1, b"first"), (2, b""), (3, b"third line"), (4, b"last without end")]


@pytest.mark.parametrize("block_bytes", [1, 4, 1 << 22])
def test_blocks_with_a_record_boundary_hold_whole_records(tmp_path, monkeypatch, block_bytes: int):
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", block_bytes)
    raw = b">a\nAC\nGT\n>b\nTT\n"
    path = tmp_path / "x.fa"
    path.write_bytes(raw)
    blocks = list(text_blocks(path, boundary=b"\n>"))
    assert b"".join(block for _, block in blocks) == raw
    assert all(block.startswith(b">") for _, block in blocks)
    assert [line for line, _ in blocks] == ([1] if len(blocks) == 1 else [1, 4])


def test_windows_line_ends_and_a_byte_order_mark_are_dropped(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert lines_of(path) == [(1, b"one"), (2, b"two")]
    assert head(path) == b"one\ntwo\n"


def test_several_gz_members_are_one_text(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert lines_of(path) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "empty"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"ACGT\n" * 1000)[:-12], "truncated or damaged"),
        (gzip.compress(b"ACGT\n") + b"junk", "truncated or damaged"),
        (b"\x1f\x8bnot gz at all", "truncated or damaged"),
        (b"one\ntw\0o\n", "line 2: a NUL byte"),
        (b"one\ntwo\rthree\n", "line 2: a carriage return"),
        (b"BZh91AY&SY", "bzip2"),
        ("text".encode("utf-16"), "UTF-16"),
    ],
    ids=["empty", "empty gz", "cut gz", "trailing", "bad gz", "nul", "lone return", "bzip2", "utf-16"],
)
def test_what_is_not_text_is_refused(tmp_path, raw: bytes, message: str):
    path = tmp_path / "x"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        lines_of(path)


def test_missing_files_folders_and_pipes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        lines_of(tmp_path / "missing")
    with pytest.raises(InputError, match="not a regular file"):
        lines_of(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        head(tmp_path / "pipe")


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "_LONGEST_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"ok\n" + b"A" * (32 << 20)))
    with pytest.raises(InputError, match="line 2: a line of more than 1 MiB"):
        lines_of(path)
