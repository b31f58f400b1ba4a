"""Out-of-distribution inputs (S21), and whether a model's own certainty tells them from real windows.

The authors' repository has these, the paper does not. Two repairs: the other strand is the true reverse complement (the
code flips positions only), and it is made here rather than looked for in the second half of a file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.core.device import evaluating, resolve_device
from holdfast.core.random import draw, mix_seed
from holdfast.core.registry import Registry
from holdfast.core.scratch import scratch
from holdfast.data.batch import Batch
from holdfast.data.dataset import SequenceDataset
from holdfast.robustness.metrics import Entries, Pool, entries, weighted_metrics
from holdfast.runs.records import OutOfDistribution

__all__ = ["OOD_INPUTS", "GenSeq", "OodInput", "Shuffle", "Uniform", "in_versus_out"]

BLOCK = 256
ROWS = 1 << 14
SCORES = ("max", "mean", "loss")


class OodInput(ABC):
    """Makes an input that is no binding site out of a batch's size, and perhaps its bases."""

    @abstractmethod
    def __call__(self, batch: Batch, seed: int) -> Tensor:
        """Return (N, 4, W) inputs; the same example gets the same one in any batch."""


class Shuffle(OodInput):
    """The example's own bases in random order.

    Examples
    --------
    >>> codes = torch.tensor([[0, 1, 2, 3]], dtype=torch.uint8)
    >>> known = torch.ones(1, 1, dtype=torch.bool)
    >>> core = torch.full((1, 2), -1)
    >>> batch = Batch(codes=codes, labels=torch.ones(1, 1), mask=known, core=core, index=torch.arange(1))
    >>> Shuffle()(batch, seed=0).sum(dim=2).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """

    def __call__(self, batch: Batch, seed: int) -> Tensor:
        """Return (N, 4, W) one-hot inputs."""
        order = draw(batch.index, batch.length, mix_seed(seed, "ood shuffle")).argsort(dim=1)
        return batch.one_hot().gather(2, order[:, None].expand(-1, 4, -1))


class Uniform(OodInput):
    """Every entry uniform between 0 and 1: not one-hot."""

    def __call__(self, batch: Batch, seed: int) -> Tensor:
        """Return (N, 4, W) inputs."""
        numbers = draw(batch.index, 4 * batch.length, mix_seed(seed, "ood uniform"))
        return numbers.view(len(batch), 4, batch.length).float()


class GenSeq(OodInput):
    """Independent bases, each alike."""

    def __call__(self, batch: Batch, seed: int) -> Tensor:
        """Return (N, 4, W) one-hot inputs."""
        base = (4 * draw(batch.index, batch.length, mix_seed(seed, "ood genseq"))).long()
        return nn.functional.one_hot(base, 4).transpose(1, 2).float()


OOD_INPUTS: Registry[OodInput] = Registry("ood input", {"shuffle": Shuffle, "uniform": Uniform, "genseq": GenSeq})


def in_versus_out(
    model: nn.Module, data: SequenceDataset, window: int, *, seed: int = 0, device: str = "auto"
) -> list[OutOfDistribution]:
    """Return how well a model's own certainty tells real examples from out-of-distribution ones.

    Probabilities are averaged over both strands. Three scores per example: the largest and the mean probability over
    tasks, and -sum ln(1 - p). "In" is the positive class, so 0.5 says that the model cannot tell, and less than that
    that it is surer of nonsense.

    Parameters
    ----------
    model
        (N, 4, W) to (N, T) logits.
    data
        Real examples; their centre windows are shown.
    window
        W.
    seed
        Of the made inputs.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    """
    kinds = {name: OOD_INPUTS[name]() for name in OOD_INPUTS}
    probability = _probabilities(model, data, window, kinds=list(kinds.values()), seed=seed, device=device)
    return [
        OutOfDistribution(input=name, score=score, **_separation(probability[0], probability[kind], score))
        for kind, name in enumerate(kinds, start=1)
        for score in SCORES
    ]


def _probabilities(
    model: nn.Module, data: SequenceDataset, window: int, *, kinds: Sequence[OodInput], seed: int, device: str
) -> NDArray[np.float32]:
    """Return (1 + kinds, N, T) probabilities of the real and the made inputs, in a temporary file."""
    where, offset, done = resolve_device(device), (data.context - window) // 2, 0
    found: NDArray[np.float32] = scratch((1 + len(kinds), len(data), len(data.tasks)), np.float32)
    with evaluating(model, where):
        for batch in data.batches(BLOCK):
            shown = batch.crop(torch.full((len(batch),), offset), window)
            inputs = [shown.one_hot(), *(kind(shown, seed) for kind in kinds)]
            for rows, sequence in zip(found, inputs, strict=True):
                rows[done : done + len(batch)] = _both_strands(model, sequence.to(where)).float().cpu().numpy()
            done += len(batch)
    return found


def _both_strands(model: nn.Module, sequence: Tensor) -> Tensor:
    """Return the (N, T) mean probability of (N, 4, W) inputs and their reverse complements."""
    return (torch.sigmoid(model(sequence)) + torch.sigmoid(model(sequence.flip(1, 2)))) / 2


def _score(probability: NDArray[np.float64], score: str) -> NDArray[np.float64]:
    if score == "max":
        return np.asarray(probability.max(axis=1))
    if score == "mean":
        return np.asarray(probability.mean(axis=1))
    return np.asarray(-np.log1p(-np.minimum(probability, 1 - 1e-12)).sum(axis=1))


def _separation(inside: NDArray[np.float32], outside: NDArray[np.float32], score: str) -> dict[str, float]:
    """Return how well a score tells (N, T) probabilities of real inputs from those of made ones."""

    def blocks() -> Iterator[Entries]:
        for probability, real in ((inside, True), (outside, False)):
            for start in range(0, len(probability), ROWS):
                scores = _score(probability[start : start + ROWS].astype(np.float64), score)
                yield entries(scores, np.full(len(scores), real), 1.0, np.zeros(len(scores), dtype=np.int64))

    values = weighted_metrics(Pool(blocks), np.ones((1, 1)))
    return {"auroc": float(values["auroc"][0]), "aupr": float(values["aupr_trapezoid"][0])}
