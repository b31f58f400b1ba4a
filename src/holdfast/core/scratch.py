"""Arrays in temporary files: what grows with the data lies on the disk, and memory holds the part in use.

The files lie where Python's ``tempfile`` puts them (``TMPDIR``, else ``/tmp``). Where that folder itself lies in
memory, so do they; point ``TMPDIR`` at a disk then.
"""

from __future__ import annotations

import math
import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from holdfast.core.errors import InputError

__all__ = ["scratch"]


def scratch(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros in a file without a name, which vanishes with the array.

    The room is taken at once: a full disk is an error here rather than a crash at some later store.

    Parameters
    ----------
    shape
        Any number of rows of any shape.
    dtype
        Plain numbers or records of them.

    Raises
    ------
    InputError
        If the folder of temporary files has no room or cannot be written.

    Examples
    --------
    >>> array = scratch((2, 3), np.uint8)
    >>> array[1] += 5
    >>> array.tolist()
    [[0, 0, 0], [5, 5, 5]]
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size == 0:  # a file without bytes cannot be mapped
        return np.zeros(shape, dtype=dtype)
    try:
        with tempfile.TemporaryFile() as handle:
            _reserve(handle.fileno(), size)
            return np.asarray(np.memmap(handle, dtype=dtype, mode="r+", shape=shape))
    except OSError as error:
        raise InputError(
            f"{tempfile.gettempdir()}: no room for {size / 1e6:,.0f} MB of temporary data ({error.strerror or error});"
            " free some space there, or set TMPDIR to a folder on a larger disk"
        ) from error


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:  # macOS: the file has holes, and a full disk is met when they are filled
        os.truncate(descriptor, size)
