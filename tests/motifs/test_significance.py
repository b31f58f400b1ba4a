"""E-values of alignments against complete enumeration and against what MEME 4.12 printed."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import gammaln, xlogy

from holdfast.core.errors import InputError
from holdfast.motifs.significance import MOST_SITES, ColumnTables, Search, log_e_value, log_p_of_product

BACKGROUND = (0.3, 0.2, 0.15, 0.35)
MEME = "tool_outputs/meme_4.12_tests/doc/examples/memechip_example_output_files/"


def every_column(sites: int, *, down: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return all (K, 4) columns of a number of letters, and the log probability of a ratio at most so far below."""
    a, c, g = np.meshgrid(*[np.arange(sites + 1)] * 3, indexing="ij")
    counts = np.stack([a, c, g, sites - a - c - g], axis=-1)[a + c + g <= sites].astype(float)
    p = np.array(BACKGROUND)
    ratio = xlogy(counts, counts / (sites * p)).sum(axis=1)
    probability = np.exp(gammaln(sites + 1) - gammaln(counts + 1).sum(axis=1) + (counts * np.log(p)).sum(axis=1))
    order = np.argsort(-ratio)
    tail = np.cumsum(probability[order])
    last = np.searchsorted(-ratio[order], -ratio + down + 1e-9, side="right") - 1
    return counts, np.log(tail[last])


@pytest.mark.parametrize("sites", [2, 7, 40, 72])
def test_p_values_of_columns_are_those_of_complete_enumeration(sites: int) -> None:
    # A ratio is on the lattice within 1.5 points of where it belongs, and looked up 1.5 points down.
    points = sites * -math.log(min(BACKGROUND)) / 4092
    counts, exact = every_column(sites)
    _, farther = every_column(sites, down=3 * points)
    found = ColumnTables(BACKGROUND, sites).log_p(counts, sites)
    # The transform's rounding is 1e-13 of the largest tilted probability: a few per cent of the smallest.
    assert (found >= exact - 0.05).all()
    assert (found <= farther + 0.05).all()
    assert np.abs(found - exact).mean() < 0.1


def test_the_rarest_column_of_many_sites_keeps_its_tiny_p_value() -> None:
    sites = 600
    tables = ColumnTables(BACKGROUND, sites)
    pure = np.array([0.0, 0.0, sites, 0.0])
    # Only the pure column of the rarest base is that extreme: p = 0.15 ** 600, 10 ** -494, below any float.
    # Within 1.5 lattice points of 600 ln(1/.15) / 4092 = 0.28 nats lie columns of one other base: below 4 nats in all.
    assert 0 <= float(tables.log_p(pure, sites)) - sites * math.log(0.15) < 4


def test_the_product_of_p_values_has_its_closed_form() -> None:
    for product in (1e-3, 0.2, 0.9):
        x = -math.log(product)
        three = product * (1 + x + x * x / 2)
        assert math.exp(log_p_of_product(np.array(-x), 3)) == pytest.approx(three)
        assert math.exp(log_p_of_product(np.array(-x), 1)) == pytest.approx(product)
    assert log_p_of_product(np.array(0.0), 4) == 0


def test_alignments_are_counted_as_choices_of_sequences_places_and_strands() -> None:
    one = Search(sequences=4, length=10, both_strands=False)
    assert math.exp(one.log_alignments(3, 8)) == pytest.approx(math.comb(4, 3) * 3**3)
    both = Search(sequences=4, length=10)
    assert math.exp(both.log_alignments(3, 8)) == pytest.approx(math.comb(4, 3) * 6**3)


def test_an_e_value_is_the_product_of_its_parts() -> None:
    counts = np.array([[3.0, 0, 1], [0, 3, 1], [0, 0, 1], [0, 0, 0]])
    search = Search(sequences=5, length=9)
    table, exact = every_column(3)
    p = [exact[(table == column).all(axis=1)][0] for column in counts.T]
    expected = log_p_of_product(np.array(sum(p)), 3) + search.log_alignments(3, 3)
    assert log_e_value(counts, search, BACKGROUND) == pytest.approx(float(expected), abs=0.05)


@pytest.mark.parametrize(("number", "width", "log10_e"), [(1, 12, -224.47), (2, 8, -24.13), (3, 29, -5.64)])
def test_the_sites_that_meme_chose_have_the_e_value_that_meme_printed(
    real_data: Callable[[str], Path], number: int, width: int, log10_e: float
) -> None:
    text = real_data(MEME + "meme_out/meme.txt").read_text()
    table = re.search(rf"MEME-{number} sites sorted by.*?\n-{{20,}}\n(.*?)\n-{{20,}}\n\n", text, re.DOTALL)
    assert table is not None
    rows = [line.split() for line in table[1].split("\n")[2:]]
    sites = [next(word for word in row[4:] if len(word) == width) for row in rows]
    background = (0.256, 0.244, 0.244, 0.256)
    counts = np.array([[sum(site[i] == base for site in sites) for i in range(width)] for base in "ACGT"], float)
    counts += (len(sites) - counts.sum(axis=0)) * np.array(background)[:, None]  # N counts as the background
    found = log_e_value(counts, Search(sequences=600, length=100), background) / math.log(10)
    # MEME tabulates some numbers of sites and interpolates the others: 1.4 % at 225 sites, less below.
    assert found == pytest.approx(log10_e, rel=0.02)


@pytest.mark.parametrize("most", [1, MOST_SITES + 1])
def test_numbers_of_sites_beyond_the_tables_are_refused(most: int) -> None:
    with pytest.raises(InputError, match=f"an alignment of {most} sites"):
        ColumnTables(BACKGROUND, most)


def test_a_base_without_background_and_ragged_counts_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        ColumnTables((0.5, 0.5, 0.0, 0.0), 5)
    with pytest.raises(InputError, match="columns add up to"):
        log_e_value(np.array([[1.0, 2], [1, 1], [0, 0], [0, 0]]), Search(sequences=5, length=9), BACKGROUND)
