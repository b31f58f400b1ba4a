"""One logit made of several: those of two strands, or of the members of an ensemble."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from holdfast.core.errors import ConfigError

__all__ = ["Scale", "check_scale", "mean_logit"]

Scale = Literal["logits", "probabilities"]


def check_scale(model: str, parameter: str, scale: str) -> None:
    """Refuse a scale that is neither logits nor probabilities.

    Raises
    ------
    ConfigError
        Naming the model and the parameter.
    """
    if scale not in get_args(Scale):
        raise ConfigError(f"{model}: {parameter} is 'logits' or 'probabilities', got {scale!r}")


def mean_logit(logits: Tensor, scale: Scale) -> Tensor:
    """Return the mean over the first dimension, as a logit.

    The logit of a mean probability is a difference of two logarithms of sums, so that it neither saturates nor becomes
    infinite where every probability rounds to 0 or 1.

    Parameters
    ----------
    logits
        (K, ...).
    scale
        What the mean is taken of.

    Returns
    -------
    Tensor
        (...).

    Examples
    --------
    >>> pair = torch.tensor([[0.0, 200.0], [2.0, 200.0]])
    >>> mean_logit(pair, "logits").tolist()
    [1.0, 200.0]
    >>> mean_logit(pair, "probabilities").sigmoid()[0] == pair[:, 0].sigmoid().mean()
    tensor(True)
    >>> mean_logit(pair, "probabilities")[1].item()
    200.0
    """
    if scale == "logits":
        return logits.mean(dim=0)
    return torch.logsumexp(F.logsigmoid(logits), dim=0) - torch.logsumexp(F.logsigmoid(-logits), dim=0)
