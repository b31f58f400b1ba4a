"""The page as a whole: every section, the records' own numbers, purity, escaping, and errors that name a file."""

import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from study_builder import STRATEGIES, build_run, build_study

from holdfast.core.errors import InputError
from holdfast.report import SECTIONS, render, write_report
from holdfast.report.study import Study
from holdfast.runs.files import FILES
from holdfast.runs.folder import Run

OPTIONAL = {
    "averages",
    "fragile",
    "contributions",
    "stability",
    "motifs",
    "filters",
    "training",
    "adversaries",
    "nonsense",
}
OPTIONAL |= {"class_optimisation", "importance", "attention", "temporal", "interactions"}
NO_CLOSE = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Collects what the tests ask of a page: balance, headings, tables' cells, links outward."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.outward: list[str] = []
        self.cells: list[str] = []
        self.charts: list[dict[str, str | None]] = []
        self.columns_without_scope = 0
        self.tables = self.captions = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in NO_CLOSE:
            self.open.append(tag)
        known = dict(attrs)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name in ("src", "href"):
            if name in known and not str(known[name]).startswith(("#", "data:")):
                self.outward.append(str(known[name]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.columns_without_scope += tag == "th" and "scope" not in known
        if tag == "svg" and known.get("class") == "chart":
            self.charts.append(known)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "td" in self.open and "small" not in self.open and self.cells:
            self.cells[-1] += data.strip()


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def study_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return build_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def bare_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return build_run(tmp_path_factory.mktemp("bare"), bare=True)


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "averages"])  # the study has one task
def test_every_section_shows_something_of_a_study(study_runs: list[Run], name: str) -> None:
    section = SECTIONS[name](Study.read(study_runs))
    assert section is not None
    assert len(re.sub(r"<[^>]*>|\s", "", section)) > 80


@pytest.mark.parametrize("name", list(SECTIONS))
def test_every_section_of_a_lone_run_shows_something_or_is_left_out(bare_run: Run, name: str) -> None:
    section = SECTIONS[name](Study.read([bare_run]))
    assert (section is None) == (name in OPTIONAL)


@pytest.mark.parametrize("which", ["study", "bare", "one"])
def test_the_page_is_well_formed_and_accessible(
    which: str, study_runs: list[Run], bare_run: Run, tmp_path: Path
) -> None:
    runs = {"study": study_runs, "bare": [bare_run]}.get(which) or [build_run(tmp_path, strategy="Worst")]
    page = render(runs)
    found = outline(page)
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert not found.open
    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert found.tables == found.captions
    assert found.columns_without_scope == 0
    assert found.charts
    assert all(chart["role"] == "img" and len(str(chart["aria-label"])) > 20 for chart in found.charts)


def test_the_page_names_nothing_outside_itself(study_runs: list[Run]) -> None:
    page = render(study_runs)
    assert outline(page).outward == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"https?://", page)


def test_the_table_holds_the_numbers_of_the_records(study_runs: list[Run]) -> None:
    cells = outline(SECTIONS["tables"](Study.read(study_runs)) or "").cells
    expected = []
    for run in study_runs:
        task = run.audit.tasks[0]
        values = [
            *(metrics["accuracy"].value for metrics in (task.clean, task.random, task.worst)),
            task.certified_accuracy.value,
            task.clean["accuracy"].value - task.worst["accuracy"].value,
        ]
        expected += [*(f"{value:.3f}" for value in values), f"{task.mean_radius_bp:.1f}"]
    assert cells == expected


def test_the_metrics_hold_the_numbers_of_the_records(bare_run: Run) -> None:
    cells = outline(SECTIONS["metrics"](Study.read([bare_run])) or "").cells
    task = bare_run.audit.tasks[0]
    evaluated = (task.clean, task.random, task.worst_of_n, task.worst)
    assert cells == [f"{metrics[name].value:.3f}" for name in task.clean for metrics in evaluated]


def test_the_best_of_a_column_is_marked_and_nothing_else(study_runs: list[Run]) -> None:
    section = SECTIONS["tables"](Study.read(study_runs[:4])) or ""
    best = re.findall(r'<td class="best">([0-9.]+)', section)
    worst_trained = study_runs[2].audit.tasks[0]
    evaluated = [worst_trained.clean, worst_trained.random, worst_trained.worst]
    assert best == [f"{metrics['accuracy'].value:.3f}" for metrics in evaluated] + [
        f"{worst_trained.certified_accuracy.value:.3f}"
    ]


def test_rows_stand_in_the_papers_order_with_the_control_last(study_runs: list[Run]) -> None:
    setting = Study.read(study_runs[::-1]).settings[0]
    assert [entry.label for entry in setting.entries] == [*STRATEGIES, "Control"]


def test_the_same_folders_give_the_same_page_whatever_their_order(study_runs: list[Run]) -> None:
    assert render(study_runs) == render([Run.open(run.folder) for run in study_runs[::-1]])


def test_the_question_opens_the_page(bare_run: Run) -> None:
    assert "<h1>Slide the window a few bases: does the call hold?</h1>" in render([bare_run])


def test_names_from_data_cannot_write_html(tmp_path: Path) -> None:
    hostile = "\"'><script>alert(1)</script>&amp;"
    runs = [
        build_run(tmp_path, data_name=hostile, example_name=hostile),
        build_run(tmp_path, data_name=hostile, is_control=True),
    ]
    page = render(runs)
    assert "<script>alert" not in page
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;" in page
    outline(page)


@pytest.mark.parametrize("kind", ["audit", "data"])
def test_a_missing_file_is_named(tmp_path: Path, kind: str) -> None:
    run = build_run(tmp_path)
    run.path(kind).unlink()  # type: ignore[arg-type]
    with pytest.raises(InputError, match=rf"{FILES[kind]} is missing"):  # type: ignore[index]
        render([run])


@pytest.mark.parametrize("kind", ["audit", "data", "history", "filters"])
def test_a_garbled_file_is_named(tmp_path: Path, kind: str) -> None:
    run = build_run(tmp_path)
    run.path(kind).write_text("{")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=FILES[kind]):  # type: ignore[index]
        render([run])


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    run = build_run(tmp_path)
    run.write_record(run.record.model_copy(update={"status": "running"}))
    with pytest.raises(InputError, match="not finished"):
        render([run])


def test_no_runs_are_refused() -> None:
    with pytest.raises(InputError, match="no runs"):
        render([])


def test_write_report_writes_what_render_returns(bare_run: Run, tmp_path: Path) -> None:
    path = write_report([bare_run], tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == render([bare_run])


def test_nine_settings_stay_small_and_quick(tmp_path: Path) -> None:
    runs = build_study(tmp_path, data_names=("SP1", "MAFK", "ZNF143"), windows=(75, 90, 95))
    began = time.process_time()
    page = render(runs)
    # 1 s and 2.5 MB where this was written, every run with every explanation; the bounds are the promise to readers.
    assert time.process_time() - began < 3
    assert len(page.encode()) < 3_000_000


def test_a_report_is_written_without_torch() -> None:
    code = "import sys, holdfast.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
