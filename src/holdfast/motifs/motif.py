"""A motif: the probabilities of the four bases at each position of a binding site, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, Codes

__all__ = ["UNIFORM", "Motif"]

UNIFORM = (0.25, 0.25, 0.25, 0.25)
# Columns of published matrices are rounded; JASPAR's figure-like tables add up to 1 within a thousandth.
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Motif:
    """A position probability matrix with a name and a provenance.

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

    Raises
    ------
    InputError
        If the matrix is not one of probabilities.

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

    @classmethod
    def from_counts(
        cls,
        name: str,
        counts: NDArray[np.float64] | NDArray[np.int64],
        *,
        pseudocount: float = 0.1,
        background: tuple[float, float, float, float] = UNIFORM,
        source: str = "by hand",
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
        return cls(name=name, probabilities=filled / total, source=source, sites=float(numbers.sum(axis=0).max()))

    @property
    def width(self) -> int:
        """Positions."""
        return int(self.probabilities.shape[1])

    @property
    def consensus(self) -> str:
        """The most probable base of each position; ties go to the first of A, C, G, T."""
        return "".join(ALPHABET[base] for base in self.probabilities.argmax(axis=0))

    def information(self, background: tuple[float, float, float, float] = UNIFORM) -> NDArray[np.float64]:
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
        """Return the motif as the other strand shows it."""
        return replace(self, probabilities=self.probabilities[::-1, ::-1].copy())

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
