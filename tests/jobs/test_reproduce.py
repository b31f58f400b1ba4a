"""The paper's table: which set a file is, which runs are needed, and the difference in every cell."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_runs import inline

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.reproduce import Cell, Table1, _prepare, identify, paper_table1, reproduce_table1

S_DISCOVERY = Cell(tf="S", task="discovery")


def _container(path: Path, examples: int = 80, context: int = 101) -> Path:
    """Write a D_s container: GGGG in the middle of the bound ones, a fifth for test."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (examples, context))
    bound = np.arange(examples) % 2
    codes[bound == 1, 50:54] = 2
    x, y = np.eye(4)[codes][:, None], np.eye(2, dtype=np.float32)[bound]
    cut = examples * 4 // 5
    np.savez(path, x[:cut], y[:cut], x[cut:], y[cut:])
    return path


@pytest.mark.parametrize(
    ("name", "tf", "task"),
    [
        ("sp1_h1hesc_discovery.npz", "S", "discovery"),
        ("wgEncodeAwgTfbsHaibH1hescSp1Pcr1xUniPk_motif_occupancy.npz", "S", "occupancy"),
        ("wgEncodeAwgTfbsSydhImr90MafkIggrabUniPk-discovery", "M", "discovery"),
        ("ZNF143-K562-Occupancy", "Z", "occupancy"),
    ],
)
def test_a_set_is_known_by_its_name(name: str, tf: str, task: str) -> None:
    assert identify(name) == Cell(tf=tf, task=task)


@pytest.mark.parametrize("name", ["ctcf_discovery.npz", "sp1.npz", "sp1_mafk_discovery.npz", "sp1_discovery_occupancy"])
def test_an_unclear_name_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(InputError, match=r"sp1_discovery\.npz"):
        identify(name)


def test_the_papers_table_is_whole() -> None:
    table = paper_table1()
    # Table 1 of the paper: 3 factors x 2 tasks x (3 lengths x 3 x 3 + 3 at 101, where only No Shift is given).
    assert len(table) == 3 * 2 * (3 * 9 + 3)
    assert table["accuracy"].isna().sum() == 12
    cell = table[(table.tf == "S") & (table.task == "discovery") & (table.length == 75) & (table.train == "Rnd")]
    assert cell["accuracy"].tolist() == [0.7240, 0.7240, 0.5235]


@pytest.fixture
def small(tmp_path: Path) -> Table1:
    """A folder with one container, and what to do with it."""
    (tmp_path / "sets").mkdir()
    _container(tmp_path / "sets" / "sp1_discovery.npz")
    (tmp_path / "sets" / "notes.txt").write_text("not a data set")
    return Table1(data=tmp_path / "sets", lengths=(95, 101), epochs=1)


def test_every_cell_has_our_number_the_papers_and_the_difference(small: Table1, inline: Any, tmp_path: Path) -> None:
    found = reproduce_table1(small, tmp_path / "runs", inline)
    table = pd.read_csv(found.csv)
    assert len(found.result.runs) == (3 + 1) + (1 + 1)
    # At 95: three trainings and the control, attacked three ways; at 101 there is one window.
    assert len(table) == 4 * 3 + 2
    ours = table[(table.length == 95) & (table.train == "Worst") & (table["eval"] == "Worst")].iloc[0]
    assert ours["paper"] == 0.7212
    assert ours["difference"] == pytest.approx(ours["ours"] - 0.7212)
    run = next(run for run in found.result.runs if run.folder.name == ours["run"])
    assert ours["ours"] == run.audit.tasks[0].worst["accuracy"].value
    assert table[table.train == "control"]["paper"].isna().all()
    assert "## S, discovery, 101 bp" in found.markdown.read_text()
    assert found.report.is_file()


def test_the_split_is_the_papers_and_a_second_call_reuses_the_runs(small: Table1, inline: Any, tmp_path: Path) -> None:
    only = Table1(data=small.data, lengths=(101,), epochs=1)
    reproduce_table1(only, tmp_path / "runs", inline)
    data = SequenceDataset.open(tmp_path / "runs" / "data" / "S-discovery")
    assert "random_state 9" in data.manifest.provenance.split
    assert [len(data.part(part)) for part in ("train", "validation", "test")] == [57, 7, 16]
    assert reproduce_table1(only, tmp_path / "runs", inline).result.reused == 2


@pytest.mark.real_data
def test_the_papers_own_set_has_the_papers_parts(real_data: Any, tmp_path: Path) -> None:
    container = real_data("ds/sp1_h1hesc_discovery.npz")
    found = _prepare(container.parent, tmp_path, SILENT)
    data = SequenceDataset.open(found[S_DISCOVERY])
    assert [len(data.part(part)) for part in ("train", "validation", "test")] == [21283, 2365, 5912]


def test_two_files_of_one_set_and_an_empty_folder_are_refused(small: Table1, inline: Any, tmp_path: Path) -> None:
    _container(small.data / "SP1-discovery-again.npz", examples=40)
    with pytest.raises(InputError, match="keep one"):
        reproduce_table1(small, tmp_path / "runs", inline)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no data set folder"):
        reproduce_table1(Table1(data=tmp_path / "empty"), tmp_path / "runs", inline)


def test_the_papers_starred_rows_are_trained_without_regularisation(
    small: Table1, inline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: dict[tuple[int, str], dict[str, Any]] = {}

    def note(experiments: Any, *rest: Any, **more: Any) -> Any:
        planned.update({(one.shift.window, one.strategy): one.model.params for one in experiments if one.model.params})
        raise KeyboardInterrupt

    monkeypatch.setattr("holdfast.jobs.reproduce.run_grid", note)
    with pytest.raises(KeyboardInterrupt):
        reproduce_table1(Table1(data=small.data, preset="paper"), tmp_path / "runs", inline)
    starred = paper_table1().query("tf == 'S' and task == 'discovery' and no_regularisation == 1")
    assert set(planned) == {(row.length, row.train) for row in starred.itertuples()}
    assert (90, "Worst") in planned


def test_a_length_that_the_paper_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="75, 90, 95, 101"):
        Table1(data=tmp_path, lengths=(80,))
