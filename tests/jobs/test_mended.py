"""Faults that were found by trying to break things."""

from pathlib import Path

import numpy as np
import pytest
from planted_runs import planted

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.data.split import Paper
from holdfast.jobs.audit import audit_again
from holdfast.jobs.experiment import Experiment, load_experiment
from holdfast.jobs.grid import GridPage, expand
from holdfast.jobs.train import train


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
