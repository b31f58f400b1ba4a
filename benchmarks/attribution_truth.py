"""Attribution methods against planted sites, against shuffled weights, and against maps that are known.

    python benchmarks/attribution_truth.py [--runs runs] [--factors SP1 ZNF143] [--seeds 1 2] [--examples 30]

Trains what is not trained yet on simulated factors (75 of 101 bp, preset `fast`, No Shift) and asks every registered
method, as it is by default, about the same bound test examples: of the trained models, of untrained ones, and of the
planted matrix itself. Each gets its AUROC and average precision against the informative positions of planted sites,
its rank correlation with in-silico mutagenesis, its gap and its seconds; models that read one strand, also the scores
of the mean of both strands' maps. Then the randomisation check, and models whose maps are known.
Writes results/attribution_truth.json after each factor.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cleaner_explanations import WINDOW, experiment, simulated, written
from harness import write_result
from holdfast.core.memory import keep_freed_memory
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, read_truth
from holdfast.dna.codes import Codes
from holdfast.interpret.agreement import agreement
from holdfast.interpret.attribution import ATTRIBUTIONS, Attributions
from holdfast.interpret.attribution.sanity import randomisation_check
from holdfast.interpret.truth import planted_positions, pointing
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.explain import Question, drawn_bound, mean_estimate, open_subject
from holdfast.jobs.scanner import MatrixScanner
from holdfast.jobs.train import existing_run, train
from holdfast.models.base import SequenceModel
from holdfast.motifs.database import jaspar_motif
from holdfast.runs.folder import Run
from known_maps import closed_forms

Floats = NDArray[np.float64]

MODELS: dict[str, Any] = {
    "holdfast": "holdfast",
    # Valid padding: a same-padded layer would see the window's ends, a cue of its own.
    "zeng": {"name": "zeng", "params": {"padding": "valid"}},
}
MATRIX = "planted matrix"
# One value of 0 or more a position: their order can only be compared with that of absolute contributions.
UNSIGNED = ("saliency", "grad-cam")
# The randomisation check asks many models: fewer shuffles for each window than by default, and windows.
CHECKED = {"expected-gradients": {"references": 5}, "deepshap": {"references": 5}}
CHECKED_WINDOWS, ORDERS = 4, (1, 2)
# Nodes on the way of integrated gradients, where the gap is looked at beside the default.
STEPS = (50, 200, 800)


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """A model to be explained, and what a row says of it.

    Parameters
    ----------
    name
        Of the model.
    state
        ``trained``, ``untrained`` or ``told``.
    both_strands
        Whether it answers alike for both strands.
    run
        Where it was trained.
    """

    model: nn.Module
    name: str
    state: str
    seed: int | None
    both_strands: bool
    run: Run | None = None

    @property
    def key(self) -> dict[str, Any]:
        """What a row says of it."""
        return {"model": self.name, "state": self.state, "seed": self.seed}


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """Bound test examples of a simulated factor.

    Parameters
    ----------
    folder
        The data set.
    rows
        (N,) numbers of the examples.
    windows
        (N, W) uint8.
    matters
        (N, W) bool, informative positions of planted sites.
    """

    factor: str
    folder: Path
    rows: NDArray[np.int64]
    windows: Codes
    matters: NDArray[np.bool_]


def main() -> None:
    """Train, explain, check, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--factors", nargs="+", default=["SP1", "ZNF143"])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--positives", type=int, default=2000, help="bound examples of each simulated factor")
    parser.add_argument("--examples", type=int, default=30)
    parser.add_argument("--name", default="attribution_truth")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as the command line does
    page: dict[str, list[dict[str, Any]]] = {"models": [], "rows": [], "controls": [], "randomised": [], "steps": []}
    scores, known = list[dict[str, Any]](), closed_forms(asked.factors)
    for factor in asked.factors:
        runs = trained(simulated(factor, asked.runs / "data", asked.positives), asked)
        examples = examples_of(runs[0], factor, asked.examples)
        page["controls"] += controls(examples)
        for one in subjects(runs, factor, asked.models):
            answered, found = ask(one, examples)
            page["models"].append(of_model(one, examples, answered))
            page["rows"] += [row for row, _ in found]
            scores += [kept for _, kept in found]
            if one.state == "trained" and one.seed == asked.seeds[0]:
                page["randomised"] += randomised(one, examples)
                page["steps"] += gaps_by_steps(one, examples)
        write_result(asked.name, described(asked) | page | {"compared": compared(scores), "closed_forms": known})


def described(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked, and how."""
    return {
        "window_bp": WINDOW,
        "preset": "fast",
        "examples": asked.examples,
        "simulated_positives": asked.positives,
        "randomised_settings": {"windows": CHECKED_WINDOWS, "orders": len(ORDERS), "changes": CHECKED},
    }


def trained(data: Path, asked: argparse.Namespace) -> list[Run]:
    """Return the runs of every model and seed, trained where they are not there yet."""
    wanted = [experiment(data, MODELS[model], "centre", seed=seed) for model in asked.models for seed in asked.seeds]
    return [existing_run(one, asked.runs) or train(one, asked.runs, resume=True) for one in wanted]


def examples_of(run: Run, factor: str, n: int) -> Examples:
    """Return drawn bound test examples: the same for every run of a data set."""
    subject = open_subject(run.folder, Question(n=n))
    folder, rows, start = Path(run.config["data"]), drawn_bound(subject, n).rows, subject.shift.centre
    context = planted_positions(read_truth(folder), rows, context=subject.data.context, motif_of=jaspar_motif)
    return Examples(
        factor=factor,
        folder=folder,
        rows=rows,
        windows=subject.data.codes_at(rows)[:, start : start + WINDOW],
        matters=context[:, start : start + WINDOW],
    )


def subjects(runs: Sequence[Run], factor: str, models: Sequence[str]) -> Iterator[Asked]:
    """Yield trained models, an untrained one of each kind, and the planted matrix."""
    for run in runs:
        model = load_run_model(run)
        name, seed = run.record.model.split()[0], run.record.seed
        yield Asked(model=model, name=name, state="trained", seed=seed, both_strands=model.both_strands, run=run)
    for name in models:
        torch.manual_seed(0)
        blank: SequenceModel = experiment(Path(), MODELS[name], "centre", seed=0).build_model(1)
        yield Asked(model=blank, name=name, state="untrained", seed=0, both_strands=blank.both_strands)
    told = MatrixScanner(jaspar_motif(factor), SimulationConfig(tf=factor))
    yield Asked(model=told, name=MATRIX, state="told", seed=None, both_strands=True)


def ask(one: Asked, examples: Examples) -> tuple[Attributions, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Return the maps by mutagenesis; and of each method, a row, and each example's scores to be compared later."""
    index = torch.from_numpy(examples.rows)
    reference = ATTRIBUTIONS["ism"]()(one.model, examples.windows, index=index)
    found = []
    for name in ATTRIBUTIONS:
        method = ATTRIBUTIONS[name]()
        method(one.model, examples.windows[:1])  # what is compiled or made once, is made here
        before = time.process_time()
        maps = method(one.model, examples.windows, index=index)
        seconds = (time.process_time() - before) / len(examples.rows)
        row, kept = row_of(one, examples, name, maps, reference)
        row["cpu_seconds_per_window"] = round(seconds, 5)
        row["both_strands"] = None
        if one.state == "trained" and not one.both_strands:
            both = replace(method, strands="both")(one.model, examples.windows, index=index)
            row["both_strands"] = of_both_strands(both, examples, kept)
        found.append((row, kept))
        print({key: row[key] for key in ("data", "model", "state", "seed", "method", "auroc", "aupr")}, flush=True)
    return reference, found


def row_of(
    one: Asked, examples: Examples, name: str, maps: Attributions, reference: Attributions
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is written of a model's maps by a method, and each example's scores."""
    points = pointing(maps.per_base, examples.matters)
    pair = np.stack([maps.per_base, reference.per_base])
    right = np.where(reference.logits > 0, points.auroc, np.nan)
    kept = {**one.key, "data": examples.factor, "method": name, "auroc": points.auroc, "aupr": points.aupr}
    row = {
        "data": examples.factor,
        **one.key,
        "method": name,
        "auroc": written(mean_estimate(points.auroc)),
        "aupr": written(mean_estimate(points.aupr)),
        "auroc_called_right": written(mean_estimate(right)),
        "pooled_auroc": round(points.pooled_auroc, 4),
        "pooled_aupr": round(points.pooled_aupr, 4),
        "rank_correlation_with_ism": None if name in UNSIGNED else number(agreement(pair).mean),
        "absolute_rank_correlation_with_ism": number(agreement(pair, absolute=True).mean),
        "largest_gap": None if maps.gap is None else float(np.abs(maps.gap).max()),
        "share_flagged": None if maps.incomplete is None else round(float(maps.incomplete.mean()), 4),
    }
    return row, kept


def of_both_strands(both: Attributions, examples: Examples, kept: dict[str, Any]) -> dict[str, Any]:
    """Return how the mean of both strands' maps points, and what it gains."""
    points = pointing(both.per_base, examples.matters)
    return {
        "auroc": written(mean_estimate(points.auroc)),
        "aupr": written(mean_estimate(points.aupr)),
        "auroc_gain": written(mean_estimate(points.auroc - kept["auroc"])),
        "aupr_gain": written(mean_estimate(points.aupr - kept["aupr"])),
    }


def of_model(one: Asked, examples: Examples, answered: Attributions) -> dict[str, Any]:
    """Return how good a model is: a map can point at no more than was learned."""
    clean = one.run.audit.tasks[0].clean if one.run else None
    return {
        "data": examples.factor,
        **one.key,
        "clean_accuracy": round(clean["accuracy"].value, 4) if clean else None,
        "clean_auroc": round(clean["auroc"].value, 4) if clean else None,
        "bound_called_right": round(float((answered.logits > 0).mean()), 4),
    }


def controls(examples: Examples) -> list[dict[str, Any]]:
    """Return how well maps point that look at no model: where training sites lie, and which bases are G or C."""
    data = SequenceDataset.open(examples.folder)
    train = data.part("train")
    bound, start = train.index[train.labels[:, 0] == 1], (data.context - WINDOW) // 2
    sites = planted_positions(read_truth(examples.folder), bound, context=data.context, motif_of=jaspar_motif)
    usual = sites[:, start : start + WINDOW].mean(axis=0)
    strong = np.isin(examples.windows, (1, 2)).astype(np.float64)
    shown = {"where training sites lie": np.broadcast_to(usual, examples.matters.shape), "G or C": strong}
    rows = []
    for name, maps in shown.items():
        points = pointing(maps, examples.matters)
        found = {"auroc": written(mean_estimate(points.auroc)), "aupr": written(mean_estimate(points.aupr))}
        rows.append({"data": examples.factor, "control": name, **found, "share": round(points.share, 4)})
    return rows


def randomised(one: Asked, examples: Examples) -> list[dict[str, Any]]:
    """Return the mean correlation with the learned map after each stage, over windows and orders."""
    windows = examples.windows[:: max(1, len(examples.windows) // CHECKED_WINDOWS)][:CHECKED_WINDOWS]
    rows = []
    for name in ATTRIBUTIONS:
        method = ATTRIBUTIONS[name](**CHECKED.get(name, {}))
        found = [randomisation_check(one.model, windows, method, seed=order) for order in ORDERS]
        rows.append(
            {
                "data": examples.factor,
                **one.key,
                "method": name,
                "layers": list(found[0].layers),
                "correlation": None if name in UNSIGNED else over_windows([check.correlation for check in found]),
                "absolute": over_windows([check.absolute for check in found]),
            }
        )
        print({key: rows[-1][key] for key in ("data", "model", "method", "correlation", "absolute")}, flush=True)
    return rows


def gaps_by_steps(one: Asked, examples: Examples) -> list[dict[str, Any]]:
    """Return how far integrated gradients are from complete by the number of steps, refined and not, and the cost."""
    rows = []
    for steps, refine in ((STEPS[0], True), *((steps, False) for steps in STEPS)):
        method = ATTRIBUTIONS["integrated-gradients"](steps=steps, refine=refine)
        began = time.process_time()
        found = method(one.model, examples.windows)
        seconds = time.process_time() - began
        assert found.gap is not None
        assert found.incomplete is not None
        gaps = {
            "largest_gap": float(np.abs(found.gap).max()),
            "share_flagged": round(float(found.incomplete.mean()), 4),
            "cpu_seconds_per_window": round(seconds / len(examples.windows), 5),
        }
        rows.append({"data": examples.factor, **one.key, "steps": steps, "refine": refine, **gaps})
    return rows


def over_windows(correlations: Sequence[Floats]) -> list[float | None]:
    """Return the means of (K, N) correlations of several checks; None where every map of a stage is flat."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no number
        means = np.nanmean(np.concatenate(correlations, axis=1), axis=1)
    return [number(mean) for mean in means]


def compared(scores: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how much better each method points than mutagenesis of the same models, over examples of all factors.

    An example's score is its mean over the seeds.
    """

    def means(method: str, part: list[dict[str, Any]], score: str) -> Floats:
        chosen = [kept for kept in part if kept["method"] == method]
        factors = dict.fromkeys(kept["data"] for kept in chosen)
        return np.concatenate([np.mean([kept[score] for kept in chosen if kept["data"] == one], 0) for one in factors])

    def key(kept: dict[str, Any]) -> tuple[str, str]:
        return kept["model"], kept["state"]

    rows = []
    for (model, state), group in groupby(sorted(scores, key=key), key=key):
        part = list(group)
        for method in ATTRIBUTIONS:
            gains = {score: means(method, part, score) - means("ism", part, score) for score in ("auroc", "aupr")}
            found = {f"{score}_less_ism": written(mean_estimate(gain)) for score, gain in gains.items()}
            rows.append({"model": model, "state": state, "method": method, **found})
    return rows


def number(value: float) -> float | None:
    """Return a number with four places, None where there is none."""
    return round(float(value), 4) if np.isfinite(value) else None


if __name__ == "__main__":
    main()
