"""Typed rows of what a run stores. A record knows its schema's version and refuses what it does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "METRICS",
    "SCHEMA_VERSION",
    "AdversaryAudit",
    "AuditRecord",
    "DataFacts",
    "Estimate",
    "FragileExample",
    "LabelAverages",
    "OutOfDistribution",
    "RunRecord",
    "ShiftFacts",
    "TaskAudit",
    "TrainingFacts",
    "setting_words",
]

SCHEMA_VERSION = 1

METRICS = ("accuracy", "auroc", "aupr_trapezoid", "average_precision", "mcc", "log_loss")
"""What is computed of the calls and logits under each attack."""


class Record(BaseModel):
    """A frozen row; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Estimate(Record):
    """A number with its 95 % bootstrap interval over examples.

    Examples
    --------
    >>> str(Estimate(value=0.7654, low=0.75, high=0.78))
    '0.765'
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f}"


class ShiftFacts(Record):
    """The threat model of an audit, see :class:`holdfast.robustness.shift.Shift`."""

    context: int
    window: int
    max_shift: int | None
    protect_core: bool
    strands: Literal["forward", "both"]
    centre: int
    offsets: list[int] = Field(min_length=1)
    """Legal offsets, ascending, before any core is protected."""
    words: str


def _whole(table: dict[str, Estimate]) -> dict[str, Estimate]:
    missing = [name for name in METRICS if name not in table]
    if missing:
        raise ValueError(f"no {missing[0]}")
    return table


Metrics = Annotated[dict[str, Estimate], AfterValidator(_whole)]
"""Each of :data:`METRICS`."""


class TaskAudit(Record):
    """Everything an audit found for one task."""

    task: str
    n_examples: int
    n_positive: int
    clean: Metrics
    random: Metrics
    worst: Metrics
    worst_of_n: Metrics
    random_accuracy_spread: float
    """Standard deviation of the accuracy over draws of one window per example."""
    certified_accuracy: Estimate
    """Fraction of examples called right in every legal window."""
    consistency: Estimate
    """Fraction of examples called alike in every legal window, right or wrong."""
    mean_radius_bp: float
    """Mean number of bases either way before the call flips; an example that never flips counts its whole reach."""
    reach_bp: int
    """Farthest legal window from the centre."""
    accuracy_by_offset: list[float]
    """Of each offset of the shift set, over the examples that allow it; NaN where none does."""
    worst_by_max_shift: list[float]
    """Entry r: fraction called right in every legal window at most r bp from the centre, r = 0 .. reach_bp."""
    calls_positive: float
    """Fraction called bound at the centre window; near 0 or 1 says the model gives one answer to everything."""


class LabelAverages(Record):
    """Means over the tasks that have both classes in the audited part; the others are left out and counted."""

    n_tasks: int
    no_labels: int
    """Tasks without a known label."""
    no_positives: int
    no_negatives: int
    clean: dict[str, Estimate]
    random: dict[str, Estimate]
    worst: dict[str, Estimate]
    worst_of_n: dict[str, Estimate]

    @property
    def n_averaged(self) -> int:
        """Tasks behind the means."""
        return self.n_tasks - self.no_labels - self.no_positives - self.no_negatives

    @property
    def left_out(self) -> str:
        """Say how many tasks were left out, and why.

        Examples
        --------
        >>> LabelAverages(
        ...     n_tasks=9, no_labels=0, no_positives=2, no_negatives=1, clean={}, random={}, worst={}, worst_of_n={}
        ... ).left_out
        '3 tasks left out: 2 without positives, 1 without negatives'
        """
        counts = {"labels": self.no_labels, "positives": self.no_positives, "negatives": self.no_negatives}
        why = ", ".join(f"{count} without {what}" for what, count in counts.items() if count)
        number = self.n_tasks - self.n_averaged
        return f"{number} task{'s' if number > 1 else ''} left out: {why}" if number else "no task left out"


class FragileExample(Record):
    """An example called right at the centre and wrong elsewhere, drawn in the report."""

    index: int
    name: str
    task: str
    label: int
    sequence: str
    """The whole context."""
    core: tuple[int, int] | None
    centre_offset: int
    centre_logit: float
    worst_offset: int
    worst_strand: Literal["+", "-"]
    worst_logit: float
    radius_bp: int


class OutOfDistribution(Record):
    """How well a score tells real windows ("in", the positive class) from made ones."""

    input: str
    """shuffle, uniform or genseq."""
    score: str
    """max, mean or loss, see :func:`holdfast.robustness.ood.in_versus_out`."""
    auroc: float
    aupr: float
    """Trapezoid."""


class AdversaryAudit(Record):
    """How a task fares when the centre window is changed rather than moved.

    Found by a search that cannot try everything, or by drawing: the worst case is no better than this, and may be
    worse. Beside it, the worst window of :class:`TaskAudit` is exact.
    """

    name: str
    """noise, FGSM, PGD or substitutions."""
    words: str
    """Such as ``PGD, epsilon 0.1, 10 steps of 0.025``."""
    task: str
    epsilon: float | None = None
    """Radius of the ball in the sup norm; None where bases are exchanged."""
    substitutions: int | None = None
    """Bases exchanged at most; None where numbers are perturbed."""
    metrics: Metrics


class AuditRecord(Record):
    """One scan of one model on one part of a data set, reduced."""

    schema_version: int = SCHEMA_VERSION
    shift: ShiftFacts
    n_try: int
    adversary: Literal["joint", "per-task"]
    part: str
    tasks: list[TaskAudit] = Field(min_length=1)
    fragile: list[FragileExample]
    n_core_known: int
    n_windows_scanned: int
    seconds: float
    bootstrap: int
    out_of_distribution: list[OutOfDistribution] = Field(default_factory=list)
    adversaries: list[AdversaryAudit] = Field(default_factory=list)
    """Changes of the centre window that were asked for, for each task."""
    averages: LabelAverages | None = None
    """Over the tasks; None where there is one."""
    n_sampled: int | None = None
    """Windows drawn for each example and scored, besides the centre one. None: every window was scored and worst-case
    numbers are exact. Else the worst window seen bounds the true one from one side only: it is no worse."""
    strands: Literal["given", "averaged", "halves"] = "given"
    """Whether probabilities are means over both strands, see :func:`holdfast.robustness.audit.audit`."""

    @property
    def is_exact(self) -> bool:
        """Whether every window was scored."""
        return self.n_sampled is None

    @model_validator(mode="after")
    def _curves_are_whole(self) -> AuditRecord:
        for task in self.tasks:
            if len(task.accuracy_by_offset) != len(self.shift.offsets):
                raise ValueError(
                    f"task {task.task}: {len(task.accuracy_by_offset)} accuracies of {len(self.shift.offsets)} offsets"
                )
        return self


class DataFacts(Record):
    """What a report says about the data; a summary of the data set's manifest."""

    name: str
    fingerprint: str
    source: str
    context: int
    tasks: list[str]
    counts: dict[str, dict[str, int]]
    """Part -> {"positive", "negative"}, first task."""
    notes: list[str] = Field(default_factory=list)
    """Sentences: how negatives were made, how parts were split, leakage found."""
    places: list[str] = Field(default_factory=list)
    """Where the data set lay when the run was made: its absolute path, and its path from the run folder."""


class TrainingFacts(Record):
    """How the training went."""

    attack: str
    preset: str
    epochs: int
    best_epoch: int
    best_validation_loss: float
    seconds: float
    seconds_per_epoch: float
    stopped_early: bool
    notes: list[str] = Field(default_factory=list)
    """Sentences: a collapse and the restart, a rate that was lowered."""


class RunRecord(Record):
    """The first page of a run folder."""

    schema_version: int = SCHEMA_VERSION
    name: str
    status: Literal["running", "done"]
    kind: Literal["trained", "imported", "ensemble"] = "trained"
    model: str
    model_words: str
    """Such as ``holdfast (widths=(15, 9))``."""
    n_parameters: int
    strategy: str
    """Training strategy as the tables call it: No Shift, Rnd, Worst, Worst-of-n, or none."""
    window: int
    context: int
    seed: int
    data_name: str
    is_control: bool = False
    training: TrainingFacts | None = None
    started: str
    finished: str | None = None
    versions: dict[str, str]
    device: str
    config_hash: str
    settings: dict[str, Any] = Field(default_factory=dict)
    """What departs from the defaults beside model, window, strategy and seed, such as ``{"epochs": 3}``."""
    extra: dict[str, Any] = Field(default_factory=dict)


def setting_words(settings: Mapping[str, Any]) -> list[str]:
    """Return settings as a name or a label tells them.

    Examples
    --------
    >>> setting_words({"epochs": 3, "model.widths": [5, 3], "strands": "both"})
    ['epochs=3', 'model.widths=5,3', 'strands=both']
    """
    return [f"{key}={_in_words(value)}" for key, value in settings.items()]


def _in_words(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return ",".join(map(_in_words, value))
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
