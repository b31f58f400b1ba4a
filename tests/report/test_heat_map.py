"""Pairs of bases as squares, and intervals as bars."""

import re

import numpy as np

from holdfast.report.heat_map import LONGEST, draw_heat_map
from holdfast.report.line_chart import Line, LineChart


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
