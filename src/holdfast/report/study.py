"""What a report is about: runs read once, grouped into settings that can be compared.

Numbers may stand in one table only where the data, the part and the threat model are the same; that is a setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from holdfast.core.errors import InputError
from holdfast.report.labels import distinct_labels
from holdfast.report.words import NO_SHIFT, described
from holdfast.runs.answers import Answers
from holdfast.runs.explanation_records import FilterRecord, MotifsRecord, StabilityRecord
from holdfast.runs.explanations import StoredMaps, read_maps, read_stability_table
from holdfast.runs.folder import Run
from holdfast.runs.records import AuditRecord, DataFacts, RunRecord, ShiftFacts, TaskAudit

__all__ = ["Board", "Entry", "LeftOut", "Row", "Setting", "Study"]

# Tasks drawn per setting; a report of 690 tasks would be read by nobody.
MAX_TASKS = 8
_ORDER = {"none": 0, NO_SHIFT: 1, "Rnd": 2, "Worst-of-n": 3, "Worst": 4}
_COLOURS = {NO_SHIFT: "no-shift", "Rnd": "rnd", "Worst": "worst", "Worst-of-n": "worst-of-n"}


@dataclass(frozen=True, eq=False)
class Entry:
    """One run, read, with the label and the look that tables and charts give it."""

    run: Run
    record: RunRecord
    audit: AuditRecord
    data: DataFacts
    history: pd.DataFrame | None
    filters: list[FilterRecord]
    maps: StoredMaps | None = None
    stability: StabilityRecord | None = None
    stability_scores: tuple[float, ...] = ()
    """Of each example asked."""
    motifs: MotifsRecord | None = None
    answers: Answers = field(default_factory=Answers)
    label: str = ""
    dash: int = 0
    """How many runs of the same colour stand before it; chooses the dashes of its line."""

    @classmethod
    def read(cls, run: Run) -> Entry:
        """Read a run.

        Raises
        ------
        InputError
            If the run is not finished, or a file is missing or garbled.
        """
        record = run.record
        if record.status != "done":
            raise InputError(f"{run.folder}: this run is not finished; run the same command with --resume first")
        return cls(
            run=run,
            record=record,
            audit=run.audit,
            data=run.data,
            history=run.history if run.has("history") else None,
            filters=run.filters if run.has("filters") else [],
            maps=read_maps(run) if run.has("attributions") else None,
            stability=run.stability if run.has("stability") else None,
            stability_scores=tuple(read_stability_table(run)["score"]) if run.has("stability") else (),
            motifs=run.motifs if run.has("motifs") else None,
            answers=Answers.read(run),
            label=_label(record),
        )

    @property
    def colour(self) -> str:
        """CSS class of the strategy's colour."""
        if self.record.is_control:
            return "control"
        return _COLOURS.get(_plain(self.record.strategy), "other")


@dataclass(frozen=True)
class LeftOut:
    """A run that is not on the page.

    Parameters
    ----------
    name
        Of its folder.
    reason
        Goes on after "which": "is not finished", "cannot be read".
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Row:
    """One run on one task."""

    entry: Entry
    result: TaskAudit

    @property
    def label(self) -> str:
        """Label of the run, unique in its setting."""
        return self.entry.label

    @property
    def is_control(self) -> bool:
        """Whether the run is the control."""
        return self.entry.record.is_control

    @property
    def clean(self) -> float:
        """Accuracy in the centre window."""
        return self.result.clean["accuracy"].value

    @property
    def worst(self) -> float:
        """Accuracy in the worst window."""
        return self.result.worst["accuracy"].value

    @property
    def drop(self) -> float:
        """Accuracy lost between the centre window and the worst one."""
        return self.clean - self.worst

    @property
    def one_answer(self) -> bool:
        """Whether the model gives (nearly) one answer to everything."""
        return not 0.02 <= self.result.calls_positive <= 0.98


@dataclass(frozen=True, eq=False)
class Board:
    """One task of a setting: the rows of a table, the lines of a chart."""

    title: str
    data_name: str
    shift: ShiftFacts
    part: str
    rows: list[Row]

    @property
    def models(self) -> list[Row]:
        """Rows that are no control; the control itself where it is alone."""
        return [row for row in self.rows if not row.is_control] or self.rows

    @property
    def baseline(self) -> Row:
        """Row trained without shifts, or the first one."""
        return next((row for row in self.models if row.entry.record.strategy == NO_SHIFT), self.models[0])

    @property
    def best(self) -> Row:
        """Row that is right most often in the worst window."""
        return max(self.models, key=lambda row: row.worst)

    @property
    def control(self) -> Row | None:
        """Row of the control beside other models."""
        return next((row for row in self.rows if row.is_control and row not in self.models), None)

    @property
    def can_slide(self) -> bool:
        """Whether there is more than one window."""
        return len(self.shift.offsets) > 1

    @property
    def one_class_accuracy(self) -> float:
        """Accuracy of one answer to everything."""
        result = self.rows[0].result
        return max(result.n_positive, result.n_examples - result.n_positive) / max(1, result.n_examples)


@dataclass(frozen=True, eq=False)
class Setting:
    """Runs that may be compared: the same data, part and threat model."""

    data_name: str
    shift: ShiftFacts
    part: str
    entries: list[Entry]

    @property
    def title(self) -> str:
        """Data set and threat model in words."""
        audit = self.entries[0].audit
        drawn = "" if audit.is_exact else f", {audit.n_sampled} drawn for each sequence"
        averaged = "" if audit.strands == "given" else ", strands averaged"
        return f"{self.data_name}, {described(self.shift)}{drawn}{averaged}"

    @property
    def tasks(self) -> list[str]:
        """Tasks of any run, in the order of the records."""
        return list(dict.fromkeys(task.task for entry in self.entries for task in entry.audit.tasks))

    @property
    def boards(self) -> list[Board]:
        """One board for each task that is drawn."""
        several = len(self.tasks) > 1
        boards = []
        for task in self.tasks[:MAX_TASKS]:
            found = [(entry, result) for entry in self.entries for result in entry.audit.tasks if result.task == task]
            title = f"{self.data_name}, task {task}, {described(self.shift)}" if several else self.title
            rows = [Row(entry, result) for entry, result in found]
            boards.append(Board(title, self.data_name, self.shift, self.part, rows))
        return boards


@dataclass(frozen=True, eq=False)
class Study:
    """Everything a report is about."""

    settings: list[Setting]
    left_out: list[LeftOut] = field(default_factory=list)

    @classmethod
    def read(cls, runs: Sequence[Run], left_out: Sequence[LeftOut] = ()) -> Study:
        """Read runs and group them.

        Parameters
        ----------
        runs
            Those on the page.
        left_out
            Those that are not, to be named on it.

        Raises
        ------
        InputError
            If there is no run, one is not finished, or a file is missing or garbled.
        """
        if not runs:
            raise InputError("no runs to report on; `holdfast list` shows the runs there are")
        groups: dict[tuple[object, ...], list[Entry]] = {}
        for entry in map(Entry.read, runs):
            groups.setdefault(_setting_key(entry), []).append(entry)
        settings = []
        for entries in groups.values():
            first = entries[0]
            ordered = _distinguished(sorted(entries, key=_entry_order))
            settings.append(Setting(first.record.data_name, first.audit.shift, first.audit.part, ordered))
        return cls(sorted(settings, key=_setting_order), sorted(left_out, key=lambda one: one.name))

    @property
    def entries(self) -> list[Entry]:
        """Every run."""
        return [entry for setting in self.settings for entry in setting.entries]

    @property
    def boards(self) -> list[Board]:
        """Every board."""
        return [board for setting in self.settings for board in setting.boards]

    def title_of(self, setting: Setting, entry: Entry) -> str:
        """Return the words that tell a run from the others: its label, and its setting where there are several."""
        return entry.label if len(self.settings) == 1 else f"{setting.title}: {entry.label}"

    @property
    def is_exact(self) -> bool:
        """Whether every window was scored in every run."""
        return all(entry.audit.is_exact for entry in self.entries)

    @property
    def several_tasks(self) -> bool:
        """Whether any run has more than one task."""
        return any(len(setting.tasks) > 1 for setting in self.settings)

    @property
    def n_tasks_left_out(self) -> int:
        """Tasks that are in the audits but not drawn."""
        return sum(max(0, len(setting.tasks) - MAX_TASKS) for setting in self.settings)


def _plain(strategy: str) -> str:
    """Return which windows a strategy trains on, without what perturbs them."""
    windows = strategy.partition(" + ")[0]
    return "Worst-of-n" if windows.startswith("Worst-of") else windows


def _label(record: RunRecord) -> str:
    if record.is_control:
        return "Control"
    return record.model if record.strategy == "none" else record.strategy


def _distinguished(entries: list[Entry]) -> list[Entry]:
    """Return the entries with labels of their own, and dashes that tell lines of one colour apart."""
    labels = distinct_labels([entry.label for entry in entries], [entry.record for entry in entries])
    seen: Counter[str] = Counter()
    told = []
    for entry, label in zip(entries, labels, strict=True):
        told.append(replace(entry, label=label, dash=seen[entry.colour]))
        seen[entry.colour] += 1
    return told


def _setting_key(entry: Entry) -> tuple[object, ...]:
    shift = entry.audit.shift
    threat = (shift.context, shift.window, shift.max_shift, shift.protect_core, shift.strands)
    how = (entry.audit.n_sampled, entry.audit.strands)
    return (entry.record.data_name, entry.audit.part, entry.data.fingerprint, *threat, *how)


def _setting_order(setting: Setting) -> tuple[object, ...]:
    shift = setting.shift
    return (setting.data_name, shift.context, shift.window, len(shift.offsets), shift.words, setting.part)


def _entry_order(entry: Entry) -> tuple[object, ...]:
    record = entry.record
    place = _ORDER.get(_plain(record.strategy), len(_ORDER))
    return (record.is_control, place, record.strategy, record.model, record.seed, record.name)


def with_history(entries: Iterable[Entry]) -> list[Entry]:
    """Return the runs that have a history of at least one epoch."""
    return [entry for entry in entries if entry.history is not None and len(entry.history)]
