"""Changed windows stand beside shifts, run by run, and say that they are no worst case."""

import re
from pathlib import Path

from made_records import adversary_rows
from study_builder import build_run

from holdfast.report.sections.adversaries import adversaries
from holdfast.report.study import Study
from holdfast.runs.folder import Run


def cells(row: str) -> list[str]:
    return [re.sub(r"<small>.*?</small>|<[^>]*>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)]


def test_each_run_has_its_accuracies_and_a_dash_where_it_was_not_asked(tmp_path: Path) -> None:
    asked = build_run(tmp_path, strategy="Worst", levels=(0.8, 0.7))
    other = build_run(tmp_path, strategy="Rnd", levels=(0.8, 0.6))
    [first, *_] = adversary_rows(0.6)
    other.write_audit(other.audit.model_copy(update={"adversaries": [first]}))
    section = str(adversaries(Study.read([asked, other])))
    rows = dict(re.findall(r'<tr><th scope="row"><span class="key [^"]*"></span>(.*?)</th>(.*?)</tr>', section))
    assert cells(rows["Rnd"]) == ["0.800", "0.600", "0.600", "–", "–"]
    assert cells(rows["Worst"]) == ["0.800", "0.700", "0.700", "0.600", "0.550"]
    assert re.findall(r'<th scope="col">(.*?)</th>', section)[3:] == [row.words for row in adversary_rows(0.0)]
    assert "the worst case is no better than what stands here" in section


def test_a_study_without_them_has_no_section(tmp_path: Path) -> None:
    assert adversaries(Study.read([build_run(tmp_path, bare=True)])) is None


def test_perturbed_training_stands_after_its_windows_in_their_colour(tmp_path: Path) -> None:
    names = ("Worst", "No Shift + PGD", "Worst + noise", "No Shift", "Rnd")
    runs: list[Run] = [build_run(tmp_path, strategy=name, levels=(0.8, 0.6)) for name in names]
    [setting] = Study.read(runs).settings
    told = [(entry.record.strategy, entry.colour, entry.dash) for entry in setting.entries]
    assert told == [
        ("No Shift", "no-shift", 0),
        ("No Shift + PGD", "no-shift", 1),
        ("Rnd", "rnd", 0),
        ("Worst", "worst", 0),
        ("Worst + noise", "worst", 1),
    ]
