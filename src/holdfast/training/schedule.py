"""Learning rates and stages as functions of progress, so that a resumed run needs no scheduler's memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from holdfast.robustness.attacks import CentreShift, RandomShift, SampledWorstShift, ShiftAttack, WorstShift
from holdfast.robustness.perturbations import Perturbation
from holdfast.training.recipe import Recipe, Stage

__all__ = ["Plateau", "looks_for_the_worst", "rate_at", "stage_at", "stage_attack", "stage_perturbation"]


def rate_at(recipe: Recipe, progress: float) -> float:
    """Return the learning rate after a share ``progress`` (0..1) of all steps, before any plateau.

    Examples
    --------
    >>> from holdfast.training.recipe import PRESETS
    >>> rate_at(PRESETS["paper"], 0.5)
    5e-05
    """
    if recipe.schedule != "one-cycle":
        # Progress is a quotient of whole steps; what it lacks to a whole epoch is rounding.
        halvings = int(progress * recipe.epochs + 1e-6) // recipe.halve_every if recipe.halve_every else 0
        return recipe.learning_rate * 0.5**halvings
    if progress < recipe.warm_up:
        return recipe.learning_rate * (0.04 + 0.96 * progress / recipe.warm_up)
    left = (1 - progress) / (1 - recipe.warm_up)
    return recipe.learning_rate * max(0.01, 0.5 * (1 - math.cos(math.pi * left)))


@dataclass(frozen=True)
class Plateau:
    """Lowers the rate when the attacked validation loss stands still, as Keras' ReduceLROnPlateau does.

    Parameters
    ----------
    scale
        What the rate is multiplied by now.
    best
        Least loss so far.
    waited
        Epochs since then.
    """

    scale: float = 1.0
    best: float = math.inf
    waited: int = 0

    def after(self, loss: float, recipe: Recipe) -> Plateau:
        """Return the state after one more epoch with this loss."""
        if loss < self.best - recipe.min_delta:
            return replace(self, best=loss, waited=0)
        if self.waited + 1 < recipe.plateau_patience:
            return replace(self, waited=self.waited + 1)
        return replace(self, scale=self.scale * recipe.plateau_factor, waited=0)


def looks_for_the_worst(attack: ShiftAttack) -> bool:
    """Return whether an attack compares windows, rather than take the centre one or draw one."""
    return isinstance(attack, WorstShift | SampledWorstShift)


def stage_at(recipe: Recipe, target: ShiftAttack, epoch: int, perturbation: Perturbation | None = None) -> Stage:
    """Return the curriculum's stage in a 0-based epoch; without a worst window or a perturbation there is one stage."""
    if not recipe.curriculum or not (looks_for_the_worst(target) or perturbation):
        return Stage(attack="target", share=1)
    total = sum(stage.share for stage in recipe.curriculum)
    end = 0.0
    for stage in recipe.curriculum:
        end += stage.share / total * recipe.epochs
        if epoch + 0.5 < end:
            return stage
    return recipe.curriculum[-1]


def stage_attack(stage: Stage, target: ShiftAttack) -> ShiftAttack:
    """Return the attack of a stage: the target's threat model, narrowed to the stage's reach.

    A target that does not look for the worst window is as mild as a stage can ask for, and stays.
    """
    shift = target.shift
    if stage.reach < 1:
        widest = int(shift.choice_distance.max())
        shift = replace(shift, max_shift=round(stage.reach * widest))
    if stage.attack == "centre" and looks_for_the_worst(target):
        return CentreShift(shift=shift, seed=target.seed)
    if stage.attack == "random" and looks_for_the_worst(target):
        return RandomShift(shift=shift, seed=target.seed)
    if isinstance(target, SampledWorstShift):
        return replace(target, shift=shift, n_try=min(target.n_try, shift.n_choices))
    return replace(target, shift=shift)


def stage_perturbation(stage: Stage, target: Perturbation | None) -> Perturbation | None:
    """Return the perturbation of a stage: none before the target's turn, then epsilon times the stage's reach."""
    if target is None or stage.attack != "target" or stage.reach == 0:
        return None
    return replace(target, epsilon=stage.reach * target.epsilon)
