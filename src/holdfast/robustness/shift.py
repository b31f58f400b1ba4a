"""The threat model: which windows of a context an adversary may show to the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import check_fields

__all__ = ["Shift"]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """The set of windows that an adversary may choose from.

    A choice is an offset and a strand. Choices are numbered 0 .. n_choices - 1: forward offsets first, smallest
    first, then, with both strands, the same offsets read on the reverse strand.

    Parameters
    ----------
    context
        L, bases known around each site.
    window
        W, bases the model reads; window i is [i, i + W).
    max_shift
        Farthest an offset may lie from the centre, in bp; None allows every window of the context.
    protect_core
        Refuse windows that cut an example's core, where the core is known. The centre window is always allowed: the
        adversary may leave the input alone.
    strands
        ``forward``, or ``both`` to let the adversary choose the strand too.

    Raises
    ------
    ConfigError
        If the window is longer than the context, or a parameter is of another type or out of range.

    Examples
    --------
    >>> shift = Shift(context=101, window=75)
    >>> shift.centre, shift.n_choices
    (13, 27)
    >>> Shift(context=101, window=75, max_shift=2).offsets.tolist()
    [11, 12, 13, 14, 15]
    >>> Shift(context=101, window=101).n_choices
    1
    """

    context: int
    window: int
    max_shift: int | None = None
    protect_core: bool = False
    strands: Literal["forward", "both"] = "forward"

    def __post_init__(self) -> None:
        check_fields(self, "shift")
        if self.window < 1:
            raise ConfigError(f"window is {self.window} bp; it must be at least 1")
        if self.window > self.context:
            raise ConfigError(
                f"window of {self.window} bp is longer than the context of {self.context} bp; "
                f"choose a window of at most {self.context} or data with a longer context"
            )
        if self.max_shift is not None and self.max_shift < 0:
            raise ConfigError(f"max_shift is {self.max_shift} bp; it must be 0 or more, or left out for every window")

    @property
    def centre(self) -> int:
        """Offset of the centre window, floor((L - W) / 2): an odd difference drops the extra base on the right."""
        return (self.context - self.window) // 2

    @property
    def first_offset(self) -> int:
        """Smallest legal offset."""
        return 0 if self.max_shift is None else max(0, self.centre - self.max_shift)

    @property
    def last_offset(self) -> int:
        """Largest legal offset."""
        widest = self.context - self.window
        return widest if self.max_shift is None else min(widest, self.centre + self.max_shift)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """(S,) legal offsets, ascending."""
        return np.arange(self.first_offset, self.last_offset + 1)

    @property
    def n_choices(self) -> int:
        """K: legal offsets times strands."""
        return len(self.offsets) * (2 if self.strands == "both" else 1)

    @property
    def centre_choice(self) -> int:
        """Number of the choice that is the centre window on the forward strand."""
        return self.centre - self.first_offset

    @cached_property
    def choice_offset(self) -> NDArray[np.int64]:
        """(K,) offset of each choice."""
        return np.tile(self.offsets, 2 if self.strands == "both" else 1)

    @cached_property
    def choice_is_reverse(self) -> NDArray[np.bool_]:
        """(K,) whether each choice reads the reverse strand."""
        return np.arange(self.n_choices) >= len(self.offsets)

    @cached_property
    def choice_distance(self) -> NDArray[np.int64]:
        """(K,) distance of each choice's offset from the centre, in bp."""
        return np.abs(self.choice_offset - self.centre)

    def legal(self, core: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which choices each example's core allows.

        Parameters
        ----------
        core
            (N, 2) [start, end) of the core in the context; -1, -1 where it is unknown.

        Returns
        -------
        ndarray
            (N, K) bool; every row allows the centre choice.

        Raises
        ------
        InputError
            If a core lies outside the context.

        Examples
        --------
        >>> shift = Shift(context=8, window=6, protect_core=True)
        >>> shift.legal(np.array([[0, 3], [-1, -1]])).tolist()
        [[True, True, False], [True, True, True]]
        """
        if not self.protect_core:
            return np.ones((len(core), self.n_choices), dtype=bool)
        start, end = core[:, :1], core[:, 1:]
        known = start[:, 0] >= 0
        outside = known & ((end[:, 0] > self.context) | (end[:, 0] <= start[:, 0]))
        if outside.any():
            row = int(np.argmax(outside))
            raise InputError(f"example {row}: core {core[row].tolist()} is not inside a context of {self.context} bp")
        inside = (self.choice_offset <= start) & (end <= self.choice_offset + self.window)
        legal = inside | ~known[:, None]
        legal[:, self.centre_choice] = True
        return np.asarray(legal)

    def describe(self) -> str:
        """Return the threat model in words.

        Examples
        --------
        >>> Shift(context=101, window=75).describe()
        '75 of 101 bp, 27 windows'
        """
        words = f"{self.window} of {self.context} bp, {len(self.offsets)} windows"
        words += " on both strands" if self.strands == "both" else ""
        return words + (", core protected" if self.protect_core else "")
