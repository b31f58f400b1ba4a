"""Effects of planted patterns: runs that were asked the same stand in one chart, and no others."""

import re
from pathlib import Path

import pytest
from made_answers import planted
from study_builder import build_study

from holdfast.report.sections.importance import importance
from holdfast.report.study import Study
from holdfast.runs.answers import ImportanceRecord, PlantedEffects
from holdfast.runs.folder import Run


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    return [run for run in build_study(tmp_path, data_names=("SP1",)) if not run.record.is_control]


def ask(run: Run, *experiments: PlantedEffects) -> None:
    run.write_page("importance", ImportanceRecord(experiments=list(experiments)))


def names(drawn: str) -> list[list[str]]:
    """Return the names at the lines' ends, of each chart."""
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", drawn, flags=re.DOTALL)
    return [sorted(re.findall(r'<text class="name [^"]*"[^>]*>([^<]*)</text>', one)) for one in charts]


def test_runs_that_were_asked_the_same_share_a_chart(runs: list[Run]) -> None:
    for run in runs:
        ask(run, planted("position", 20))
    study = Study.read(runs)
    drawn = importance(study) or ""
    assert names(drawn) == [sorted(entry.label for entry in study.entries)]
    assert drawn.count("−1.25 (") == len(runs)  # the mean logit of the sequences as they are, of each


def test_another_pattern_or_another_number_of_sequences_is_another_chart(runs: list[Run]) -> None:
    for run in runs:
        ask(run, planted("position", 20))
    ask(runs[0], planted("position", 20).model_copy(update={"words": "TTTT"}))
    ask(runs[1], planted("position", 20).model_copy(update={"n": 50}))
    drawn = importance(Study.read(runs)) or ""
    assert sorted(map(len, names(drawn))) == sorted([1, 1, *([len(runs) - 2] if len(runs) > 2 else [])])


def test_tables_are_those_of_one_run_and_say_of_which(runs: list[Run]) -> None:
    for run in runs[:2]:
        ask(run, planted("kmers", 256))
    study = Study.read(runs[:2])
    drawn = importance(study) or ""
    assert names(drawn) == []
    captions = re.findall(r'<caption><span class="fits">all 256 4-mers at base 35, ([^<]*?)\s*<span', drawn)
    assert sorted(captions) == sorted(entry.label for entry in study.entries)
