"""A motif: the probabilities of the four bases at each position of a binding site, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, Codes
from holdfast.dna.interval import Interval

__all__ = ["UNIFORM", "Background", "Motif", "symmetric"]

Background = tuple[float, float, float, float]
"""Probabilities of A, C, G, T."""

UNIFORM: Background = (0.25, 0.25, 0.25, 0.25)
# Sites assumed where a source does not tell how many it counted; MEME's format has the same default.
_SITES = 20.0
# Of two and of three bases, as IUPAC writes them.
_AMBIGUOUS = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}
_AMBIGUOUS |= {"CGT": "B", "AGT": "D", "ACT": "H", "ACG": "V"}
# Columns of published matrices are rounded; JASPAR's figure-like tables add up to 1 within a thousandth.
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Motif:
    """A position probability matrix (PPM) with a name and a provenance.

    Every operation returns a new motif and keeps where its columns and sites lie.

    Parameters
    ----------
    name
        Of the transcription factor.
    probabilities
        (4, W), rows A, C, G, T; every column adds up to 1.
    source
        Data base, release and matrix id, or what made it.
    sites
        Binding sites counted, where that is known.
    contributions
        (4, W) contribution weight matrix (CWM): mean contribution of each base at each position, of any sign.
    accession
        Id in a data base, such as ``MA0079.5``.
    start
        Column of the source's matrix that this one begins at, 0 unless it was trimmed.
    strand
        ``+`` as the source has it, ``-`` its reverse complement.
    places
        Where sites lie that made it, by sequence or chromosome; each W long and stranded.

    Raises
    ------
    InputError
        If the matrix is not one of probabilities, or contributions or places do not fit it.

    Examples
    --------
    >>> motif = Motif.from_counts("toy", np.array([[9, 0], [0, 0], [0, 9], [0, 0]]), pseudocount=1.0)
    >>> motif.consensus, motif.width, motif.probabilities[:, 0].tolist()
    ('AG', 2, [0.925, 0.025, 0.025, 0.025])
    """

    name: str
    probabilities: NDArray[np.float64]
    source: str = "by hand"
    sites: float | None = None
    contributions: NDArray[np.float64] | None = None
    accession: str = ""
    start: int = 0
    strand: Literal["+", "-"] = "+"
    places: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        matrix = self.probabilities
        if matrix.ndim != 2 or matrix.shape[0] != 4 or matrix.shape[1] == 0:
            raise InputError(f"motif '{self.name}': probabilities have shape {matrix.shape}, expected (4, width)")
        legal = np.isfinite(matrix).all() and (matrix >= 0).all()
        if not legal or np.abs(matrix.sum(axis=0) - 1).max() > _SUM_TOLERANCE:
            raise InputError(
                f"motif '{self.name}': every column has to hold four probabilities that add up to 1;"
                " use Motif.from_counts for a matrix of counts"
            )
        self._check_extras()

    def _check_extras(self) -> None:
        weights = self.contributions
        if weights is not None and (weights.shape != self.probabilities.shape or not np.isfinite(weights).all()):
            raise InputError(
                f"motif '{self.name}': contributions have shape {weights.shape}; expected finite numbers of shape"
                f" {self.probabilities.shape}, as the probabilities"
            )
        for place in self.places:
            if len(place) != self.width or place.strand is None:
                raise InputError(f"motif '{self.name}': place {place} has to be {self.width} bp long and stranded")

    @classmethod
    def from_counts(
        cls,
        name: str,
        counts: NDArray[np.float64] | NDArray[np.int64],
        *,
        pseudocount: float = 0.1,
        background: Background = UNIFORM,
        source: str = "by hand",
        accession: str = "",
    ) -> Motif:
        """Make a motif of (4, W) counts.

        Parameters
        ----------
        name
            Of the transcription factor.
        counts
            (4, W), rows A, C, G, T.
        pseudocount
            Added to each column, shared out by the background. The default is Tomtom's.
        background
            Probabilities of A, C, G, T.
        source
            Where the counts came from.
        accession
            Id in a data base.

        Raises
        ------
        InputError
            If a count is negative, or a column is empty and no pseudocount fills it.
        """
        numbers = np.asarray(counts, dtype=np.float64)
        if numbers.ndim != 2 or not np.isfinite(numbers).all() or (numbers < 0).any():
            raise InputError(f"motif '{name}': counts have to be (4, width) numbers of 0 or more")
        filled = numbers + pseudocount * np.asarray(background)[:, None]
        total = filled.sum(axis=0)
        if (total <= 0).any():
            raise InputError(f"motif '{name}': position {int(np.argmax(total <= 0))} (from 0) has no counts")
        sites = float(numbers.sum(axis=0).max())
        return cls(name=name, probabilities=filled / total, source=source, sites=sites, accession=accession)

    @property
    def width(self) -> int:
        """Positions."""
        return int(self.probabilities.shape[1])

    @property
    def label(self) -> str:
        """Accession and name, as far as there are both."""
        return f"{self.accession} {self.name}" if self.accession not in ("", self.name) else self.name

    @property
    def counts(self) -> NDArray[np.float64]:
        """(4, W) expected counts: probabilities times sites, of 20 sites where their number is not known."""
        return self.probabilities * (_SITES if self.sites is None else self.sites)

    @property
    def consensus(self) -> str:
        """The most probable base of each position; ties go to the first of A, C, G, T."""
        return "".join(ALPHABET[base] for base in self.probabilities.argmax(axis=0))

    @property
    def iupac(self) -> str:
        """The consensus in IUPAC letters.

        One base if it has more than half of a column and more than twice the next; two if they have more than three
        quarters; three if the fourth never occurs; else N.

        References
        ----------
        Cavener (1987), doi:10.1093/nar/15.4.1353.

        Examples
        --------
        >>> counts = np.array([[9, 4, 3, 1], [1, 4, 3, 1], [0, 1, 3, 1], [0, 1, 0, 1]])
        >>> Motif.from_counts("x", counts, pseudocount=0).iupac
        'AMVN'
        """
        return "".join(_letter(column) for column in self.probabilities.T)

    def smoothed(self, pseudocount: float = 0.1, background: Background = UNIFORM) -> Motif:
        """Return the motif with a pseudocount added to the counts of each column, shared out by the background.

        Parameters
        ----------
        pseudocount
            In sites; the default is that of Tomtom and of FIMO. 20 sites are assumed where their number is not known.
        background
            Probabilities of A, C, G, T.

        Examples
        --------
        >>> Motif(name="x", probabilities=np.array([[1.0], [0.0], [0.0], [0.0]]), sites=9).smoothed(1.0).probabilities.T
        array([[0.925, 0.025, 0.025, 0.025]])
        """
        filled = self.counts + pseudocount * np.asarray(background)[:, None]
        return replace(self, probabilities=filled / filled.sum(axis=0))

    def pwm(self, pseudocount: float = 0.1, background: Background = UNIFORM) -> NDArray[np.float64]:
        """Return the position weight matrix: log2 of the smoothed probabilities over the background.

        Parameters
        ----------
        pseudocount, background
            As for :meth:`smoothed`. Without a pseudocount an absent base weighs minus infinity.

        Returns
        -------
        NDArray
            (4, W), in bits.

        Examples
        --------
        >>> motif = Motif(name="x", probabilities=np.array([[0.5], [0.25], [0.125], [0.125]]))
        >>> motif.pwm(0.0).T.tolist()
        [[1.0, 0.0, -1.0, -1.0]]
        """
        with np.errstate(divide="ignore"):
            odds = self.smoothed(pseudocount, background).probabilities / np.asarray(background)[:, None]
            return np.asarray(np.log2(odds))

    def information(self, background: Background = UNIFORM) -> NDArray[np.float64]:
        """Return the information content of each position, in bits: its divergence from the background.

        Parameters
        ----------
        background
            Probabilities of A, C, G, T, all above 0.

        Returns
        -------
        NDArray
            (W,); under the uniform background 0 for a flat column and 2 for a certain base.

        Examples
        --------
        >>> Motif(name="sure", probabilities=np.array([[1.0], [0.0], [0.0], [0.0]])).information().tolist()
        [2.0]
        """
        matrix = self.probabilities
        ratio = np.where(matrix > 0, matrix, 1.0) / np.asarray(background)[:, None]
        return np.asarray((matrix * np.log2(ratio)).sum(axis=0))

    def reverse_complement(self) -> Motif:
        """Return the motif as the other strand shows it; its places change their strand.

        Examples
        --------
        >>> motif = Motif.from_counts("x", np.array([[9, 0], [0, 9], [0, 0], [0, 0]])).reverse_complement()
        >>> motif.consensus, motif.strand
        ('GT', '-')
        """
        weights = self.contributions
        return replace(
            self,
            probabilities=self.probabilities[::-1, ::-1].copy(),
            contributions=None if weights is None else weights[::-1, ::-1].copy(),
            strand=_OTHER[self.strand],
            places=tuple(replace(place, strand=_OTHER[place.strand or "+"]) for place in self.places),
        )

    def sliced(self, first: int, end: int) -> Motif:
        """Return columns ``[first, end)``; start and places move along, on either strand.

        Raises
        ------
        InputError
            If there are no such columns.

        Examples
        --------
        >>> motif = Motif(name="x", probabilities=np.full((4, 5), 0.25)).sliced(1, 3)
        >>> motif.start, motif.reverse_complement().sliced(0, 1).start
        (1, 2)
        """
        if not 0 <= first < end <= self.width:
            raise InputError(f"motif '{self.name}': no columns {first} to {end} in a matrix of {self.width}")
        weights = self.contributions
        return replace(
            self,
            probabilities=self.probabilities[:, first:end].copy(),
            contributions=None if weights is None else weights[:, first:end].copy(),
            start=self.start + (first if self.strand == "+" else self.width - end),
            places=tuple(_part_of(place, first, end) for place in self.places),
        )

    def trimmed(
        self, *, bits: float = 0.1, share: float = 0.1, flank: int = 0, background: Background = UNIFORM
    ) -> Motif:
        """Return the motif without the columns at either end that say little.

        An end column goes while its information is below ``bits`` or below ``share`` of the best column's, whichever
        is higher. The defaults are DeepBind's rule; the review of Koo & Ploenzke has ``bits=0.5,
        share=0, flank=3``.

        Parameters
        ----------
        bits
            Least information of an end column.
        share
            Least information as a share of the largest.
        flank
            Columns kept beyond the outermost informative ones, as far as there are any.
        background
            Probabilities of A, C, G, T.

        Raises
        ------
        InputError
            If no column has so much information.

        References
        ----------
        Alipanahi et al. (2015), doi:10.1038/nbt.3300; Koo & Ploenzke (2020), doi:10.1016/j.coisb.2020.04.001.

        Examples
        --------
        >>> motif = Motif.from_counts("x", np.array([[1, 9, 1], [1, 0, 1], [1, 0, 1], [1, 0, 1]]))
        >>> motif.trimmed().consensus, motif.trimmed().start, motif.trimmed(flank=3).width
        ('A', 1, 3)
        """
        information = self.information(background)
        least = max(bits, share * float(information.max()))
        kept = np.flatnonzero(information >= least)
        if len(kept) == 0:
            raise InputError(
                f"motif '{self.name}': no column has {least:g} bits, the best {information.max():.2g}; nothing is left"
            )
        return self.sliced(max(0, int(kept[0]) - flank), min(self.width, int(kept[-1]) + 1 + flank))

    def flattened(self, power: float) -> Motif:
        """Return a motif of weaker sites: probabilities to a power, made to add up to 1 again.

        Parameters
        ----------
        power
            1 leaves the motif as it is, 0 makes it uniform.

        Examples
        --------
        >>> Motif(name="x", probabilities=np.array([[0.64], [0.16], [0.16], [0.04]])).flattened(0.5).probabilities
        array([[0.44444444],
               [0.22222222],
               [0.22222222],
               [0.11111111]])
        """
        raised = self.probabilities**power
        return replace(self, probabilities=raised / raised.sum(axis=0), source=f"{self.source}, to the power {power:g}")

    def sample(self, rng: np.random.Generator, count: int) -> Codes:
        """Return (count, W) uint8 sites drawn from the matrix, each position on its own.

        Examples
        --------
        >>> sure = Motif(name="sure", probabilities=np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]))
        >>> sure.sample(np.random.default_rng(0), 2).tolist()
        [[2, 0], [2, 0]]
        """
        # Thresholds scaled by their own last entry: rounding must not let a draw fall past the last base.
        thresholds = np.cumsum(self.probabilities, axis=0)
        thresholds /= thresholds[-1]
        draws = rng.random((count, self.width))
        return np.asarray((draws[:, None, :] >= thresholds[:3]).sum(axis=1), dtype=np.uint8)


def symmetric(background: Background) -> Background:
    """Return the background of both strands together: A as T, C as G.

    Examples
    --------
    >>> symmetric((0.25, 0.5, 0.125, 0.125))
    (0.1875, 0.3125, 0.3125, 0.1875)
    """
    total = 2 * sum(background)
    weak, strong = (background[0] + background[3]) / total, (background[1] + background[2]) / total
    return weak, strong, strong, weak


_OTHER: dict[str, Literal["+", "-"]] = {"+": "-", "-": "+"}


def _part_of(place: Interval, first: int, end: int) -> Interval:
    """Return the part of a site that columns [first, end) of its motif cover."""
    if place.strand == "-":
        return replace(place, start=place.end - end, end=place.end - first)
    return replace(place, start=place.start + first, end=place.start + end)


def _letter(column: NDArray[np.float64]) -> str:
    order = np.argsort(-column, kind="stable")
    share = column[order] / column.sum()
    if share[0] > 0.5 and share[0] > 2 * share[1]:
        return ALPHABET[order[0]]
    many = 2 if share[:2].sum() > 0.75 else 3 if share[3] == 0 else 4
    return _AMBIGUOUS.get("".join(ALPHABET[base] for base in sorted(order[:many])), "N")
