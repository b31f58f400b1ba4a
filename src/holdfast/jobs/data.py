"""Make, describe, simulate and fetch data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.data.build import build, build_simulated, read_parts
from holdfast.data.dataset import SequenceDataset
from holdfast.data.describe import Description, describe
from holdfast.data.fetch import fetch
from holdfast.data.manifest import contradiction_note
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.data.simulate_tasks import ManyTasksConfig, simulate_tasks
from holdfast.data.split import SPLITS, Fractions, Given, Split
from holdfast.io.detect import ReadOptions
from holdfast.io.stream import RecordStream
from holdfast.jobs.experiment import apply_sets
from holdfast.motifs.database import jaspar_collection, jaspar_motif

__all__ = [
    "Sources",
    "build_data",
    "count_rows",
    "describe_data",
    "description_lines",
    "fetch_data",
    "simulate_data",
    "simulate_many",
]

_NAMED, _TABLED = 5, 20


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Files and how to read them, as :func:`holdfast.data.build.read_parts` takes them."""

    train: tuple[Path, ...]
    validation: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()
    format: str = "auto"
    options: ReadOptions | None = None

    def read(self) -> RecordStream:
        """Return the records of all files, of large ones in blocks."""
        return read_parts(
            self.train, validation=self.validation, test=self.test, format=self.format, options=self.options
        )


def build_data(
    sources: Sources,
    out: Path,
    *,
    split: str | None = None,
    split_changes: Sequence[str] = (),
    shuffle: bool = False,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Description:
    """Store files as a data set and return what is in it.

    Parameters
    ----------
    sources
        What to read.
    out
        Folder to make.
    split
        A name in :data:`~holdfast.data.split.SPLITS`; None takes the source's parts, or random ones.
    split_changes
        Its parameters, ``name=value`` each, the value in YAML.
    shuffle
        Make negatives by dinucleotide shuffles of the positives.
    seed
        Of shuffles and random parts; the paper's split has its own.
    overwrite
        Replace a data set of that name.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If a file cannot be read or does not make a data set.
    ConfigError
        If the split is unknown or has no such parameter.
    """
    with progress.task("reading", None):
        records = sources.read()
    with progress.task("storing", None):
        made = build(
            records,
            out,
            split=_split(records, split, split_changes, seed),
            negatives="shuffle" if shuffle else "given",
            seed=seed,
            overwrite=overwrite,
        )
    return _described(made, progress)


def simulate_data(
    values: dict[str, object], out: Path, *, overwrite: bool = False, progress: Progress = SILENT
) -> Description:
    """Simulate a factor, store it as a data set and return what is in it.

    Parameters
    ----------
    values
        See :class:`~holdfast.data.simulate.SimulationConfig`.
    out, overwrite, progress
        As for :func:`build_data`.

    Raises
    ------
    ConfigError
        If a value is impossible.
    InputError
        If a motif is unknown or the folder cannot be made.
    """
    config = SimulationConfig.parse(values)
    with progress.task(f"simulating {config.tf}", None):
        made = build_simulated(simulate(config, jaspar_motif), out, overwrite=overwrite)
    return _described(made, progress)


def simulate_many(
    values: dict[str, object], out: Path, *, overwrite: bool = False, progress: Progress = SILENT
) -> Description:
    """Simulate many tasks, store them as a data set and return what is in it.

    Parameters
    ----------
    values
        See :class:`~holdfast.data.simulate_tasks.ManyTasksConfig`.
    out
        Folder to make.
    overwrite
        Replace a data set of that name.
    progress
        Whom to tell how far it is.

    Raises
    ------
    ConfigError
        If a value is impossible.
    InputError
        If there are not so many motifs, or the folder cannot be made.
    """
    config = ManyTasksConfig.parse(values)
    with progress.task(f"simulating {config.tasks} tasks", None):
        made = simulate_tasks(config, jaspar_collection(), out, overwrite=overwrite)
    return _described(made, progress)


def describe_data(folder: Path, *, progress: Progress = SILENT) -> Description:
    """Return what is in a stored data set, leakage counted anew."""
    return _described(SequenceDataset.open(folder), progress)


def fetch_data(name: str, out: Path, *, progress: Progress = SILENT) -> list[Path]:
    """Download a published data set and return its files."""
    mebibyte = 1 << 20
    with progress.task(f"fetching {name}", None) as advance:

        def watch(name: str, done: int, total: int | None) -> None:
            of = f" of {total / mebibyte:.1f}" if total else ""
            advance(done, f"{name}: {done / mebibyte:.1f}{of} MiB")

        return fetch(name, out, progress=watch)


def count_rows(found: Description) -> list[tuple[str, ...]]:
    """Return part, task and numbers of labels; of many tasks, the poorest, the median and the richest in each part."""
    rows = list[tuple[str, ...]]()
    for part in dict.fromkeys(row.part for row in found.counts):
        of_part = [row for row in found.counts if row.part == part]
        if len(of_part) > _TABLED:
            by_bound = sorted(of_part, key=lambda row: row.bound)
            of_part = [by_bound[0], by_bound[len(by_bound) // 2], by_bound[-1]]
        rows += [(row.part, row.task, f"{row.bound:,}", f"{row.unbound:,}", f"{row.unknown:,}") for row in of_part]
    return rows


def description_lines(found: Description) -> list[str]:
    """Return what a description says beside its table of counts, as sentences."""
    lines = [f"Negatives: {found.negatives}.", f"Parts: {found.split}."]
    if len(found.tasks) > _TABLED:
        lines.insert(0, f"{len(found.tasks)} tasks; shown are those with the fewest, the median and the most bound.")
    if found.one_class_tasks:
        named = ", ".join(found.one_class_tasks[:_NAMED]) + (", ..." if len(found.one_class_tasks) > _NAMED else "")
        lines.append(f"Tasks without both classes: {len(found.one_class_tasks):,} ({named}).")
    for kind in found.composition:
        if kind.share is not None:
            bases = ", ".join(f"{base} {share:.1%}" for base, share in kind.share.items())
            lines.append(f"Bases of {kind.label} examples: {bases}; {kind.unknown_bases:,} N.")
    if found.core_reach_bp is not None:
        start, end = found.core_reach_bp
        lines.append(f"Known cores: {found.known_cores:,}, between positions {start} and {end}.")
    lines.append(f"Repeated sequences: {found.repeated:,}.")
    blank = sum(kind.examples_all_unknown for kind in found.composition)
    if blank:
        lines.append(f"Sequences of N only: {blank:,}; they say nothing, and all are alike.")
    if found.contradictory:
        lines.append(contradiction_note(found.contradictory))
    for row in found.leakage.counts:
        lines.append(
            f"Leakage: of {row.examples:,} {row.part} examples {row.duplicates:,} stand also in "
            f"{' and '.join(row.seen_in)}, {row.reverse_complements:,} as reverse complement, "
            f"and {row.shuffled_twins:,} have their shuffled twin there."
        )
    return lines


def _split(records: RecordStream, name: str | None, changes: Sequence[str], seed: int) -> Split:
    if name is None:
        name = "given" if records.says_parts else "fractions"
    # The paper's split is one particular draw; a seed given for the shuffles must not change it.
    context = {"seed": seed} if SPLITS[name] in (Fractions, Given) else {}
    return SPLITS.build(Spec(name=name, params=apply_sets({}, changes, flag="--split-set")), **context)


def _described(data: SequenceDataset, progress: Progress) -> Description:
    with progress.task("counting", None):
        return describe(data)
