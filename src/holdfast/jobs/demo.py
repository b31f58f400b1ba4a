"""The main job on data that need no download: three simulated factors, trained and attacked every way, one report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.build import build_simulated
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.execution.local import LocalExecutor, available_cores
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.grid import GridPage, GridResult, expand, run_grid
from holdfast.jobs.summary import write_study
from holdfast.jobs.train import located_run
from holdfast.motifs.database import jaspar_motif
from holdfast.robustness.shift import Shift

__all__ = ["DEMO", "Demo", "DemoSettings", "run_demo"]


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """How large the demo is.

    Parameters
    ----------
    factors
        JASPAR names; the factors of the method's paper.
    positives
        Bound examples of each factor, and as many unbound ones.
    window
        Bases the models read, of 101.
    epochs
        Of each training; None takes the preset's.
    """

    factors: tuple[str, ...] = ("SP1", "MAFK", "ZNF143")
    positives: int = 2000
    window: int = 75
    epochs: int | None = None


DEMO = DemoSettings()


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo found."""

    result: GridResult
    report: Path | None
    opening: list[str]
    """Sentences to say before the tables."""
    truths: list[str]
    """Sentences about each factor's simulation: what a perfect model could do."""


def run_demo(
    out: Path,
    settings: DemoSettings = DEMO,
    *,
    jobs: int | None = None,
    fresh: bool = False,
    progress: Progress = SILENT,
) -> Demo:
    """Simulate, train, attack, report.

    Parameters
    ----------
    out
        Folder for data, runs, summary and report.
    settings
        How large it is.
    jobs
        Runs at a time; left out, two, or one on a single core.
    fresh
        Throw away the finished runs of the demo first.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    data = {factor: _simulated(factor, out / "data" / factor, settings, progress) for factor in settings.factors}
    experiments = _experiments(out, settings)
    if fresh:
        _forget(experiments, out / "runs")
    executor = LocalExecutor(jobs or min(2, available_cores()))
    result = run_grid(experiments, out / "runs", executor, progress=progress)
    report = None
    if result.runs:
        with progress.task("writing the report", None):
            report = write_study(result.runs, out).report
    return Demo(
        result=result,
        report=report,
        opening=_opening(settings, result),
        truths=[_truth(factor, examples, settings.window) for factor, examples in data.items()],
    )


def _simulated(factor: str, folder: Path, settings: DemoSettings, progress: Progress) -> SequenceDataset:
    # Made anew each time: it takes a second, gives the same bytes, and cannot be out of date.
    config = SimulationConfig(tf=factor, positives=settings.positives, seed=1)
    with progress.task(f"simulating {factor}", None):
        return build_simulated(simulate(config, jaspar_motif), folder, overwrite=True)


def _experiments(out: Path, settings: DemoSettings) -> list[Experiment]:
    changes = {} if settings.epochs is None else {"epochs": settings.epochs}
    data = [str(out / "data" / factor) for factor in settings.factors]
    page = GridPage(
        base={"shift": {"window": settings.window}, "training": {"changes": changes}, "seed": 1},
        product={"data": data, "attack": ["centre", "random", "worst"]},
        include=[{"model": "kmer", "product": {"data": data}}],
    )
    # The longest first, so that no worker is left with one of them at the end.
    return sorted(expand(page), key=lambda one: ("worst", "random", "centre").index(one.attack.name))


def _forget(experiments: list[Experiment], root: Path) -> None:
    for experiment in experiments:
        folder = located_run(experiment, root).folder
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise InputError(f"{folder}: cannot be removed ({error.strerror}); choose another folder") from error


def _opening(settings: DemoSettings, result: GridResult) -> list[str]:
    sentences = [
        f"Simulated binding data: a JASPAR site near the centre of 101 bp; the models read {settings.window} bp.",
        "Rows: how a model was trained. Columns: how its windows were chosen on unseen test examples.",
    ]
    if result.reused:
        sentences.append(f"{result.reused} runs were there from before and were reused; --fresh starts anew.")
    return sentences


def _truth(factor: str, data: SequenceDataset, window: int) -> str:
    """Return how far planted cores reach, and the accuracy of a model that sees whole cores and nothing else."""
    test = data.part("test")
    bound = test.labels[:, 0] == 1
    core = test.core[bound]
    shift = Shift(context=data.context, window=window, protect_core=True)
    whole = (shift.choice_offset <= core[:, :1]) & (core[:, 1:] <= shift.choice_offset + window)
    # Without its core a bound example looks unbound, and such a model calls it so.
    at_centre = 1 - (~whole[:, shift.centre_choice]).sum() / len(test)
    anywhere = 1 - (~whole.all(axis=1)).sum() / len(test)
    reach = int(np.abs((core.sum(axis=1) - data.context) / 2).max())
    return (
        f"{factor}: cores lie up to {reach} bp from the centre; {whole.all(axis=1).mean():.0%} of them are whole in "
        f"every window. A model that knows a core exactly where it is whole could reach {at_centre:.3f} at the centre and "
        f"{anywhere:.3f} at worst."
    )
