"""Table 2: many tasks simulated, trained, audited and set beside the paper's numbers."""

# ruff: noqa: F401, F811 (fixtures are imported by name)

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_runs import inline

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate_tasks import ManyTasksConfig, simulate_tasks
from holdfast.jobs.paper_table import published
from holdfast.jobs.reproduce_table2 import Table2, reproduce_table2
from holdfast.motifs.database import jaspar_collection

SMALL = Spec(name="holdfast", params={"filters": [4, 4], "widths": [8, 8], "hidden": 4})


def test_the_papers_table_is_whole() -> None:
    table = published("pap_megyeri_table2")
    # 2 lengths x 3 trainings x 2 metrics x 3 attacks.
    assert len(table) == 36
    cell = table[(table.length == 900) & (table.train == "No Shift") & (table["eval"] == "W-of-20")]
    assert dict(zip(cell["metric"], cell["value"], strict=True)) == {"AUROC": 0.7702, "AUPR": 0.0693}


def test_simulated_tasks_go_through_training_and_attack_to_a_table_beside_the_papers(
    inline: Any, tmp_path: Path
) -> None:
    config = ManyTasksConfig(tasks=30, train=60, validation=10, test=40, bound=0.1, absent=3)
    simulate_tasks(config, jaspar_collection(), tmp_path / "many")
    asked = Table2(data=tmp_path / "many", model=SMALL, lengths=(1000,), epochs=1)
    found = reproduce_table2(asked, tmp_path / "runs", inline)
    assert not found.result.failures
    assert [run.config["attack"]["name"] for run in found.result.runs] == ["centre", "random", "worst-of-n"]
    attack = found.result.runs[2].config["attack"]["params"]
    assert attack == {"n_try": 20, "shared_draw": True, "loss": {"name": "bce", "params": {"clamp": 1e-4}}}
    table = found.comparison
    assert len(table) == table["difference"].notna().sum() == 18
    for run in found.result.runs:
        audit, tasks = run.audit, pd.read_csv(run.path("tasks"))
        assert audit.averages is not None
        assert audit.averages.no_positives >= 3
        assert audit.n_sampled == 20
        assert tasks["averaged"].sum() == audit.averages.n_averaged
        mine = table[(table.run == run.folder.name) & (table["eval"] == "W-of-20")].set_index("metric")["ours"]
        averaged = tasks[tasks["averaged"]]
        # Means of the same numbers, through text with all digits.
        assert mine["AUROC"] == pytest.approx(averaged["worst_of_n_auroc"].mean(), abs=1e-12)
        assert mine["AUPR"] == pytest.approx(averaged["worst_of_n_aupr_trapezoid"].mean(), abs=1e-12)
        assert (run.windows["label"] == 1).all()
    page = found.markdown.read_text()
    assert "## 1000 bp, AUPR" in page
    assert "20 drawn windows" in page
    report = found.report.read_text()
    assert "tasks left out" in report
    assert "the truth is no better" in report


def test_where_every_window_is_scored_the_worst_one_has_rows_of_its_own(inline: Any, tmp_path: Path) -> None:
    config = ManyTasksConfig(
        tasks=3, train=60, validation=20, test=40, context=1020, margin_bp=100, bound=0.1, absent=0
    )
    simulate_tasks(config, jaspar_collection(), tmp_path / "many")
    asked = Table2(
        data=tmp_path / "many", model=SMALL, lengths=(1000,), strategies=("No Shift",), epochs=1, windows=None
    )
    table = reproduce_table2(asked, tmp_path / "runs", inline).comparison
    assert table["eval"].tolist() == ["No Shift", "Rnd", "W-of-20", "Worst"] * 2
    assert table.loc[table["eval"] == "Worst", "paper"].isna().all()


def test_impossible_requests_are_refused(inline: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="length 500"):
        Table2(data=tmp_path, lengths=(500,))
    with pytest.raises(ConfigError, match="strategy 'Worst'"):
        Table2(data=tmp_path, strategies=("Worst",))
    rng = np.random.default_rng(0)
    for n_tasks, context, words in ((1, 1200, "one task"), (2, 1010, "no 20 shifts of a window of 1000")):
        codes = rng.integers(0, 4, (10, context), dtype=np.uint8)
        labels = rng.integers(0, 2, (10, n_tasks)).astype(np.int8)
        tasks = [f"t{i}" for i in range(n_tasks)]
        SequenceDataset.in_memory(codes, labels, tasks=tasks).save(tmp_path / f"{n_tasks}")
        with pytest.raises(InputError, match=words):
            reproduce_table2(Table2(data=tmp_path / f"{n_tasks}"), tmp_path / "runs", inline)
