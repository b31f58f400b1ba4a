"""An experiment: everything that decides a run's numbers, as one frozen page of YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel
from holdfast.robustness.attacks import ATTACKS, ShiftAttack
from holdfast.robustness.losses import LOSSES
from holdfast.robustness.shift import Shift
from holdfast.robustness.strands import Strands
from holdfast.training.recipe import Recipe, recipe

__all__ = ["STRATEGY_NAMES", "AuditSettings", "Experiment", "ShiftSettings", "TrainingSettings", "load_experiment"]

# What the tables of the field call the training strategies.
STRATEGY_NAMES = {"centre": "No Shift", "random": "Rnd", "worst": "Worst", "worst-of-n": "Worst-of-n"}


class _Page(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    training: TrainingSettings = TrainingSettings()
    audit: AuditSettings = AuditSettings()
    seed: int = 0
    device: str = "auto"
    name: str | None = None

    @field_validator("model", "attack", mode="before")
    @classmethod
    def _names_are_specs(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @classmethod
    def parse(cls, page: dict[str, Any], where: str = "experiment") -> Experiment:
        """Return an experiment from plain values.

        Raises
        ------
        ConfigError
            If a key is unknown or a value impossible; the message names its path and the nearest known spelling.
        """
        try:
            experiment = cls.model_validate(page)
        except ValidationError as error:
            raise ConfigError(f"{where}: {_explain(error)}") from error
        try:
            experiment.training.recipe()
            experiment.build_attack(context=experiment.shift.window + 1000)  # the data's own is not known yet
            _ = MODELS[experiment.model.name]
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        return experiment

    @property
    def strategy(self) -> str:
        """The training strategy as tables call it."""
        return STRATEGY_NAMES[self.attack.name]

    @property
    def run_name(self) -> str:
        """The given name, or one made of the data, model, window, strategy and seed."""
        return self.name or "-".join(
            [self.data.name, self.model.name, str(self.shift.window), self.attack.name, f"s{self.seed}"]
        )

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

    @property
    def resolved_model(self) -> Spec:
        """The model with every default written out."""
        return MODELS.resolve(self.model, without=("n_tasks", "window"))

    def build_model(self, n_tasks: int) -> SequenceModel:
        """Return the untrained model."""
        return MODELS.build(self.model, n_tasks=n_tasks, window=self.shift.window)

    def plain(self) -> dict[str, Any]:
        """Return the resolved page as plain YAML types."""
        page: dict[str, Any] = self.model_dump(mode="json")
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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(page, dict):
        raise InputError(f"{path}: expected a mapping of settings, got {type(page).__name__}")
    if not all(isinstance(key, str) for key in page):
        raise ConfigError(f"{path}: keys are words, got {next(key for key in page if not isinstance(key, str))!r}")
    return page


def apply_sets(page: dict[str, Any], sets: Sequence[str]) -> dict[str, Any]:
    """Return a page with ``a.b=value`` changes applied.

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
            raise ConfigError(f"--set {change}: expected a.b=value")
        *path, last = key.split(".")
        at = changed
        for step in path:
            if isinstance(at.get(step), str) and step in ("model", "attack"):
                at[step] = {"name": at[step]}  # a bare name is short for a mapping
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                raise ConfigError(f"--set {change}: '{step}' is {at!r} here and has no '{last}'; give it as a mapping")
        try:
            at[last] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {change}: the value is no YAML") from error
    return changed


def _explain(error: ValidationError) -> str:
    """Return the first complaint with its path, and the nearest spelling for an unknown key."""
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]} (got {first['input']!r})"
    page: type[BaseModel] = Experiment
    for step in first["loc"][:-1]:
        inner = page.model_fields[str(step)].annotation
        page = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else page
    return f"unknown key '{where}': {did_you_mean(str(first['loc'][-1]), page.model_fields)}"
