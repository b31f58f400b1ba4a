"""The page in a real browser: quiet, offline, and no wider than a phone."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium_pipe import Chromium, find_chromium
from study_builder import build_run, build_study

from holdfast.report import write_report

pytestmark = pytest.mark.browser

LONG_NAME = "wgEncodeAwgTfbsHaibH1hescSp1Pcr1xUniPk_motif_discovery"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium on PATH; Debian's package `chromium` brings one")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    return {
        "study": write_report(build_study(root / "a", windows=(75, 95)), root / "study.html"),
        "one": write_report([build_run(root / "b", strategy="Worst", data_name=LONG_NAME)], root / "one.html"),
        "bare": write_report([build_run(root / "c", bare=True)], root / "bare.html"),
    }


@pytest.mark.parametrize("name", ["study", "one", "bare"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_quiet_and_asks_nothing_of_the_network(
    browser: Chromium, pages: dict[str, Path], name: str, dark: bool
) -> None:
    browser.show(pages[name], width=1280, dark=dark)
    requests = [event["request"]["url"] for method, event in browser.events if method == "Network.requestWillBeSent"]
    assert [url for url in requests if not url.startswith("data:")] == [pages[name].as_uri()]
    noise = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert [(method, event) for method, event in browser.events if method in noise] == []


@pytest.mark.parametrize("name", ["study", "one", "bare"])
@pytest.mark.parametrize("width", [400, 768, 1280])
def test_nothing_overflows_folded_or_unfolded(browser: Chromium, pages: dict[str, Path], name: str, width: int) -> None:
    browser.show(pages[name], width=width)
    assert browser.evaluate("innerWidth") == width
    for _ in range(2):
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        browser.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true })")


def test_row_names_can_be_read_on_a_phone(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.show(pages["study"], width=400)
    widths = browser.evaluate("[...document.querySelectorAll('tbody th')].map(cell => cell.offsetWidth)")
    # "No Shift" on one line.
    assert min(width for width in widths if width > 0) >= 80


def test_a_picture_wider_than_a_phone_first_shows_where_most_is_going_on(
    browser: Chromium, pages: dict[str, Path]
) -> None:
    browser.show(pages["one"], width=400)
    browser.evaluate("document.querySelectorAll('details').forEach(box => { box.open = true })")
    browser.evaluate("new Promise(done => setTimeout(done, 50))")  # a toggle is told a little later
    measure = "box => [Number(box.dataset.focus) * box.scrollWidth - box.scrollLeft, box.clientWidth, box.scrollLeft]"
    boxes = browser.evaluate(f"[...document.querySelectorAll('[data-focus]')].map({measure})")
    assert all(0 <= place <= width for place, width, _ in boxes)
    assert any(left > 0 for _, _, left in boxes)


def test_dark_and_light_differ(browser: Chromium, pages: dict[str, Path]) -> None:
    seen = []
    for dark in (False, True):
        browser.show(pages["bare"], width=1280, dark=dark)
        seen.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen[0] != seen[1]


def test_print_unfolds_everything_and_folds_it_again(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.show(pages["study"], width=1280, media="")
    folded = "document.querySelectorAll('details:not([open])').length"
    before = browser.evaluate(folded)
    assert before > 0
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate(folded) == 0
    browser.evaluate("dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate(folded) == before


def test_print_fits_the_paper(browser: Chromium, pages: dict[str, Path]) -> None:
    # A4 less the margins of 14 mm, at 96 dots per inch.
    browser.show(pages["study"], width=round((210 - 28) / 25.4 * 96), media="print")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.show(pages["study"], width=1280, media="")
    paper = browser.call("Page.printToPDF", {"printBackground": True})
    assert re.match(rb"%PDF-1\.\d", base64.b64decode(paper["data"]))
