"""One-hot arrays of files -> codes: any order of the columns, checked base by base."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, UNKNOWN, Codes

__all__ = ["codes_of"]


def codes_of(bases: NDArray[np.generic], *, order: str, where: str, first: int = 0) -> Codes:
    """Return the codes of one-hot sequences.

    Parameters
    ----------
    bases
        (n, L, 4) numbers: 1 in the column of the base, all 0 for an unknown base. A view of any strides will do.
    order
        The letters of the columns, such as ``AGCT``.
    where
        File and array, for messages.
    first
        Number of the first sequence in its file, for messages.

    Returns
    -------
    Codes
        (n, L) uint8, A, C, G, T = 0..3, unknown = 4.

    Raises
    ------
    InputError
        Naming the first sequence and position that is neither one-hot nor all 0.

    Examples
    --------
    >>> bases = np.array([[[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]], dtype=np.uint8)
    >>> codes_of(bases, order="ACGT", where="toy").tolist(), codes_of(bases, order="AGCT", where="toy").tolist()
    ([[1, 3, 4]], [[2, 3, 4]])
    """
    one = np.uint8(1)
    columns = [bases[..., column] for column in range(len(ALPHABET))]
    # In the order in which the bases lie: DeepSEA's training file has the examples innermost.
    total, codes = np.zeros_like(columns[0], dtype=np.uint8), np.zeros_like(columns[0], dtype=np.uint8)
    legal = True
    for letter, column in zip(order, columns, strict=True):
        present = (column == 1).astype(np.uint8)
        legal = legal and np.array_equal(present, column)
        total += present
        codes += present * np.uint8(ALPHABET.index(letter))
    if not legal or total.max(initial=0) > 1:
        _refuse(bases, where, first)
    codes += (one - total) * np.uint8(UNKNOWN)
    return np.ascontiguousarray(codes)


def _refuse(bases: NDArray[np.generic], where: str, first: int) -> None:
    ones = bases == 1
    wrong = (ones.sum(axis=2) > 1) | ~(ones | (bases == 0)).all(axis=2)
    example, position = (int(i) for i in np.argwhere(wrong)[0])
    raise InputError(
        f"{where}: sequence {first + example}, position {position} (counted from 0) is "
        f"{bases[example, position].tolist()}; a base is one 1 and three 0, an unknown base four 0"
    )
