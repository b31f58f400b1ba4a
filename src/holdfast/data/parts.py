"""The three parts of a data set: the numbers stored in ``split.npy`` and their names, in one place."""

from __future__ import annotations

from holdfast.core.errors import InputError, did_you_mean

__all__ = ["PARTS", "TEST", "TRAIN", "VALIDATION", "part_number"]

TRAIN = 0
VALIDATION = 1
TEST = 2
PARTS = ("train", "validation", "test")


def part_number(name: str) -> int:
    """Return the number that ``split.npy`` holds for a part.

    Raises
    ------
    InputError
        If there is no such part.

    Examples
    --------
    >>> part_number("validation")
    1
    """
    if name not in PARTS:
        raise InputError(f"unknown part '{name}' of a data set: {did_you_mean(str(name), PARTS)}")
    return PARTS.index(name)
