"""What a user can get wrong: exit code 2, one line that names the place, nothing lost."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tiny_runs import holdfast, page_file, tiny_data, tiny_page
from typer.testing import Result

from holdfast.core import files
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs import train as train_job
from holdfast.runs.find import find_runs
from holdfast.runs.folder import Run


def _refused(result: Result, *words: str) -> None:
    """Check exit code, that there is one line of error, and what it says."""
    assert result.exit_code == 2, (result.output, result.exception)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"atack": "worst"}, ["unknown key 'atack'", "did you mean 'attack'"]),
        ({"shift": {"windw": 33}}, ["shift"]),
        ({"shift": {"window": 33, "strand": "both"}}, ["unknown key 'shift.strand'", "did you mean 'strands'"]),
        ({"attack": "worts"}, ["unknown attack 'worts'", "did you mean 'worst'"]),
        ({"model": "holdfst"}, ["unknown model 'holdfst'", "did you mean 'holdfast'"]),
        ({"training": {"preset": "quick"}}, ["unknown preset 'quick'"]),
        ({"training": {"changes": {"epoch": 3}}}, ["no setting 'epoch'", "did you mean 'epochs'"]),
        ({"shift": {"window": 0}}, ["window is 0 bp"]),
        ({"seed": "one"}, ["seed is 'one'; expected a whole number"]),
        (
            {"model": {"name": "holdfast", "params": {"widths": 0}}},
            ["model 'holdfast': widths is 0; expected"],
        ),
        ({"model": {"name": "holdfast", "params": {"widths": [9]}}}, ["widths is [9]", "from 1 to 1000000"]),
        ({"model": {"name": "holdfast", "params": {"filters": -4}}}, ["filters is -4", "from 1 to 1000000"]),
        (
            {"model": {"name": "holdfast", "params": {"dropout": 2}}},
            ["dropout is 2", "from 0 to below 1"],
        ),
        ({"model": {"name": "kmer", "params": {"k": 0}}}, ["k is 0; expected a whole number from 1 to 10"]),
        ({"model": {"name": "kmer", "params": {"k": "six"}}}, ["k is 'six'"]),
        ({"model": {"name": "kmer", "params": {"C": 0}}}, ["C is 0; expected a number above 0"]),
        ({"model": {"name": "pap_megyeri", "params": {"padding": "sam"}}}, ["'same' or 'valid'"]),
        ({"model": {"name": "pap_megyeri", "params": {"regularised": "no"}}}, ["true or false"]),
        ({"model": {"name": "kmer", "params": {"n_tasks": 2}}}, ["n_tasks", "label columns"]),
        ({"attack": {"name": "worst", "params": {"loss": 3}}}, ["3: expected a name"]),
        ({"attack": {"name": "worst", "params": {"loss": {"name": "bce", "params": {"clamp": 2}}}}}, ["clamp is 2"]),
        ({"attack": {"name": "worst-of-n", "params": {"n_try": "all"}}}, ["n_try is 'all'"]),
        ({"training": {"changes": {"learning_rate": float("nan")}}}, ["learning_rate is nan", "above 0"]),
        ({"training": {"changes": {"betas": [0.9, 2]}}}, ["betas.1 is 2"]),
    ],
)
def test_a_wrong_page_is_named_with_its_file(
    holdfast: Any, tiny_page: dict[str, Any], change: dict[str, Any], words: list[str]
) -> None:
    Path("wrong.yaml").write_text(yaml.safe_dump(tiny_page | change))
    _refused(holdfast("train", "wrong.yaml"), "wrong.yaml", *words)
    assert not Path("runs").exists()


def test_a_window_longer_than_the_context_is_refused_before_anything_is_written(holdfast: Any, page_file: Path) -> None:
    _refused(holdfast("train", page_file, "--window", 42), "window of 42 bp is longer than the context of 41 bp")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], ["experiment file, or --data and --window"]),
        (["train", "nowhere.yaml"], ["nowhere.yaml", "cannot be read"]),
        (["train", "."], [".", "cannot be read"]),
        (["train", "--data", "nowhere", "--window", "33"], ["nowhere", "no such data set"]),
        (["audit", "nowhere"], ["nowhere", "no such run folder"]),
        (["audit"], ["either a run folder or --module"]),
        (["audit", "nowhere", "--strands", "both"], ["its own threat model"]),
        (["audit", "--module", "m.py:build"], ["--data and --window"]),
        (["report", "nowhere"], ["nowhere"]),
        (["data", "genome", "nowhere.fa", "out"], ["nowhere.fa", "no such file"]),
        (["data", "extend", "nowhere", "out", "--genome", "g", "--length", "9"], ["nowhere", "no such data set"]),
        (
            ["data", "extend", "a", "b", "--genome", "g", "--length", "9", "--contigs", "add"],
            ["did you mean 'add-chr'"],
        ),
        (["data", "extend", "a", "b", "--genome", "g", "--length", "9", "--max-different", "2"], ["from 0 to 1"]),
        (["list", "--runs", "nowhere"], ["nowhere"]),
        (["grid", "nowhere.yaml"], ["nowhere.yaml"]),
        (["reproduce", "table1", "--data", "nowhere"], ["nowhere"]),
        (["data", "describe", "nowhere"], ["nowhere"]),
        (["data", "build", "out", "nowhere.csv"], ["nowhere.csv"]),
        (["data", "fetch", "sp1-h1hesc-discovry", "out"], ["did you mean 'sp1-h1hesc-discovery'"]),
        (["data", "simulate", "out", "--tf", "MAFFK"], ["MAFFK"]),
    ],
)
def test_what_is_missing_is_named(holdfast: Any, arguments: list[str], words: list[str]) -> None:
    _refused(holdfast(*arguments), *words)


@pytest.mark.parametrize(
    ("split", "changes", "words"),
    [
        ("fractions", ["test=nan"], ["split 'fractions': test is 'nan'; expected a number from 0 to 1"]),
        ("fractions", ["test=.nan"], ["test is nan"]),
        ("fractions", ["test=abc"], ["test is 'abc'"]),
        ("fractions", ["test="], ["test is empty"]),
        ("fractions", ["validation=-0.1"], ["validation is -0.1"]),
        ("fractions", ["test=0.7", "validation=0.6"], ["add up to no more than 1"]),
        ("fractions", ["seed=1.5"], ["seed is 1.5; expected a whole number"]),
        ("fractions", ["tset=0.1"], ["did you mean 'test'"]),
        ("fractions", ["test"], ["--split-set test: expected"]),
        ("given", ["validation=1"], ["validation is 1; expected a number from 0 to below 1"]),
        ("paper", ["seed=-1"], ["seed is -1"]),
        ("by_chromosome", [], ["validation is not given; expected a list, each a word"]),
        ("by_chromosome", ["validation=[chr1]"], ["test is not given"]),
        ("by_chromosome", ["validation=chr1", "test=[chr2]"], ["validation is 'chr1'; expected a list"]),
        ("by_chromosome", ["validation=[1]", "test=[chr2]"], ["validation is [1]; expected a list, each a word"]),
    ],
)
def test_a_split_parameter_that_cannot_be_is_named_with_what_could(
    holdfast: Any, split: str, changes: list[str], words: list[str]
) -> None:
    rng = np.random.default_rng(0)
    rows = ["".join(row) for row in np.array(list("ACGT"))[rng.integers(0, 4, (40, 30))]]
    Path("t.csv").write_text("sequence,label\n" + "".join(f"{row},{i % 2}\n" for i, row in enumerate(rows)))
    sets = [word for change in changes for word in ("--split-set", change)]
    _refused(holdfast("data", "build", "out", "t.csv", "--split", split, *sets), *words)
    assert not Path("out").exists()


def test_a_page_that_is_no_text_or_no_yaml_is_refused(holdfast: Any) -> None:
    Path("latin.yaml").write_bytes("data: Äpfel\n".encode("latin-1"))
    Path("broken.yaml").write_text("shift: [75\n")
    Path("list.yaml").write_text("- a\n")
    for name in ("latin.yaml", "broken.yaml", "list.yaml"):
        _refused(holdfast("train", name), name)


@pytest.mark.parametrize("change", ["shift.window", "=3", "shift.window=[", "data.x=1"])
def test_a_set_that_cannot_be_applied_is_refused(holdfast: Any, page_file: Path, change: str) -> None:
    _refused(holdfast("train", page_file, "--set", change), change.split("=")[0])


@pytest.mark.parametrize(
    ("source", "reference", "words"),
    [
        ("def build(): return 3", "m.py:build", ["returned int", "torch.nn.Module"]),
        ("def build(x): pass", "m.py:build", ["m.py:build", "TypeError"]),
        ("def build(: pass", "m.py:build", ["SyntaxError"]),
        ("raise SystemExit(3)", "m.py:build", ["SystemExit while building: 3"]),
        ("{head}\n    def forward(self, s): exit(3)", "m.py:build", ["Odd tried to end the program (exit code 3)"]),
        ("", "m.py:build", ["no function 'build'"]),
        ("", "m.py", ["file.py:function"]),
        ("", "other.py:build", ["no file other.py"]),
        (
            "{head}\n    def forward(self, sequence, tracks): return sequence",
            "m.py:build",
            ["forward failed", "tracks"],
        ),
        (
            "{head}\n    def forward(self, s): return s.sum((1, 2))[:, None] * float('nan')",
            "m.py:build",
            ["not a finite number"],
        ),
        ("{head}\n    def forward(self, s): return s", "m.py:build", ["shape"]),
        ("{head}\n    def forward(self, s): return s.mean((1, 2))", "m.py:build", ["look like probabilities"]),
    ],
)
def test_a_module_that_cannot_be_audited_is_named(
    holdfast: Any, tiny_data: Path, source: str, reference: str, words: list[str]
) -> None:
    head = "from torch import nn\ndef build(): return Odd()\nclass Odd(nn.Module):"
    Path("m.py").write_text(source.replace("{head}", head))
    _refused(holdfast("audit", "--module", reference, "--data", tiny_data, "--window", 33), *words)


def test_a_model_larger_than_the_memory_is_refused(holdfast: Any, tiny_page: dict[str, Any]) -> None:
    model = {"name": "holdfast", "params": {"filters": [300_000, 1_000_000]}}  # the second layer takes 10 TB
    Path("large.yaml").write_text(yaml.safe_dump(tiny_page | {"model": model}))
    _refused(holdfast("train", "large.yaml"), "not enough memory")


@pytest.mark.parametrize("out", ["", ".", "/"])
def test_a_folder_that_cannot_be_a_data_set_is_refused(holdfast: Any, out: str) -> None:
    Path("mine.txt").write_text("not to be lost")
    _refused(holdfast("data", "simulate", out, "--positives", 20), "choose another")


def test_one_file_for_both_classes_is_refused(holdfast: Any) -> None:
    rows = np.array(list("ACGT"))[np.random.default_rng(0).integers(0, 4, (40, 30))]
    Path("a.fa").write_text("".join(f">s{i}\n{''.join(row)}\n" for i, row in enumerate(rows)))
    _refused(holdfast("data", "build", "out", "--positives", "a.fa", "--negatives", "a.fa"), "one file given for both")


def test_one_class_is_refused(holdfast: Any, tiny_page: dict[str, Any], tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 4, (60, 41), dtype=np.uint8)
    split = np.repeat(np.array([0, 1, 2], dtype=np.uint8), 20)
    SequenceDataset.in_memory(codes, np.ones((60, 1), dtype=np.int8), split=split).save(tmp_path / "ones")
    page = tiny_page | {"data": str(tmp_path / "ones")}
    Path("ones.yaml").write_text(yaml.safe_dump(page))
    _refused(holdfast("train", "ones.yaml"), "need both classes")


def test_a_half_written_run_is_named_with_its_remedy(holdfast: Any, page_file: Path) -> None:
    assert holdfast("train", page_file).exit_code == 0
    run = find_runs(Path("runs"))[0]
    whole = run.path("record").read_text()
    run.path("record").write_text(whole[: len(whole) // 2])
    for command in (["audit", run.folder], ["report", run.folder], ["train", page_file, "--resume"]):
        _refused(holdfast(*command), str(run.path("record")), "delete the folder")
    listed = holdfast("list")
    assert listed.exit_code == 0
    assert "garbled" in listed.stdout
    run.path("record").unlink()
    _refused(holdfast("report", run.folder), "run.json is missing")


def test_a_full_disk_loses_nothing(holdfast: Any, page_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def save_on_a_full_disk(*args: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(files.os, "fsync", full)
            save_weights(*args)

    save_weights = train_job.save_weights
    with monkeypatch.context() as patch:
        patch.setattr(train_job, "save_weights", save_on_a_full_disk)
        _refused(holdfast("train", page_file), "model.safetensors", "the disk is full")
    run = Run(next(Path("runs").iterdir()))
    assert not run.is_done
    assert not list(run.folder.glob(".*.part"))
    assert len(run.history) == 2
    assert holdfast("train", page_file, "--resume").exit_code == 0
    assert run.is_done
    assert holdfast("train", page_file, "--runs", "unbroken").exit_code == 0
    unbroken = find_runs(Path("unbroken"))[0]
    assert run.path("weights").read_bytes() == unbroken.path("weights").read_bytes()


def test_a_grid_says_what_is_wrong_before_it_starts(holdfast: Any, tiny_page: dict[str, Any]) -> None:
    grids = {
        "unknown key 'prodct'": {"base": tiny_page, "prodct": {}},
        "product.seed": {"base": tiny_page, "product": {"seed": 3}},
        "unknown key 'sed'": {"base": tiny_page, "product": {"sed": [1]}},
        "longer than the context": {"base": tiny_page, "product": {"shift.window": [33, 90]}},
        "no experiment is left": {"base": tiny_page, "exclude": [{"attack": "worst"}]},
    }
    for words, page in grids.items():
        Path("grid.yaml").write_text(json.dumps(page))
        _refused(holdfast("grid", "grid.yaml"), words)
    assert not Path("runs").exists()
