"""Answers to further questions in a run folder: optimised inputs, planted patterns, and maps of chosen windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from holdfast.runs.arrays import AskedWindows, read_arrays
from holdfast.runs.explanation_records import AnswerRecord
from holdfast.runs.folder import Run
from holdfast.runs.records import SCHEMA_VERSION, Record

__all__ = [
    "Answers",
    "ClassOptimisationRecord",
    "Experiment",
    "ImportanceRecord",
    "OptimisedStart",
    "PlantedEffect",
    "PlantedEffects",
    "SharedInput",
    "StoredAttention",
    "StoredInteractions",
    "StoredTemporal",
    "StoredWindows",
]

Experiment = Literal["pattern", "position", "number", "spacing", "kmers"]


class OptimisedStart(Record):
    """An input that class optimisation ended at, as a motif."""

    start: int
    """Number of the start, from 0."""
    loss: float
    bound: float
    """P+ of the relaxed input, before it was made a motif."""
    bound_as_sequence: float | None = None
    """P+ of the sequence of its largest entries; None in answers from before this was asked."""
    probabilities: list[Annotated[list[float], Field(min_length=4, max_length=4)]]
    """W rows of A, C, G, T."""
    run_start: int = Field(ge=0)
    run_end: int
    """[start, end) of the columns on which the optimiser spent itself."""

    @property
    def run(self) -> list[list[float]]:
        """These columns."""
        return self.probabilities[self.run_start : self.run_end]

    @property
    def consensus(self) -> str:
        """Their most probable bases."""
        return _consensus(self.run)

    @property
    def information_bits(self) -> float:
        """Of these columns."""
        matrix = np.array(self.run)
        return float(2 * len(matrix) + (matrix * np.log2(np.where(matrix > 0, matrix, 1.0))).sum())


def _consensus(columns: list[list[float]]) -> str:
    """Return the most probable bases."""
    return "".join("ACGT"[int(np.argmax(column))] for column in columns)


class SharedInput(Record):
    """The site that all starts share."""

    probabilities: list[Annotated[list[float], Field(min_length=4, max_length=4)]] = Field(min_length=1)
    """Rows of A, C, G, T."""
    likeness: list[float] = Field(min_length=1)
    """Of each start's site and the best start's: a cosine, 1 for that one."""

    @property
    def consensus(self) -> str:
        """Its most probable bases."""
        return _consensus(self.probabilities)

    @property
    def median_likeness(self) -> float:
        """Over all starts."""
        return float(np.median(self.likeness))


class ClassOptimisationRecord(AnswerRecord):
    """What class optimisation found; :mod:`holdfast.interpret.class_optimisation` has the words."""

    n_starts: int
    best: list[OptimisedStart] = Field(min_length=1)
    """Those whose loss ended lowest, the lowest first."""
    shared: SharedInput | None = None
    """None of one start, which has nothing to share."""
    median_loss: float
    """Over all starts."""
    seconds: float


class PlantedEffect(Record):
    """What planting something does to the logit: a mean of paired differences with its 95 % interval."""

    label: str
    value: float
    """The number, gap or position that was varied; the case's number where there is none."""
    mean: float
    low: float
    high: float


class PlantedEffects(Record):
    """One experiment of global importance analysis."""

    settings: dict[str, Any]
    experiment: Experiment
    words: str
    """What was planted where, in words."""
    null: str
    task: str
    part: str
    n: int
    """Sequences of the null model."""
    background: float
    """Their mean logit as they are."""
    effects: list[PlantedEffect] = Field(min_length=1)
    seconds: float


class ImportanceRecord(Record):
    """The last experiment of each kind."""

    schema_version: int = SCHEMA_VERSION
    experiments: list[PlantedEffects] = Field(min_length=1)

    def of(self, experiment: str) -> PlantedEffects | None:
        """Return the experiment of a kind, if there is one."""
        return next((one for one in self.experiments if one.experiment == experiment), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredWindows(AskedWindows):
    """The centre windows of N examples.

    Parameters
    ----------
    offset
        Where the windows start in their contexts.
    """

    offset: int

    def __post_init__(self) -> None:
        each = (self.names, self.index, self.label, self.core, self.logits, *self._answers())
        if self.codes.ndim != 2 or any(len(array) != len(self.codes) for array in each):
            raise ValueError("its arrays do not agree")

    def _answers(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays with a row for each window that a kind of answer adds."""
        return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredAttention(StoredWindows):
    """Where attention falls.

    Parameters
    ----------
    layers
        (K,) names of the layers that attend.
    per_base
        (N, K, W) float32: what a base is given by each layer, the mean over its heads or channels.
    focus
        (N, K, W) float32: the mean over the tenth of them whose attention varies most along the steps.
    peak
        (N, K) int64: middle of what the step of the greatest attention sees, as base of the window.
    given
        (N, R, S) float32: what each step is given by each head or channel of all layers, those of a layer that are
        alike beside each other; not-a-number beyond the steps of a layer that has fewer than S.
    channel
        (N, R) int64: which head or channel of its layer a row of ``given`` is.
    layer_of
        (R,) int64: of which layer.
    edges
        (K, S + 1) float32: from which base to which the steps of a layer are drawn.
    """

    layers: NDArray[Any]
    per_base: NDArray[np.float32]
    focus: NDArray[np.float32]
    peak: NDArray[np.int64]
    given: NDArray[np.float32]
    channel: NDArray[np.int64]
    layer_of: NDArray[np.int64]
    edges: NDArray[np.float32]

    def _answers(self) -> tuple[NDArray[Any], ...]:
        layers, steps = self.edges.shape
        rows = self.channel.shape[1]
        shape = (len(self.codes), len(self.layers), self.window)
        agree = self.per_base.shape == self.focus.shape == shape and layers == len(self.layers)
        if not agree or len(self.layer_of) != rows or self.given.shape[1:] != (rows, steps - 1):
            raise ValueError("its arrays do not agree")
        return (self.per_base, self.peak, self.given, self.channel)

    def largest(self, row: int, layer: int) -> float:
        """Return the most that any base is given."""
        return float(np.nanmax(self.per_base[row, layer]))

    def channels(self, row: int, layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (H, S) of the heads or channels of a layer, like beside like, and the (S + 1,) edges of its steps."""
        edges = self.edges[layer]
        steps = int(np.isfinite(edges).sum()) - 1
        return self.given[row, self.layer_of == layer, :steps], edges[: steps + 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredTemporal(StoredWindows):
    """P+ of every prefix and suffix.

    Parameters
    ----------
    forward
        (N, W) float32: column i is P+ of bases [0, i + 1); not-a-number where that is too short for the model.
    backward
        (N, W) float32: column i is P+ of bases [i, W).
    """

    forward: NDArray[np.float32]
    backward: NDArray[np.float32]

    def _answers(self) -> tuple[NDArray[Any], ...]:
        if not self.forward.shape == self.backward.shape == self.codes.shape:
            raise ValueError("its arrays do not agree")
        return (self.forward, self.backward)

    def decided(self, row: int) -> tuple[int | None, int | None]:
        """Return up to which base a window has to be read to be called bound, from the left and from the right.

        The first base, from 0, that takes P+ over one half; None where none does.
        """
        left = np.flatnonzero(self.forward[row] > 0.5)
        right = np.flatnonzero(self.backward[row] > 0.5)
        return (int(left[0]) if len(left) else None), (int(right[-1]) if len(right) else None)


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredInteractions(StoredWindows):
    """Which pairs of positions act together.

    Parameters
    ----------
    kind
        ``pairs``, ``gradient`` or ``hessian``.
    first
        First base of the window that was looked at.
    strength
        (N, P, P) float32: of ``pairs`` the largest absolute effect, of ``gradient`` the mean absolute change of the
        column's gradient when the row is mutated, of ``hessian`` the interaction, which has a sign.
    effects
        (N, P, 4, P, 4) float16, of ``pairs``: both substitutions together beyond what each does alone.
    gap, incomplete
        (N,) float32 and bool, of ``hessian``: what the interactions of the whole window miss of the logit's difference
        from that of an input without bases, and whether it is too much for them to be taken at their word. None of
        the other kinds, which promise nothing, and in answers from before this was kept.
    """

    kind: str
    first: int
    strength: NDArray[np.float32]
    effects: NDArray[np.float16] | None = None
    gap: NDArray[np.float32] | None = None
    incomplete: NDArray[np.bool_] | None = None

    def _answers(self) -> tuple[NDArray[Any], ...]:
        if self.strength.ndim != 3 or self.first + self.strength.shape[2] > self.window:
            raise ValueError("its arrays do not agree")
        optional = (self.effects, self.gap, self.incomplete)
        return (self.strength, *(array for array in optional if array is not None))

    def strongest(self, row: int) -> tuple[int, int, float]:
        """Return the two bases of the window that interact most, and how much."""
        size = np.abs(self.strength[row])
        np.fill_diagonal(size, -1.0)
        one, two = np.unravel_index(int(size.argmax()), size.shape)
        return int(one) + self.first, int(two) + self.first, float(self.strength[row, one, two])


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Everything of a run that is here; None where it was not asked."""

    class_optimisation: ClassOptimisationRecord | None = None
    importance: ImportanceRecord | None = None
    attention: StoredAttention | None = None
    temporal: StoredTemporal | None = None
    interactions: StoredInteractions | None = None

    @classmethod
    def read(cls, run: Run) -> Answers:
        """Read what there is.

        Raises
        ------
        InputError
            If a file is garbled; the message names the command that brings it back.
        """
        return cls(
            class_optimisation=(
                run.page("class_optimisation", ClassOptimisationRecord) if run.has("class_optimisation") else None
            ),
            importance=run.page("importance", ImportanceRecord) if run.has("importance") else None,
            attention=read_arrays(run, "attention", StoredAttention) if run.has("attention") else None,
            temporal=read_arrays(run, "temporal", StoredTemporal) if run.has("temporal") else None,
            interactions=read_arrays(run, "interactions", StoredInteractions) if run.has("interactions") else None,
        )
