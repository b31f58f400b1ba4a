"""Ctrl-C that is not lost where its exception cannot get out, as in a library's function that C calls."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never

__all__ = ["interruptible", "raise_if_interrupted"]

# Set from a Ctrl-C until its command has ended.
_interrupted = threading.Event()


@contextmanager
def interruptible() -> Iterator[None]:
    """Remember a Ctrl-C for the time of a ``with`` block, so that :func:`raise_if_interrupted` can raise it again.

    Python raises KeyboardInterrupt wherever it is at that moment. In a callback from C, such as those by which numba's
    compiler keeps what it made, the exception is dropped, and the work would go on as if nothing had been pressed.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # somebody else listens
        return
    _interrupted.clear()
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _interrupted.clear()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed and the command still goes on."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> Never:
    _interrupted.set()
    raise KeyboardInterrupt
