"""A run's log: every sentence that was said while it was made, with the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.core.progress import Advance, Progress

__all__ = ["Logbook"]


class Logbook:
    """Passes on to another progress and keeps what was said.

    Parameters
    ----------
    progress
        Who is told as well.
    path
        File to append to; lines are whole even if the process is killed between two of them.
    """

    def __init__(self, progress: Progress, path: Path) -> None:
        self.progress, self.path = progress, path

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        """Note that a task begins, and show it."""
        self._append(words)
        with self.progress.task(words, total) as advance:
            yield advance

    def say(self, sentence: str) -> None:
        """Note a sentence, and show it."""
        self._append(sentence)
        self.progress.say(sentence)

    def _append(self, sentence: str) -> None:
        line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {sentence}\n"
        try:
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(line)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror}); mend that and run the same command with --resume"
            ) from error
