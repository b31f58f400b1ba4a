"""Tables on narrow terminals: nothing is cut off, and numbers stay in one piece."""

import io

import pytest
from rich.console import Console

from holdfast.cli.tables import plain_table

LETTERS = "GCGTCGGCACCCACGCCCGACTCTAGACAGAGGGAGGG"
ROWS = [("SP1_22", "unbound", "0.02", "-0.031", LETTERS, "12,345"), ("SP1_166", "bound", "-0.01", "2e-06", "GG", "7")]
COLUMNS = ("example", "label", "centre", "worst", "consensus", "sites")


def shown(width: int) -> list[str]:
    table = plain_table(*COLUMNS)
    for row in ROWS:
        table.add_row(*row)
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(table)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_value_stays_in_one_piece_and_letters_lose_none(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    for row in ROWS:
        assert {*row[:4], row[5]} <= set(words)
    letters = "".join(word for word in words if set(word) <= set("ACGT"))
    assert letters == LETTERS + "GG"


def test_a_row_is_told_in_lines_of_its_own_where_the_table_does_not_fit() -> None:
    lines = [line.split() for line in shown(40)]
    assert lines[:2] == [["example", "SP1_22"], ["label", "unbound"]]
    assert lines.index(["example", "SP1_166"]) == lines.index([]) + 1
    assert shown(80)[1].split() == list(COLUMNS)


def test_a_table_that_just_fits_stays_a_table() -> None:
    # 7 + 7 + 6 + 6 + 12 + 6 characters, and three for each column less one.
    assert shown(61)[1].split() == list(COLUMNS)
    assert shown(60)[0].split() == ["example", "SP1_22"]


def test_words_give_way_before_numbers_do() -> None:
    table = plain_table("name", "number")
    table.add_row("abcdefghijklmnopqrst", "12,345,678.9")
    stream = io.StringIO()
    Console(file=stream, width=25, highlight=False).print(table)
    assert "12,345,678.9" in stream.getvalue().split()
    assert "abcdefgh" in stream.getvalue().split()
