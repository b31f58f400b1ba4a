"""Ctrl-C that is not lost where its exception cannot get out, as in a library's function that C calls."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible", "raise_if_interrupted"]

# The package whose import is finished first.
UNBROKEN = "torch"
# Signals that came while a command ran. No Event: the lock in it would wait for ever for a handler that a second Ctrl-C
# interrupts while it holds it.
_heard: list[int] = []


@contextmanager
def interruptible() -> Iterator[None]:
    """Remember a Ctrl-C for the time of a ``with`` block, so that :func:`raise_if_interrupted` can raise it later.

    Python raises KeyboardInterrupt wherever it is at that moment. In a callback from C, such as those by which numba's
    compiler keeps what it made, the exception is dropped, and the work would go on as if nothing had been pressed. And
    torch aborts where it is imported by its C++; its import is finished first, unless Ctrl-C is pressed again.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block at the latest.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # somebody else listens
        return
    _heard.clear()
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
        raise_if_interrupted()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _heard.clear()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed and the command still goes on."""
    if _heard:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _heard.append(number)
    if len(_heard) > 1 or not _is_imported(UNBROKEN, frame):
        raise KeyboardInterrupt


def _is_imported(package: str, frame: FrameType | None) -> bool:
    """Return whether a frame is part of the import of a package."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>" and name.partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False
