"""Many experiments from one page: what is done is skipped, what was broken off goes on, what fails stops nothing."""

from __future__ import annotations

import copy
import itertools
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.files import check_folder
from holdfast.core.parameters import read_page
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.base import Executor, Failure, Task
from holdfast.jobs.experiment import Experiment, apply_sets, read_yaml, spelled_out
from holdfast.jobs.train import existing_run, prepare, train
from holdfast.report.study import Entry
from holdfast.runs.folder import Run

__all__ = ["GridPage", "GridResult", "expand", "load_grid", "run_grid"]

_PRODUCT = "product"


class GridPage(BaseModel):
    """Which experiments to run.

    Parameters
    ----------
    base
        An experiment page, perhaps not whole.
    product
        Dotted path of an experiment to the values it takes; every combination is an experiment.
    include
        Further experiments: pages merged over ``base``, each perhaps with a ``product`` of its own.
    exclude
        Dotted paths to values; an experiment that has all of one entry's values is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: dict[str, Any] = Field(default_factory=dict)
    product: dict[str, list[Any]] = Field(default_factory=dict)
    include: list[dict[str, Any]] = Field(default_factory=list)
    exclude: list[dict[str, Any]] = Field(default_factory=list)

    @classmethod
    def parse(cls, page: Mapping[str, Any], where: str = "grid") -> GridPage:
        """Return a grid from plain values.

        Raises
        ------
        ConfigError
            If a key is unknown or a value is not of the right kind.
        """
        return read_page(cls, dict(page), where=where)


@dataclass(frozen=True, kw_only=True)
class GridResult:
    """What became of a grid: its finished runs in the order of the experiments, and what failed."""

    runs: list[Run]
    failures: list[Failure]
    reused: int
    """How many of the runs were there before."""


def load_grid(path: Path, sets: Sequence[str] = ()) -> list[Experiment]:
    """Read a grid file.

    Parameters
    ----------
    path
        YAML, see :class:`GridPage`.
    sets
        ``a.b=value`` each, applied to every experiment last.

    Raises
    ------
    InputError
        If the file is missing or no YAML.
    ConfigError
        If a key is unknown or a value impossible.
    """
    return expand(GridPage.parse(read_yaml(path), where=str(path)), sets, where=str(path))


def expand(page: GridPage, sets: Sequence[str] = (), *, where: str = "grid") -> list[Experiment]:
    """Return the experiments of a grid, each once.

    Examples
    --------
    >>> page = GridPage(
    ...     base={"data": "sp1", "shift": {"window": 75}},
    ...     product={"attack": ["centre", "worst"], "seed": [1, 2]},
    ...     include=[{"model": "kmer"}],
    ...     exclude=[{"attack": "worst", "seed": 2}],
    ... )
    >>> [experiment.run_name for experiment in expand(page)]  # doctest: +NORMALIZE_WHITESPACE
    ['sp1-holdfast-75-centre-s1', 'sp1-holdfast-75-centre-s2', 'sp1-holdfast-75-worst-s1', 'sp1-kmer-75-centre-s0']
    """
    pages = list(_multiplied(page.base, page.product, where)) if page.product or not page.include else []
    for extra in page.include:
        rest = {key: value for key, value in extra.items() if key != _PRODUCT}
        pages += _multiplied(_merged(page.base, rest), extra.get(_PRODUCT) or {}, where)
    for path in {path for entry in page.exclude for path in entry}:
        if (first := path.partition(".")[0]) not in Experiment.model_fields:
            raise ConfigError(
                f"{where}: exclude: unknown key '{first}': {did_you_mean(first, Experiment.model_fields)}"
            )
    experiments = [
        Experiment.parse(apply_sets(one, sets), where=f"{where}, experiment {number} of {len(pages)}")
        for number, one in enumerate(pages, start=1)
    ]
    kept = [one for one in experiments if not any(_matches(one.plain(), entry) for entry in page.exclude)]
    unique = list({_page_key(one): one for one in kept}.values())
    if not unique:
        raise ConfigError(f"{where}: no experiment is left; look at product, include and exclude")
    return unique


def _page_key(experiment: Experiment) -> str:
    """Return what tells two runs apart: the device and the spelling of a path do not."""
    page = experiment.plain() | {"device": None, "data": str(experiment.data.resolve()), "name": experiment.run_name}
    return repr(page)


def run_grid(
    experiments: Sequence[Experiment], root: Path, executor: Executor, *, progress: Progress = SILENT
) -> GridResult:
    """Carry out experiments that are not done yet.

    Parameters
    ----------
    experiments
        What to do.
    root
        Folder of run folders.
    executor
        Where to do it.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If a data set cannot be opened, or ``root`` cannot be written; before anything is started.
    ConfigError
        If an experiment asks for the impossible on its data; before anything is started.
    """
    words = _told_apart(experiments)
    _check_all(experiments, words)
    check_folder(root)
    ends = [_existing(experiment, root, name) for experiment, name in zip(experiments, words, strict=True)]
    todo = [number for number, end in enumerate(ends) if end is None]
    reused = sum(isinstance(end, Run) for end in ends)
    if reused:
        progress.say(f"{reused} of {len(ends)} runs are done already and are reused")
    tasks = [Task(words=words[i], payload=(experiments[i].plain(), str(root))) for i in todo]
    outcomes = executor.run(_carry_out, tasks, words=f"{len(tasks)} runs", progress=progress)
    for number, outcome in zip(todo, outcomes, strict=True):
        ends[number] = outcome.failure or Run.open(Path(outcome.result))
    return GridResult(
        runs=[end for end in ends if isinstance(end, Run)],
        failures=[end for end in ends if isinstance(end, Failure)],
        reused=reused,
    )


def _carry_out(payload: tuple[dict[str, Any], str], progress: Progress) -> str:
    """Do one experiment in a worker, from where an earlier attempt stopped."""
    page, root = payload
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return str(train(Experiment.parse(page), Path(root), resume=True, progress=progress).folder)


def _check_all(experiments: Sequence[Experiment], words: Sequence[str]) -> None:
    opened: dict[Path, SequenceDataset] = {}
    for experiment, name in zip(experiments, words, strict=True):
        try:
            if experiment.data not in opened:
                opened[experiment.data] = SequenceDataset.open(experiment.data, verify=False)
            prepare(experiment, opened[experiment.data])
        except (InputError, ConfigError) as error:
            raise type(error)(f"experiment {name}: {error}") from error


def _told_apart(experiments: Sequence[Experiment]) -> list[str]:
    """Return the experiments' names; where a name that was given stands for several, what differs is told too."""
    names = [one.run_name for one in experiments]
    for more in ([one.made_name for one in experiments], [str(one.data) for one in experiments]):
        seen = Counter(names)
        names = [f"{name} ({words})" if seen[name] > 1 else name for name, words in zip(names, more, strict=True)]
    return names


def _existing(experiment: Experiment, root: Path, words: str) -> Run | Failure | None:
    """Return the finished run of an experiment, why it cannot be used, or None where there is none."""
    try:
        run = existing_run(experiment, root)
        if run is not None:
            Entry.read(run)
    except InputError as error:
        return Failure(words=words, reason=str(error))
    return run


def _multiplied(base: dict[str, Any], product: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    if not isinstance(product, Mapping):
        raise ConfigError(f"{where}: product: expected a mapping of paths to lists of values (got {product!r})")
    for path, values in product.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}: product.{path}: expected a list of values (got {values!r})")
    pages = []
    for combination in itertools.product(*product.values()):
        page = copy.deepcopy(base)
        for path, value in zip(product, combination, strict=True):
            page = _merged(page, _nested(path, value))
        pages.append(page)
    return pages


def _nested(path: str, value: Any) -> dict[str, Any]:
    """Return ``{"a": {"b": value}}`` for ``a.b``."""
    first, dot, rest = path.partition(".")
    return {first: _nested(rest, value) if dot else copy.deepcopy(value)}


def _merged(page: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page with another one laid over it; dotted keys of the other reach inside."""
    merged = copy.deepcopy(page)
    for key, value in over.items():
        first, dot, rest = str(key).partition(".")
        inner = {rest: value} if dot else value
        # A named thing replaces another one whole: its parameters are not those of the one before.
        replaces = isinstance(inner, dict) and "name" in inner
        below = spelled_out(first, merged.get(first))
        if isinstance(inner, dict) and isinstance(below, dict) and not replaces:
            merged[first] = _merged(below, inner)
        else:
            merged[first] = _merged({}, inner) if isinstance(inner, dict) else copy.deepcopy(inner)
    return merged


def _matches(page: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return all(_value_at(page, path) == value for path, value in entry.items())


def _value_at(page: Any, path: str) -> Any:
    for step in path.split("."):
        page = page.get(step) if isinstance(page, Mapping) else None
    # `model: kmer` is short for a name and parameters.
    return page["name"] if isinstance(page, Mapping) and "name" in page else page
