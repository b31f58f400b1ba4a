"""Null models: sequences that are like the data except for what is asked about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.parameters import check_fields
from holdfast.core.registry import Registry
from holdfast.dna.codes import Codes
from holdfast.dna.shuffle import dinucleotide_shuffle, shuffle

__all__ = ["NULL_MODELS", "DinucleotideShuffles", "NullModel", "Profile", "Quartile", "Score", "Shuffles"]

Score = Callable[[Codes], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class NullModel(ABC):
    """Draws sequences that share something with a data set.

    References
    ----------
    All four: Koo et al. (2021), doi:10.1371/journal.pcbi.1008925.
    """

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    @abstractmethod
    def draw(self, codes: Codes, n: int, rng: np.random.Generator, score: Score) -> Codes:
        """Return (n, W) uint8 sequences.

        Parameters
        ----------
        codes
            (N, W) uint8 sequences of the data.
        n
            Sequences wanted.
        rng
            The same state gives the same sequences.
        score
            The model's logits of sequences, for what is chosen by them.
        """


@dataclass(frozen=True, kw_only=True)
class Profile(NullModel):
    """Every position on its own, with the data's frequencies of the four bases there.

    Examples
    --------
    >>> data = np.array([[0, 1, 4], [0, 1, 2]], dtype=np.uint8)
    >>> Profile().draw(data, 2, np.random.default_rng(0), lambda codes: np.zeros(len(codes), np.float32)).tolist()
    [[0, 1, 2], [0, 1, 2]]
    """

    def draw(self, codes: Codes, n: int, rng: np.random.Generator, score: Score) -> Codes:
        """Return sequences of independent positions; where the data know no base, all four are as likely."""
        counts = np.stack([(codes == base).sum(axis=0) for base in range(4)]).astype(np.float64)
        counts[:, counts.sum(axis=0) == 0] = 1.0
        thresholds = np.cumsum(counts, axis=0) / counts.sum(axis=0)
        draws = rng.random((n, codes.shape[1]))
        return np.asarray((draws[:, None] >= thresholds[:3]).sum(axis=1), dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class Shuffles(NullModel):
    """Sequences of the data, their bases permuted."""

    def draw(self, codes: Codes, n: int, rng: np.random.Generator, score: Score) -> Codes:
        """Return shuffles of sequences drawn from the data."""
        return shuffle(_drawn(codes, n, rng), rng)


@dataclass(frozen=True, kw_only=True)
class DinucleotideShuffles(NullModel):
    """Sequences of the data, shuffled with their dinucleotide counts kept."""

    def draw(self, codes: Codes, n: int, rng: np.random.Generator, score: Score) -> Codes:
        """Return dinucleotide shuffles of sequences drawn from the data."""
        return dinucleotide_shuffle(_drawn(codes, n, rng), rng)


@dataclass(frozen=True, kw_only=True)
class Quartile(NullModel):
    """Sequences of the data as they are, from one quarter of the model's scores; no pattern is taken out.

    Parameters
    ----------
    quartile
        1 has the lowest scores, 4 the highest.
    """

    quartile: Literal[1, 2, 3, 4] = 1

    def draw(self, codes: Codes, n: int, rng: np.random.Generator, score: Score) -> Codes:
        """Return sequences drawn from the quarter."""
        quarters = np.array_split(np.argsort(score(codes), kind="stable"), 4)
        chosen = next(quarter for quarter in quarters[self.quartile - 1 :: -1] if len(quarter))
        return _drawn(codes[np.sort(chosen)], n, rng)


NULL_MODELS: Registry[NullModel] = Registry(
    "null model",
    {
        "profile": Profile,
        "shuffle": Shuffles,
        "dinucleotide": DinucleotideShuffles,
        "quartile": Quartile,
    },
)


def _drawn(codes: Codes, n: int, rng: np.random.Generator) -> Codes:
    """Return n sequences: each of the data about equally often, in random order."""
    turns = -(-n // len(codes))
    order = np.concatenate([rng.permutation(len(codes)) for _ in range(turns)])
    return np.asarray(codes[order[:n]])
