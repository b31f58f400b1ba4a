"""Faults that were found by trying to break things."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_runs import inline, page, planted, planted_data

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT
from holdfast.data.dataset import SequenceDataset
from holdfast.data.split import Paper
from holdfast.jobs import train as train_job
from holdfast.jobs.audit import audit_again
from holdfast.jobs.experiment import Experiment, apply_sets, load_experiment
from holdfast.jobs.grid import GridPage, expand, run_grid
from holdfast.jobs.report import report_on
from holdfast.jobs.run_table import run_rows
from holdfast.jobs.summary import summary
from holdfast.jobs.train import train
from holdfast.runs.files import FILES, FileKind
from holdfast.runs.folder import Run


def test_a_run_is_not_audited_on_other_data_than_its_own(tmp_path: Path) -> None:
    def write(seed: int) -> None:
        codes, labels, core = planted(160, 31, seed)
        split = [0] * 80 + [1] * 40 + [2] * 40
        data = SequenceDataset.in_memory(codes, labels, core=core, split=np.array(split, dtype=np.uint8))
        data.save(tmp_path / "data", overwrite=True)

    write(0)
    page = {"data": str(tmp_path / "data"), "shift": {"window": 25}, "model": {"name": "kmer", "params": {"k": 3}}}
    run = train(Experiment.parse(page), tmp_path / "runs")
    before = run.path("audit").read_bytes()
    write(1)
    with pytest.raises(InputError, match="not the data"):
        audit_again(run.folder, {})
    assert run.path("audit").read_bytes() == before


def test_cells_that_differ_in_the_device_are_one_run() -> None:
    page = GridPage(base={"data": "sp1", "shift": {"window": 75}}, product={"device": ["auto", "cpu"]})
    assert len(expand(page)) == 1


def test_an_attack_does_not_override_the_experiment() -> None:
    page = {"data": "sp1", "shift": {"window": 75}, "attack": {"name": "worst", "params": {"seed": 3}}}
    with pytest.raises(ConfigError, match="attack has no parameter 'seed'"):
        Experiment.parse(page)


def test_keys_of_a_page_are_words(tmp_path: Path) -> None:
    (tmp_path / "page.yaml").write_text("2020-01-01: x\n")
    with pytest.raises(ConfigError, match="keys are words"):
        load_experiment(tmp_path / "page.yaml", ["seed=1"])


@pytest.mark.parametrize("wrong", [{"validation": 1.5}, {"validation": 0}, {"seed": -1}])
def test_the_papers_split_has_a_validation_part(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="split 'paper'"):
        Paper(**wrong)


KMER = {"shift": {"window": 25}, "model": {"name": "kmer", "params": {"k": 2}}, "audit": {"bootstrap": 2}}


class Told:
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    task = staticmethod(SILENT.task)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def two_runs(planted_data: Path, tmp_path: Path) -> list[Run]:
    """Two finished runs in one folder."""
    pages = [KMER | {"data": str(planted_data), "seed": seed} for seed in (1, 2)]
    return [train(Experiment.parse(one), tmp_path / "runs") for one in pages]


@pytest.mark.parametrize("kind", ["record", "data", "audit", "filters"])
def test_one_garbled_run_is_named_and_the_others_are_reported(
    two_runs: list[Run], kind: FileKind, tmp_path: Path
) -> None:
    broken, whole = two_runs
    broken.path(kind).write_text("{")
    told = Told()
    text = report_on([tmp_path / "runs"], tmp_path / "out.html", progress=told).read_text()
    assert len(told.said) == 1
    assert str(broken.path(kind)) in told.said[0]
    assert f"Not on this page: {broken.folder.name}, which cannot be read." in text
    assert whole.record.config_hash[:16] in text
    listed = {row[0]: row[1] for row in run_rows(tmp_path / "runs")}
    assert listed[whole.folder.name] == "done"
    if kind in ("record", "audit"):  # what the list reads
        assert listed[broken.folder.name].startswith("garbled")
    whole.path(kind).write_text("{")
    with pytest.raises(InputError, match="none of 2 runs can be reported on"):
        report_on([tmp_path / "runs"], tmp_path / "out.html")


def test_an_audit_that_is_not_whole_is_garbled(two_runs: list[Run], tmp_path: Path) -> None:
    page = json.loads(two_runs[0].path("audit").read_text())
    task = page["tasks"][0]
    for change in (
        {"tasks": []},
        {"tasks": [task | {"clean": {}}]},
        {"tasks": [task | {"accuracy_by_offset": [0.5]}]},
        {"shift": page["shift"] | {"offsets": []}},
    ):
        two_runs[0].path("audit").write_text(json.dumps(page | change))
        assert run_rows(tmp_path / "runs")[0][1].startswith("garbled")
    two_runs[1].path("filters").write_text(
        '[{"name": "f", "probabilities": [[1]], "n_sites": 1, "information_bits": 1}]'
    )
    with pytest.raises(InputError, match="none of 2 runs"):
        report_on([tmp_path / "runs"], tmp_path / "out.html")


def test_a_lost_history_is_written_again_by_resuming(
    page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Experiment.parse(page)
    with monkeypatch.context() as patch, pytest.raises(InputError, match="stopped"):
        patch.setattr(train_job, "save_weights", _stop)
        train(experiment, tmp_path)
    run = train_job.located_run(experiment, tmp_path)
    run.path("history").write_text("{")
    assert len(train(experiment, tmp_path, resume=True).history) == 1


def _stop(*_: object) -> None:
    raise InputError("stopped")


def test_a_checkpoint_that_is_a_folder_is_damaged(page: dict[str, Any], tmp_path: Path) -> None:
    experiment = Experiment.parse(page)
    train_job.located_run(experiment, tmp_path).path("checkpoint").mkdir(parents=True)
    with pytest.raises(InputError, match="damaged checkpoint"):
        train(experiment, tmp_path, resume=True)


def test_a_task_without_a_known_test_example_is_named_before_the_training(tmp_path: Path) -> None:
    codes, labels, _ = planted(160, 31)
    split = np.repeat(np.array([0, 0, 1, 2], dtype=np.uint8), 40)
    both = np.concatenate([labels, np.where(split[:, None] == 2, -1, labels)], axis=1).astype(np.int8)
    SequenceDataset.in_memory(codes, both, split=split, tasks=("known", "unknown")).save(tmp_path / "two")
    with pytest.raises(InputError, match="task 'unknown' has no known label among the test examples"):
        train(Experiment.parse(KMER | {"data": str(tmp_path / "two")}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_grid_leaves_a_garbled_run_out_and_names_it(two_runs: list[Run], inline: Any, tmp_path: Path) -> None:
    two_runs[0].path("audit").write_text("{")
    pages = [Experiment.parse(run.config) for run in two_runs]
    result = run_grid(pages, tmp_path / "runs", inline)
    assert [run.folder for run in result.runs] == [two_runs[1].folder]
    assert [failure.words for failure in result.failures] == [two_runs[0].record.name]
    assert "audit.json" in result.failures[0].reason


LOST: list[tuple[FileKind, str]] = [
    ("weights", "so --resume does not apply"),
    ("model_spec", "so --resume does not apply"),
    ("config", "so --resume does not apply"),
    ("data", "so --resume does not apply"),
]


@pytest.mark.parametrize(("kind", "remedy"), LOST)
def test_a_finished_run_that_lost_a_file_names_it_and_what_brings_it_back(
    two_runs: list[Run], kind: FileKind, remedy: str
) -> None:
    two_runs[0].path(kind).unlink()
    with pytest.raises(InputError, match=rf"{FILES[kind]} is missing; the run is done, {remedy}"):
        audit_again(two_runs[0].folder, {})


@pytest.mark.parametrize("kind", ["audit", "windows"])
def test_what_an_audit_writes_an_audit_brings_back(two_runs: list[Run], kind: FileKind) -> None:
    run = two_runs[0]
    run.path(kind).write_text("{")
    with pytest.raises(InputError, match=f"holdfast audit {run.folder}"):
        getattr(run, kind)
    run.path(kind).unlink()
    with pytest.raises(InputError, match=f"{FILES[kind]} is missing; run `holdfast audit {run.folder}`"):
        getattr(run, kind)
    audit_again(run.folder, {})
    assert len(getattr(run, kind).tasks if kind == "audit" else run.windows) > 0


def test_an_unfinished_run_is_gone_on_with(two_runs: list[Run]) -> None:
    run = two_runs[0]
    run.write_record(run.record.model_copy(update={"status": "running"}))
    run.path("data").unlink()
    with pytest.raises(InputError, match="run the same command with --resume"):
        _ = run.data


def test_cells_that_differ_in_a_setting_have_names_of_their_own() -> None:
    product = {
        "training.changes.epochs": [1, 2],
        "model.params.hidden": [4, 8],
        "attack": ["worst", {"name": "worst", "params": {"loss": "bce"}}],
        "shift.max_shift": [None, 3],
        "audit.bootstrap": [5, 200],
    }
    cells = expand(GridPage(base={"data": "sp1", "shift": {"window": 75}}, product=product))
    names = [cell.run_name for cell in cells]
    assert len(set(names)) == len(names) == 32
    assert "sp1-holdfast-75-worst-s0-epochs=1-max_shift=3-model.hidden=4-attack.loss=bce-audit.bootstrap=5" in names


def test_a_parameter_at_its_default_is_the_same_run_under_the_same_name() -> None:
    page = {"data": "sp1", "shift": {"window": 75}}
    spelled = Experiment.parse(page | {"model": {"name": "holdfast", "params": {"widths": [9, 9]}}})
    assert spelled.identity("f") == Experiment.parse(page).identity("f")
    assert spelled.run_name == Experiment.parse(page).run_name == "sp1-holdfast-75-centre-s0"


def test_failures_and_labels_tell_what_differs(
    inline: Any, planted_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = KMER | {"data": str(planted_data), "name": "mine"}
    cells = expand(GridPage(base=base, product={"model.params.k": [2, 3]}))
    result = run_grid(cells, tmp_path, inline)
    assert [words.partition(" ")[2] for words in inline.done] == [
        f"(planted-kmer-25-centre-s0-model.k={k}-audit.bootstrap=2)" for k in (2, 3)
    ]
    assert summary(result.runs)["label"].tolist() == ["control, model.k=2", "control, model.k=3"]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"model.params.widths": [[5, 3], [20, 20]]}, r"model.widths=20,20.*: .* reads at least 39 bp; window is 25"),
        (
            {"model.params.hidden": [4, -1]},
            "experiment 2 of 3: .* hidden is -1; expected a whole number from 1",
        ),
        (
            {"model.params.widths": [[5, 3], [5]]},
            r"experiment 2 of 3: .* widths is \[5\]; expected a list of 2",
        ),
        (
            {"model.params.hidden": [4, 2.5]},
            "experiment 2 of 3: .* hidden is 2.5; expected a whole number",
        ),
        (
            {"model.params.dropout": [2]},
            "experiment 1 of 2: .* dropout is 2; expected a number from 0 to below 1",
        ),
        ({"model.params.n_tasks": [1, 2]}, "model has no parameter 'n_tasks'"),
        ({"model.params.nonsense": [1]}, "experiment 1 of 2: model 'holdfast' has no parameter 'nonsense'"),
        ({"device": ["cpu", "tpu"]}, "experiment planted.*: .*tpu"),
    ],
)
def test_a_cell_that_cannot_be_carried_out_stops_a_grid_before_it_starts(
    inline: Any, page: dict[str, Any], tmp_path: Path, cell: dict[str, list[Any]], words: str
) -> None:
    asked = GridPage(base=page | {"seed": 1}, product=cell, include=[{"seed": 2}])
    with pytest.raises(ConfigError, match=words):
        run_grid(expand(asked), tmp_path / "runs", inline)
    assert inline.done == []
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", ["history", "filters", "data"])
def test_a_second_audit_of_a_run_with_a_garbled_file_writes_nothing(
    page: dict[str, Any], tmp_path: Path, kind: FileKind
) -> None:
    run = train(Experiment.parse(page), tmp_path / "runs")
    run.path(kind).write_text("{")
    before = {path: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    with pytest.raises(InputError, match=FILES[kind]):
        audit_again(run.folder, {})
    assert {path: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before


@pytest.fixture
def moved(planted_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with data and a run that was trained on a relative path; the working folder is another one."""
    project = tmp_path / "project"
    shutil.copytree(planted_data, project / "data" / "planted")
    monkeypatch.chdir(project)
    train(Experiment.parse(KMER | {"data": "data/planted"}), Path("runs"))
    monkeypatch.chdir(tmp_path)
    return project


def _run_of(project: Path) -> Path:
    return next((project / "runs").iterdir())


def test_a_run_is_audited_again_from_another_working_folder(moved: Path) -> None:
    assert audit_again(_run_of(moved), {}).record == Run.open(_run_of(moved)).audit


def test_a_project_that_was_moved_whole_is_audited_again(moved: Path) -> None:
    there = moved.rename(moved.with_name("elsewhere"))
    assert audit_again(_run_of(there), {}).record.n_windows_scanned > 0


def test_data_that_are_nowhere_are_named_with_every_place_and_found_by_hand(moved: Path, tmp_path: Path) -> None:
    (moved / "data" / "planted").rename(tmp_path / "kept")
    codes, labels, core = planted(20, 31, 5)
    SequenceDataset.in_memory(codes, labels, core=core).save(tmp_path / "data" / "planted")
    with pytest.raises(InputError) as caught:
        audit_again(_run_of(moved), {})
    words = str(caught.value)
    assert "data/planted: not the data it was trained on" in words  # found from this working folder
    assert f"{moved / 'data' / 'planted'}: no such data set" in words
    assert "--data" in words
    with pytest.raises(InputError, match="not the data it was trained on"):
        audit_again(_run_of(moved), {}, data=tmp_path / "data" / "planted")
    assert audit_again(_run_of(moved), {}, data=tmp_path / "kept").record.n_windows_scanned > 0


def test_a_long_name_makes_a_folder_that_can_be_made(planted_data: Path, tmp_path: Path) -> None:
    run = train(Experiment.parse(KMER | {"data": str(planted_data), "name": "n" * 400}), tmp_path)
    assert run.is_done


def test_data_in_the_working_folder_have_a_name(planted_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(planted_data)
    assert Experiment.parse(KMER | {"data": "."}).run_name.startswith("planted-kmer-25")


def test_nobody_is_told_to_delete_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json is missing, so this is no run; give a run folder"):
        report_on([tmp_path], tmp_path / "out.html")


def test_a_grid_whose_runs_cannot_be_kept_does_not_start(inline: Any, page: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is in the way"):
        run_grid([Experiment.parse(page)], tmp_path / "file" / "runs", inline)
    assert inline.done == []


@pytest.mark.parametrize("name", [".", "n" * 300, "file/out.html"])
def test_a_report_that_cannot_be_written_is_refused(two_runs: list[Run], tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"is no regular file|cannot be written"):
        report_on([tmp_path / "runs"], tmp_path / name if name != "." else Path())
