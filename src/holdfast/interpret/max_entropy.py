"""Maximum-entropy sampling: other sequences that the model's last hidden layer can hardly tell from this one.

Bases that the samples share are those that the hidden layer holds on to; where they differ, the model does not look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_fields
from holdfast.core.random import draw, mix_seed
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.asking import home_of, windows_of

__all__ = ["MaxEntropySampling", "Samples", "penultimate"]

Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Sequences that look like N given ones to a model.

    Parameters
    ----------
    method
        The method with its settings.
    codes
        (N, W) uint8, the given windows.
    samples
        (N, M, W) uint8.
    distances
        (N, M) float32, of each sample's activations from those of its window.
    acceptance
        (N,) float32 share of proposals taken.
    """

    method: str
    codes: Codes
    samples: Codes
    distances: NDArray[np.float32]
    acceptance: NDArray[np.float32]

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """(N, 4, W): how often each base stands at each position of the samples."""
        bases = np.arange(4, dtype=np.uint8)[:, None]
        return np.asarray((self.samples[:, :, None, :] == bases).mean(axis=1))

    @property
    def information(self) -> NDArray[np.float64]:
        """(N, W) bits by which the samples' bases are held fast at each position: 0 where any base will do."""
        share = self.frequencies
        return np.asarray(2 + (share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1))


@dataclass(frozen=True, kw_only=True)
class MaxEntropySampling:
    """Draws sequences with probability proportional to ``exp(-beta * distance)`` of their last hidden activations.

    Metropolis steps of one substitution each, all windows side by side. The distance is Euclidean; beta is in units of
    its inverse, so that what is near depends on the model: look at the distances of the samples.

    Parameters
    ----------
    beta
        How near to stay. 0 draws any sequence.
    n_samples
        M.
    steps_between
        Metropolis steps from one sample to the next.
    burn_in
        Steps before the first.
    seed
        A draw belongs to a window and a step, not to a batch.

    References
    ----------
    Finnegan & Song (2017), doi:10.1371/journal.pcbi.1005836.

    Examples
    --------
    >>> from holdfast.models.holdfast_net import HoldfastNet
    >>> codes = np.random.default_rng(0).integers(0, 4, (2, 30), dtype=np.uint8)
    >>> found = MaxEntropySampling(n_samples=5, steps_between=3, burn_in=0)(HoldfastNet(), codes)
    >>> found.samples.shape, found.information.shape
    ((2, 5, 30), (2, 30))
    """

    beta: Annotated[float, Field(ge=0)] = 10.0
    n_samples: Size = 100
    steps_between: Size = 50
    burn_in: Count = 500
    seed: Count = 0

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    def __call__(
        self,
        model: nn.Module,
        codes: Tensor | Codes,
        *,
        features: Features | None = None,
        index: Tensor | None = None,
        device: torch.device | None = None,
    ) -> Samples:
        """Return samples around some windows.

        Parameters
        ----------
        model
            Any module; asked in eval mode and given back as it came.
        codes
            (N, W) uint8 windows.
        features
            (N, 4, W) to (N, ...) activations; what the model's last dense layer reads, if not given.
        index
            (N,) numbers of the windows in their data set, for the draws; 0, 1, ... if not given.
        device
            Where to compute; where the model is, if not given.

        Raises
        ------
        InputError
            If the model cannot read the windows, or has no dense layer and no features are given.
        """
        windows = windows_of(codes, model, 0)
        home = home_of(model, device)
        number = torch.arange(len(windows)) if index is None else torch.as_tensor(index)
        with evaluating(model, home):
            chain = _Chain(features or penultimate(model), windows.to(home), self.beta, number.to(home), self.seed)
            for _ in range(self.burn_in):
                chain.step()
            samples, distances = [], []
            for _ in range(self.n_samples):
                for _ in range(self.steps_between):
                    chain.step()
                samples.append(chain.codes.clone())
                distances.append(chain.distance.clone())
        return Samples(
            method=repr(self),
            codes=windows.numpy(),
            samples=torch.stack(samples, dim=1).numpy(force=True),
            distances=torch.stack(distances, dim=1).float().numpy(force=True),
            acceptance=(chain.taken / chain.number).float().numpy(force=True),
        )


def penultimate(model: nn.Module) -> Features:
    """Return a function from (N, 4, W) to the (N, F) activations that a model's last dense layer reads.

    Raises
    ------
    InputError
        If the model has no ``nn.Linear``.
    """
    dense = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not dense:
        raise InputError(f"{type(model).__name__} has no dense layer; give features, a function of the input")

    def read(sequence: Tensor) -> Tensor:
        seen: list[Tensor] = []
        handle = dense[-1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
        try:
            model(sequence)
        finally:
            handle.remove()
        if not seen:
            raise InputError(f"{type(model).__name__} does not call its last dense layer; give features")
        # A model that reads both strands calls it once for each, or once for all of them.
        return torch.cat([part.reshape(-1, len(sequence), part[0].numel()) for part in seen]).transpose(0, 1).flatten(1)

    return read


class _Chain:
    """Metropolis chains, one a window."""

    def __init__(self, features: Features, codes: Tensor, beta: float, index: Tensor, seed: int) -> None:
        self.features, self.beta, self.index, self.seed = features, beta, index, seed
        self.codes = codes.clone()
        self.target = features(one_hot(codes)).flatten(1).double()
        self.distance = self.target.new_zeros(len(codes))
        self.taken, self.number = self.target.new_zeros(len(codes)), 0

    def step(self) -> None:
        """Propose one substitution for each window, and take it with the Metropolis probability."""
        place, change, luck = draw(self.index, 3, mix_seed(self.seed, "step", self.number)).unbind(dim=1)
        row = torch.arange(len(self.codes), device=self.codes.device)
        column = (place * self.codes.shape[1]).long()
        old = self.codes[row, column]
        proposed = self.codes.clone()
        # One of the other three bases; of the four, where the base is unknown.
        proposed[row, column] = torch.where(old < 4, (old + 1 + (change * 3).to(old)) % 4, (change * 4).to(old))
        distance = (self.features(one_hot(proposed)).flatten(1).double() - self.target).norm(dim=1)
        take = luck < torch.exp(-self.beta * (distance - self.distance))
        self.codes = torch.where(take[:, None], proposed, self.codes)
        self.distance = torch.where(take, distance, self.distance)
        self.taken += take
        self.number += 1
