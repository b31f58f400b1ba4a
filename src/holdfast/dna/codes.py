"""Text <-> codes <-> one-hot. At rest a base is a uint8: A, C, G, T = 0..3, anything else = 4 (N)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["ALPHABET", "UNKNOWN", "Codes", "decode", "encode", "one_hot"]

Codes = NDArray[np.uint8]

ALPHABET = "ACGT"
UNKNOWN = 4

_CODE_OF_BYTE = np.full(256, UNKNOWN, dtype=np.uint8)
for _code, _letter in enumerate(ALPHABET):
    _CODE_OF_BYTE[[ord(_letter), ord(_letter.lower())]] = _code
_BYTE_OF_CODE = np.frombuffer(b"ACGTN", dtype=np.uint8)


def encode(text: str | bytes) -> Codes:
    """Return the codes of a sequence, case-insensitive; every letter other than A, C, G, T is unknown.

    Returns
    -------
    Codes
        (L,) uint8.

    Examples
    --------
    >>> encode("ACgtN").tolist()
    [0, 1, 2, 3, 4]
    """
    raw = text.encode("latin-1", errors="replace") if isinstance(text, str) else text
    return _CODE_OF_BYTE[np.frombuffer(raw, dtype=np.uint8)]


def decode(codes: Codes) -> str:
    """Return the letters of (L,) codes.

    Examples
    --------
    >>> decode(encode("ACGTN"))
    'ACGTN'
    """
    return _BYTE_OF_CODE[codes].tobytes().decode()


def one_hot(codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the one-hot form of codes, on their device.

    Parameters
    ----------
    codes
        (..., L) uint8.
    dtype
        Of the result.

    Returns
    -------
    Tensor
        (..., 4, L), rows A, C, G, T; an unknown base is a column of zeros.

    Examples
    --------
    >>> one_hot(torch.tensor([[0, 4]], dtype=torch.uint8)).tolist()
    [[[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]]
    """
    base = torch.arange(4, dtype=torch.uint8, device=codes.device)[:, None]
    return (codes.unsqueeze(-2) == base).to(dtype)
