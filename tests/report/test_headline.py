"""What the headline says, case by case, with the numbers chosen by hand."""

import html
import re
from pathlib import Path

import pytest
from made_records import shift_facts, task_audit
from study_builder import build_run, build_study

from holdfast.report.headline import headline
from holdfast.report.study import MAX_TASKS, Study
from holdfast.runs.folder import Run


def said(runs: list[Run]) -> str:
    text = " ".join(headline(Study.read(runs)))
    return html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\u202f", " ")


def board(root: Path, **levels: tuple[float, float]) -> list[Run]:
    names = {"no_shift": "No Shift", "rnd": "Rnd", "worst": "Worst"}
    runs = [build_run(root, strategy=names[key], levels=pair) for key, pair in levels.items() if key in names]
    if "control" in levels:
        runs.append(build_run(root, is_control=True, levels=levels["control"]))
    return runs


def test_a_lone_run_is_told_by_its_fall_and_the_missing_control(tmp_path: Path) -> None:
    text = said(board(tmp_path, worst=(0.774, 0.617)))
    assert "Trained with Worst, holdfast calls 77.4 % of 5,912 sequences right" in text
    assert "61.7 % with the worst of 27 windows, at most 13 bp away: a drop of 15.7 points" in text
    assert "61.7 % are certified" in text
    assert "No control was audited" in text


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ((0.75, 0.54), "no less than the model's own drop: most of it is content"),
        ((0.75, 0.58), "85 % of the model's drop: most of it is content"),
        ((0.75, 0.65), "50 % of the model's drop: so much may be content, the rest is the model's own"),
        ((0.75, 0.73), "only 10 % of the model's drop: most of it is the model's own sensitivity to position"),
        ((0.75, 0.76), "only 0 % of the model's drop"),
    ],
)
def test_the_control_is_read_honestly(tmp_path: Path, control: tuple[float, float], words: str) -> None:
    assert words in said(board(tmp_path, no_shift=(0.76, 0.56), control=control))


def test_a_best_training_below_the_control_is_said_plainly(tmp_path: Path) -> None:
    text = said(board(tmp_path, no_shift=(0.76, 0.50), worst=(0.75, 0.55), control=(0.75, 0.60)))
    assert "In the worst window even Worst stays 5.0 points below the control: nothing here beats it." in text


def test_an_order_within_the_intervals_is_called_uncertain(tmp_path: Path) -> None:
    close = said(board(tmp_path / "close", no_shift=(0.76, 0.60), worst=(0.76, 0.61)))
    far = said(board(tmp_path / "far", no_shift=(0.76, 0.50), worst=(0.76, 0.61)))
    assert "their 95 % intervals overlap, so that order is not certain" in close
    assert "their 95 % intervals are apart" in far


def test_a_hardly_visible_drop_is_not_explained(tmp_path: Path) -> None:
    text = said(board(tmp_path, no_shift=(0.76, 0.757), control=(0.75, 0.60)))
    assert "There is hardly a drop to explain." in text


def test_several_settings_are_told_by_their_range(tmp_path: Path) -> None:
    text = said(build_study(tmp_path))
    assert "Across 2 data sets, training without shifts loses 16.0 to 20.0 points of accuracy" in text
    assert "Worst training holds best in every setting: +5.2 points in the worst window" in text
    assert "loses 14.1 to 18.1 points. Its drop is at least three quarters of the model's in every setting" in text


def test_settings_of_one_data_set_are_told_by_their_windows(tmp_path: Path) -> None:
    text = said(build_study(tmp_path, data_names=("SP1",), windows=(75, 90)))
    assert "Across SP1 and windows of 75 and 90 bp (2 settings)" in text


def test_settings_where_the_control_is_ahead_are_named(tmp_path: Path) -> None:
    runs = build_study(tmp_path, data_names=("SP1",))
    runs.append(build_run(tmp_path, data_name="MAFK", levels=(0.76, 0.50)))
    runs.append(build_run(tmp_path, data_name="MAFK", is_control=True, levels=(0.75, 0.60)))
    assert "the control is ahead of every training in: MAFK, 75 of 101 bp, 27 windows." in said(runs)


def test_one_answer_to_everything_is_flagged(tmp_path: Path) -> None:
    run = build_run(tmp_path, strategy="Worst", levels=(0.5015, 0.5015))
    audit = run.audit
    constant = task_audit(shift_facts(75), clean=0.5015, worst=0.5015, calls=0.0)
    run.write_audit(audit.model_copy(update={"tasks": [constant]}))
    assert "Beware: Worst (SP1, 75 of 101 bp, 27 windows) calls 0.0 % of everything bound" in said([run])


def test_one_answer_in_several_tasks_is_flagged_once(tmp_path: Path) -> None:
    run = build_run(tmp_path, strategy="Worst", levels=(0.5015, 0.5015))
    constant = task_audit(shift_facts(75), clean=0.5015, worst=0.5015, calls=0.0)
    calls = {"A": 0.0, "B": 0.5} | {f"C{number}": 0.5 for number in range(MAX_TASKS)} | {"last": 0.01}
    tasks = [constant.model_copy(update={"task": name, "calls_positive": n}) for name, n in calls.items()]
    run.write_audit(run.audit.model_copy(update={"tasks": tasks}))
    text = said([run])
    n = len(calls)
    words = (
        f"Worst (SP1, 75 of 101 bp, 27 windows) calls 0.0 to 1.0 % of everything bound in 2 of {n} tasks; one answer"
    )
    assert words in text
    assert text.count("Beware") == 1


def test_a_training_with_one_answer_to_all_does_not_hold_best_over_settings(tmp_path: Path) -> None:
    runs = build_study(tmp_path)
    for run in runs:
        if run.record.strategy == "Worst" and run.record.data_name == "ZNF143":
            tasks = [task.model_copy(update={"calls_positive": 0.0}) for task in run.audit.tasks]
            run.write_audit(run.audit.model_copy(update={"tasks": tasks}))
    text = said(runs)
    assert "Worst training holds best in the 1 setting of 2 where trainings can be compared" in text
    assert "The others" not in text


def test_a_window_as_long_as_the_context_cannot_slide(tmp_path: Path) -> None:
    text = said([build_run(tmp_path, window=101, levels=(0.8, 0.8))])
    assert text == "The window is the whole context: nothing can slide, so clean and worst are the same."


def test_a_control_alone_is_not_compared_with_itself(tmp_path: Path) -> None:
    text = said([build_run(tmp_path, is_control=True)])
    assert text.startswith("The control, kmer_logistic (k=6) calls 75.5 %")
    assert "No control" not in text
