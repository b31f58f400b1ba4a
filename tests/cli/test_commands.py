"""The commands from data to report, in one process."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.cells import cell_len
from tiny_runs import holdfast, page_file, tiny_data, tiny_page

from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.listing import LISTS
from holdfast.runs.find import find_runs
from holdfast.runs.folder import Run

MODULE = """
import torch
from torch import nn

class GcContent(nn.Module):
    def forward(self, sequence):
        return (sequence[:, 1:3].sum((1, 2)) - 0.5 * sequence.shape[-1])[:, None]

def build():
    return GcContent()
"""


@pytest.fixture
def trained(holdfast: Any, page_file: Path) -> tuple[Any, Run]:
    """The output of `holdfast train`, and its run."""
    result = holdfast("train", page_file)
    assert result.exit_code == 0, result.output
    return result, find_runs(Path("runs"))[0]


def test_train_prints_the_audit_and_names_run_and_report_last(trained: tuple[Any, Run]) -> None:
    result, run = trained
    lines = result.stdout.strip().splitlines()
    accuracy = next(line for line in lines if line.startswith(" accuracy"))
    assert f"{run.audit.tasks[0].worst['accuracy'].value:.3f}" in accuracy
    assert lines[-2:] == [f"run     {run.folder}", f"report  {run.path('report')}"]
    assert run.is_done
    assert "certified" in run.path("report").read_text()


def test_what_was_said_is_in_the_log_with_its_time(trained: tuple[Any, Run]) -> None:
    lines = trained[1].path("log").read_text().splitlines()
    assert any(line.endswith("training Worst at 33 bp") for line in lines)
    assert all(line[:2] == "20" and line[10] == "T" for line in lines)


def test_flags_and_file_make_the_same_run(holdfast: Any, trained: tuple[Any, Run], tiny_page: dict[str, Any]) -> None:
    flags = ["--data", tiny_page["data"], "--window", 33, "--attack", "worst", "--epochs", 2, "--seed", 0]
    sets = [f"model={json.dumps(tiny_page['model'])}", "training.changes.batch_size=32", "audit.bootstrap=5"]
    again = holdfast("train", *flags, *(part for one in sets for part in ("--set", one)))
    assert again.exit_code == 2
    assert f"error: {trained[1].folder}: this run is done already" in again.stderr


def test_a_run_is_audited_again_and_other_settings_leave_its_folder_alone(
    holdfast: Any, trained: tuple[Any, Run]
) -> None:
    run = trained[1]
    before = run.audit
    other = holdfast("audit", run.folder, "--part", "validation", "--json")
    assert json.loads(other.stdout)["part"] == "validation"
    assert run.audit == before
    same = holdfast("audit", run.folder)
    assert same.exit_code == 0, same.output
    assert run.audit.model_copy(update={"seconds": before.seconds}) == before


def test_json_is_strict_json_and_nothing_else(holdfast: Any, trained: tuple[Any, Run]) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    page = json.loads(holdfast("audit", trained[1].folder, "--json").stdout, parse_constant=refuse)
    assert page["tasks"][0]["task"] == "SP1"


@pytest.mark.parametrize("width", [40, 80])
def test_the_audit_table_fits_the_terminal(
    holdfast: Any, trained: tuple[Any, Run], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table = holdfast("audit", trained[1].folder).stdout
    assert max(cell_len(line) for line in table.splitlines()) <= width
    assert "AUROC" in table


def test_anybodys_module_is_audited_kept_and_reported_beside_ours(
    holdfast: Any, trained: tuple[Any, Run], tiny_data: Path
) -> None:
    Path("gc.py").write_text(MODULE)
    options = ["--module", "gc.py:build", "--data", tiny_data, "--window", 33]
    shown = holdfast("audit", *options, "--max-shift", 2, "--strands", "both", "--protect-core")
    assert shown.exit_code == 0, shown.output
    kept = holdfast("audit", *options, "--save", "runs")
    assert kept.exit_code == 0, kept.output
    assert [run.record.kind for run in find_runs(Path("runs"))].count("imported") == 1
    assert holdfast("audit", *options, "--save", "runs").exit_code == 0  # the same audit again, the same folder
    report = holdfast("report", "runs", "--out", "both.html")
    assert report.exit_code == 0, report.output
    assert report.stdout.strip() == "both.html"
    assert "GcContent" in Path("both.html").read_text()


def test_runs_are_listed_and_unfinished_ones_are_left_out_of_reports(holdfast: Any, trained: tuple[Any, Run]) -> None:
    run = trained[1]
    half = Run(run.folder.with_name("half-00000000"))
    half.write_record(run.record.model_copy(update={"status": "running"}))
    listed = holdfast("list").stdout
    assert "unfinished" in listed
    assert "done" in listed
    report = holdfast("report", "runs")
    assert report.exit_code == 0
    assert "left out, because it is not finished: runs/half-00000000" in report.stderr


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("models", "kmer"),
        ("attacks", "worst-of-n"),
        ("losses", "zero-one"),
        ("presets", "fast"),
        ("formats", "deepbind"),
        ("splits", "by_chromosome"),
        ("data", "sp1-h1hesc-discovery"),
    ],
)
def test_what_there_is_to_choose_from_is_listed(holdfast: Any, kind: str, name: str) -> None:
    result = holdfast("list", kind)
    assert result.exit_code == 0, result.output
    assert name in result.stdout


@pytest.mark.parametrize("width", [40, 78, 80])
def test_names_and_numbers_are_listed_in_one_piece_and_fit_the_terminal(
    holdfast: Any, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for kind, listed in LISTS.items():
        table = holdfast("list", kind).stdout
        assert max(cell_len(line) for line in table.splitlines()) <= width
        assert {row[0] for row in listed().rows} <= set(table.split())
    models = holdfast("list", "models").stdout
    assert "46,926,479" in models
    assert width < 78 or "Ploenzke" in models.split()  # nothing is cut off at the right


def test_only_the_first_of_several_processes_keeps_a_run(
    holdfast: Any, page_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helped: list[int] = []
    monkeypatch.setattr("holdfast.jobs.train.assist", lambda page, runs, *, resume, devices: helped.append(devices))
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = holdfast("train", page_file, "--devices", 2)
    assert (result.exit_code, result.stdout, helped) == (0, "", [2])
    assert not Path("runs").exists()


def test_several_devices_without_torchrun_are_refused_before_anything_is_made(
    holdfast: Any, page_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    result = holdfast("train", page_file, "--devices", 2)
    assert result.exit_code == 2
    assert "torchrun" in result.stderr
    assert not Path("runs").exists()


def _fasta(path: Path, letter: str) -> Path:
    bases = "ACGT"
    rows = [letter * 3 + "".join(bases[(i >> 2 * j) % 4] for j in range(4)) + "ACGTTGCA" for i in range(40)]
    path.write_text("".join(f">{letter}{i}\n{row}\n" for i, row in enumerate(rows)))
    return path


def test_two_fasta_files_become_a_data_set(holdfast: Any, tmp_path: Path) -> None:
    yes, no = _fasta(tmp_path / "yes.fa", "G"), _fasta(tmp_path / "no.fa", "A")
    result = holdfast("data", "build", "out", "--positives", yes, "--negatives", no, "--split-set", "test=0.5")
    assert result.exit_code == 0, result.output
    assert "Leakage" in result.stdout
    data = SequenceDataset.open("out")
    assert (len(data), data.labels.sum(), len(data.part("test"))) == (80, 40, 40)


def test_the_seed_moves_the_parts(holdfast: Any, tmp_path: Path) -> None:
    yes, no = _fasta(tmp_path / "yes.fa", "G"), _fasta(tmp_path / "no.fa", "A")
    for seed in (0, 0, 1):
        pair = ["--positives", yes, "--negatives", no]
        assert holdfast("data", "build", f"out{seed}", *pair, "--seed", seed, "--overwrite").exit_code == 0
    assert (SequenceDataset.open("out0").split != SequenceDataset.open("out1").split).any()


def test_negatives_are_shuffled_on_request_and_one_class_is_refused(holdfast: Any, tmp_path: Path) -> None:
    yes = _fasta(tmp_path / "yes.fa", "G")
    refused = holdfast("data", "build", "out", "--positives", yes)
    assert refused.exit_code == 2
    assert "--negatives" in refused.stderr
    assert not Path("out").exists()
    assert holdfast("data", "build", "out", "--positives", yes, "--negatives", "shuffle").exit_code == 0
    assert len(SequenceDataset.open("out")) == 80


def test_a_table_with_a_test_file_keeps_its_parts(holdfast: Any, tmp_path: Path) -> None:
    rows = [
        f"{'G' if i % 2 else 'A'}{'ACGT'[i % 4]}{'ACGT'[i // 4 % 4]}{'ACGT'[i // 16 % 4]}CC,{i % 2}" for i in range(200)
    ]
    for name, part in (("train.csv", rows[:160]), ("test.csv", rows[160:])):
        (tmp_path / name).write_text("\n".join(["seq,label", *part]) + "\n")
    result = holdfast("data", "build", "out", "train.csv", "--test", "test.csv", "--split", "paper")
    assert result.exit_code == 0, result.output
    data = SequenceDataset.open("out")
    assert [len(data.part(part)) for part in ("train", "validation", "test")] == [144, 16, 40]
    described = json.loads(holdfast("data", "describe", "out", "--json").stdout)
    assert described["examples"] == 200


def test_simulated_data_are_described(holdfast: Any) -> None:
    result = holdfast("data", "simulate", "out", "--tf", "MAFK", "--positives", 30, "--decoy", "SP1", "--seed", 3)
    assert result.exit_code == 0, result.output
    assert "60 examples of 101 bp" in result.stdout
    assert "Known cores: 30" in result.stdout


def test_the_page_of_a_run_trains_it_again_elsewhere(holdfast: Any, trained: tuple[Any, Run]) -> None:
    run = trained[1]
    assert holdfast("train", run.path("config"), "--runs", "again").exit_code == 0
    twin = find_runs(Path("again"))[0]
    assert twin.path("weights").read_bytes() == run.path("weights").read_bytes()
    assert yaml.safe_load(run.path("config").read_text())["attack"] == {"name": "worst", "params": {}}
