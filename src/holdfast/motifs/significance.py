"""How surprising an alignment of sites is: MEME's E-value of the product of the columns' p-values.

A column of n aligned bases has a log-likelihood ratio against the background, in nats, n times its information. Its
p-value is the probability that n background bases give as much. The p-values of the columns are multiplied, the
product's own p-value is known in closed form, and the number of ways to choose the sites turns it into an E-value.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, xlogy

from holdfast.core.errors import InputError

__all__ = ["MOST_SITES", "ColumnTables", "Search", "log_e_value", "log_p_of_product"]

MOST_SITES = 4096
"""Sites an alignment may have: beyond, the tables of p-values would take more memory than the sequences."""

# Points of the lattice that log-likelihood ratios are put on, for each doubling of the number of sites.
_POINTS = 4096
_SMALLEST_GROUP = 32
_EVERY_NUMBER_UP_TO = 20
_STEP_BEYOND = 1.05


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where sites were looked for: it decides how many alignments there are to choose from.

    Parameters
    ----------
    sequences
        How many.
    length
        Of each, in bases.
    both_strands
        Whether a site may lie on either strand.
    """

    sequences: int
    length: int
    both_strands: bool = True

    def log_alignments(self, sites: int, width: int) -> float:
        """Return the logarithm of the number of ways to choose sites: which sequences, where in each, which strand.

        Examples
        --------
        >>> round(math.exp(Search(sequences=3, length=5, both_strands=False).log_alignments(2, 4)))
        12
        """
        places = (self.length - width + 1) * (2 if self.both_strands else 1)
        return _log_choose(self.sequences, sites) + sites * math.log(places)


class ColumnTables:
    """Log p-values of the columns of alignments, for a range of numbers of sites.

    The distribution of a column's log-likelihood ratio is computed on a lattice by Fourier transforms of the
    distribution tilted by exp(ratio). Tilted, it varies by powers of the ratio only, so its far tail keeps its
    relative accuracy. Ratios are taken 1.5 lattice points down, so p-values err upwards.

    Parameters
    ----------
    background
        Probabilities of A, C, G, T, all above 0.
    most
        Largest number of sites.

    Raises
    ------
    InputError
        If a probability is not above 0, or more than :data:`MOST_SITES` are asked for.

    References
    ----------
    Keich (2005), doi:10.1089/cmb.2005.12.416, for the tilted transform.

    Examples
    --------
    >>> tables = ColumnTables((0.25, 0.25, 0.25, 0.25), 4)
    >>> tables.numbers.tolist()
    [2, 3, 4]
    >>> p = np.exp(tables.log_p(np.array([[4.0, 0, 0, 0]]), 4))  # one of the four pure columns: 4 * 0.25 ** 4
    >>> p.round(6).tolist()
    [0.015625]
    """

    def __init__(self, background: tuple[float, float, float, float], most: int) -> None:
        self.background = np.asarray(background, dtype=np.float64)
        if self.background.shape != (4,) or not (self.background > 0).all():
            raise InputError(f"background is {background}; expected four probabilities above 0")
        if not 2 <= most <= MOST_SITES:
            raise InputError(
                f"an alignment of {most} sites: expected 2 to {MOST_SITES}; give a sample of the sequences"
            )
        self.background = self.background / self.background.sum()
        self.numbers = _numbers(most)
        self._tables: dict[int, tuple[float, NDArray[np.float64]]] = {}
        for group in _groups(self.numbers):
            self._tables |= _group_tables(self.background, group)

    def log_p(self, counts: NDArray[np.float64], sites: int) -> NDArray[np.float64]:
        """Return log p-values of columns.

        Parameters
        ----------
        counts
            (..., 4), adding up to ``sites``.
        sites
            One of :attr:`numbers`.

        Returns
        -------
        NDArray
            (...).
        """
        spacing, log_tail = self._tables[sites]
        ratio = xlogy(counts, counts / (sites * self.background)).sum(axis=-1)
        point = np.ceil(ratio / spacing - 1.5 - 1e-9).astype(np.int64)
        return np.asarray(log_tail[np.clip(point, 0, _POINTS - 1)])

    def nearest(self, sites: int) -> int:
        """Return the tabulated number next to one."""
        return int(self.numbers[np.abs(self.numbers - sites).argmin()])


def log_p_of_product(log_product: NDArray[np.float64], factors: int) -> NDArray[np.float64]:
    """Return the log p-value of a product of independent, uniform p-values.

    Parameters
    ----------
    log_product
        Logarithms of products.
    factors
        How many p-values were multiplied.

    References
    ----------
    Bailey & Gribskov (1998), doi:10.1093/bioinformatics/14.1.48.

    Examples
    --------
    >>> np.exp(log_p_of_product(np.log(np.array([0.05])), 2)).round(4).tolist()  # 0.05 - 0.05 ln 0.05
    [0.1998]
    """
    surprise = -np.asarray(log_product, dtype=np.float64)
    power = np.arange(factors)
    terms = xlogy(power, np.maximum(surprise, 0.0)[..., None]) - gammaln(power + 1)
    return np.asarray(np.minimum(logsumexp(terms, axis=-1) - surprise, 0.0))


def log_e_value(counts: NDArray[np.float64], search: Search, background: tuple[float, float, float, float]) -> float:
    """Return the natural logarithm of the E-value of an alignment of sites.

    Parameters
    ----------
    counts
        (4, W): bases of the aligned sites; every column adds up to their number.
    search
        Where they were looked for.
    background
        Probabilities of A, C, G, T.

    Raises
    ------
    InputError
        If the columns do not add up to one whole number of at least 2.

    References
    ----------
    Bailey & Elkan (1995), Proc. ISMB 3, pp. 21-29; MEME 4's objective function "E-value of product of p-values". The
    same alignments get the same log10 E as MEME 4.12 says within 2 % (its tables of p-values are interpolated).

    Examples
    --------
    >>> pure = np.array([[6.0] * 5, [0] * 5, [0] * 5, [0] * 5])
    >>> log_e_value(pure, Search(sequences=6, length=5), (0.25, 0.25, 0.25, 0.25)) < -10
    True
    """
    sites = counts.sum(axis=0)
    number = round(float(sites[0])) if sites.size else 0
    if number < 2 or np.abs(sites - number).max() > 1e-6:
        raise InputError(f"counts: columns add up to {np.unique(sites).tolist()}; expected one number of 2 or more")
    tables = ColumnTables(background, number)
    product = tables.log_p(counts.T, number).sum()
    width = counts.shape[1]
    return float(log_p_of_product(product, width)) + search.log_alignments(number, width)


def _log_choose(of: int, sites: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(sites + 1) - math.lgamma(of - sites + 1)


def _numbers(most: int) -> NDArray[np.int64]:
    """Return numbers of sites worth trying: every small one, then steps of a twentieth; the largest is among them."""
    numbers = list(range(2, min(most, _EVERY_NUMBER_UP_TO) + 1))
    while numbers[-1] < most:
        numbers.append(min(most, math.ceil(numbers[-1] * _STEP_BEYOND)))
    return np.array(numbers)


def _groups(numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the numbers in groups within which the largest is at most twice the smallest; small ones together."""
    bounds = [0, _SMALLEST_GROUP]
    while bounds[-1] < numbers[-1]:
        bounds.append(2 * bounds[-1])
    groups = [numbers[(numbers > low) & (numbers <= high)] for low, high in itertools.pairwise(bounds)]
    return [group for group in groups if len(group)]


def _group_tables(
    background: NDArray[np.float64], group: NDArray[np.int64]
) -> dict[int, tuple[float, NDArray[np.float64]]]:
    """Return lattice spacing and log tail probabilities for each number of sites of a group."""
    most = int(group[-1])
    # Four points to spare: each part of a ratio is rounded by itself.
    spacing = most * -math.log(background.min()) / (_POINTS - 4)
    first = _pair_transform(background[:2], most, spacing)
    second = _pair_transform(background[2:], most, spacing)
    tables = {}
    for sites in group.tolist():
        tilted = np.fft.irfft((first[: sites + 1] * second[sites::-1]).sum(axis=0), n=_POINTS)
        tilted = np.roll(tilted, -round(sites * math.log(sites) / spacing) % _POINTS)
        log_scale = gammaln(sites + 1) + sites - sites * math.log(sites)
        with np.errstate(divide="ignore"):
            log_p = np.log(np.maximum(tilted, 0.0)) + log_scale - spacing * np.arange(_POINTS)
        tables[sites] = (spacing, np.minimum(np.logaddexp.accumulate(log_p[::-1])[::-1], 0.0))
    return tables


def _pair_transform(pair: NDArray[np.float64], most: int, spacing: float) -> NDArray[np.complex128]:
    """Return (most + 1, points / 2 + 1) transforms of the tilted distribution of two bases' part of the ratio.

    Row k is for k letters in all. A split (i, k - i) has weight i^i e^-i / i! times the same of k - i, and its part of
    the ratio, i ln(i / p) + (k - i) ln((k - i) / q), may wrap round the lattice: the sum of all parts does not.
    """
    number = np.arange(most + 1)
    log_weight = xlogy(number, number) - number - gammaln(number + 1)
    score = xlogy(number, number / pair[:, None])
    density = np.empty((most + 1, _POINTS))
    for total in range(most + 1):
        weight = np.exp(log_weight[: total + 1] + log_weight[total::-1])
        ratio = score[0, : total + 1] + score[1, total::-1]
        point = np.rint(ratio / spacing).astype(np.int64) % _POINTS
        density[total] = np.bincount(point, weights=weight, minlength=_POINTS)
    return np.fft.rfft(density, axis=1)
