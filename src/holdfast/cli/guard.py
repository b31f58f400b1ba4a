"""Exit codes: 0 done, 1 some jobs failed, 2 something the user can mend, 70 a bug of ours, 130 stopped by Ctrl-C."""

from __future__ import annotations

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from holdfast.cli.interrupts import interruptible
from holdfast.core.errors import HoldfastError
from holdfast.core.files import BAD_PATH

__all__ = ["BUG", "INTERRUPTED", "SOME_FAILED", "USER_ERROR", "guarded"]

SOME_FAILED = 1
USER_ERROR = 2
BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT
PIPE_CLOSED = 141  # 128 + SIGPIPE

P = ParamSpec("P")
R = TypeVar("R")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Return a command whose errors have become messages and exit codes.

    Parameters
    ----------
    command
        A command function; its signature, which the command line is made of, is kept.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with interruptible():
                return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except HoldfastError as error:
            raise _ended(f"error: {error}", USER_ERROR) from None
        except KeyboardInterrupt:
            raise _ended("stopped; what was finished is kept", INTERRUPTED) from None
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(PIPE_CLOSED) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            if where and error.errno in BAD_PATH:
                raise _ended(f"error: {where}{error.strerror}; check the path and who may use it", USER_ERROR) from None
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise _bug() from None
            message = f"error: {where}the disk is full; free some space and run the same command again"
            raise _ended(message, USER_ERROR) from None
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise _bug() from None
            words = " ".join(str(error).split())[:200]
            message = f"error: there is not enough memory; ask for less, such as a smaller model or batch ({words})"
            raise _ended(message, USER_ERROR) from None
        except Exception:  # the outermost door: whatever comes here is a bug of ours, shown whole
            raise _bug() from None

    return run


def _is_out_of_memory(error: Exception) -> bool:
    # torch has a class for a GPU's memory, and a plain RuntimeError for the machine's; it is not imported for --help.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return named or "can't allocate memory" in str(error)


def _bug() -> typer.Exit:
    traceback.print_exc()
    return _ended("this is a bug of holdfast's; please report it with the lines above", BUG)


def _ended(message: str, code: int) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code)


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not complain about the reader that left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
