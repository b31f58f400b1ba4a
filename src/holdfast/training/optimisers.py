"""The optimisers a recipe may name."""

from __future__ import annotations

from torch.optim import SGD, Adadelta, Adam, AdamW, Optimizer, RMSprop

from holdfast.models.base import SequenceModel
from holdfast.training.recipe import Recipe

__all__ = ["build_optimiser"]


def build_optimiser(model: SequenceModel, recipe: Recipe) -> Optimizer:
    """Return the recipe's optimiser over the model's parameter groups.

    Examples
    --------
    >>> from holdfast.models import MODELS
    >>> from holdfast.training.recipe import PRESETS
    >>> build_optimiser(MODELS["deepbind"](), PRESETS["deepbind"]).defaults["nesterov"]
    True
    """
    groups, rate, decay = model.parameter_groups(), recipe.learning_rate, recipe.weight_decay
    match recipe.optimiser:
        case "adam":
            return Adam(groups, lr=rate, betas=recipe.betas, eps=recipe.epsilon, weight_decay=decay)
        case "adamw":
            return AdamW(groups, lr=rate, betas=recipe.betas, eps=recipe.epsilon, weight_decay=decay)
        case "sgd":
            nesterov = recipe.momentum > 0
            return SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=nesterov, weight_decay=decay)
        case "rmsprop":
            return RMSprop(groups, lr=rate, alpha=recipe.rho, eps=recipe.epsilon, weight_decay=decay)
        case "adadelta":
            return Adadelta(groups, lr=rate, rho=recipe.rho, eps=recipe.epsilon, weight_decay=decay)
