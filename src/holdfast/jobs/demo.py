"""The main job on data that need no download: three simulated factors, trained and attacked every way, one report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.data.build import build_simulated
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.execution.base import Executor, Task
from holdfast.execution.local import LocalExecutor, available_cores
from holdfast.interpret.class_optimisation import ClassOptimisation
from holdfast.jobs.audit import audit_module
from holdfast.jobs.experiment import AuditSettings, Experiment
from holdfast.jobs.explain import Question
from holdfast.jobs.explain_attributions import explain_attributions
from holdfast.jobs.explain_class_optimisation import explain_class_optimisation
from holdfast.jobs.explain_importance import Planting, explain_importance
from holdfast.jobs.explain_motifs import explain_motifs
from holdfast.jobs.explain_stability import explain_stability
from holdfast.jobs.grid import GridPage, GridResult, expand, run_grid
from holdfast.jobs.scanner import MatrixScanner
from holdfast.jobs.summary import write_study
from holdfast.jobs.train import located_run
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.motif import Motif
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run

__all__ = ["DEMO", "Demo", "DemoSettings", "run_demo"]

# Bound test examples that are explained in every window, and those whose maps motifs are looked for in.
STABLE, POINTED_AT = 50, 200
# Inputs that are optimised side by side, and sequences that the site is planted into at each of some places.
OPTIMISED, PLANTED = ClassOptimisation(starts=4, steps=300), 200


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

    def simulation(self, factor: str) -> SimulationConfig:
        """Return how a factor's data are made."""
        return SimulationConfig(tf=factor, positives=self.positives, seed=1)


DEMO = DemoSettings()


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo found."""

    result: GridResult
    report: Path | None
    opening: list[str]
    """Sentences to say before the tables."""
    truths: list[str]
    """Sentences about each factor's simulation: what could be known."""


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
    truths = [_truth(factor, examples, settings) for factor, examples in data.items()]
    executor = LocalExecutor(jobs or min(2, available_cores()))
    result = run_grid(experiments, out / "runs", executor, progress=progress)
    report = None
    if result.runs:
        _explain_all([run for run in result.runs if not run.record.is_control], out, settings, executor, progress)
        with progress.task("writing the report", None):
            report = write_study(result.runs, out).report
    return Demo(
        result=result,
        report=report,
        opening=_opening(settings, result),
        truths=truths,
    )


def _simulated(factor: str, folder: Path, settings: DemoSettings, progress: Progress) -> SequenceDataset:
    # Made anew each time: it takes a second, gives the same bytes, and cannot be out of date.
    config = settings.simulation(factor)
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


def _explain_all(
    runs: Sequence[Run], out: Path, settings: DemoSettings, executor: Executor, progress: Progress
) -> None:
    """Ask each model what its calls rest on, whether the answer survives a shift, and what it takes for a site.

    Raises
    ------
    InputError
        If a model could not be asked.
    """
    sites = {str(out / "data" / factor): _site(jaspar_motif(factor)) for factor in settings.factors}
    tasks = [
        Task(words=f"explaining {run.record.name}", payload=(str(run.folder), sites[run.config["data"]]))
        for run in runs
    ]
    for outcome in executor.run(_explain, tasks, words=f"explaining {len(runs)} models", progress=progress):
        if outcome.failure is not None:
            raise InputError(f"{outcome.failure.words}: {outcome.failure.reason}")


def _site(motif: Motif) -> str:
    """Return the letters of a motif's clear columns, N in between."""
    return "".join(letter if letter in "ACGT" else "N" for letter in motif.iupac).strip("N")


def _explain(asked: tuple[str, str], progress: Progress) -> None:
    """Explain one run in a worker, with the site that was planted; what is there already is left as it is."""
    folder, site = asked
    gradient = Spec(name="corrected-gradient")
    table = Run.open(Path(folder)).windows
    if ((table["label"] == 1) & (table["centre_logit"] > 0)).any():  # a model that calls nothing bound has no such maps
        explain_attributions(Path(folder), Question(n=1))
    explain_stability(Path(folder), Question(method=gradient, n=STABLE))
    explain_motifs(Path(folder), Question(method=gradient, n=POINTED_AT), motifs=1)
    explain_class_optimisation(Path(folder), OPTIMISED)
    explain_importance(Path(folder), Planting(experiment="position", pattern=site), Question(n=PLANTED))


def _opening(settings: DemoSettings, result: GridResult) -> list[str]:
    sentences = [
        f"Simulated binding data: a JASPAR site near the centre of 101 bp; the models read {settings.window} bp.",
        "Rows: how a model was trained. Columns: how its windows were chosen on unseen test examples.",
    ]
    if result.reused:
        sentences.append(f"{result.reused} runs were there from before and were reused; --fresh starts anew.")
    return sentences


def _truth(factor: str, data: SequenceDataset, settings: DemoSettings) -> str:
    """Return how far planted cores reach, and what a classifier that is told the matrix makes of the test examples."""
    shift = Shift(context=data.context, window=settings.window)
    core = data.core[data.core[:, 0] >= 0]
    whole = (shift.choice_offset <= core[:, :1]) & (core[:, 1:] <= shift.choice_offset + settings.window)
    reach = int(np.ceil(np.abs(core.sum(axis=1) - data.context) / 2).max())
    scanner = MatrixScanner(jaspar_motif(factor), settings.simulation(factor))
    asked = AuditSettings(bootstrap=1)
    told = audit_module(scanner, data, shift, settings=asked, output="logits").record.tasks[0]
    return (
        f"{factor}: cores lie up to {reach} bp from the centre; {whole[:, shift.centre_choice].mean():.0%} of them are "
        f"whole in the central window, {whole.all(axis=1).mean():.0%} in every window. A classifier that is told the "
        f"planted matrix is right in {told.clean['accuracy']} of the central and {told.worst['accuracy']} of the worst "
        "windows."
    )
