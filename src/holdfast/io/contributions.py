"""Contributions that another program computed: a ``.npy`` array beside its sequences. Nothing pickled is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError

__all__ = ["read_contributions"]


def read_contributions(path: Path, sequences: int, length: int) -> NDArray[np.float32]:
    """Return the hypothetical contributions of sequences.

    Parameters
    ----------
    path
        A ``.npy`` file of (N, 4, L) numbers, rows A, C, G, T.
    sequences, length
        N and L, as the sequences have them.

    Raises
    ------
    InputError
        If it is no such file, or of another shape.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scores.npy"
    >>> np.save(path, np.ones((2, 4, 3)))
    >>> read_contributions(path, 2, 3).shape
    (2, 4, 3)
    """
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: no .npy file of numbers ({error})") from error
    expected = (sequences, 4, length)
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != expected:
        found = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise InputError(f"{path}: {found}; expected floating point numbers of shape {expected}, (N, 4, L)")
    return array.astype(np.float32)
