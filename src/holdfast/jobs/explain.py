"""What every `holdfast explain` command begins with: a run opened with its model and data, and examples chosen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from holdfast.core.device import resolve_device
from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Count, Size, check_fields
from holdfast.core.random import numpy_generator
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import Codes
from holdfast.interpret.attribution import ATTRIBUTIONS, Attribution
from holdfast.jobs.audit import check_auditable, load_run_model, open_run_data
from holdfast.jobs.experiment import Experiment
from holdfast.models.base import SequenceModel
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run
from holdfast.runs.records import Estimate

__all__ = [
    "Chosen",
    "Question",
    "Subject",
    "bound_rows",
    "drawn_bound",
    "fragile_and_robust",
    "mean_estimate",
    "named",
    "named_or",
    "open_subject",
    "parse_method",
    "worst_columns",
]

# Bootstrap samples behind the interval of a mean.
SAMPLES = 1000
ISM = Spec(name="ism")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a run's model.

    Parameters
    ----------
    method
        Of attribution, with its settings.
    task
        Whose logit, from 0.
    part
        Examples to ask about; None takes the audited part.
    n
        How many; what of, each command says.
    index
        Numbers of examples in the data set, in place of ``n``.
    """

    method: Spec = ISM
    task: Count = 0
    part: str | None = None
    n: Size = 4
    index: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, "question")

    def build_method(self) -> Attribution:
        """Return the method.

        Raises
        ------
        ConfigError
            If there is no such method, or it has no such setting.
        """
        return ATTRIBUTIONS.build(self.method)

    @property
    def method_words(self) -> str:
        """The method and the settings it was given."""
        given = ", ".join(f"{name}={value}" for name, value in sorted(self.method.params.items()))
        return f"{self.method.name} ({given})" if given else self.method.name


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A run opened for questions.

    Parameters
    ----------
    run
        The folder.
    model
        In eval mode on the CPU.
    data
        The whole data set.
    part
        Name of the part that is asked about.
    shift
        The run's threat model on the strand as given: a map belongs to the strand it was read on.
    task
        Whose logit.
    device
        Where to compute.
    """

    run: Run
    model: SequenceModel
    data: SequenceDataset
    part: str
    shift: Shift
    task: int
    device: torch.device

    @property
    def task_name(self) -> str:
        """Name of the task."""
        return self.data.tasks[self.task]

    def centre_windows(self, rows: NDArray[np.int64]) -> Codes:
        """Return the (N, W) centre windows of examples."""
        start = self.shift.centre
        return np.ascontiguousarray(self.data.codes_at(rows)[:, start : start + self.shift.window])

    def settings(self, question: Question, rows: NDArray[np.int64], **more: object) -> dict[str, Any]:
        """Return what decides an answer, as plain values: equal ones need not be computed twice."""
        page = {
            "method": question.method.model_dump(mode="json"),
            "task": self.task_name,
            "part": self.part,
            "data": self.data.fingerprint,
            "threat": [self.shift.window, self.shift.max_shift, self.shift.protect_core],
            "examples": rows.tolist(),
            **more,
        }
        settled: dict[str, Any] = json.loads(json.dumps(page))
        return settled

    def settings_text(self, question: Question, rows: NDArray[np.int64]) -> str:
        """Return the same as a line of JSON, for files of arrays."""
        return json.dumps(self.settings(question, rows), sort_keys=True)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Numbers of examples in the data set, and in words which they are."""

    rows: NDArray[np.int64]
    words: str


def open_subject(folder: Path, question: Question, *, data: Path | None = None, device: str | None = None) -> Subject:
    """Open a run with its model and data.

    Parameters
    ----------
    folder
        Run folder.
    question
        Which task and part.
    data
        Where the run's data set lies now; left out, where it was.
    device
        Left out, the experiment's.

    Raises
    ------
    InputError
        If the run is not finished or not audited, its model or data cannot be read, or there is no such task.
    """
    run = Run.open(folder)
    check_auditable(run)
    experiment = Experiment.parse(run.config, where=str(run.path("config")))
    examples = open_run_data(run, experiment, data)
    if not 0 <= question.task < len(examples.tasks):
        raise InputError(
            f"{run.folder}: task {question.task} is asked for; it has 0..{len(examples.tasks) - 1} "
            f"({', '.join(examples.tasks[:5])}{', ...' if len(examples.tasks) > 5 else ''})"
        )
    shift = replace(experiment.build_shift(examples.context), strands="forward")
    return Subject(
        run=run,
        model=load_run_model(run),
        data=examples,
        part=question.part or run.audit.part,
        shift=shift,
        task=question.task,
        device=resolve_device(device or experiment.device),
    )


def named(subject: Subject, index: Sequence[int]) -> Chosen:
    """Return examples by their numbers.

    Raises
    ------
    InputError
        If there is no such example.
    """
    wrong = next((number for number in index if not 0 <= number < len(subject.data)), None)
    if wrong is not None:
        raise InputError(f"--index {wrong}: the data set has examples 0..{len(subject.data) - 1}")
    rows = np.array(list(dict.fromkeys(index)), dtype=np.int64)
    return Chosen(rows, f"{len(rows)} example{'s' if len(rows) > 1 else ''} named by number")


def fragile_and_robust(subject: Subject, n: int) -> Chosen:
    """Return the n most fragile and the n most robust bound examples of the audit, those called right at the centre.

    Most fragile: called unbound in some window, those that lose most of their logit from the centre to the worst one.
    Most robust: bound in every window, those whose worst logit is largest.

    Raises
    ------
    InputError
        If another part than the audited one is asked about, or no bound example is called right.
    """
    run, part = subject.run, subject.run.audit.part
    if subject.part != part:
        raise InputError(
            f"{run.folder}: its audit is of the {part} part, so fragile and robust examples of {subject.part} are not "
            "known; name examples with --index"
        )
    blocks = (block[block["task"] == subject.task_name] for block in run.window_blocks())
    rows = pd.concat([block[(block["label"] == 1) & (block["centre_logit"] > 0)] for block in blocks])
    if rows.empty:
        raise InputError(
            f"{run.folder}: no bound example of task '{subject.task_name}' is called right at the centre; "
            "name examples with --index"
        )
    broken, whole = rows[~rows["certified"]], rows[rows["certified"]]
    lost = (broken["centre_logit"] - broken["worst_logit"]).sort_values(ascending=False, kind="stable")
    kept = whole["worst_logit"].sort_values(ascending=False, kind="stable")
    fragile, robust = broken.loc[lost.index[:n], "index"], whole.loc[kept.index[:n], "index"]
    kinds = [
        f"the {len(found)} most {kind}" if len(found) > 1 else f"the most {kind}"
        for found, kind in ((fragile, "fragile"), (robust, "robust"))
        if len(found)
    ]
    examples = "example" if len(fragile) + len(robust) == 1 else "examples"
    words = f"{' and '.join(kinds)} bound {examples} called right at the centre"
    return Chosen(np.concatenate([fragile, robust]).astype(np.int64), words)


def named_or(subject: Subject, question: Question, unnamed: Callable[[Subject, int], Chosen]) -> Chosen:
    """Return the examples of a question: those named, or what a rule such as :func:`drawn_bound` finds for its ``n``.

    Raises
    ------
    InputError
        If there are none.
    """
    return named(subject, question.index) if question.index else unnamed(subject, question.n)


def drawn_bound(subject: Subject, n: int) -> Chosen:
    """Return n bound examples of the part, drawn, or all where there are no more; in the order of the data set.

    Raises
    ------
    InputError
        If there is none.
    """
    bound = bound_rows(subject)
    if len(bound) <= n:
        return Chosen(bound, f"all {len(bound)} bound {subject.part} examples")
    drawn = numpy_generator(0, "explain", subject.task_name).choice(bound, size=n, replace=False)
    return Chosen(np.sort(drawn), f"{n} of {len(bound)} bound {subject.part} examples, drawn")


def bound_rows(subject: Subject) -> NDArray[np.int64]:
    """Return the bound examples of the part.

    Raises
    ------
    InputError
        If there is none.
    """
    part = subject.data.part(subject.part)
    rows: NDArray[np.int64] = part.index[part.labels[:, subject.task] == 1]
    if not len(rows):
        raise InputError(
            f"{subject.run.folder}: no {subject.part} example is bound in task '{subject.task_name}'; "
            "choose another --part or name examples with --index"
        )
    return rows


def worst_columns(
    logits: NDArray[np.floating], label: NDArray[np.integer], legal: NDArray[np.bool_], *, centre: int
) -> NDArray[np.int64]:
    """Return (N,) columns of the worst legal windows: least for the label, or for the centre's call where unknown.

    Parameters
    ----------
    logits
        (N, S) of every window.
    label
        (N,): 1 bound, 0 unbound, -1 unknown.
    legal
        (N, S).
    centre
        Column of the centre window.

    Examples
    --------
    >>> logits = np.array([[1.0, 2.0, -3.0], [1.0, 2.0, -3.0], [1.0, -2.0, -3.0]])
    >>> worst_columns(logits, np.array([1, 0, -1]), np.ones((3, 3), dtype=bool), centre=1).tolist()
    [2, 1, 0]
    """
    bound = np.where(label < 0, logits[:, centre] > 0, label == 1)
    severity = np.where(bound[:, None], -logits, logits)
    return np.asarray(np.where(legal, severity, -np.inf).argmax(axis=1))


def mean_estimate(values: NDArray[np.floating], *, seed: int = 0) -> Estimate:
    """Return the mean of the numbers among the values with its 95 % bootstrap interval over them.

    Examples
    --------
    >>> mean_estimate(np.array([1.0, 1.0, np.nan])).high
    1.0
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return Estimate(value=float("nan"), low=float("nan"), high=float("nan"))
    rng = numpy_generator(seed, "bootstrap of a mean")
    means = [known[rng.integers(0, len(known), len(known))].mean() for _ in range(SAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value=float(known.mean()), low=float(low), high=float(high))


def parse_method(name: str, sets: dict[str, Any], *, both_strands: bool) -> Spec:
    """Return a method by name with its settings.

    Raises
    ------
    ConfigError
        If a setting is given twice over, or the method or a setting of it is unknown.
    """
    if both_strands and sets.get("strands", "both") != "both":
        raise ConfigError("--strands both and --set strands=forward say two things; leave one out")
    spec = Spec(name=name, params=sets | ({"strands": "both"} if both_strands else {}))
    ATTRIBUTIONS.check(spec)
    return spec
