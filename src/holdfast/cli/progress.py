"""Bars with elapsed and remaining time on a terminal, a line now and then elsewhere; always on stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from holdfast.cli.interrupts import raise_if_interrupted
from holdfast.core.progress import Advance

__all__ = ["QUIET_S", "LineProgress", "TerminalProgress", "progress_to_stderr"]

# What is over sooner shows no bar.
QUIET_S = 1.0
# Between two lines of one task where there is no terminal.
LINE_EVERY_S = 15.0


def progress_to_stderr() -> TerminalProgress | LineProgress:
    """Return bars where stderr is a terminal, lines where it is a file or a pipe."""
    console = Console(stderr=True)
    return TerminalProgress(console) if console.is_terminal else LineProgress(console)


class TerminalProgress:
    """Bars that appear on what takes longer than a second and leave nothing behind.

    Parameters
    ----------
    console
        Where to draw.
    quiet_s
        Seconds before a bar appears.
    """

    def __init__(self, console: Console, quiet_s: float = QUIET_S) -> None:
        self.console, self.quiet_s = console, quiet_s
        self._running = 0
        self._lock = threading.RLock()
        self._bars = Progress(*_columns(console.width), console=console, transient=True)

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        """Show a bar for the time of a ``with`` block, once it has taken a second."""
        raise_if_interrupted()
        bar = self._bars.add_task(words, total=total, note="")
        appear = threading.Timer(self.quiet_s, self._appear)
        appear.daemon = True
        self._running += 1
        appear.start()
        try:
            yield lambda done, note="": self._advance(bar, done, note)
        finally:
            appear.cancel()
            with self._lock:
                self._running -= 1
                self._bars.remove_task(bar)
                if not self._running:
                    self._bars.stop()

    def say(self, sentence: str) -> None:
        """Show a sentence above the bars."""
        self._bars.console.print(sentence, markup=False, highlight=False)

    def _appear(self) -> None:
        with self._lock:
            if self._running:
                self._bars.start()

    def _advance(self, bar: TaskID, done: int, note: str) -> None:
        raise_if_interrupted()
        self._bars.update(bar, completed=done, note=note)


def _columns(
    width: int,
) -> tuple[SpinnerColumn | TextColumn | BarColumn | TimeElapsedColumn | TimeRemainingColumn, ...]:
    words = TextColumn("{task.description}", markup=False)
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(compact=True))
    if width < 60:
        return (words, BarColumn(bar_width=None), TimeRemainingColumn(compact=True))
    return (SpinnerColumn(), words, BarColumn(bar_width=20), *times, TextColumn("{task.fields[note]}", markup=False))


class LineProgress:
    """Plain lines for logs and pipes: one every fifteen seconds.

    Parameters
    ----------
    console
        Where to write.
    every_s
        Seconds between two lines of one task.
    clock
        Seconds.
    """

    def __init__(
        self, console: Console, every_s: float = LINE_EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console, self.every_s, self.clock = console, every_s, clock

    @contextmanager
    def task(self, words: str, total: int | None) -> Iterator[Advance]:
        """Write a line now and then about a ``with`` block."""
        raise_if_interrupted()
        began = self.clock()
        last = began

        def advance(done: int, note: str = "") -> None:
            nonlocal last
            raise_if_interrupted()
            now = self.clock()
            if now - last >= self.every_s:
                last = now
                self.say(_line(words, done, total, now - began, note))

        yield advance

    def say(self, sentence: str) -> None:
        """Write a sentence."""
        self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _line(words: str, done: int, total: int | None, elapsed: float, note: str) -> str:
    """Return a line of progress.

    Examples
    --------
    >>> _line("training", 25, 100, 30.0, "epoch 2")
    'training: 25 % after 0:30, about 1:30 left (epoch 2)'
    """
    words += f": {done / total:.0%} after {_clock(elapsed)}".replace("%", " %") if total else f": {_clock(elapsed)}"
    if total and done:
        words += f", about {_clock(elapsed * (total - done) / done)} left"
    return f"{words} ({note})" if note else words


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
