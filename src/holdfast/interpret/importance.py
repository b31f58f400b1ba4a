"""Global importance analysis: what planting a pattern does to the logit, on average over a null model's sequences.

Every number is a mean of paired differences: the same sequence with and without the pattern. Number, spacing, position,
context and k-mers are experiments of one kind: a signed sum of logits, each with some sites planted.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import stats
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.core.random import numpy_generator
from holdfast.core.registry import Spec
from holdfast.dna.codes import ALPHABET, UNKNOWN, Codes, encode
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.interpret.null_models import NULL_MODELS
from holdfast.motifs.motif import Motif

__all__ = ["Background", "Effects", "GlobalImportance", "LinearFit", "Pattern", "Site", "draw_background"]

Pattern = str | Motif
Site = tuple[Pattern, int]
KmerWidth = Annotated[int, Field(ge=1, le=8)]
Percentiles = tuple[Annotated[float, Field(ge=0, le=100)], Annotated[float, Field(ge=0, le=100)]]
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """Sequences of a null model, which patterns are planted into.

    Parameters
    ----------
    null
        The null model with its settings.
    task
        Whose logits.
    codes
        (N, W) uint8.
    logits
        (N,) float32, of the sequences as they are.
    seed
        They were drawn with.
    """

    null: str
    task: int
    codes: Codes
    logits: NDArray[np.float32]
    seed: int

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, kw_only=True)
class LinearFit:
    """A straight line through effects: its slope, its value at 0, and the share of variance it explains."""

    slope: float
    intercept: float
    r_squared: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Effects:
    """Effects of K cases of one experiment, each a mean over the same sequences.

    Parameters
    ----------
    experiment
        What was varied.
    null
        The null model with its settings.
    labels
        K words.
    values
        (K,) float64: the number, gap or position that was varied; the case's number where there is none.
    mean
        (K,) float64 logits.
    low, high
        (K,) float64: the 95 % interval of the mean, by Student's t; not-a-number for one sequence.
    n
        Sequences.
    """

    experiment: str
    null: str
    labels: tuple[str, ...]
    values: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int

    def __len__(self) -> int:
        return len(self.labels)

    def ranked(self) -> Effects:
        """Return the cases, largest effect first."""
        order = np.argsort(-self.mean, kind="stable")
        arrays = {name: getattr(self, name)[order] for name in ("values", "mean", "low", "high")}
        return replace(self, labels=tuple(self.labels[number] for number in order), **arrays)

    def linear_fit(self) -> LinearFit:
        """Return the least-squares line of the effects against what was varied.

        Raises
        ------
        InputError
            If there are not two different values.
        """
        if len(np.unique(self.values)) < 2:
            raise InputError(
                f"a line needs two different values; '{self.experiment}' has {len(np.unique(self.values))}"
            )
        fit = stats.linregress(self.values, self.mean)
        return LinearFit(slope=float(fit.slope), intercept=float(fit.intercept), r_squared=float(fit.rvalue) ** 2)

    def table(self) -> pd.DataFrame:
        """Return one row a case: experiment, null, label, value, mean, low, high, n."""
        columns = {name: getattr(self, name) for name in ("labels", "values", "mean", "low", "high")}
        rows = pd.DataFrame(columns).rename(columns={"labels": "label", "values": "value"})
        rows.insert(0, "experiment", self.experiment)
        rows.insert(1, "null", self.null)
        return rows.assign(n=self.n)


def draw_background(
    model: nn.Module,
    codes: Tensor | Codes,
    *,
    null: str | Spec = "dinucleotide",
    n: Size = 1000,
    keep: Percentiles | None = None,
    seed: Count = 0,
    task: int = 0,
    device: torch.device | None = None,
) -> Background:
    """Return sequences of a null model with their logits.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits.
    codes
        (N, W) uint8 windows of the data.
    null
        A name of :data:`~holdfast.interpret.null_models.NULL_MODELS`, or a Spec with parameters.
    n
        Sequences.
    keep
        Two percentiles: sequences whose own logits lie outside them are drawn but left out, (10, 90) say.
    seed
        Another seed, other sequences.
    task
        Whose logit.
    device
        Where to compute; where the model is, if not given.

    Raises
    ------
    InputError
        If the model cannot read the windows.
    ConfigError
        If the null model is unknown, or a number is out of range.
    """
    check_values(draw_background, {"n": n, "keep": keep, "seed": seed}, "draw_background")
    spec = null if isinstance(null, Spec) else Spec(name=null)
    built = NULL_MODELS.build(spec)
    low, high = keep or (0.0, 100.0)
    if low >= high:
        raise InputError(f"keep is ({low:g}, {high:g}); expected two percentiles, the lower one first")
    data = windows_of(codes, model, task).numpy()
    drawn = n if keep is None else int(np.ceil(n / ((high - low) / 100))) + 2
    with asking(model, task=task, device=device) as asked:
        sequences = built.draw(data, drawn, numpy_generator(seed, "null", spec.name), asked.logits)
        logits = asked.logits(sequences)
    bounds = np.percentile(logits, [low, high])
    inside = np.flatnonzero((logits >= bounds[0]) & (logits <= bounds[1]))[:n]
    return Background(null=repr(built), task=task, codes=sequences[inside], logits=logits[inside], seed=seed)


# A site and its number, by which a motif's draws are told apart: the same number, the same draws.
_Numbered = tuple[Pattern, int, int]


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A signed sum of logits, each of the sequences with some sites planted."""

    label: str
    value: float
    terms: tuple[tuple[int, tuple[_Numbered, ...]], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class GlobalImportance:
    """Experiments on one model and one background; each returns the effect of every case on the logit.

    A pattern is a text, in which N leaves the base that is there, or a motif, of which every sequence gets its own
    draw, the same one in every case. Sites may not overlap or leave the window.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T) logits; asked in eval mode and given back as it came.
    background
        Sequences from :func:`draw_background`.
    device
        Where to compute; where the model is, if not given.

    References
    ----------
    Koo et al. (2021), doi:10.1371/journal.pcbi.1008925.

    Examples
    --------
    >>> from holdfast.models.holdfast_net import HoldfastNet
    >>> model, data = HoldfastNet(), np.random.default_rng(0).integers(0, 4, (20, 40), dtype=np.uint8)
    >>> importance = GlobalImportance(model=model, background=draw_background(model, data, n=50))
    >>> effects = importance.position("GATTACA", [0, 10, 20])
    >>> effects.labels, effects.mean.shape, effects.n
    (('at 0 bp', 'at 10 bp', 'at 20 bp'), (3,), 50)
    """

    model: nn.Module
    background: Background
    device: torch.device | None = None

    def pattern(self, pattern: Pattern, start: int | None = None) -> Effects:
        """Return the effect of one pattern; in the middle of the window, if no start is given."""
        return self._effects("pattern", [_planted(_word(pattern), 0, [(pattern, self._place(pattern, start))])])

    def position(self, pattern: Pattern, starts: Sequence[int]) -> Effects:
        """Return the effect of one pattern at each of some starts."""
        return self._effects("position", [_planted(f"at {start} bp", start, [(pattern, start)]) for start in starts])

    def number(self, pattern: Pattern, starts: Sequence[int]) -> Effects:
        """Return the effect of 1, 2, ... copies, planted at the starts in their order; see ``linear_fit``."""
        cases = [
            _planted(f"{count} site{'s' if count > 1 else ''}", count, [(pattern, start) for start in starts[:count]])
            for count in range(1, len(starts) + 1)
        ]
        return self._effects("number", cases)

    def spacing(
        self, first: Pattern, second: Pattern, gaps: Sequence[int], *, start: int, excess: bool = False
    ) -> Effects:
        """Return the effect of two patterns with some bases between them.

        Parameters
        ----------
        first, second
            The patterns, in this order.
        gaps
            Bases between them.
        start
            Of the first.
        excess
            Take away what each of the two does alone: nothing is left where they act on their own.
        """
        cases = []
        for gap in gaps:
            one, two = _numbered([(first, start), (second, start + _width(first) + gap)])
            alone = ((-1, (one,)), (-1, (two,)), (1, ())) if excess else ((-1, ()),)
            cases.append(_Case(label=f"{gap} bp apart", value=gap, terms=((1, (one, two)), *alone)))
        return self._effects("spacing, excess" if excess else "spacing", cases)

    def context(self, pattern: Pattern, contexts: Mapping[str, Sequence[Site]], *, start: int | None = None) -> Effects:
        """Return the effect of one pattern alone, and in sequences that have some other sites already.

        Parameters
        ----------
        pattern
            Whose effect.
        contexts
            Name to sites, such as ``{"GC-rich": [("GCGCGCGC", 10)]}``; their own effect is not counted.
        start
            Of the pattern; the middle of the window, if not given.
        """
        site = (pattern, self._place(pattern, start))
        cases = []
        for number, (label, given) in enumerate({"alone": (), **contexts}.items()):
            all_sites = _numbered([site, *given])
            cases.append(_Case(label=label, value=number, terms=((1, all_sites), (-1, all_sites[1:]))))
        return self._effects("context", cases)

    def kmers(self, k: KmerWidth, start: int | None = None) -> Effects:
        """Return the effects of all 4^k k-mers at one place, largest first."""
        check_values(GlobalImportance.kmers, {"k": k}, "kmers")
        words = ["".join(letters) for letters in itertools.product(ALPHABET, repeat=k)]
        place = self._place(words[0], start)
        return self._effects(
            "k-mer", [_planted(word, rank, [(word, place)]) for rank, word in enumerate(words)]
        ).ranked()

    def mutants(self, pattern: str, start: int | None = None) -> Effects:
        """Return what each substitution does to a planted pattern; ``G1A`` puts A for G at its first base."""
        place = self._place(pattern, start)
        cases = []
        for number, base in enumerate(pattern):
            for other in sorted(set(ALPHABET) - {base.upper()}):
                mutant = pattern[:number] + other + pattern[number + 1 :]
                terms = ((1, _numbered([(mutant, place)])), (-1, _numbered([(pattern, place)])))
                cases.append(_Case(label=f"{base}{number + 1}{other}", value=number, terms=terms))
        return self._effects("mutant", cases)

    def _place(self, pattern: Pattern, start: int | None) -> int:
        return self.background.codes.shape[1] // 2 - _width(pattern) // 2 if start is None else start

    def _effects(self, experiment: str, cases: Sequence[_Case]) -> Effects:
        if not cases:
            raise InputError(f"experiment '{experiment}' has no cases")
        with asking(self.model, task=self.background.task, device=self.device) as asked:
            found = [self._summary(asked, case) for case in cases]
        mean, half = np.array(found).T
        return Effects(
            experiment=experiment,
            null=self.background.null,
            labels=tuple(case.label for case in cases),
            values=np.array([case.value for case in cases], dtype=np.float64),
            mean=mean,
            low=mean - half,
            high=mean + half,
            n=len(self.background),
        )

    def _summary(self, model: Asked, case: _Case) -> tuple[float, float]:
        """Return the mean of a case's paired differences and half the width of its interval."""
        differences = np.sum([sign * self._logits(model, sites) for sign, sites in case.terms], axis=0)
        n = len(differences)
        if n < 2:
            return float(differences.mean()), float("nan")
        error = differences.std(ddof=1) / np.sqrt(n)
        return float(differences.mean()), float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * error)

    def _logits(self, model: Asked, sites: tuple[_Numbered, ...]) -> NDArray[np.float64]:
        """Return the (N,) logits of the sequences with some sites planted."""
        if not sites:
            return self.background.logits.astype(np.float64)
        return model.logits(_with_sites(self.background, sites)).astype(np.float64)


def _planted(label: str, value: float, sites: Sequence[Site]) -> _Case:
    return _Case(label=label, value=value, terms=((1, _numbered(sites)), (-1, ())))


def _numbered(sites: Sequence[Site]) -> tuple[_Numbered, ...]:
    return tuple((pattern, start, number) for number, (pattern, start) in enumerate(sites))


def _with_sites(background: Background, sites: tuple[_Numbered, ...]) -> Codes:
    """Return the sequences with sites planted; refused where sites overlap or leave the window."""
    codes = background.codes.copy()
    taken = np.zeros(codes.shape[1], dtype=bool)
    for pattern, start, number in sites:
        stop = start + _width(pattern)
        if start < 0 or stop > len(taken):
            raise InputError(f"site '{_word(pattern)}' at {start}..{stop} leaves the window of {len(taken)} bp")
        if taken[start:stop].any():
            raise InputError(f"site '{_word(pattern)}' at {start}..{stop} overlaps another one")
        taken[start:stop] = True
        written = _letters(pattern, len(codes), background.seed, number)
        codes[:, start:stop] = np.where(written == UNKNOWN, codes[:, start:stop], written)
    return codes


def _letters(pattern: Pattern, count: int, seed: int, number: int) -> Codes:
    """Return (count or 1, width) codes of a site; a motif's are drawn, the same for the same site number."""
    if isinstance(pattern, Motif):
        return pattern.sample(numpy_generator(seed, "site", number), count)
    return encode(pattern)[None]


def _width(pattern: Pattern) -> int:
    return pattern.width if isinstance(pattern, Motif) else len(pattern)


def _word(pattern: Pattern) -> str:
    return pattern.name if isinstance(pattern, Motif) else pattern
