"""Aligned pairs and signed logos: where each letter is drawn, by hand."""

import re

import pytest

from holdfast.report.logo import COLUMN, HEIGHT, LEFT, TOP
from holdfast.report.logo_pair import GAP, draw_logo_pair

SURE = {base: [float(letter == base) for letter in "ACGT"] for base in "ACGT"}


def letters(drawing: str) -> list[tuple[str, float, float, float]]:
    """Letter, left end, top and height of each letter drawn."""
    found = re.findall(
        r'href="#letter-([ACGT])" class="[ACGT]" transform="translate\(([-\d.]+) ([-\d.]+)\)scale\(14 ([\d.]+)\)"',
        drawing,
    )
    return [(letter, float(x), float(y), float(height)) for letter, x, y, height in found]


def rows_of(drawing: str) -> list[dict[int, str]]:
    """The letters of the upper and of the lower logo, by column of the drawing."""
    middle = TOP + GAP + HEIGHT + 1
    rows: list[dict[int, str]] = [{}, {}]
    for letter, x, y, _ in letters(drawing):
        rows[y > middle][round((x - 0.5 - LEFT) / COLUMN)] = letter
    return rows


def pair(query: str, target: str, offset: int, strand: str) -> str:
    matrices = [[SURE[base] for base in text] for text in (query, target)]
    return draw_logo_pair(matrices[0], matrices[1], offset=offset, strand=strand, names=("mine", "MA1"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "target", "offset", "strand", "upper", "lower"),
    [
        ("ACG", "TACGT", 1, "+", {1: "A", 2: "C", 3: "G"}, dict(enumerate("TACGT"))),
        ("TACGT", "ACG", -1, "+", dict(enumerate("TACGT")), {1: "A", 2: "C", 3: "G"}),
        # The reverse complement of CCGTA is TACGG.
        ("ACG", "CCGTA", 1, "-", {1: "A", 2: "C", 3: "G"}, dict(enumerate("TACGG"))),
        ("AAC", "ACG", -1, "+", dict(enumerate("AAC")), {1: "A", 2: "C", 3: "G"}),
    ],
)
def test_columns_stand_under_the_columns_they_were_aligned_with(
    query: str, target: str, offset: int, strand: str, upper: dict[int, str], lower: dict[int, str]
) -> None:
    drawing = pair(query, target, offset, strand)
    assert rows_of(drawing) == [upper, lower]
    overlap = set(upper) & set(lower)
    assert f"{len(overlap)} columns aligned" in drawing
    assert ("MA1 (reverse complement)" in drawing) == (strand == "-")


def test_a_pair_fits_its_box_and_both_halves_have_an_axis() -> None:
    drawing = pair("ACGTA", "CGT", -1, "+")
    width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)[0])
    for _, x, y, tall in letters(drawing):
        assert 0 <= x <= width - COLUMN + 1
        assert 0 <= y <= y + tall <= height
    assert drawing.count('class="axis"') == 2
