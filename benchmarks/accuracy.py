"""Accuracy and robustness on real data: train under No Shift, Rnd and Worst, audit each under all three.

    python benchmarks/accuracy.py sp1_discovery --real-data DIR [--runs runs] [--seeds 1] [--model holdfast]
    python benchmarks/accuracy.py deepbind_encode --real-data DIR
    python benchmarks/accuracy.py gue_tf --real-data DIR

Reads the real data sets from DIR, keeps its runs under --runs and goes on where it was stopped, and writes
results/accuracy_<name>.json: every number with its 95 % bootstrap interval, seed, split and, where the paper has the
cell, the paper's value. All settings were chosen on validation data; the test part is scored once per run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import write_result
from holdfast.core.errors import InputError
from holdfast.data.build import build, read_parts
from holdfast.data.dataset import SequenceDataset
from holdfast.data.parts import TEST
from holdfast.data.split import Given, Paper
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.train import existing_run, train
from holdfast.runs.folder import Run
from holdfast.runs.records import TaskAudit

VIEWS = ("clean", "random", "worst")
DEEPBIND = {
    "rest_gm12878": "REST_GM12878_NRSF_HudsonAlpha",
    "gabpa_gm12878": "GABPA_GM12878_GABP_HudsonAlpha",
    "ctcfl_k562": "CTCFL_K562_CTCFL_(SC-98982)_HudsonAlpha",
}


@dataclass(frozen=True)
class Question:
    """What is asked of some data sets."""

    prepare: Callable[[Path, Path], list[Path]]
    """Real data and a folder to keep data sets in, to data sets."""
    windows: tuple[int, ...]
    strategies: tuple[str, ...] = ("centre", "random", "worst")
    """What a model that reads less than the context is trained under; one that reads all of it, under No Shift."""
    preset: str = "fast"


def sp1_discovery(real: Path, folder: Path) -> list[Path]:
    """Return the paper's S/discovery set with the paper's split."""
    path = folder / "sp1_discovery"
    if not path.exists():
        build(read_parts([real / "ds" / "sp1_h1hesc_discovery.npz"]), path, split=Paper())
    return [path]


def deepbind_encode(real: Path, folder: Path) -> list[Path]:
    """Return three of DeepBind's ENCODE sets: train on AC with fresh shuffles, test on B."""
    paths = []
    for name, stem in DEEPBIND.items():
        path = folder / name
        if not path.exists():
            parts = [real / "deepbind_encode" / f"{stem}_{part}.seq.gz" for part in ("AC", "B")]
            records = read_parts(parts[:1], test=parts[1:])
            build(records, path, split=Given(), negatives="shuffle", seed=1)
        paths.append(path)
    return paths


def gue_tf(real: Path, folder: Path) -> list[Path]:
    """Return the three human tasks of the GUE benchmark that are at hand, with its own parts."""
    paths = []
    for task in range(3):
        path = folder / f"gue_tf_{task}"
        if not path.exists():
            train, validation, test = ([real / "gue_tf" / f"{task}.{part}.csv.gz"] for part in ("train", "dev", "test"))
            build(read_parts(train, validation=validation, test=test), path, split=Given())
        paths.append(path)
    return paths


SETS = {
    "sp1_discovery": Question(sp1_discovery, (75, 90, 95, 101)),
    "deepbind_encode": Question(deepbind_encode, (75,)),
    "gue_tf": Question(gue_tf, (101, 75), strategies=("worst",), preset="holdfast"),
}


def cells(question: Question, model: str, seeds: list[int]) -> list[dict[str, Any]]:
    """Return one page per model to train; at 101 of 101 bp every strategy is No Shift."""
    pages: list[dict[str, Any]] = []
    for window in question.windows:
        pages.append({"shift": {"window": window}, "model": "kmer", "attack": "centre", "seed": seeds[0]})
        for attack in question.strategies if window < 101 else ("centre",):
            pages += [{"shift": {"window": window}, "model": model, "attack": attack, "seed": seed} for seed in seeds]
    return pages


def main() -> None:
    """Train what is not trained yet, then write every number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=list(SETS))
    parser.add_argument("--real-data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--model", default="holdfast")
    parser.add_argument("--preset", help="another than the set's own")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    question = SETS[asked.set]
    preset = asked.preset or question.preset
    paths = question.prepare(asked.real_data, asked.runs / "data")
    rows = []
    for page in cells(question, asked.model, asked.seeds):
        for path in paths:
            page = page | {"data": str(path), "training": {"preset": preset}, "device": asked.device}
            experiment = Experiment.parse(page)
            run = existing_run(experiment, asked.runs) or train(experiment, asked.runs, resume=True)
            rows.append(row_of(run, SequenceDataset.open(path, verify=False)))
            print(
                {key: rows[-1][key] for key in ("data", "window_bp", "model", "trained", "seed", "accuracy")},
                flush=True,
            )
    own = (asked.model, preset) == ("holdfast", question.preset)
    suffix = "" if own else f"_{asked.model}_{preset}"
    write_result(
        f"accuracy_{asked.set}{suffix}",
        {
            "preset": preset,
            "data": {path.name: SequenceDataset.open(path).manifest.model_dump(mode="json") for path in paths},
            "rows": rows,
        },
    )


def row_of(run: Run, data: SequenceDataset) -> dict[str, Any]:
    """Return one run's numbers."""
    record, task = run.record, run.audit.tasks[0]
    if run.audit.part != "test":
        raise InputError(f"{run.folder}: audited on {run.audit.part}, expected test")
    return {
        "data": record.data_name,
        "window_bp": record.window,
        "context_bp": record.context,
        "model": record.model,
        "parameters": record.n_parameters,
        "trained": record.strategy,
        "seed": record.seed,
        "accuracy": {name: round(getattr(task, name)["accuracy"].value, 4) for name in VIEWS},
        "interval_95": intervals(task, "accuracy"),
        "auroc": {name: round(getattr(task, name)["auroc"].value, 4) for name in VIEWS},
        "auroc_interval_95": intervals(task, "auroc"),
        "mcc": {name: round(getattr(task, name)["mcc"].value, 4) for name in VIEWS},
        "mcc_interval_95": intervals(task, "mcc"),
        "certified": round(task.certified_accuracy.value, 4),
        "examples": task.n_examples,
        "by_twin": by_twin(run, data),
        "training": record.training.model_dump(mode="json") if record.training else None,
    }


def intervals(task: TaskAudit, metric: str) -> dict[str, list[float]]:
    """Return a metric's bootstrap intervals, clean, random and worst."""
    found = {name: getattr(task, name)[metric] for name in VIEWS}
    return {name: [round(value.low, 4), round(value.high, 4)] for name, value in found.items()}


def by_twin(run: Run, data: SequenceDataset) -> dict[str, Any]:
    """Return accuracy of the test examples whose shuffled twin was trained or selected on, and of the others."""
    windows = run.windows
    seen = np.isin(data.group[windows["index"]], data.group[data.split != TEST])
    right = (windows["centre_logit"] > 0) == (windows["label"] == 1)
    return {
        name: {
            "examples": int(which.sum()),
            "clean": round(float(right[which].mean()), 4) if which.any() else None,
            "worst": round(float(windows["certified"][which].mean()), 4) if which.any() else None,
        }
        for name, which in (("twin_seen", seen), ("twin_unseen", ~seen))
    }


if __name__ == "__main__":
    main()
