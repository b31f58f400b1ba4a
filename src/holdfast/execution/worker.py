"""A worker process: takes work from a pipe, answers with progress and a result, until the pipe ends."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from holdfast.core.errors import HoldfastError
from holdfast.core.memory import keep_freed_memory
from holdfast.core.progress import Advance

__all__ = ["THREAD_VARIABLES", "Message", "serve"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")

Message = tuple[Any, ...]
"""``("progress", done, total, note)``, ``("say", sentence)``, ``("done", result)``, ``("failed", reason, trace)``."""

# Between two progress messages.
_EVERY_S = 0.2


def serve(pipe: Connection) -> None:
    """Do one task after another until the other end of the pipe closes.

    Parameters
    ----------
    pipe
        Receives (work, payload), sends messages.
    """
    # Ctrl-C reaches the whole group of processes; the parent decides. Asked to end, temporary files are cleared.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    keep_freed_memory()
    try:
        while True:
            work, payload = pipe.recv()
            pipe.send(_answer(work, payload, pipe))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone; nobody is left to tell


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _answer(work: Any, payload: Any, pipe: Connection) -> Message:
    try:
        return ("done", work(payload, _PipeProgress(pipe)))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except HoldfastError as error:
        return ("failed", str(error), None)
    except Exception as error:  # a bug in the work must reach the parent, not end this process
        return ("failed", f"{type(error).__name__}: {error}", traceback.format_exc())


class _PipeProgress:
    """Sends what it is told through a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.last = pipe, 0.0

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        """Send how far a ``with`` block is, some times a second."""

        def advance(done: int, note: str = "") -> None:
            now = time.monotonic()
            if now - self.last >= _EVERY_S:
                self.last = now
                self.pipe.send(("progress", done, total, note))

        yield advance

    def say(self, sentence: str) -> None:
        """Send a sentence."""
        self.pipe.send(("say", sentence))
