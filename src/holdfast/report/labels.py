"""Labels that tell runs apart: what a table's rows and a chart's lines are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from holdfast.runs.records import RunRecord, setting_words

__all__ = ["distinct_labels"]


def distinct_labels(labels: Sequence[str], records: Sequence[RunRecord]) -> list[str]:
    """Return labels of their own: what differs is added to those that several runs share.

    The model is added first, then the seed, then the settings that not all of them have, then the run's name; each
    only where it differs among runs of one label.

    Parameters
    ----------
    labels
        One for each run.
    records
        The runs' first pages.
    """
    told = list(labels)
    for fact in (_model, _seed, _settings, _name):
        told = _with_fact(told, records, fact)
    return told


def _with_fact(
    labels: Sequence[str], records: Sequence[RunRecord], fact: Callable[[RunRecord, Sequence[RunRecord]], str]
) -> list[str]:
    told = []
    for label, record in zip(labels, records, strict=True):
        twins = [other for name, other in zip(labels, records, strict=True) if name == label]
        differs = len({fact(twin, twins) for twin in twins}) > 1
        words = fact(record, twins) if differs else ""
        told.append(f"{label}, {words}" if words else label)
    return told


def _model(record: RunRecord, twins: Sequence[RunRecord]) -> str:
    return record.model


def _seed(record: RunRecord, twins: Sequence[RunRecord]) -> str:
    return f"seed {record.seed}"


def _settings(record: RunRecord, twins: Sequence[RunRecord]) -> str:
    shared = Counter(words for twin in twins for words in setting_words(twin.settings))
    return ", ".join(words for words in setting_words(record.settings) if shared[words] < len(twins))


def _name(record: RunRecord, twins: Sequence[RunRecord]) -> str:
    return record.name
