"""Genomes are read in runs of bases, wherever a run is cut."""

import gzip
import struct
from pathlib import Path

import numpy as np
import py2bit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError, InputError
from holdfast.dna.codes import encode
from holdfast.io import genome as module
from holdfast.io import twobit as twobit_module
from holdfast.io.genome import genome_pieces

QUIET = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])


def gathered(path: Path) -> tuple[dict[str, np.ndarray], int]:
    found, replaced = dict[str, list[np.ndarray]](), 0
    for name, codes, ambiguous in genome_pieces(path):
        found.setdefault(name, []).append(codes)
        replaced += ambiguous
    return {name: np.concatenate(pieces) for name, pieces in found.items()}, replaced


def twobit(chromosomes: dict[str, str]) -> bytes:
    """Write the format as UCSC describes it: T, C, A, G = 0..3, the first base in the highest bits; blocks of N."""
    header, records = struct.pack("<4I", 0x1A412743, 0, len(chromosomes), 0), []
    index, offset = b"", 16 + sum(5 + len(name) for name in chromosomes)
    for name, letters in chromosomes.items():
        unknown = [(i, 1) for i, letter in enumerate(letters) if letter == "N"]
        bases = ["TCAG".index(letter) if letter != "N" else 0 for letter in letters]
        bases += [0] * (-len(bases) % 4)
        packed = bytes(a << 6 | b << 4 | c << 2 | d for a, b, c, d in zip(*[iter(bases)] * 4, strict=True))
        starts, sizes = (struct.pack(f"<{len(unknown)}I", *(block[k] for block in unknown)) for k in (0, 1))
        record = struct.pack("<2I", len(letters), len(unknown)) + starts + sizes + struct.pack("<2I", 0, 0) + packed
        index += bytes([len(name)]) + name.encode() + struct.pack("<I", offset)
        offset += len(record)
        records.append(record)
    return header + index + b"".join(records)


@QUIET
@given(
    chromosomes=st.lists(st.text(alphabet="ACGTNacgtn", max_size=40), min_size=1, max_size=4),
    width=st.integers(1, 50),
    step=st.integers(1, 30),
    end=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
def test_lines_and_blocks_of_any_length_give_the_same_bases(
    tmp_path: Path, chromosomes: list[str], width: int, step: int, end: str, packed: bool
) -> None:
    text = ""
    for number, letters in enumerate(chromosomes):
        lines = [letters[i : i + width] for i in range(0, len(letters), width)]
        text += end.join([f">chr{number} some words", *lines, ""])
    raw = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    (tmp_path / "x.fa").write_bytes(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_READ_BYTES", step)
        found, replaced = gathered(tmp_path / "x.fa")
    assert replaced == 0
    assert list(found) == [f"chr{number}" for number in range(len(chromosomes))]
    for codes, letters in zip(found.values(), chromosomes, strict=True):
        assert codes.tolist() == encode(letters).tolist()


def test_block_gzip_of_several_members_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "x.fa.bgz").write_bytes(gzip.compress(b">a\nACG") + gzip.compress(b"TA\n>b\nGG\n"))
    found, _ = gathered(tmp_path / "x.fa.bgz")
    assert {name: codes.tolist() for name, codes in found.items()} == {"a": [0, 1, 2, 3, 0], "b": [2, 2]}


@pytest.mark.parametrize("step", [4, 1 << 22])
def test_2bit_is_read_as_the_format_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    chromosomes = {"chr1": "ACGTNNACGGT", "chrM": "TTTTCAG"}
    (tmp_path / "x.2bit").write_bytes(twobit(chromosomes))
    monkeypatch.setattr(twobit_module, "_PIECE_BASES", step)
    found, _ = gathered(tmp_path / "x.2bit")
    assert {name: codes.tolist() for name, codes in found.items()} == {
        name: encode(letters).tolist() for name, letters in chromosomes.items()
    }
    with py2bit.open(str(tmp_path / "x.2bit")) as other:
        assert {name: other.sequence(name) for name in other.chroms()} == chromosomes


def test_ambiguous_letters_become_n_and_are_counted(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(">a\nARYNn\nkT\n")
    found, replaced = gathered(tmp_path / "x.fa")
    assert (found["a"].tolist(), replaced) == ([0, 4, 4, 4, 4, 4, 3], 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n", "line 1: 'ACGT' before the first '>'"),
        ("\n\nACGT\n>a\nA\n", "before the first '>'"),
        (">a\nACGT\nAC-T\n", "line 3: '-' in 'a' is no base"),
        (">a\nACGT\nAC>b\n", "line 3: '>' within a line"),
        (">a\nAC\n> \nAC\n", "line 3: a chromosome without a name"),
        (">\nAC\n", "line 1: a chromosome without a name"),
        ("", "empty"),
        ("\n\n", "empty"),
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_what_is_no_fasta_is_refused_by_line(
    tmp_path: Path, text: str, message: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READ_BYTES", step)
    (tmp_path / "x.fa").write_text(text)
    # A first run of one byte knows only that byte.
    message = message.replace("'ACGT'", "'A(CGT)?'")
    with pytest.raises(InputError, match=rf"x\.fa.*{message}"):
        gathered(tmp_path / "x.fa")


def test_damaged_2bit_is_refused(tmp_path: Path) -> None:
    raw = twobit({"chr1": "ACGTNNACGGT", "chrM": "TTTTCAG"})
    for damaged in (raw[:4], raw[:15], raw[:20], raw[:-1], raw[:4] + b"\1" + raw[5:], raw[:8] + b"\x09" + raw[9:]):
        (tmp_path / "x.2bit").write_bytes(damaged)
        with pytest.raises(InputError, match=r"x\.2bit"):
            gathered(tmp_path / "x.2bit")
    with pytest.raises(InputError, match="no such file"):
        gathered(tmp_path / "y.2bit")


TWOBIT = twobit({"chr1": "ACGTNNACGGT", "chrM": "TTTTCAG"})


@QUIET
@given(place=st.integers(0, len(TWOBIT) - 1), value=st.integers(0, 255))
def test_2bit_with_a_changed_byte_is_read_or_refused(tmp_path: Path, place: int, value: int) -> None:
    raw = bytearray(TWOBIT)
    raw[place] = value
    (tmp_path / "x.2bit").write_bytes(raw)
    try:
        found, _ = gathered(tmp_path / "x.2bit")
    except HoldfastError:
        return
    assert all(codes.max(initial=0) <= 4 for codes in found.values())


@QUIET
@given(
    raw=st.binary(max_size=200),
    start=st.sampled_from([b"", b">", b">a\nACGT", b"\x1f\x8b", TWOBIT[:4], TWOBIT[:16], TWOBIT]),
)
def test_arbitrary_bytes_are_read_or_refused(tmp_path: Path, raw: bytes, start: bytes) -> None:
    (tmp_path / "x").write_bytes(start + raw)
    try:
        found, _ = gathered(tmp_path / "x")
    except HoldfastError:
        return
    assert all(codes.max(initial=0) <= 4 for codes in found.values())
