"""How to train: every number of a training run apart from the model, the data and the attack."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from holdfast.core.errors import ConfigError, did_you_mean
from holdfast.core.parameters import ShareBelowOne, check_values, read_page

__all__ = ["PRESETS", "Recipe", "Stage", "recipe"]


class Stage(BaseModel):
    """A stretch of a curriculum: what the adversary may do during a share of the epochs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    attack: Literal["centre", "random", "target"]
    """``target`` is the attack trained for."""
    share: float = Field(gt=0)
    """Length, relative to the other stages."""
    reach: float = Field(default=1.0, ge=0, le=1)
    """Share of the largest shift that the adversary may use."""


class Recipe(BaseModel):
    """How to train."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop", "adadelta"]
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    betas: tuple[ShareBelowOne, ShareBelowOne] = (0.9, 0.999)
    epsilon: float = Field(default=1e-8, gt=0)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Of ``sgd``, in Nesterov's form."""
    rho: float = Field(default=0.9, ge=0, lt=1)
    """``rmsprop`` and ``adadelta``: decay of the averages of squares."""
    schedule: Literal["constant", "one-cycle", "plateau"] = "constant"
    halve_every: int | None = Field(default=None, ge=1)
    """Constant schedule: epochs after which the rate is halved, again and again."""
    warm_up: float = Field(default=0.2, ge=0, lt=1)
    """One-cycle: share of the steps in which the rate rises."""
    plateau_factor: float = Field(default=0.25, gt=0, lt=1)
    plateau_patience: int = Field(default=5, ge=0)
    min_delta: float = Field(default=1e-4, ge=0)
    patience: int | None = Field(default=None, ge=1)
    """Epochs without a better attacked validation loss after which training stops; None trains them all."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights a training leaves: those of the least attacked validation loss, or the last."""
    average: float | None = Field(default=None, gt=0, lt=1)
    """Decay of an exponential average of the weights, which is then what is validated and kept."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    clip_norm: float | None = Field(default=None, gt=0)
    clip_value: float | None = Field(default=None, gt=0)
    """Largest absolute entry of a gradient; larger ones are cut to it."""
    reverse_complement: float = Field(default=0.0, ge=0, le=1)
    """Probability that a training example is read from the other strand."""
    shuffled_negatives: bool = False
    """Add a position-shuffled copy of each window with all labels zero (the authors' add_shuf)."""
    curriculum: tuple[Stage, ...] = ()
    """For attacks that look for the worst window, and for perturbations; empty trains on the target throughout.

    Before the target's turn windows are not perturbed; there the reach is a share of epsilon too. So "10 clean epochs,
    then 15 of the attack" is ``({"attack": "centre", "share": 10}, {"attack": "target", "share": 15})``.
    """
    mixture: float = Field(default=0.0, ge=0, lt=1)
    """Probability that an example is spared: shown another window than the worst one, see ``mixture_of``, and not
    perturbed."""
    mixture_of: Literal["centre", "random"] = "random"
    """The other window: the centre one (clean + worst), or a random legal one."""
    on_collapse: Literal["restart", "report"] = "restart"
    """What to do when the model gives one answer to everything."""
    max_restarts: int = Field(default=2, ge=0)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"

    @model_validator(mode="after")
    def _curriculum_ends_at_the_target(self) -> Recipe:
        if self.curriculum and (self.curriculum[-1].attack != "target" or self.curriculum[-1].reach != 1):
            raise ValueError("the last stage of a curriculum is the target attack at reach 1")
        return self

    def gentler(self) -> Recipe:
        """Return a recipe that is less likely to collapse: a slower curriculum, half the rate, more mild windows."""
        slow = (
            Stage(attack="random", share=2),
            Stage(attack="target", share=1, reach=0.25),
            Stage(attack="target", share=1, reach=0.5),
            Stage(attack="target", share=2),
        )
        return self.model_copy(
            update={
                "curriculum": slow,
                "mixture": max(0.4, self.mixture),
                "learning_rate": self.learning_rate / 2,
            }
        )


# Ours, chosen on validation data of S/discovery.
_FAST = Recipe(
    epochs=6,
    batch_size=128,
    optimiser="adamw",
    learning_rate=6e-3,
    weight_decay=0.01,
    betas=(0.9, 0.99),
    schedule="one-cycle",
    average=0.99,
    curriculum=(
        Stage(attack="random", share=3),
        Stage(attack="target", share=1, reach=0.5),
        Stage(attack="target", share=2),
    ),
    mixture=0.25,
)
PRESETS: dict[str, Recipe] = {
    # Pap & Megyeri's public code; keras' epsilon.
    "paper": Recipe(
        epochs=100,
        batch_size=64,
        optimiser="adam",
        learning_rate=5e-5,
        epsilon=1e-7,
        schedule="plateau",
        patience=25,
        on_collapse="report",
    ),
    # Alipanahi et al.: rate and momentum are the middle of what the authors' calibration draws from; see its search.
    "deepbind": Recipe(
        epochs=20,
        batch_size=64,
        optimiser="sgd",
        learning_rate=5e-3,
        momentum=0.97,
        on_collapse="report",
    ),
    # Zeng et al. 2016's public example; rho and epsilon are the middle of what its search tries.
    "zeng": Recipe(
        epochs=20,
        batch_size=100,
        optimiser="adadelta",
        learning_rate=1.0,
        rho=0.99,
        epsilon=1e-6,
        patience=10,
        on_collapse="report",
    ),
    # Quang & Xie 2016's public code, with Keras' rate.
    "danq": Recipe(
        epochs=60,
        batch_size=100,
        optimiser="rmsprop",
        learning_rate=1e-3,
        patience=5,
        on_collapse="report",
    ),
    # Lanchantin et al. 2016 do not say how they trained; these are ours.
    "demo": Recipe(
        epochs=20,
        batch_size=128,
        optimiser="adam",
        learning_rate=1e-3,
        patience=5,
        on_collapse="report",
    ),
    # Lanchantin et al. 2017's public code, shuffled, and the best epoch kept.
    "dashboard": Recipe(
        epochs=50,
        batch_size=256,
        optimiser="adam",
        learning_rate=1e-2,
        halve_every=10,
        clip_value=5.0,
        on_collapse="report",
    ),
    # TBiNet as Pap & Megyeri trained it: every epoch, the best one by attacked validation loss; keras' epsilon.
    "tbinet": Recipe(
        epochs=60,
        batch_size=100,
        optimiser="adam",
        learning_rate=1e-3,
        epsilon=1e-7,
        on_collapse="report",
    ),
    "fast": _FAST,
    # Ours for genomic negatives, chosen on the development parts of GUE's human tasks: twice as long.
    "holdfast": _FAST.model_copy(update={"epochs": 12}),
}


def recipe(preset: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """Return a preset, with some of its numbers changed.

    Raises
    ------
    ConfigError
        Unknown preset, unknown key, or a value out of range.

    Examples
    --------
    >>> recipe("paper", {"epochs": 3}).epochs
    3
    >>> recipe("paper", {"epoch": 3})
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: training has no setting 'epoch': did you mean 'epochs'?
    """
    check_values(recipe, {"preset": preset, "overrides": overrides}, "training")
    if preset not in PRESETS:
        raise ConfigError(f"unknown preset '{preset}': {did_you_mean(preset, PRESETS)}")
    changes = overrides or {}
    for key in changes:
        if key not in Recipe.model_fields:
            raise ConfigError(f"training has no setting '{key}': {did_you_mean(key, Recipe.model_fields)}")
    return read_page(Recipe, {**PRESETS[preset].model_dump(), **changes}, where="training")
