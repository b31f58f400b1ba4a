"""How a long job says how far it is. Jobs are told whom to tell; the command line draws a bar, a script nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["SILENT", "Advance", "Progress", "Silent"]


class Advance(Protocol):
    """Called with how much is done, and perhaps a new note beside the bar."""

    def __call__(self, done: int, note: str = "") -> None:
        """Move the bar to ``done``."""


class Progress(Protocol):
    """Where jobs report to."""

    def task(self, words: str, total: int | None) -> AbstractContextManager[Advance]:
        """Show a bar for the time of a ``with`` block; with no total it only shows activity."""

    def say(self, sentence: str) -> None:
        """Show a sentence that stays."""


class Silent:
    """Reports to nobody."""

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        """Do nothing."""
        yield _ignore

    def say(self, sentence: str) -> None:
        """Do nothing."""


def _ignore(done: int, note: str = "") -> None:
    pass


SILENT = Silent()
