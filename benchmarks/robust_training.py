"""Two kinds of robust training in one table: against shifts, and against perturbed inputs, each tested under both.

    python benchmarks/robust_training.py [--real-data DIR] [--runs runs] [--seeds 1 2]

Simulates SP1 sites for two models, reads DeepBind's REST set for the quick one where DIR has it, keeps its runs under
--runs and goes on where it was stopped, and writes results/robust_training.json after each of them. A model is tested
with the epsilon that the perturbed ones beside it were trained with. Preset, curriculum and epochs are the same for
every row. Substitutions are scored on a drawn part of the test examples: each takes 3 x 75 windows a substitution.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import write_result
from holdfast.core.random import numpy_generator
from holdfast.data.build import build, build_simulated, read_parts
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.data.split import Given
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.train import existing_run, train
from holdfast.motifs.database import jaspar_motif
from holdfast.robustness.adversaries import other_adversaries
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run
from holdfast.runs.records import AdversaryAudit

WINDOW = 75
SUBSTITUTIONS = 3
SUBSTITUTED = 100
QUICK, OURS = "zeng", "holdfast"
REST = "REST_GM12878_NRSF_HudsonAlpha"
# Koo et al.'s radius, which over 4 x 75 entries can write a whole site, and one that cannot.
KOO, SMALL = 0.1, 0.02
GROUPS = ((QUICK, KOO), (QUICK, SMALL), (OURS, SMALL))
# Attack and perturbation.
TRAINED = (("centre", None), ("worst", None), ("centre", "noise"), ("centre", "pgd"), ("worst", "pgd"))


@dataclass(frozen=True)
class Cell:
    """A row of the table."""

    data: Path
    model: str
    epsilon: float
    seed: int
    attack: str
    perturbation: str | None

    def experiment(self) -> Experiment:
        """Return the page that trains and audits it."""
        radius = {"epsilon": self.epsilon}
        page: dict[str, Any] = {"data": str(self.data), "shift": {"window": WINDOW}, "model": self.model}
        page |= {"attack": self.attack, "seed": self.seed}
        if self.perturbation is not None:
            # PGD takes 5 steps in training, and the default's 10 when it tests.
            steps = {"steps": 5} if self.perturbation == "pgd" else {}
            page["perturbation"] = {"name": self.perturbation, "params": radius | steps}
        tested = [{"name": name, "params": radius} for name in ("noise", "fgsm", "pgd")]
        return Experiment.parse(page | {"audit": {"perturbations": tested, "out_of_distribution": False}})


def data_sets(folder: Path, real: Path | None, positives: int) -> list[Path]:
    """Return the simulated set and, where it is there, the real one."""
    simulated = folder / "sp1_simulated"
    if not simulated.exists():
        build_simulated(simulate(SimulationConfig(tf="SP1", positives=positives, seed=1), jaspar_motif), simulated)
    if real is None:
        return [simulated]
    rest = folder / "rest_gm12878"
    if not rest.exists():
        parts = [real / "deepbind_encode" / f"{REST}_{part}.seq.gz" for part in ("AC", "B")]
        records = read_parts(parts[:1], test=parts[1:])
        build(records, rest, split=Given(), negatives="shuffle", seed=1)
    return [simulated, rest]


def cells(sets: Sequence[Path], seeds: Sequence[int]) -> Iterator[Cell]:
    """Yield the rows, seed by seed; the real set has the first seed alone, and comes last."""
    simulated, *real = sets
    groups = [(simulated, seed, model, radius) for seed in seeds for model, radius in GROUPS]
    groups += [(one, seeds[0], QUICK, SMALL) for one in real]
    for data, seed, model, radius in groups:
        for attack, perturbation in TRAINED:
            yield Cell(data, model, radius, seed, attack, perturbation)


def substituted(run: Run, data: Path) -> list[AdversaryAudit]:
    """Return how the run fares when bases of some test examples are exchanged: the same examples for every run."""
    part = SequenceDataset.open(data).part("test")
    chosen = numpy_generator(0, "substituted").permutation(len(part))[:SUBSTITUTED]
    shift = Shift(context=part.context, window=WINDOW)
    return other_adversaries(load_run_model(run), part.take(np.sort(chosen)), shift, substitutions=SUBSTITUTIONS)


def row_of(run: Run, cell: Cell) -> dict[str, Any]:
    """Return one run's accuracies, each with its 95 % bootstrap interval."""
    record, audit = run.record, run.audit
    task = audit.tasks[0]
    found = {name: getattr(task, name)["accuracy"] for name in ("clean", "random", "worst")}
    found["certified"] = task.certified_accuracy
    for row in [*audit.adversaries, *substituted(run, cell.data)]:
        found[row.name if row.substitutions is None else f"{row.substitutions} {row.name}"] = row.metrics["accuracy"]
    return {
        "data": record.data_name,
        "model": record.model,
        "epsilon": cell.epsilon,
        "trained": record.strategy,
        "seed": record.seed,
        "accuracy": {name: round(one.value, 4) for name, one in found.items()},
        "interval_95": {name: [round(one.low, 4), round(one.high, 4)] for name, one in found.items()},
        "examples": task.n_examples,
        "cores_known": audit.n_core_known,
        "training_seconds": round(record.training.seconds, 1) if record.training else None,
    }


def main() -> None:
    """Train what is not trained yet, then write every number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--real-data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--positives", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    rows = []
    settings = {"window_bp": WINDOW, "preset": "fast", "substituted_examples": SUBSTITUTED}
    sets = data_sets(asked.runs / "data", asked.real_data, asked.positives)
    for cell in cells(sets, asked.seeds):
        page = cell.experiment()
        run = existing_run(page, asked.runs) or train(page, asked.runs, resume=True)
        rows.append(row_of(run, cell))
        print(rows[-1], flush=True)
        write_result("robust_training", {**settings, "rows": rows})


if __name__ == "__main__":
    main()
