"""Pairs of bases as squares, and intervals as bars."""

import re

import numpy as np

from holdfast.report.heat_map import LONGEST, draw_heat_map, draw_strips
from holdfast.report.line_chart import LEFT, Line, LineChart


def squares(drawn: str, colour: str) -> list[tuple[int, int, int]]:
    """Return (column, row, width) of each piece of a colour."""
    paths = re.findall(rf'class="heat {colour} shade-\d" d="([^"]*)"', drawn)
    return [tuple(map(int, one)) for path in paths for one in re.findall(r"M(\d+) (\d+)h(\d+)", path)]


def test_cells_are_drawn_in_their_place_by_sign_and_the_diagonal_is_left_out() -> None:
    values = np.diag([9.0, 9.0, 9.0, 9.0])
    values[0, 2] = values[0, 3] = 1.0
    values[3, 1] = -1.0
    values[1, 0] = 0.05  # less than a tenth of the largest
    drawn = draw_heat_map(values, first=10, label="pairs of a toy")
    assert squares(drawn, "more") == [(2, 0, 2)]
    assert squares(drawn, "less") == [(1, 3, 1)]
    assert "bases 10 to 14, largest 1.000" in drawn


def test_of_a_long_window_the_part_with_most_is_drawn() -> None:
    values = np.zeros((300, 300))
    values[200, 205] = 1.0
    drawn = draw_heat_map(values, first=0, label="pairs of a long window")
    ((column, row, _),) = squares(drawn, "more")
    assert column - row == 5
    assert column < LONGEST


def test_nothing_at_all_is_an_empty_box() -> None:
    assert squares(draw_heat_map(np.zeros((5, 5)), first=0, label="nothing"), "more") == []


def test_every_point_of_a_line_with_intervals_has_its_bar() -> None:
    line = Line(label="effect", x=[0, 1], y=[1.0, 2.0], colour="worst", interval=[(0.0, 2.0), (1.5, 2.5)])
    chart = LineChart(title="Effect", x_label="place", y_label="effect", lines=[line])
    bars = re.search(r'class="interval" d="([^"]*)"', chart.draw())
    assert bars is not None
    lengths = [float(low) - float(high) for low, high in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", bars[1])]
    assert len(lengths) == 2
    assert abs(lengths[0] - 2 * lengths[1]) < 0.3  # coordinates have one decimal


def test_strips_stand_over_the_bases_that_the_chart_above_them_has() -> None:
    rows = np.array([[0.1, 0.5, 0.1], [0.1, 0.3, 0.1]])
    edges = np.array([10.0, 20.0, 30.0, 40.0])
    drawn = draw_strips(rows, edges, window=61, label="two rows", right=LEFT + 300)
    # 60 steps from base 0 to base 60 on 300 units; a base's middle is its tick, so base 10 begins at 9.5.
    place = re.search(r"translate\(([\d.]+) [\d.]+\)scale\(([\d.]+) ([\d.]+)\)", drawn)
    assert place is not None
    assert float(place[1]) == LEFT + 300 / 60 * 9.5
    assert float(place[2]) == 300 / 60 * 10
    assert squares(drawn, "more") == [(1, 1, 1), (1, 0, 1)]  # pale ones first; the smallest are blank
    ticks = dict(re.findall(r'<text class="tick middle" x="([\d.]+)" y="[\d.]+">(\d+)</text>', drawn))
    assert {int(base): float(x) for x, base in ticks.items()}[60] == LEFT + 300
    assert "two rows: 3 steps, from 0.100 to 0.500" in drawn


def test_rows_that_are_all_alike_are_blank_strips() -> None:
    drawn = draw_strips(np.full((2, 3), 0.3), np.arange(4.0), window=4, label="alike", right=300)
    assert squares(drawn, "more") == []


def test_the_ends_of_the_scale_are_written_for_each_colour_there_is() -> None:
    values = np.zeros((4, 4))
    values[0, 1], values[2, 3] = 2.0, -1.5
    drawn = draw_heat_map(values, first=0, label="pairs")
    ends = re.findall(r'<text class="tick" x="[\d.]+" y="[\d.]+">([^<]*)</text>', drawn)
    assert ends == ["2.000", "0.200", "−2.000", "−0.200"]
    assert drawn.count('class="swatch more') == drawn.count('class="swatch less') == 5
    assert "swatch less" not in draw_heat_map(np.abs(values), first=0, label="pairs")
