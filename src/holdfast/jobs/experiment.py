"""An experiment: everything that decides a run's numbers, as one frozen page of YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import read_page
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel
from holdfast.robustness.attacks import ATTACKS, ShiftAttack
from holdfast.robustness.losses import LOSSES
from holdfast.robustness.perturbations import PERTURBATIONS, Perturbation
from holdfast.robustness.shift import Shift
from holdfast.robustness.strands import Strands
from holdfast.runs.records import setting_words
from holdfast.training.recipe import Recipe, recipe

__all__ = ["STRATEGY_NAMES", "AuditSettings", "Experiment", "ShiftSettings", "TrainingSettings", "load_experiment"]

# What the tables of the field call the training strategies.
STRATEGY_NAMES = {"centre": "No Shift", "random": "Rnd", "worst": "Worst", "worst-of-n": "Worst-of-n"}


class _Page(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str) -> Self:
        """Return the page of plain values.

        Raises
        ------
        ConfigError
            If a key is unknown or a value impossible.
        """
        return read_page(cls, values, where=where)


class ShiftSettings(_Page):
    """The threat model, see :class:`~holdfast.robustness.shift.Shift`; the context's length is the data's."""

    window: int
    max_shift: int | None = None
    protect_core: bool = False
    strands: Literal["forward", "both"] = "forward"


class TrainingSettings(_Page):
    """A preset and what is changed in it, see :class:`~holdfast.training.recipe.Recipe`."""

    preset: str = "fast"
    changes: dict[str, Any] = Field(default_factory=dict)
    trials: int = Field(default=1, ge=1)
    """Trainings from different first weights; the one with the largest training AUROC is kept."""
    all_data: bool = False
    """Train on the train and validation parts together; needs ``keep: last``, for nothing is held out."""

    def recipe(self) -> Recipe:
        """Return the resolved recipe."""
        return recipe(self.preset, self.changes)


class AuditSettings(_Page):
    """How the trained model is measured, see :func:`~holdfast.robustness.audit.audit`."""

    part: Literal["train", "validation", "test"] = "test"
    n_try: int = Field(default=20, ge=1)
    adversary: Literal["joint", "per-task"] = "joint"
    bootstrap: int = Field(default=200, ge=0)
    windows: Literal["all"] | Annotated[int, Field(ge=1)] = "all"
    """``all`` is exact; a number draws so many for each example, and worst-case numbers are bounds."""
    strands: Strands = "given"
    table: Literal["all", "bound"] = "all"
    """Rows of ``windows.parquet``: every example of every task, or the bound ones of each."""
    out_of_distribution: bool = True
    perturbations: tuple[Spec, ...] = ()
    """Changes of the centre window's numbers that are tried beside the shifts, see
    :mod:`holdfast.robustness.perturbations`."""
    substitutions: int = Field(default=0, ge=0, le=1000)
    """Bases of the centre window exchanged at most, see :mod:`holdfast.robustness.substitutions`; 0: not tried."""
    protect: tuple[int, int] | None = None
    """Bases [start, end) of the window that are not exchanged; None: each example's core, where it is known."""

    @field_validator("perturbations", mode="before")
    @classmethod
    def _names_are_specs(cls, value: Any) -> Any:
        return [spelled_out("perturbation", one) for one in value] if isinstance(value, list | tuple) else value

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain YAML types, without adversaries that are not asked for.

        A page from before there were any is so the same page.
        """
        page: dict[str, Any] = self.model_dump(mode="json")
        later = ("perturbations", "substitutions", "protect")
        return {key: value for key, value in page.items() if key not in later or value}

    def build_perturbations(self) -> list[Perturbation]:
        """Return the perturbations asked for.

        Raises
        ------
        ConfigError
            Unknown name or parameter, an impossible value, or a protected stretch that is none.
        """
        if self.protect is not None and not 0 <= self.protect[0] < self.protect[1]:
            raise ConfigError(f"audit.protect is {list(self.protect)}; expected [start, end), 0-based, in the window")
        return [_perturbation(spec, seed=0) for spec in self.perturbations]


class Experiment(_Page):
    """Data, model, threat model, attack, training, audit and seed.

    Examples
    --------
    >>> page = Experiment.parse({"data": "data/sp1", "shift": {"window": 75}, "attack": "worst"})
    >>> page.model.name, page.strategy, page.training.preset
    ('holdfast', 'Worst', 'fast')
    """

    data: Path
    """A data set folder, as ``holdfast data build`` makes it."""
    shift: ShiftSettings
    model: Spec = Spec(name="holdfast")
    attack: Spec = Spec(name="centre")
    perturbation: Spec | None = None
    training: TrainingSettings = TrainingSettings()
    audit: AuditSettings = AuditSettings()
    seed: int = 0
    device: str = "auto"
    name: str | None = None

    @field_validator("model", "attack", mode="before")
    @classmethod
    def _names_are_specs(cls, value: Any, info: ValidationInfo) -> Any:
        value = spelled_out(str(info.field_name), value)
        if isinstance(value, dict) and "params" in value:
            # Parameters alone are those of the default.
            return {"name": cls.model_fields[str(info.field_name)].default.name} | value
        return value

    @field_validator("perturbation", mode="before")
    @classmethod
    def _a_name_is_a_spec(cls, value: Any) -> Any:
        return spelled_out("perturbation", value)

    @classmethod
    def parse(cls, page: dict[str, Any], where: str = "experiment") -> Experiment:
        """Return an experiment from plain values.

        Raises
        ------
        ConfigError
            If a key is unknown or a value impossible; the message names its path and the nearest known spelling.
        """
        experiment = cls.of(page, where)
        try:
            kept = experiment.training.recipe().keep
            if experiment.training.all_data and kept != "last":
                raise ConfigError("training.all_data holds nothing out to choose an epoch by; set changes.keep: last")
            experiment.build_attack(context=experiment.shift.window + 1000)  # the data's own is not known yet
            experiment.build_perturbation()
            experiment.audit.build_perturbations()
            _check_model(experiment.model)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        return experiment

    @property
    def strategy(self) -> str:
        """The training strategy as tables call it, such as ``Worst`` or ``No Shift + PGD``."""
        shifted, perturbation = STRATEGY_NAMES[self.attack.name], self.build_perturbation()
        return shifted if perturbation is None else f"{shifted} + {perturbation.name}"

    @property
    def data_name(self) -> str:
        """What the data set's folder is called, also where ``data`` is spelled ``.`` or ``..``."""
        return self.data.name if self.data.name not in ("", "..") else self.data.resolve().name

    @property
    def run_name(self) -> str:
        """The given name, or :attr:`made_name`."""
        return self.name or self.made_name

    @property
    def made_name(self) -> str:
        """A name made of the data, model, window, strategy and seed, and of whatever departs from the defaults."""
        parts = [self.data_name, self.model.name, str(self.shift.window), self.attack.name, f"s{self.seed}"]
        return "-".join([*parts, *setting_words(self.settings)])

    @property
    def settings(self) -> dict[str, Any]:
        """What departs from the defaults beside data, model, window, attack and seed; no two settings share a key.

        Examples
        --------
        >>> page = {"data": "sp1", "shift": {"window": 75}, "model": {"name": "kmer", "params": {"k": 5}}}
        >>> Experiment.parse(page | {"training": {"changes": {"epochs": 3}}}).settings
        {'epochs': 3, 'model.k': 5}
        """
        page = self.model_dump(mode="json", exclude_defaults=True)
        training = page.get("training", {})
        changes = training.pop("changes", {})
        defaults = MODELS.resolve(Spec(name=self.model.name)).params
        given = page.get("model", {}).get("params", {})
        departs = {key: value for key, value in given.items() if key not in defaults or defaults[key] != value}
        page["shift"].pop("window")
        groups = {"": page["shift"] | training | changes, "model.": departs}
        if self.perturbation is not None:
            groups[""]["perturbation"] = self.perturbation.name
            groups["perturbation."] = self.perturbation.params
        groups |= {"attack.": page.get("attack", {}).get("params", {}), "audit.": page.get("audit", {})}
        return {start + key: group[key] for start, group in groups.items() for key in sorted(group)}

    def build_shift(self, context: int) -> Shift:
        """Return the threat model for contexts of this length."""
        return Shift(context=context, **self.shift.model_dump())

    def build_attack(self, context: int) -> ShiftAttack:
        """Return the training attack; its loss is named by ``loss`` among its parameters."""
        params = dict(self.attack.params)
        for key in ("shift", "seed"):
            if key in params:
                raise ConfigError(f"attack has no parameter '{key}': set {key} at the top of the experiment")
        loss = LOSSES.build(Spec.parse(params.pop("loss", "xe")))
        shift = self.build_shift(context)
        return ATTACKS.build(Spec(name=self.attack.name, params=params), shift=shift, loss=loss, seed=self.seed)

    def build_perturbation(self) -> Perturbation | None:
        """Return what changes the training windows after the attack chose them, if anything does."""
        return None if self.perturbation is None else _perturbation(self.perturbation, seed=self.seed)

    @property
    def resolved_model(self) -> Spec:
        """The model with every default written out."""
        return MODELS.resolve(self.model, without=("n_tasks", "window"))

    def build_model(self, n_tasks: int) -> SequenceModel:
        """Return the untrained model."""
        return MODELS.build(self.model, n_tasks=n_tasks, window=self.shift.window)

    def plain(self) -> dict[str, Any]:
        """Return the resolved page as plain YAML types, without adversaries that are not asked for."""
        page: dict[str, Any] = self.model_dump(mode="json") | {"audit": self.audit.plain()}
        if self.perturbation is None:
            del page["perturbation"]
        return page

    def identity(self, fingerprint: str) -> str:
        """Return a hash of everything that decides the numbers: the page, the recipe, and the data's contents."""
        page = self.plain()
        for key in ("name", "device", "data"):
            del page[key]
        page["model"] = self.resolved_model.model_dump(mode="json")
        page["recipe"] = self.training.recipe().model_dump(mode="json")
        page["data"] = fingerprint
        return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def _perturbation(spec: Spec, *, seed: int) -> Perturbation:
    params = dict(spec.params)
    if "seed" in params:
        raise ConfigError("perturbation has no parameter 'seed': set seed at the top of the experiment")
    loss = LOSSES.build(Spec.parse(params.pop("loss", "xe")))
    return PERTURBATIONS.build(Spec(name=spec.name, params=params), loss=loss, seed=seed)


def _check_model(spec: Spec) -> None:
    if "n_tasks" in spec.params:
        raise ConfigError("model has no parameter 'n_tasks': it is the number of label columns of the data")
    MODELS.check(spec)


def load_experiment(path: Path, sets: Sequence[str] = ()) -> Experiment:
    """Read an experiment file and change some of its paths.

    Parameters
    ----------
    path
        YAML.
    sets
        ``a.b=value`` each, the value in YAML.

    Raises
    ------
    InputError
        If the file is missing or no YAML.
    ConfigError
        As :meth:`Experiment.parse`.
    """
    return Experiment.parse(apply_sets(read_yaml(path), sets), where=str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file."""
    try:
        page = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(page, dict):
        raise InputError(f"{path}: expected a mapping of settings, got {type(page).__name__}")
    if not all(isinstance(key, str) for key in page):
        raise ConfigError(f"{path}: keys are words, got {next(key for key in page if not isinstance(key, str))!r}")
    try:
        json.dumps(page, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: settings cannot hold themselves or have lists as keys ({error})") from error
    return page


def spelled_out(key: str, value: Any) -> Any:
    """Return a mapping where a bare name is short for one (``model: kmer``), any other value as it is."""
    named = ("model", "attack", "loss", "perturbation")
    return {"name": value} if key in named and isinstance(value, str) else value


def apply_sets(page: dict[str, Any], sets: Sequence[str], *, flag: str = "--set") -> dict[str, Any]:
    """Return a page with ``a.b=value`` changes applied.

    Parameters
    ----------
    page
        Plain values.
    sets
        Changes, the values in YAML.
    flag
        Where they were given, for messages.

    Raises
    ------
    ConfigError
        If a change is not of that form, its value is no YAML, or its path leads through a value.

    Examples
    --------
    >>> apply_sets({"shift": {"window": 75}}, ["shift.window=90", "attack=worst"])
    {'shift': {'window': 90}, 'attack': 'worst'}
    >>> apply_sets({"attack": "worst-of-n"}, ["attack.params.n_try=5"])
    {'attack': {'name': 'worst-of-n', 'params': {'n_try': 5}}}
    """
    changed: dict[str, Any] = json.loads(json.dumps(page, default=str))
    for change in sets:
        key, equals, text = change.partition("=")
        if not equals or not key:
            raise ConfigError(f"{flag} {change}: expected a.b=value")
        *path, last = key.split(".")
        at = changed
        for step in path:
            inner = spelled_out(step, at[step]) if at.get(step) is not None else {}
            if not isinstance(inner, dict):
                raise ConfigError(
                    f"{flag} {change}: '{step}' is {inner!r} here and has no '{last}'; give it as a mapping"
                )
            at[step] = at = inner
        try:
            at[last] = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:  # ValueError: 2020-13-45 looks like a date
            raise ConfigError(f"{flag} {change}: the value is no YAML") from error
    return changed
