"""Typed rows of what a run stores of its model's filters and motifs, and of how stable its explanations are.

:class:`AnswerRecord` is what answers about a model have in common.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from holdfast.runs.records import SCHEMA_VERSION, Estimate, Record

__all__ = ["AnswerRecord", "FilterRecord", "FoundMotif", "MatchRecord", "MotifsRecord", "StabilityRecord"]


class AnswerRecord(Record):
    """What was asked of a run's model; a subclass holds the answer."""

    schema_version: int = SCHEMA_VERSION
    settings: dict[str, Any]
    """What was asked: equal settings give equal answers."""
    method: str
    """As a command names it, with its settings."""
    task: str


class FilterRecord(Record):
    """A first-layer filter as a motif."""

    name: str
    probabilities: list[Annotated[list[float], Field(min_length=4, max_length=4)]]
    """W rows of A, C, G, T."""
    n_sites: int
    information_bits: float


class MatchRecord(Record):
    """A motif of a data base that one of a run's motifs resembles."""

    target: str
    """Identifier in the data base."""
    name: str
    source: str
    p_value: float
    e_value: float
    q_value: float
    offset: int
    """Column of the target, turned if the strand is ``-``, under the motif's column 0."""
    strand: Literal["+", "-"]
    probabilities: list[list[float]]
    """W rows of A, C, G, T, as the data base has it."""


class FoundMotif(Record):
    """A motif that a model shows, and the data base's most alike."""

    name: str
    kind: Literal["attributed", "filter"]
    probabilities: list[list[float]]
    """W rows of A, C, G, T."""
    information_bits: float
    n_sites: int
    log10_e_value: float | None = None
    """Of its discovery."""
    matches: list[MatchRecord]
    """The best, at most three."""


class MotifsRecord(AnswerRecord):
    """Motifs that a run's model shows, and what they resemble."""

    chosen: str
    """Which examples the maps are of, in words."""
    database: str
    n_targets: int
    motifs: list[FoundMotif]
    seconds: float


class StabilityRecord(AnswerRecord):
    """Whether a model's explanations survive a shift; :mod:`holdfast.interpret.stability` has the words."""

    part: str
    chosen: str
    """Which examples, in words."""
    n_examples: int
    n_windows: int
    """Legal offsets of the threat model."""
    edge_bp: int
    score: Estimate
    """Mean stability over the examples that have one."""
    sign_score: Estimate
    movement: Estimate
    """Mean movement of the worst window's map from the clean one, over examples whose worst window is another one."""
    n_moved: int
    """Examples behind it."""
    fleeting: Estimate
    """Mean number of fleeting bases of an example."""
    n_incomplete: int
    """Maps whose method promises completeness and did not keep it."""
    seconds: float
