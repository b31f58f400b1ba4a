"""A published model on its way to be one of ours: what a file says, and what the user adds."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec

__all__ = ["Published", "Wanted"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """A published model, ready to be built.

    Parameters
    ----------
    spec
        Name and parameters of the model.
    weights
        Its state, by parameter.
    window
        Bases it reads; None where any length will do and the file does not say.
    n_tasks
        T.
    words
        What it is, in one line.
    notes
        Sentences about what the file did not say and was taken for granted.
    """

    spec: Spec
    weights: dict[str, Tensor]
    window: int | None
    n_tasks: int
    words: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user says that a file does not.

    Parameters
    ----------
    columns
        Order of the bases in the file's one-hot columns; None for the family's own.
    window
        Bases the model reads; None for the file's own.
    assume
        Constants for tracks, by name, and for ``static``.
    """

    columns: str | None = None
    window: int | None = None
    assume: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.columns is not None and sorted(self.columns) != sorted("ACGT"):
            raise ConfigError(
                f"columns are the letters A, C, G, T in the file's order, such as AGCT; got {self.columns}"
            )

    def check_nothing_assumed(self) -> None:
        """Refuse constants for a model that reads nothing beside the bases.

        Raises
        ------
        ConfigError
            Naming the first.
        """
        for name in self.assume:
            raise ConfigError(f"--assume {name}: this model does not read it; it reads the sequence alone")
