"""What a search for good settings may try: named distributions beside the model they belong to."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from holdfast.core.errors import ConfigError
from holdfast.core.random import numpy_generator

__all__ = ["Choice", "Distribution", "LogUniform", "Plan", "RootUniform", "SearchSpace", "Setting"]


class Distribution(Protocol):
    """Something that a value is drawn from."""

    def draw(self, generator: np.random.Generator) -> Any:
        """Return one value, of a plain type."""


class Choice:
    """One of some values, each as likely; a value given twice is twice as likely.

    Examples
    --------
    >>> Choice(0.0, 0.0, 0.5).draw(np.random.default_rng(0)) in (0.0, 0.5)
    True
    """

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ConfigError("a choice needs at least one value")
        self.values = values

    def draw(self, generator: np.random.Generator) -> Any:
        """Return one of the values."""
        return self.values[int(generator.integers(len(self.values)))]


@dataclass(frozen=True)
class LogUniform:
    """Uniform in the logarithm, from ``low`` to ``high``, both above zero."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ConfigError(f"log-uniform from {self.low} to {self.high}: expected 0 < low <= high")

    def draw(self, generator: np.random.Generator) -> float:
        """Return a number between the ends."""
        return float(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True)
class RootUniform:
    """From ``low`` to ``high`` by the square root of a uniform number: denser towards ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ConfigError(f"root-uniform from {self.low} to {self.high}: expected low <= high")

    def draw(self, generator: np.random.Generator) -> float:
        """Return a number between the ends."""
        return float(self.low + (self.high - self.low) * math.sqrt(generator.uniform()))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to try.

    Parameters
    ----------
    settings
        Random settings; each is tried with every crossed value.
    folds
        Of the cross-validation; 1 trains on the train part and validates on the validation part.
    checkpoints
        Places, evenly spaced over the training, at which a setting is scored.
    trials
        Final trainings with the best setting.
    final_steps
        Gradient steps of each; None: as many as the best checkpoint had taken, or the recipe's where there is but one.
    steps
        Gradient steps of a training; None leaves the recipe's epochs.
    batch_size
        In place of the recipe's.
    cross
        Whether crossed values are tried; if not, the first of each stands.
    selection
        Judge a setting by what was held out (``validation``), or by what it was trained on (``training``), as some
        papers did; the latter favours whatever overfits.
    metric
        ``auroc`` or ``accuracy``.
    """

    settings: int = 1
    folds: int = 1
    checkpoints: int = 1
    trials: int = 1
    final_steps: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    cross: bool = True
    selection: Literal["validation", "training"] = "validation"
    metric: Literal["auroc", "accuracy"] = "auroc"

    def __post_init__(self) -> None:
        for name in ("settings", "folds", "checkpoints", "trials"):
            if getattr(self, name) < 1:
                raise ConfigError(f"calibration: {name} has to be 1 or more, got {getattr(self, name)}")
        for name in ("steps", "final_steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ConfigError(f"calibration: {name} has to be 1 or more, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One drawn setting: parameters of the model, and changes of the recipe."""

    model: dict[str, Any]
    training: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Which settings of a model and its training are worth trying.

    Parameters
    ----------
    model
        Parameter of the model to its distribution.
    training
        Setting of the recipe to its distribution.
    crossed
        Parameter of the model to the values that every random setting is tried with.
    preset
        Recipe that the changes are made to.
    plan, quick
        How much the authors tried, and how much to try in minutes.

    Examples
    --------
    >>> space = SearchSpace(training={"learning_rate": LogUniform(1e-3, 1e-1)}, crossed={"hidden": (0, 32)}, preset="p")
    >>> [setting.model for setting in space.draw(Plan(settings=2), seed=0)]
    [{'hidden': 0}, {'hidden': 32}, {'hidden': 0}, {'hidden': 32}]
    """

    model: Mapping[str, Distribution] = field(default_factory=dict)
    training: Mapping[str, Distribution] = field(default_factory=dict)
    crossed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    preset: str
    plan: Plan = Plan()
    quick: Plan = Plan()

    def draw(self, plan: Plan, seed: int) -> list[Setting]:
        """Return the settings to try; setting i is the same however many are drawn."""
        n_random = plan.settings if self.model or self.training else 1
        crossed = {name: values if plan.cross else values[:1] for name, values in self.crossed.items()}
        found = []
        for number in range(n_random):
            generator = numpy_generator(seed, "setting", number)
            model = {name: source.draw(generator) for name, source in self.model.items()}
            training = {name: source.draw(generator) for name, source in self.training.items()}
            for values in itertools.product(*crossed.values()):
                found.append(Setting(model=model | dict(zip(crossed, values, strict=True)), training=training))
        return found
