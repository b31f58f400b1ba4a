"""Contribution logos and the stability section: what is drawn where, by hand."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from study_builder import build_run, build_study

from holdfast.core.errors import InputError
from holdfast.report.contribution_logo import COLUMN, HEIGHT, LEFT, RIGHT, SEEN, WORDS, Panel, draw_contributions
from holdfast.report.sections.chosen_windows import interactions, temporal
from holdfast.report.sections.class_optimisation import class_optimisation
from holdfast.report.sections.contributions import LONGEST, contributions
from holdfast.report.sections.filters import filters
from holdfast.report.sections.motifs import motifs
from holdfast.report.sections.stability import stability
from holdfast.report.study import Study
from holdfast.runs.explanations import read_maps, write_maps
from holdfast.runs.folder import Run


def letters(drawing: str) -> list[tuple[str, float, float, float]]:
    """Return (letter, x, top, height) of each letter."""
    found = re.findall(
        r'href="#letter-(\w)" class="\w" transform="translate\(([\d.]+) ([\d.]+)\)scale\([\d.]+ ([\d.]+)\)"', drawing
    )
    return [(letter, float(x), float(y), float(height)) for letter, x, y, height in found]


def test_letters_stand_above_the_line_for_and_hang_below_it_against() -> None:
    values = np.array([[3.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0]])
    drawing = draw_contributions([Panel(words="w", contributions=values, offset=5)], label="l")
    zero = WORDS + HEIGHT * 3 / 4
    assert letters(drawing) == [
        ("A", LEFT + 0.5, WORDS, HEIGHT * 3 / 4),
        ("G", LEFT + COLUMN + 0.5, zero, HEIGHT / 4),
    ]


def test_several_letters_of_a_column_are_stacked_the_largest_farthest_out() -> None:
    values = np.array([[1.0, 2.0, -1.0, 0.0]])
    drawing = draw_contributions([Panel(words="w", contributions=values)], label="l")
    found = {letter: (top, top + height) for letter, _, top, height in letters(drawing)}
    unit, zero = HEIGHT / 4, WORDS + HEIGHT * 3 / 4
    assert found["A"] == pytest.approx((zero - unit, zero))
    assert found["C"] == pytest.approx((zero - 3 * unit, zero - unit))
    assert found["G"] == pytest.approx((zero, zero + unit))


def test_windows_share_one_scale_and_one_axis_of_bases() -> None:
    values = np.zeros((3, 4))
    values[0, 3] = 1.0
    panels = [Panel(words=f"w{n}", contributions=(n + 1) * values, offset=2 * n) for n in range(2)]
    small, large = letters(draw_contributions(panels, label="l"))
    assert large[3] == pytest.approx(2 * small[3])
    assert large[1] - small[1] == 2 * COLUMN


def test_a_map_of_nothing_is_an_empty_line_and_what_lies_outside_the_span_is_not_drawn() -> None:
    assert letters(draw_contributions([Panel(words="w", contributions=np.zeros((4, 4)))], label="l")) == []
    values = np.zeros((10, 4))
    values[:, 0] = 1.0
    drawing = draw_contributions([Panel(words="w", contributions=values, offset=3)], label="l", span=(5, 8))
    assert len(letters(drawing)) == 3


def test_the_words_of_a_window_stand_where_a_phone_looks_first() -> None:
    values = np.zeros((101, 4))
    values[90, 0] = 1.0

    def words_at(focus: float) -> float:
        drawn = draw_contributions([Panel(words="centre window", contributions=values)], label="l", focus=focus)
        return float(re.findall(r'x="([\d.]+)" y="10">centre window', drawn)[0])

    wide = LEFT + 101 * COLUMN + RIGHT
    assert words_at(0.1) == LEFT
    assert wide / 2 - SEEN / 2 < words_at(0.5) < wide / 2
    assert wide - SEEN < words_at(0.9) < wide - SEEN / 2  # it cannot scroll farther than to the end


def test_the_core_is_shaded_where_the_window_holds_it() -> None:
    values = np.ones((10, 4))
    panels = [Panel(words="a", contributions=values, offset=0), Panel(words="b", contributions=values, offset=9)]
    drawing = draw_contributions(panels, label="l", core=(6, 12))
    boxes = re.findall(r'class="core-box" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawing)
    assert [(float(x), float(width)) for x, width in boxes] == [(LEFT + 60, 40), (LEFT + 90, 30)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return build_run(tmp_path)


def test_a_lone_run_shows_fragile_and_robust_examples_with_their_windows(run: Run) -> None:
    drawn = contributions(Study.read([run])) or ""
    assert drawn.count("<figure") == 4
    assert re.findall(r"<strong>site &lt;(\d)&gt;", drawn) == ["0", "2", "1", "3"]
    assert drawn.count("leftmost window, offset 0") == 2 * 4  # drawn, and told to those who cannot see it
    maps = read_maps(run)
    story = "called bound at the centre, unbound at the worst window"
    flips = (maps.logits[1::3] > 0) & (maps.logits[2::3] <= 0)
    assert drawn.count(story) == flips.sum()


def test_of_a_long_context_the_part_that_contributes_most_is_drawn(run: Run) -> None:
    maps = read_maps(run)
    window, rows = 1000, len(maps)
    per_base = np.zeros((rows, window), dtype=np.float32)
    per_base[:, 700] = 2.0
    write_maps(
        run,
        replace(maps, context=1100, codes=np.zeros((rows, window), dtype=np.uint8), per_base=per_base),
    )
    drawn = contributions(Study.read([run])) or ""
    [width] = set(re.findall(r'viewBox="0 0 ([\d.]+) ', drawn))
    assert float(width) <= LEFT + COLUMN * LONGEST + RIGHT
    assert len(letters(drawn)) == rows


def test_what_a_narrow_screen_shows_first_is_where_most_is_contributed(run: Run) -> None:
    maps = read_maps(run)
    per_base = np.zeros_like(maps.per_base)
    for row, offset in enumerate(maps.offset):
        place = 60 - offset
        per_base[row, max(0, place) : place + 1] = 1.0
    write_maps(run, replace(maps, per_base=per_base))
    focus = [float(place) for place in re.findall(r'data-focus="([\d.]+)"', contributions(Study.read([run])) or "")]
    assert len(focus) == 4
    # The first of the stretches of 15 bases that hold base 60 begins at base 46, so its middle is 53.5.
    assert focus == pytest.approx([53.5 / maps.context] * 4, abs=1e-3)


def test_the_stability_table_has_each_runs_numbers_and_says_where_they_do_not_compare(tmp_path: Path) -> None:
    runs = [run for run in build_study(tmp_path, data_names=("SP1",)) if not run.record.is_control]
    shown = stability(Study.read(runs)) or ""
    for run in runs:
        assert f"{run.stability.score.value:.3f}" in shown
    assert "3 maps do not add up" in shown
    assert "numbers do not compare" not in shown
    runs[0].write_stability(runs[0].stability.model_copy(update={"settings": {"examples": 5}}))
    assert "numbers do not compare" in (stability(Study.read(runs)) or "")


def test_what_was_asked_of_which_task_is_said(run: Run) -> None:
    for section in (contributions, stability, motifs, temporal, interactions, filters, class_optimisation):
        shown = " ".join((section(Study.read([run])) or "").split())
        assert ("task SP1" in shown) == (section is not filters)
        if section is filters:
            assert f"12 shown of {len(run.filters)} kept" in shown
        if section is class_optimisation:
            assert "Strongest columns, bases 30 to 38 of the window, from 0" in shown


def test_a_model_of_one_answer_is_marked(run: Run) -> None:
    assert "one answer to all" not in (stability(Study.read([run])) or "")
    audit = run.audit
    task = audit.tasks[0].model_copy(update={"calls_positive": 1.0})
    run.write_audit(audit.model_copy(update={"tasks": [task]}))
    assert "one answer to all" in (stability(Study.read([run])) or "")


def test_a_garbled_file_is_named_with_what_brings_it_back(run: Run) -> None:
    run.path("attributions").write_bytes(b"PK")
    with pytest.raises(InputError, match="run `holdfast explain attributions"):
        Study.read([run])
