"""Does robust training give cleaner explanations? Models trained under No Shift, Rnd and Worst, explained and compared.

    python benchmarks/cleaner_explanations.py simulated [--runs runs] [--seeds 1 2] [--models holdfast pap_megyeri]
    python benchmarks/cleaner_explanations.py discovery deepbind_encode --real-data DIR

Trains what is not trained yet at 75 of 101 bp with the preset `fast`, explains bound test examples, and adds the data
sets named to results/cleaner_explanations.json (or results/NAME.json with --name): for each run its stability,
movement, fleeting bases, and on simulated data how well centre maps point at planted sites; for each training strategy
the agreement between its seeds, and what it changes against No Shift, example by example; and whether the factor's own
motif of JASPAR is among its filters, its optimised input and what its maps point at. Settings are the same for all;
nothing is chosen on the test part.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from accuracy import deepbind_encode, sp1_discovery
from harness import RESULTS, write_result
from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.data.build import build_simulated
from holdfast.data.simulate import TRUTH, SimulationConfig, read_truth, simulate
from holdfast.interpret.agreement import agreement
from holdfast.interpret.attributed import attributed_motifs
from holdfast.interpret.class_optimisation import ClassOptimisation, most_informative_run
from holdfast.interpret.filters import first_layer_motifs
from holdfast.interpret.truth import Pointing, planted_positions, pointing
from holdfast.interpret.zoops import Zoops
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.explain import Question, drawn_bound, mean_estimate, open_subject
from holdfast.jobs.explain_stability import explain_stability
from holdfast.jobs.motifs import motif_database
from holdfast.jobs.train import existing_run, train
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.recall import motif_recall
from holdfast.runs.explanations import read_stability_table
from holdfast.runs.folder import Run
from holdfast.runs.records import Estimate

WINDOW = 75
FACTORS = ("SP1", "MAFK", "ZNF143")
STRATEGIES = ("centre", "random", "worst")
MODELS: dict[str, Any] = {
    "holdfast": "holdfast",
    # Valid padding: a same-padded layer would see the window's ends, a cue of its own.
    "pap_megyeri": {"name": "pap_megyeri", "params": {"padding": "valid"}},
}
KEYS = ("data", "model", "trained")
FACTOR_OF = {"sp1_discovery": "SP1", "rest_gm12878": "REST", "gabpa_gm12878": "GABPA", "ctcfl_k562": "CTCFL"}
# Bound test examples whose windows a motif is looked for in, and the starts of class optimisation.
EXPLAINED = 500
OPTIMISATION = ClassOptimisation(starts=10, steps=300)
# Motifs looked for in what maps point at.
ATTRIBUTED = Zoops(motifs=3)
CONTROL = "No Shift"


@dataclass(frozen=True, eq=False)
class Measured:
    """A run's row, its maps of the examples asked, and what is known of each of these examples."""

    row: dict[str, Any]
    maps: NDArray[np.float32]
    by_example: dict[str, NDArray[np.float64]]


def main() -> None:
    """Train, explain, compare, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="+", choices=["simulated", "discovery", "deepbind_encode"])
    parser.add_argument("--real-data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--factors", nargs="+", default=list(FACTORS))
    parser.add_argument("--positives", type=int, default=2000, help="bound examples of each simulated factor")
    parser.add_argument("--epochs", type=int, help="in place of the preset's")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--method", default="corrected-gradient")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--name", default="cleaner_explanations")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    question = Question(method=Spec(name=asked.method), n=asked.examples)
    found: list[Measured] = []
    for data in data_sets(asked):
        for one in experiments(data, asked):
            run = existing_run(one, asked.runs) or train(one, asked.runs, resume=True)
            found.append(measured(run, question, data, asked.device))
            row = found[-1].row
            print({key: row[key] for key in (*KEYS, "seed", "clean", "worst", "stability", "truth")}, flush=True)
    payload = {
        "window_bp": WINDOW,
        "preset": "fast" if asked.epochs is None else f"fast, {asked.epochs} epochs",
        "method": asked.method,
        "examples": asked.examples,
        "simulated_positives": asked.positives,
        "attributed_motifs": ATTRIBUTED.motifs,
        "rows": [one.row for one in found],
        "agreement": agreements(found),
        "against_no_shift": list(differences(found)),
    }
    write_result(asked.name, with_earlier(payload, RESULTS / f"{asked.name}.json"))


def data_sets(asked: argparse.Namespace) -> list[Path]:
    """Return the folders of the data sets named, made where they are not there yet."""
    folder, found = asked.runs / "data", []
    if "simulated" in asked.sets:
        found += [simulated(factor, folder, asked.positives) for factor in asked.factors]
    for name, prepare in (("discovery", sp1_discovery), ("deepbind_encode", deepbind_encode)):
        if name in asked.sets:
            if asked.real_data is None:
                raise InputError(f"{name} is real data; say where it lies with --real-data")
            found += prepare(asked.real_data, folder)
    return found


def simulated(factor: str, folder: Path, positives: int) -> Path:
    """Return the data set of a simulated factor, as the demo makes it."""
    path = folder / f"simulated_{factor}_{positives}"
    if not path.exists():
        build_simulated(simulate(SimulationConfig(tf=factor, positives=positives, seed=1), jaspar_motif), path)
    return path


def experiments(data: Path, asked: argparse.Namespace) -> list[Experiment]:
    """Return every model under every strategy and seed."""
    changes = {} if asked.epochs is None else {"epochs": asked.epochs}
    return [
        experiment(data, MODELS[model], attack, seed=seed, device=asked.device, changes=changes)
        for model in asked.models
        for attack in STRATEGIES
        for seed in asked.seeds
    ]


def experiment(
    data: Path, model: Any, attack: str, *, seed: int, device: str = "auto", changes: dict[str, Any] | None = None
) -> Experiment:
    """Return the training of a model under a strategy, with an audit that is quick."""
    return Experiment.parse(
        {
            "data": str(data),
            "shift": {"window": WINDOW},
            "model": model,
            "attack": attack,
            "training": {"preset": "fast", "changes": changes or {}},
            "audit": {"bootstrap": 0, "out_of_distribution": False},
            "seed": seed,
            "device": device,
        }
    )


def measured(run: Run, question: Question, data: Path, device: str) -> Measured:
    """Return one run's numbers and its maps of the centre windows of the examples asked."""
    record = explain_stability(run.folder, question, data=data, device=device).found
    table = read_stability_table(run)
    subject = open_subject(run.folder, question, data=data, device=device)
    rows = drawn_bound(subject, question.n).rows
    assert (table["index"].to_numpy() == rows).all()
    start = subject.shift.centre
    windows = subject.data.codes_at(rows)[:, start : start + WINDOW]
    method = question.build_method()
    maps = method(subject.model, windows, index=torch.from_numpy(rows), device=subject.device).per_base
    truth = truth_of(data, rows, maps, start) if (data / TRUTH).exists() else None
    task = run.audit.tasks[0]
    row = {
        "data": run.record.data_name,
        "model": run.record.model,
        "trained": run.record.strategy,
        "seed": run.record.seed,
        "clean": round(task.clean["accuracy"].value, 4),
        "worst": round(task.worst["accuracy"].value, 4),
        # A model that gives one answer to everything has a map too, which explains nothing.
        "one_answer": not 0.02 <= task.calls_positive <= 0.98,
        "stability": written(record.score),
        "sign_stability": written(record.sign_score),
        "movement": written(record.movement),
        "fleeting_bases": written(record.fleeting),
        "examples": record.n_examples,
        "truth": None if truth is None else in_short(truth),
    }
    by_example = {"stability": table["score"].to_numpy(), "movement": table["movement"].to_numpy()}
    if truth is not None:
        by_example["truth_auroc"] = truth.auroc
    return Measured(row | recalled(run, question, data, device), maps, by_example)


def truth_of(data: Path, rows: NDArray[np.int64], maps: NDArray[np.float32], start: int) -> Pointing:
    """Return how well maps of windows from ``start`` point at planted sites."""
    context = planted_positions(read_truth(data), rows, context=101, motif_of=jaspar_motif)
    return pointing(maps, context[:, start : start + WINDOW])


def in_short(found: Pointing) -> dict[str, float]:
    """Return the averages."""
    return {
        "mean_auroc": round(float(np.nanmean(found.auroc)), 4),
        "mean_aupr": round(float(np.nanmean(found.aupr)), 4),
        "pooled_auroc": round(found.pooled_auroc, 4),
        "pooled_aupr": round(found.pooled_aupr, 4),
        "share": round(found.share, 4),
        "median_signal_to_noise": round(float(np.nanmedian(found.signal_to_noise)), 3),
    }


def recalled(run: Run, question: Question, data: Path, device: str) -> dict[str, Any]:
    """Return whether the factor's JASPAR motif is among what a model shows, looked for in three ways."""
    subject = open_subject(run.folder, question, data=data, device=device)
    wanted = jaspar_motif(FACTOR_OF.get(data.name) or data.name.split("_")[1])
    database = [wanted, *(motif for motif in motif_database() if motif.source != wanted.source)]
    rows = drawn_bound(subject, EXPLAINED).rows
    windows = subject.data.codes_at(rows)[:, subject.shift.centre : subject.shift.centre + WINDOW]
    maps = question.build_method()(subject.model, windows, index=torch.from_numpy(rows), device=subject.device)
    optimised = OPTIMISATION(subject.model, window=WINDOW, device=subject.device)
    shown = {
        "filters": first_layer_motifs(subject.model, subject.data.part("test")),
        "class_optimisation": [most_informative_run(optimised.best)],
        "attributed": [found.motif for found in attributed_motifs(maps, ATTRIBUTED, device="cpu")],
    }
    found = {name: motif_recall(motifs, wanted, database) for name, motifs in shown.items()}
    return {
        "wanted": wanted.source,
        "recall": {
            name: {
                "motifs": one.n_queries,
                "log10_p": round(one.log10_p, 2),
                "correlation": round(one.correlation, 3) if one.match else None,
                "rank": one.rank,
                # Among the motifs asked about, the first being 1.
                "place": [motif is one.match.query for motif in shown[name]].index(True) + 1 if one.match else None,
                "found": one.found,
                "consensus": one.match.query.consensus if one.match else None,
                "all": [motif.consensus for motif in shown[name]] if len(shown[name]) <= ATTRIBUTED.motifs else None,
            }
            for name, one in found.items()
        },
    }


def agreements(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return the agreement between the seeds of each data set, model and strategy."""
    found = []
    for key, members in grouped(measured):
        if len(members) > 1:
            alike = agreement(np.stack([one.maps for one in members]))
            seeds = [one.row["seed"] for one in members]
            found.append(dict(zip(KEYS, key, strict=True)) | {"seeds": seeds, "rank_correlation": round(alike.mean, 4)})
    return found


def differences(measured: Sequence[Measured]) -> Iterator[dict[str, Any]]:
    """Yield what each other training changes against No Shift: means over seeds, compared example by example."""
    groups = dict(grouped(measured))
    for key, members in groups.items():
        control = groups.get((*key[:2], CONTROL))
        if control and key[2] != CONTROL:
            changes = {
                name: np.mean([one.by_example[name] for one in members], axis=0)
                - np.mean([one.by_example[name] for one in control], axis=0)
                for name in members[0].by_example
            }
            estimates = {name: written(mean_estimate(change)) for name, change in changes.items()}
            yield dict(zip(KEYS, key, strict=True)) | {"seeds": [one.row["seed"] for one in members]} | estimates


def grouped(measured: Sequence[Measured]) -> Iterator[tuple[tuple[str, ...], list[Measured]]]:
    """Yield the runs that differ by their seeds alone."""
    for key, members in groupby(sorted(measured, key=lambda one: key_of(one.row)), key=lambda one: key_of(one.row)):
        yield key, list(members)


def with_earlier(payload: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return results with those of data sets that were asked about earlier, in the same way."""
    if not path.exists():
        return payload
    earlier = json.loads(path.read_text(encoding="utf-8"))
    lists = ("rows", "agreement", "against_no_shift")
    settings = [key for key in payload if key not in lists]
    if any(earlier.get(key) != payload[key] for key in settings):
        return payload
    return payload | {key: joined(earlier[key], payload[key]) for key in lists}


def joined(earlier: Iterable[dict[str, Any]], later: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of both; of one that is in both, the later."""
    names = {(key_of(row), row.get("seed")) for row in later}
    return [row for row in earlier if (key_of(row), row.get("seed")) not in names] + list(later)


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    """Return what a row is about, seeds apart."""
    return tuple(row[key] for key in KEYS)


def written(value: Estimate) -> list[float]:
    """Return a mean and its 95 % interval over examples."""
    return [round(number, 4) for number in (value.value, value.low, value.high)]


if __name__ == "__main__":
    main()
