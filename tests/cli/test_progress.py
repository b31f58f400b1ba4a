"""Progress on terminals and in logs."""

import io
import time

from rich.console import Console

from holdfast.cli.progress import LineProgress, TerminalProgress


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _console(width: int = 80, *, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_lines_come_at_intervals_with_share_and_remaining_time() -> None:
    clock, console = _Clock(), _console()
    with LineProgress(console, every_s=15, clock=clock).task("training", 100) as advance:
        for done in range(0, 100, 10):
            clock.now += 4
            advance(done, f"epoch {done // 50 + 1}")
    lines = _text(console).splitlines()
    assert lines == [
        "training: 30 % after 0:16, about 0:37 left (epoch 1)",
        "training: 70 % after 0:32, about 0:14 left (epoch 2)",
    ]


def test_a_quick_task_writes_no_line() -> None:
    console = _console()
    with LineProgress(console).task("reading", 10) as advance:
        advance(10)
    assert _text(console) == ""


def test_a_task_of_unknown_length_only_tells_the_time() -> None:
    clock, console = _Clock(), _console()
    with LineProgress(console, every_s=1, clock=clock).task("fetching", None) as advance:
        clock.now = 75
        advance(3)
    assert _text(console) == "fetching: 1:15\n"


def test_a_bar_appears_only_after_the_quiet_time() -> None:
    quick, slow = _console(terminal=True), _console(terminal=True)
    with TerminalProgress(quick, quiet_s=60).task("reading", 10) as advance:
        advance(10)
    with TerminalProgress(slow, quiet_s=0.01).task("training", 10) as advance:
        time.sleep(0.3)  # the timer and one refresh
        advance(5, "epoch 1")
    assert "reading" not in _text(quick)
    assert "training" in _text(slow)


def test_a_bar_fits_a_narrow_terminal() -> None:
    console = _console(width=40, terminal=True)
    with TerminalProgress(console, quiet_s=0.01).task("training Worst at 75 bp", 10) as advance:
        advance(5, "epoch 1: validation loss 0.613")
        time.sleep(0.3)
    # Without the control codes that move the cursor.
    drawn = [line.split("\x1b")[0] for line in _text(console).replace("\r", "\n").splitlines()]
    assert max(map(len, drawn)) <= 40


def test_sentences_stay_and_are_not_read_as_markup() -> None:
    for progress, console in [(LineProgress(c := _console()), c), (TerminalProgress(c := _console()), c)]:
        progress.say("runs/[bold]x: collapsed")
        assert "runs/[bold]x: collapsed" in _text(console)
