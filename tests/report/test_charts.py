"""Charts: where a value is drawn, by hand."""

import math
import re

import numpy as np
import pytest
from made_records import fragile_examples, shift_facts

from holdfast.report.line_chart import HEIGHT, Line, LineChart
from holdfast.report.logo import draw_logo, letter_heights
from holdfast.report.sequence import LONGEST_WHOLE, draw_sequence
from holdfast.report.sliding import draw_sliding
from holdfast.report.svg import element, ticks_between
from holdfast.runs.records import FragileExample


def line_chart(*lines: Line) -> str:
    return LineChart(title="Test", x_label="x", y_label="y", lines=lines).draw()


def paths(drawing: str) -> list[str]:
    return re.findall(r'class="line" d="([^"]*)"', drawing)


def test_a_straight_line_is_drawn_straight_and_rises_to_the_right() -> None:
    drawing = line_chart(Line(label="a", x=[0, 1, 2], y=[0.5, 0.6, 0.7], colour="worst"))
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[ML]([\d.]+ [\d.]+)", paths(drawing)[0])]
    x, y = np.array(points).T
    # Coordinates are written with one decimal.
    assert np.diff(x)[0] == pytest.approx(np.diff(x)[1], abs=0.11)
    assert np.diff(y)[0] == pytest.approx(np.diff(y)[1], abs=0.11)
    assert (np.diff(y) < 0).all()


def test_a_missing_value_breaks_the_line() -> None:
    drawing = line_chart(Line(label="a", x=[0, 1, 2, 3, 4], y=[0.5, 0.6, math.nan, 0.7, 0.8], colour="worst"))
    assert paths(drawing)[0].count("M") == 2
    assert "nan" not in drawing


def test_a_chart_without_a_finite_value_is_left_out() -> None:
    assert line_chart(Line(label="a", x=[0, 1], y=[math.nan, math.nan], colour="worst")) == ""


def test_a_single_point_is_drawn_as_a_dot() -> None:
    assert "<circle" in line_chart(Line(label="a", x=[3], y=[0.5], colour="worst"))


def test_names_at_the_lines_ends_do_not_overlap_and_stay_inside() -> None:
    lines = [Line(label=f"line {n}", x=[0, 1], y=[0.9 - n / 10, 0.5], colour="worst") for n in range(6)]
    drawing = line_chart(*lines)
    heights = sorted(float(y) for y in re.findall(r'class="name worst" x="[\d.]+" y="([\d.]+)"', drawing))
    assert len(heights) == 6
    # 15 units apart, written with one decimal.
    assert min(np.diff(heights)) >= 14.9
    assert heights[0] > 0
    assert heights[-1] < HEIGHT


def test_a_description_gives_the_ends_and_the_range() -> None:
    drawing = line_chart(Line(label="a", x=[0, 1, 2], y=[0.5, 0.8, 0.6], colour="worst"))
    assert 'aria-label="Test. a: starts at 0.500, ends at 0.600, between 0.500 and 0.800."' in drawing


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-13, 13), (0.731, 0.734), (5, 5), (0, 690), (1e-9, 2e-9)])
@pytest.mark.parametrize("at_most", [1, 4, 7])
def test_ticks_are_few_even_and_inside(low: float, high: float, at_most: int) -> None:
    ticks = ticks_between(low, high, at_most=at_most)
    assert len(ticks) <= at_most
    assert all(low - 1e-6 <= tick <= high + 1e-6 for tick in ticks)
    if len(ticks) > 2:
        assert np.ptp(np.diff(ticks)) == pytest.approx(0, abs=1e-9)


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("g", {"class": 'a"b'}, element("text", {}, "<&")) == '<g class="a&#34;b"><text>&lt;&amp;</text></g>'


def test_letters_of_a_column_add_up_to_its_information() -> None:
    column = np.array([0.7, 0.1, 0.1, 0.1])
    by_hand = 2 + (column * np.log2(column)).sum()
    assert letter_heights([column.tolist()]).sum() == pytest.approx(by_hand, rel=1e-12)


def test_a_certain_base_fills_the_column_and_a_flat_column_is_empty() -> None:
    drawing = draw_logo([[0, 0, 1, 0], [0.25, 0.25, 0.25, 0.25]], "Logo")
    assert re.findall(r"scale\(14 ([\d.]+)\)", drawing) == ["60.0"]
    assert 'href="#letter-G"' in drawing
    assert drawing.count("<use") == 1


def example(length: int, *, centre: int, worst: int, core: tuple[int, int] | None) -> FragileExample:
    one = fragile_examples(shift_facts(8, 12), 1)[0]
    change = {"sequence": "ACGT" * (length // 4), "centre_offset": centre, "worst_offset": worst, "core": core}
    return one.model_copy(update=change)


def letters_in(drawing: str, mark: str) -> int:
    spans = re.findall(r'<span class="([^"]*)">(.*?)</span>', drawing)
    return sum(len(re.sub(r"<[^>]*>", "", text)) for marks, text in spans if mark in marks.split())


def test_every_base_is_written_once_and_marked_by_its_windows() -> None:
    drawing = draw_sequence(example(12, centre=2, worst=4, core=(5, 8)), window=8)
    assert re.sub(r"<[^>]*>", "", drawing) == "ACGT" * 3
    marks = ("centre", "worst-window", "core", "outside")
    assert [letters_in(drawing, mark) for mark in marks] == [8, 8, 3, 2]


def test_a_long_context_is_drawn_where_its_windows_differ() -> None:
    length = 1000
    assert length > LONGEST_WHOLE
    drawing = draw_sequence(example(length, centre=50, worst=90, core=(400, 410)), window=900)
    text = re.sub(r"<[^>]*>", "", drawing)
    hidden = sum(map(int, re.findall(r"⋯ (\d+) bp ⋯", text)))
    assert hidden + len(re.sub(r" ⋯ \d+ bp ⋯ ", "", text)) == length
    assert letters_in(drawing, "core") == 10
    assert hidden > 700


def test_a_letter_that_is_no_base_is_written_without_a_colour() -> None:
    odd = example(12, centre=0, worst=1, core=None).model_copy(update={"sequence": "ACGTN<GTACGT"})
    drawing = draw_sequence(odd, window=8)
    assert "N&lt;" in drawing
    assert 'class="N"' not in drawing


def test_the_drawing_of_the_windows_says_how_far_they_slide() -> None:
    drawing = draw_sliding(shift_facts(90))
    assert "first window, 5 bp to the left" in drawing
    assert "last window, 6 bp to the right" in drawing
    assert "first window" not in draw_sliding(shift_facts(101))
