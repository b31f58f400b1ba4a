"""What a model is shown in training: windows that the attack chose and the recipe mixed, moved by a perturbation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.data.batch import Batch
from holdfast.robustness.attacks import CentreShift, RandomShift, ShiftAttack
from holdfast.robustness.perturbations import Perturbation
from holdfast.training.recipe import Recipe, Stage
from holdfast.training.schedule import looks_for_the_worst, stage_at, stage_attack, stage_perturbation
from holdfast.training.transforms import add_shuffled_negatives, happens, random_strand

__all__ = ["Exposure"]


class Exposure:
    """Turns batches of contexts into what a step trains or validates on.

    Parameters
    ----------
    target
        The attack trained for.
    perturbation
        What changes its windows, if anything does.
    recipe
        Curriculum, mixture and augmentation.
    seed
        Of every draw.
    """

    def __init__(self, target: ShiftAttack, perturbation: Perturbation | None, recipe: Recipe, seed: int) -> None:
        self.target, self.perturbation, self.recipe, self.seed = target, perturbation, recipe, seed

    @property
    def hunts(self) -> bool:
        """Whether the adversary looks for a worst window or perturbs inputs, not only shows given or drawn ones."""
        return looks_for_the_worst(self.target) or self.perturbation is not None

    def stage(self, epoch: int) -> Stage:
        """Return the curriculum's stage in a 0-based epoch."""
        return stage_at(self.recipe, self.target, epoch, self.perturbation)

    def training(self, model: nn.Module, contexts: Batch, stage: Stage, epoch: int) -> tuple[Batch, Tensor]:
        """Return the windows to train on, and their (N, 4, W) inputs."""
        recipe = self.recipe
        batch = random_strand(contexts, recipe.reverse_complement, self.seed, epoch)
        shown = self._windows(model, batch, stage_attack(stage, self.target), epoch)
        if recipe.shuffled_negatives:
            shown = add_shuffled_negatives(shown, self.seed, epoch)
        perturbation = stage_perturbation(stage, self.perturbation)
        if perturbation is None:
            return shown, shown.one_hot()
        moved = perturbation(model, shown, round_=epoch)
        return shown, torch.where(self._spared(shown, epoch)[:, None, None], shown.one_hot(), moved)

    def validation(self, model: nn.Module, contexts: Batch) -> tuple[Batch, Tensor]:
        """Return the windows to validate on, and their (N, 4, W) inputs: the whole attack, the same every epoch."""
        shown = self.target(model, contexts)
        return shown, shown.one_hot() if self.perturbation is None else self.perturbation(model, shown)

    def _windows(self, model: nn.Module, batch: Batch, attack: ShiftAttack, epoch: int) -> Batch:
        choice = attack.choose(model, batch, round_=epoch)
        if self.recipe.mixture and looks_for_the_worst(attack):
            other = RandomShift if self.recipe.mixture_of == "random" else CentreShift
            mild = other(shift=attack.shift, seed=self.seed).choose(model, batch, round_=epoch)
            choice = torch.where(self._spared(batch, epoch), mild, choice)
        return attack.show(batch, choice)

    def _spared(self, batch: Batch, epoch: int) -> Tensor:
        """Return (N,) which examples the mixture spares in this epoch."""
        return happens(batch.index, self.recipe.mixture, self.seed, "mixture", epoch)
