"""Which motifs did DeMo and holdfast learn? What DeMo's poster counted, on DeepBind's ENCODE sets and on SP1's.

    python benchmarks/learned_motifs.py --real-data DIR [--runs runs/compare] [--models demo] [--sets REST USF1]

For each of ten ENCODE sets (trained on AC, tested on B) and S/discovery: what a network shows of its factor's motif, in
five ways, what JASPAR calls it, and whether its average affinity tells bound from unbound test sequences better than
JASPAR's own motif of the factor. DeMo is that of demo_against_deepbind.py, depths chosen by training accuracy as on the
poster; what that benchmark has trained under --runs is taken as it is (ask both with the same --runs, from the same
folder). holdfast is trained by its preset. No motif is made from test examples and nothing is chosen on them; which
JASPAR motif stands for a factor is written down below. Each row is written to results/learned_motifs.json as it is
measured, and not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from scipy.stats import rankdata

from accuracy import sp1_discovery
from harness import RESULTS, write_result
from holdfast.core.device import evaluating
from holdfast.core.memory import keep_freed_memory
from holdfast.core.random import numpy_generator
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.interpret.attributed import attributed_motifs
from holdfast.interpret.class_optimisation import (
    ClassOptimisation,
    most_informative_run,
    shared_site,
    strongest_columns,
)
from holdfast.interpret.filters import first_layer_motifs
from holdfast.jobs.calibrate import calibrate, plan_of
from holdfast.jobs.collection import collect
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.explain import Question, Subject, drawn_bound, open_subject
from holdfast.jobs.motifs import affinity_auroc, affinity_gain, motif_database
from holdfast.jobs.train import existing_run, train
from holdfast.motifs.match import MatchSettings, MotifMatch, match_motifs
from holdfast.motifs.motif import Motif
from holdfast.motifs.recall import column_correlation, motif_recall
from holdfast.runs.folder import Run
from holdfast.runs.records import Estimate

WINDOW, SEED = 101, 1
# Of the poster's two ways to choose depths, the one it used; the file says how small the search is.
DEMO = Path(__file__).resolve().parent / "contenders" / "demo_by_training.yaml"
# Gradient steps of holdfast's preset, 128 examples each, about: as many whole epochs as come nearest, at least one.
STEPS, BATCH = 300, 128
# The newest vertebrates' CORE matrix of the factor's own name, upper and lower case alike (ARID3A's is the mouse's);
# matrices of pairs of factors are other names.
JASPAR_OF = {
    "ARID3A": "MA0151.1",
    "CTCFL": "MA1102.3",
    "ELK1": "MA0028.3",
    "FOXA1": "MA0148.5",
    "GABPA": "MA0062.4",
    "MYC": "MA0147.4",
    "REST": "MA0138.3",
    "SP1": "MA0079.5",
    "USF1": "MA0093.4",
    "ZBTB7A": "MA0750.4",
}
# The group's later defaults; the poster does not say how many starts it took, and the public code takes one.
OPTIMISATION = ClassOptimisation(starts=10)
# Training examples that filters are judged by, and bound ones whose maps are read.
JUDGED, EXPLAINED = 2000, 500
METHOD = "corrected-gradient"


def main() -> None:
    """Train what is not trained yet, ask what was not asked yet, write every row as it comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--real-data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/compare"))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--sets", nargs="+", help="those whose names begin so; all, if not given")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    sets = data_sets(asked.real_data, asked.runs)
    wanted = tuple(asked.sets or [""])
    if not any(name.startswith(wanted) for name in sets):
        parser.error(f"--sets {' '.join(wanted)}: expected beginnings of {', '.join(sets)}")
    for model in asked.models:
        for name, data in sets.items():
            done = earlier_rows()
            if name.startswith(wanted) and (name, model) not in done:
                row = row_of(name, model, MODELS[model](name, data, asked.runs), data)
                write_rows([*done.values(), row])
                print({key: row[key] for key in ("data", "model", "auroc")}, flush=True)


def settings() -> dict[str, Any]:
    """Return what decides every number."""
    return {
        "window_bp": WINDOW,
        "seed": SEED,
        "demo": {"search": yaml.safe_load(DEMO.read_text(encoding="utf-8"))["calibrate"]},
        "holdfast": {"preset": "fast", "steps_about": STEPS},
        "class_optimisation": dataclasses.asdict(OPTIMISATION),
        "filters_judged_by_training_examples": JUDGED,
        "maps": {"method": METHOD, "bound_training_examples": EXPLAINED},
        "jaspar": {"database": "JASPAR2026, vertebrates", "motif_of": JASPAR_OF},
    }


def earlier_rows() -> dict[tuple[str, str], dict[str, Any]]:
    """Return rows measured with the same settings, by data set and model."""
    path = RESULTS / "learned_motifs.json"
    if not path.exists():
        return {}
    page = json.loads(path.read_text(encoding="utf-8"))
    same = all(page.get(key) == value for key, value in settings().items())
    return {(row["data"], row["model"]): row for row in page["rows"]} if same else {}


def write_rows(rows: list[dict[str, Any]]) -> None:
    """Write all rows measured so far."""
    write_result("learned_motifs", settings() | {"rows": sorted(rows, key=lambda row: (row["model"], row["data"]))})


def data_sets(real: Path, runs: Path) -> dict[str, Path]:
    """Return the ten sets of DeepBind by the stems of their files, and the paper's S/discovery."""
    sets = collect(real / "deepbind_encode", runs / "data", seed=SEED)
    (discovery,) = sp1_discovery(real, runs / "data")
    return sets | {discovery.name: discovery}


def demo_run(name: str, data: Path, runs: Path) -> Run:
    """Return the network of demo_against_deepbind.py: depths by training accuracy, as the poster chose them."""
    page = {"data": str(data), "shift": {"window": WINDOW}, "model": "demo", "seed": SEED}
    experiment = Experiment.parse(page | {"name": f"{name}-{DEMO.stem}-{WINDOW}-centre-s{SEED}"})
    plan = dataclasses.replace(plan_of(experiment), **settings()["demo"]["search"])
    settled = calibrate(experiment, plan, kept=runs / "calibrated").experiment
    return existing_run(settled, runs) or train(settled, runs, resume=True)


def holdfast_run(name: str, data: Path, runs: Path) -> Run:
    """Return holdfast's own network, preset ``fast``, with about as many steps for sets of every size."""
    n_train = len(SequenceDataset.open(data, verify=False).part("train"))
    page: dict[str, Any] = {
        "data": str(data),
        "shift": {"window": WINDOW},
        "model": "holdfast",
        "training": {"preset": "fast", "changes": {"epochs": max(1, round(STEPS * BATCH / n_train))}},
        "audit": {"out_of_distribution": False},
        "seed": SEED,
        "name": f"{name}-holdfast-{WINDOW}-centre-s{SEED}",
    }
    experiment = Experiment.parse(page)
    return existing_run(experiment, runs) or train(experiment, runs, resume=True)


MODELS: dict[str, Callable[[str, Path, Path], Run]] = {"demo": demo_run, "holdfast": holdfast_run}


def row_of(name: str, model: str, run: Run, data: Path) -> dict[str, Any]:
    """Return how well a network does, and what it shows in each way."""
    factor = name.split("_")[0].upper()
    question = Question(method=Spec(name=METHOD), part="train")
    subject = open_subject(run.folder, question, data=data, device="cpu")
    database = motif_database()
    (wanted,) = (motif for motif in database if motif.accession == JASPAR_OF[factor])
    shown, said = shown_motifs(subject, question)
    clean = run.audit.tasks[0].clean
    return {
        "data": name,
        "factor": factor,
        "model": model,
        "params": dict(run.model_spec.params),
        "train_examples": len(subject.data.part("train")),
        "test_examples": run.audit.tasks[0].n_examples,
        "accuracy": rounded(clean["accuracy"]),
        "auroc": rounded(clean["auroc"]),
        "jaspar": {
            "accession": wanted.accession,
            "consensus": wanted.consensus,
            "affinity_auroc": rounded(affinity_auroc(wanted, subject.data)),
        },
        **said,
        "motifs": {way: judged(motif, wanted, database, subject.data) for way, motif in shown.items()},
    }


def shown_motifs(subject: Subject, question: Question) -> tuple[dict[str, Motif], dict[str, Any]]:
    """Return the network's motifs by the way of asking, and what else there is to say of them."""
    optimised = OPTIMISATION(subject.model, window=WINDOW)
    best, shared = optimised.best, shared_site(optimised)
    filter_motif, filter_auroc = best_filter(subject)
    rows = drawn_bound(subject, EXPLAINED).rows
    windows = subject.data.codes_at(rows)
    maps = question.build_method()(subject.model, windows, index=torch.from_numpy(rows))
    mapped = attributed_motifs(maps, device="cpu")
    shown = {
        "optimised_informative": most_informative_run(best),
        "optimised_strongest": best.sliced(*strongest_columns(optimised.inputs[optimised.best_start])),
        "optimised_shared": shared.motif,
        "filter": filter_motif,
        **({"maps": mapped[0].motif} if mapped else {}),
    }
    said = {
        "optimised": {
            "bound_median": round(float(np.median(optimised.probabilities)), 4),
            "bound_as_sequence_median": round(float(np.median(optimised.sequence_probabilities)), 4),
            "likeness_of_starts_median": round(float(np.median(shared.likeness)), 3),
        },
        "filter_training_auroc": round(filter_auroc, 4),
    }
    return shown, said


def best_filter(subject: Subject) -> tuple[Motif, float]:
    """Return the motif of the first-layer filter whose largest response tells training examples apart best."""
    examples = subject.data.part("train")
    drawn = numpy_generator(SEED, "filters").permutation(len(examples))[:JUDGED]
    part = SequenceDataset.in_memory(
        examples.codes_at(drawn),
        np.asarray(examples.labels)[drawn],
        split=np.zeros(len(drawn), dtype=np.uint8),
    ).part("train")
    auroc = aurocs(largest_responses(subject, part.codes_at(np.arange(len(part)))), np.asarray(part.labels)[:, 0] == 1)
    motifs = {int(motif.name.split()[-1]): motif for motif in first_layer_motifs(subject.model, part)}
    best = max(motifs, key=lambda number: float(auroc[number]))
    return motifs[best], float(auroc[best])


def largest_responses(subject: Subject, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (N, filters) largest responses of the first convolution, on both strands of a model that reads both."""
    model = subject.model
    layer = next(one for one in model.modules() if isinstance(one, torch.nn.Conv1d) and one.in_channels == 4)
    found = []
    with evaluating(model, torch.device("cpu")), torch.no_grad():
        for block in torch.from_numpy(codes).split(256):
            strands = (block, reverse_complement(block)) if model.both_strands else (block,)
            found.append(torch.stack([layer(one_hot(strand)).amax(dim=2) for strand in strands]).amax(dim=0))
    return torch.cat(found).double().numpy()


def aurocs(scores: NDArray[np.float64], bound: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the AUROC of each column of scores: Mann and Whitney's U over the number of pairs."""
    n_bound = int(bound.sum())
    ranks = rankdata(scores, axis=0)[bound].sum(axis=0) - n_bound * (n_bound + 1) / 2
    return np.asarray(ranks / (n_bound * (len(bound) - n_bound)))


def judged(motif: Motif, wanted: Motif, database: tuple[Motif, ...], data: SequenceDataset) -> dict[str, Any]:
    """Return what JASPAR calls a motif, how it resembles the factor's, and what its affinity is worth on test."""
    matches = match_motifs([motif], database, MatchSettings(max_q=1.0))
    own, best = motif_recall([motif], wanted, database), matches[0]
    return {
        "consensus": motif.consensus,
        "best_match": {
            "motif": best.target.label,
            "p": float(f"{best.p_value:.3g}"),
            "e": float(f"{best.e_value:.3g}"),
            "q": float(f"{best.q_value:.3g}"),
            "correlation": round(column_correlation(best), 3),
        },
        "own_motif": own_match(own.match, own.rank, own.correlation),
        "affinity_auroc": rounded(affinity_auroc(motif, data)),
        "affinity_gain": rounded(affinity_gain(motif, wanted, data)),
    }


def own_match(match: MotifMatch | None, rank: int | None, correlation: float) -> dict[str, Any]:
    """Return how a motif resembles the one wanted of it."""
    assert match is not None  # one motif was asked about, and the wanted one is among the targets
    return {
        "p": float(f"{match.p_value:.3g}"),
        "q": float(f"{match.q_value:.3g}"),
        "rank": rank,
        "correlation": round(correlation, 3),
    }


def rounded(found: Estimate) -> list[float]:
    """Return a value and the ends of its interval."""
    return [round(value, 4) for value in (found.value, found.low, found.high)]


if __name__ == "__main__":
    main()
