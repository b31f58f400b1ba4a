"""Table 2 of Pap & Megyeri (2022): TBiNet on many tasks in long contexts, and the difference in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.base import Executor
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.grid import run_grid
from holdfast.jobs.paper_table import Reproduction, beside, published, write_reproduction
from holdfast.runs.folder import Run

__all__ = ["LENGTHS", "N_TRY", "STRATEGIES", "Table2", "compare", "reproduce_table2"]

LENGTHS = (900, 1000)
N_TRY = 20
STRATEGIES = {"No Shift": "centre", "Rnd": "random", f"W-of-{N_TRY}": "worst-of-n"}

_METRICS = {"AUROC": "auroc", "AUPR": "aupr_trapezoid"}
# What the paper has no number for comes last.
_EVALUATIONS = {"No Shift": "clean", "Rnd": "random", f"W-of-{N_TRY}": "worst_of_n", "Worst": "worst"}


@dataclass(frozen=True, kw_only=True)
class Table2:
    """What to reproduce, and how.

    Parameters
    ----------
    data
        A data set folder of several tasks, whose contexts are longer than the lengths asked for; the paper's has 690
        tasks and 1,200 bp.
    model
        Trained; ``tbinet`` is the paper's.
    preset
        Of the training; ``tbinet`` is the paper's.
    lengths
        Windows, of :data:`LENGTHS`.
    strategies
        Names of :data:`STRATEGIES`.
    windows
        Windows drawn for each example of the audit. 20 is what the paper did; None scores every one, which is exact.
    seed
        Of every run.
    epochs
        None: the preset's.
    """

    data: Path
    model: Spec = field(default_factory=lambda: Spec(name="tbinet"))
    preset: str = "tbinet"
    lengths: tuple[int, ...] = LENGTHS
    strategies: tuple[str, ...] = tuple(STRATEGIES)
    windows: int | None = N_TRY
    seed: int = 0
    epochs: int | None = None

    def __post_init__(self) -> None:
        for length in self.lengths:
            if length not in LENGTHS:
                raise ConfigError(f"length {length}: the paper has {', '.join(map(str, LENGTHS))}")
        for strategy in self.strategies:
            if strategy not in STRATEGIES:
                raise ConfigError(f"strategy '{strategy}': the paper has {', '.join(STRATEGIES)}")


def reproduce_table2(asked: Table2, root: Path, executor: Executor, *, progress: Progress = SILENT) -> Reproduction:
    """Train and audit the paper's grid on a data set, and compare.

    Parameters
    ----------
    asked
        What to reproduce.
    root
        Folder of run folders; gets the comparison and the report too.
    executor
        Where to run.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the folder is no data set of several tasks with contexts long enough.
    """
    data = SequenceDataset.open(asked.data, verify=False)
    if len(data.tasks) < 2:
        raise InputError(f"{asked.data}: one task; table 2 averages over tasks, and the paper has 690")
    if data.context < max(asked.lengths) + N_TRY:
        raise InputError(
            f"{asked.data}: contexts of {data.context} bp leave no {N_TRY} shifts of a window of {max(asked.lengths)} "
            "bp; the paper has 1,200 bp"
        )
    plan = [_experiment(asked, length, train) for length in asked.lengths for train in asked.strategies]
    result = run_grid(plan, root, executor, progress=progress)
    how = "every window of each example" if asked.windows is None else f"{asked.windows} drawn windows of each example"
    opening = [
        "# Table 2 of Pap & Megyeri (2022)",
        "",
        f"Label averages on the test part of {asked.data.name}: {len(data.tasks)} tasks, contexts of {data.context} "
        f"bp. Ours: model {asked.model.name}, preset {asked.preset}, seed {asked.seed}, audited on {how}. The paper's "
        "numbers are those of DeepSEA's 690 tasks: a difference means something on that data set only.",
    ]
    return write_reproduction(
        result, compare(result.runs), root, name="table2", by=("length", "metric"), opening=opening
    )


def compare(runs: Sequence[Run]) -> pd.DataFrame:
    """Return our label averages beside the paper's.

    Parameters
    ----------
    runs
        Finished runs of several tasks.

    Returns
    -------
    DataFrame
        length, metric, train, eval, ours, ours_low, ours_high, paper, difference (ours - paper), run. Where every
        window was scored, the worst one has rows too; the paper has no number for it.
    """
    paper = published("pap_megyeri_table2").rename(columns={"value": "paper"})
    rows = [row for run in runs for row in _our_rows(run)]
    return beside(rows, paper, ["length", "metric", "train", "eval"])


def _our_rows(run: Run) -> list[dict[str, Any]]:
    record, means = run.record, run.audit.averages
    if means is None:
        raise InputError(f"{run.folder}: audited on one task; table 2 averages over tasks")
    train = next(name for name, attack in STRATEGIES.items() if attack == run.config["attack"]["name"])
    return [
        {
            "length": record.window,
            "metric": metric,
            "train": train,
            "eval": words,
            "ours": (estimate := getattr(means, attack)[key]).value,
            "ours_low": estimate.low,
            "ours_high": estimate.high,
            "run": run.folder.name,
        }
        for metric, key in _METRICS.items()
        for words, attack in _EVALUATIONS.items()
        if attack != "worst" or run.audit.is_exact  # the worst of drawn windows is W-of-20 already
    ]


def _experiment(asked: Table2, length: int, train: str) -> Experiment:
    attack: dict[str, Any] = {"name": STRATEGIES[train], "params": {}}
    if attack["name"] == "worst-of-n":
        # As in the authors' code: the mean over all labels, clamped, and one draw for a batch.
        loss = {"name": "bce", "params": {"clamp": 1e-4}}
        attack["params"] = {"n_try": N_TRY, "shared_draw": True, "loss": loss}
    page = {
        "data": str(asked.data),
        "shift": {"window": length},
        "model": asked.model.model_dump(),
        "attack": attack,
        "training": {"preset": asked.preset, "changes": {} if asked.epochs is None else {"epochs": asked.epochs}},
        "audit": {
            "n_try": N_TRY,
            "windows": asked.windows or "all",
            "bootstrap": 0,
            "table": "bound",
            "out_of_distribution": False,
        },
        "seed": asked.seed,
    }
    return Experiment.parse(page, where="reproduce table2")
