"""Keeping freed memory: on glibc, a CPU computation with large temporaries spends much of its time on page faults."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 64 << 20
_LARGEST_MAPPED_BYTES = 32 << 20


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed blocks for the next allocation instead of giving them back at once.

    By default glibc returns the top of its heap, and every mapping, to the kernel when a temporary is freed, and the
    next temporary is paid for in page faults: the scan of a padded network then takes up to twice as long. The
    command line calls this for its own process; as a library we leave the caller's allocator alone.

    Returns
    -------
    bool
        Whether it was taken; False where there is no glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # musl and others have neither the name nor the habit
        return False
    taken = mallopt(_M_MMAP_THRESHOLD, _LARGEST_MAPPED_BYTES) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    return bool(taken)
