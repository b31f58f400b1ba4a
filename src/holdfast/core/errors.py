"""The errors a user can mend. Everything else that is raised is a bug of ours and shows its traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["ConfigError", "HoldfastError", "InputError", "MissingExtra", "did_you_mean"]


class HoldfastError(Exception):
    """Something the user can mend; the command line prints it without a traceback and exits with 2."""


class InputError(HoldfastError, ValueError):
    """A file, an array or an argument is not what it has to be."""


class ConfigError(HoldfastError, ValueError):
    """An experiment file or a ``--set`` names something unknown or asks for the impossible."""


class MissingExtra(HoldfastError, ImportError):
    """An optional dependency is needed; the message says which extra to install."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known spelling, or lists what is known.

    Examples
    --------
    >>> did_you_mean("worts", ["worst", "rnd"])
    "did you mean 'worst'?"
    >>> did_you_mean("zebra", ["worst", "rnd"])
    'known: rnd, worst'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"
