"""The policy for letters."""

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.io.letters import CodeCollector


def collected(*blocks: list[bytes], policy: str = "refuse", **options) -> CodeCollector:
    collector = CodeCollector(unknown_letters=policy, **options)
    for block in blocks:
        collector.add(block, locate=lambda row, base: f"row {row} base {base}")
    return collector


def test_blocks_follow_each_other_and_line_ends_are_dropped():
    collector = collected([b"AC\nGT\n", b"ttNn"], [], [b"GGGG"])
    assert collector.codes().tolist() == [[0, 1, 2, 3], [3, 3, 4, 4], [2, 2, 2, 2]]
    assert (collector.count, collector.length, collector.note()) == (3, 4, "")
    collector.codes()[0, 0] = 1


def test_ambiguous_bases_become_n_and_are_counted_or_are_refused():
    collector = collected([b"ACGT", b"RYSW"], [b"kmbd"], policy="n")
    assert collector.codes()[1:].tolist() == [[4] * 4] * 2
    assert collector.replaced == 8
    assert "8 ambiguous" in collector.note()
    with pytest.raises(InputError, match=r"row 1 base 2: letter 'S'.*unknown_letters"):
        collected([b"ACGT", b"ACST"])


def test_uracil_is_thymine_only_where_asked():
    assert collected([b"uU"], uracil_is_thymine=True).codes().tolist() == [[3, 3]]
    for policy in ("refuse", "n"):
        with pytest.raises(InputError, match="write T for U"):
            collected([b"ACU"], policy=policy)


@pytest.mark.parametrize("letter", [b"-", b"*", b"1", b" ", b">", b"X", b".", b"\xe9"])
@pytest.mark.parametrize("policy", ["refuse", "n"])
def test_other_letters_are_always_refused(letter: bytes, policy: str):
    with pytest.raises(InputError, match="row 1 base 1"):
        collected([b"ACG", b"A" + letter + b"G"], policy=policy)


def test_every_byte_is_either_a_base_or_refused():
    bases = {ord(letter) for letter in "acgtnACGTN"}
    for byte in set(range(256)) - {ord("\n")}:
        if byte in bases:
            assert collected([bytes([byte])]).codes()[0, 0] <= 4
        else:
            with pytest.raises(InputError):
                collected([bytes([byte])])


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (([b"ACG", b"AC"],), "row 1 base None: 2 bases, but the first sequence has 3"),
        (([b"ACG"], [b"ACGT"]), "row 0 base None: 4 bases, but the first sequence has 3"),
        (([b"ACG", b"AC", b"ACGT"],), "row 1"),
        (([b"AC", b""],), "row 1 base None: there is no sequence"),
        (([b"", b"AC"],), "row 0 base None: there is no sequence"),
        (([b""],), "there is no sequence"),
        (([b"ACG", b"A>G>ACG"],), "row 1 base 1"),
    ],
)
def test_sequences_of_other_lengths_are_refused(blocks, message: str):
    with pytest.raises(InputError, match=message):
        collected(*blocks)


def test_another_policy_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'refuse'"):
        CodeCollector(unknown_letters="refused")


def test_codes_are_contiguous_and_own_their_memory():
    codes = collected([b"ACGT"] * 10).codes()
    assert codes.flags.c_contiguous
    assert codes.dtype == np.uint8
