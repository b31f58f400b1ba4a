"""Models side by side on a collection of data sets: every set, model and strategy, and what differs between models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from holdfast.core.errors import ConfigError, did_you_mean
from holdfast.core.files import write_text
from holdfast.core.parameters import check_values
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.core.space import Plan
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.base import Executor
from holdfast.jobs.calibrate import calibrate, search_of
from holdfast.jobs.collection import collect
from holdfast.jobs.experiment import STRATEGY_NAMES, Experiment, read_yaml
from holdfast.jobs.grid import GridResult, run_grid
from holdfast.jobs.summary import markdown
from holdfast.models import MODELS
from holdfast.models.base import ClosedFormModel
from holdfast.report import write_report
from holdfast.runs.folder import Run

__all__ = ["Compared", "Comparison", "Contender", "compare_models", "contender", "medians", "paired"]

# Keys of an experiment that a contender's file may hold; the rest is the comparison's.
_CONTENDER_KEYS = ("model", "training", "calibrate")


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A model and how it is trained, under the name that the tables give it."""

    label: str
    page: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What to compare, and how.

    Parameters
    ----------
    data
        Folder of data sets, see :func:`holdfast.jobs.collection.collect`.
    contenders
        At least two, each under its own label.
    strategies
        Training attacks, of :data:`~holdfast.robustness.attacks.ATTACKS`.
    window
        In bp; None: the whole context, so that there is one window and nothing to shift.
    seed
        Of every run.
    changes
        Training settings laid over every contender's.
    """

    data: Path
    contenders: tuple[Contender, ...]
    strategies: tuple[str, ...] = ("centre",)
    window: int | None = None
    seed: int = 0
    changes: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        labels = [one.label for one in self.contenders]
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise ConfigError(f"compare: expected two models or more, each once, got {', '.join(labels) or 'none'}")
        for strategy in self.strategies:
            if strategy not in STRATEGY_NAMES:
                raise ConfigError(f"compare: unknown strategy '{strategy}': {did_you_mean(strategy, STRATEGY_NAMES)}")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The numbers and the files that hold them."""

    result: GridResult
    table: pd.DataFrame
    """One row for each data set, model, strategy and task."""
    pairs: pd.DataFrame
    """See :func:`paired`."""
    csv: Path
    markdown: Path
    report: Path


def contender(name: str) -> Contender:
    """Return a registered model by name with default training, or what a YAML file says.

    Parameters
    ----------
    name
        Of a registered model, or the path of a ``.yaml`` file with ``model`` and perhaps ``training``, as an
        experiment has them, and perhaps ``calibrate``: settings of the search's plan, to be made on every data set
        and under every strategy apart. The file's name without ending is the label.

    Raises
    ------
    ConfigError
        If there is no such model, or the file has another key.
    InputError
        If the file is missing or no YAML.

    Examples
    --------
    >>> contender("kmer").page
    {'model': 'kmer'}
    """
    if not name.endswith((".yaml", ".yml")):
        _ = MODELS[name]
        return Contender(label=name, page={"model": name})
    page = read_yaml(Path(name))
    for key in page:
        if key not in _CONTENDER_KEYS:
            raise ConfigError(f"{name}: unknown key '{key}': {did_you_mean(key, _CONTENDER_KEYS)}")
    if "model" not in page:
        raise ConfigError(f"{name}: names no model")
    if "calibrate" in page:
        _ = _plan(page, name)
    return Contender(label=Path(name).stem, page=page)


def _plan(page: Mapping[str, Any], where: str) -> Plan:
    """Return the plan of a contender's search: what its file says, laid over the model's own plan."""
    changes = page["calibrate"] or {}
    if not isinstance(changes, Mapping):
        raise ConfigError(f"{where}: calibrate is {changes!r}; expected settings of a plan, or nothing")
    known = [field.name for field in dataclasses.fields(Plan)]
    for key in changes:
        if key not in known:
            raise ConfigError(f"{where}: calibrate has no setting '{key}': {did_you_mean(key, known)}")
    own = search_of(Spec.parse(page["model"]).name).plan
    return dataclasses.replace(own, **check_values(Plan, changes, f"{where}, calibrate"))


def compare_models(asked: Comparison, root: Path, executor: Executor, *, progress: Progress = SILENT) -> Compared:
    """Train and audit every contender on every data set, and compare them set by set.

    Parameters
    ----------
    asked
        What to compare.
    root
        Folder of run folders; gets the data sets, the tables and the report too.
    executor
        Where to run.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If there are no data sets.
    ConfigError
        If a model cannot be built, or the window does not fit.
    """
    sets = collect(asked.data, root / "data", seed=asked.seed, progress=progress)
    plan = [
        (data, one.label, _settled(one, _experiment(asked, one, data, folder, strategy), root, executor, progress))
        for data, folder in sets.items()
        for one in asked.contenders
        for strategy in _strategies(asked, one)
    ]
    result = run_grid([experiment for *_, experiment in plan], root, executor, progress=progress)
    cell_of = {experiment.run_name: (data, label, experiment.strategy) for data, label, experiment in plan}
    table = pd.DataFrame([row for run in result.runs for row in _rows(run, *cell_of[run.record.name])])
    pairs = paired(table) if len(table) else table
    csv, page, report = root / "compare.csv", root / "compare.md", root / "report.html"
    if result.runs:
        write_text(csv, table.to_csv(index=False, lineterminator="\n"))
        write_text(page, _page(table, pairs))
        write_report(result.runs, report)
    return Compared(result=result, table=table, pairs=pairs, csv=csv, markdown=page, report=report)


def paired(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for every two models, how they differ over the data sets.

    Parameters
    ----------
    table
        Columns data, task, model, strategy, clean_auroc, worst_auroc.

    Returns
    -------
    DataFrame
        strategy, metric, a, b, sets (where both have a number), wins_a, wins_b, ties, median_difference (a - b), and
        p of the two-sided Wilcoxon signed-rank test (NaN where every difference is zero).

    Examples
    --------
    >>> rows = [(f"d{i}", "bound", m, "No Shift", auc, auc) for i in range(6) for m, auc in (("a", 0.8), ("b", 0.7))]
    >>> columns = ["data", "task", "model", "strategy", "clean_auroc", "worst_auroc"]
    >>> found = paired(pd.DataFrame(rows, columns=columns))
    >>> found[["metric", "wins_a", "wins_b", "p"]].values.tolist()
    [['clean_auroc', 6, 0, 0.03125], ['worst_auroc', 6, 0, 0.03125]]
    """
    rows = []
    for strategy, part in table.groupby("strategy", sort=False):
        for metric in ("clean_auroc", "worst_auroc"):
            wide = part.pivot(index=["data", "task"], columns="model", values=metric)
            for a, b in combinations(part["model"].unique(), 2):
                rows.append({"strategy": strategy, "metric": metric, "a": a, "b": b} | _pair(wide[a], wide[b]))
    return pd.DataFrame(rows)


def _pair(a: pd.Series[float], b: pd.Series[float]) -> dict[str, Any]:
    difference = (a - b).dropna().to_numpy()
    return {
        "sets": len(difference),
        "wins_a": int((difference > 0).sum()),
        "wins_b": int((difference < 0).sum()),
        "ties": int((difference == 0).sum()),
        "median_difference": float(np.median(difference)) if len(difference) else float("nan"),
        "p": float(wilcoxon(difference).pvalue) if difference.any() else float("nan"),
    }


def _strategies(asked: Comparison, one: Contender) -> tuple[str, ...]:
    """Return the training attacks of a contender; a model that is solved for has one."""
    constructor = MODELS[Spec.parse(one.page["model"]).name]
    is_solved = isinstance(constructor, type) and issubclass(constructor, ClosedFormModel)
    return ("centre",) if is_solved else asked.strategies


def _experiment(asked: Comparison, one: Contender, name: str, folder: Path, strategy: str) -> Experiment:
    window = asked.window or SequenceDataset.open(folder, verify=False).context
    training = dict(one.page.get("training") or {})
    if asked.changes:
        training["changes"] = {**training.get("changes", {}), **asked.changes}
    page = {
        "data": str(folder),
        "shift": {"window": window},
        "model": one.page["model"],
        "attack": strategy,
        "training": training,
        "seed": asked.seed,
        "name": f"{name}-{one.label}-{window}-{strategy}-s{asked.seed}",
    }
    return Experiment.parse(page, where=f"compare, {one.label}")


def _settled(one: Contender, page: Experiment, root: Path, executor: Executor, progress: Progress) -> Experiment:
    """Return the experiment with the best settings of its search, where the contender asks for one."""
    if "calibrate" not in one.page:
        return page
    plan = _plan(one.page, one.label)
    return calibrate(page, plan, kept=root / "calibrated", executor=executor, progress=progress).experiment


def _rows(run: Run, data: str, label: str, strategy: str) -> list[dict[str, Any]]:
    record = run.record
    rows = []
    for task in run.audit.tasks:
        row: dict[str, Any] = {"data": data, "task": task.task, "model": label, "strategy": strategy}
        row |= {"window": record.window, "parameters": record.n_parameters, "seed": record.seed}
        for column, estimates in (("clean", task.clean), ("worst", task.worst)):
            for metric in ("auroc", "accuracy", "mcc"):
                found = estimates[metric]
                row |= {f"{column}_{metric}": found.value}
                row |= {f"{column}_{metric}_low": found.low, f"{column}_{metric}_high": found.high}
        row |= {"certified_accuracy": task.certified_accuracy.value, "run": run.folder.name}
        rows.append(row)
    return rows


def medians(table: pd.DataFrame) -> pd.DataFrame:
    """Return the median over data sets of each model's clean and worst AUROC, best first."""
    columns = ["clean_auroc", "worst_auroc"]
    found = table.groupby(["strategy", "model"], sort=False)[columns].median().reset_index()
    return found.sort_values(["strategy", "clean_auroc"], ascending=[True, False], kind="stable")


def _page(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    parts = ["# Comparison", "", "Test AUROC of every data set, at the centre window and at each example's worst."]
    for strategy, rows in table.groupby("strategy", sort=False):
        parts += ["", f"## Trained under {strategy}", "", _per_set(rows), "", "### Pairs", "", _pairs(pairs, strategy)]
    return "\n".join(parts) + "\n"


def _per_set(rows: pd.DataFrame) -> str:
    models: Sequence[str] = rows["model"].unique().tolist()
    lines = []
    for (data, task), part in rows.groupby(["data", "task"], sort=False):
        of = part.set_index("model")
        name = data if rows["task"].nunique() == 1 else f"{data} ({task})"
        lines.append([str(name), *(_both(of, model) for model in models)])
    middle = medians(rows).set_index("model")
    lines.append(["median", *(_both(middle, model) for model in models)])
    return markdown(["data", *models], lines)


def _both(table: pd.DataFrame, model: str) -> str:
    if model not in table.index:
        return "failed"
    row = table[table.index == model].iloc[0]
    return f"{row['clean_auroc']:.4f} / {row['worst_auroc']:.4f}"


def _pairs(pairs: pd.DataFrame, strategy: object) -> str:
    cells = [
        [
            f"{row['a']} - {row['b']}",
            str(row["metric"]).replace("_", " "),
            str(row["sets"]),
            f"{row['wins_a']} : {row['wins_b']}",
            f"{row['median_difference']:+.4f}",
            f"{row['p']:.2g}",
        ]
        for row in pairs[pairs["strategy"] == strategy].to_dict("records")
    ]
    return markdown(["pair", "metric", "sets", "wins", "median difference", "Wilcoxon p"], cells)
