"""The contract of a model, and the fast exact scan of every window at once.

Convolutions with valid padding commute with shifts: the features of all windows of a context are slices of one feature
map. So a model whose trunk is made of such layers, and whose pooling is a reduction over positions, is evaluated on
all S windows for about the price of one. Trunks with strided pooling are in :mod:`holdfast.models.pooled`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.dna.codes import Codes
from holdfast.models.edits import Edits

__all__ = [
    "ClosedFormModel",
    "ModelFacts",
    "SequenceModel",
    "WindowModel",
    "edited_logits",
    "loop_over_edits",
    "loop_over_windows",
]

# Bases in flight per block of the plain loop. Larger blocks cost more in page faults than they save.
LOOP_BASES = 64 * 128
# Edited copies in flight, of which only a part is computed.
EDITS_AT_ONCE = 128


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What the literature says of a model; the registry's tables and the contract tests read it.

    Parameters
    ----------
    paper
        Authors and year.
    doi
        Of the paper; empty for our own.
    window
        Input of the published model, in bp.
    n_tasks
        Outputs of the published model.
    n_parameters
        At that window and number of tasks, with the constructor's defaults.
    strands
        How the model treats the two strands, in a few words.
    short_window
        A window in bp that any setting of the model's defaults can read, short enough for examples.
    needs
        Parameters that the constructor cannot do without, such as the model a wrapper wraps.
    """

    paper: str
    window: int
    n_parameters: int
    doi: str = ""
    n_tasks: int = 1
    strands: str = "as given"
    short_window: int = 60
    needs: tuple[tuple[str, object], ...] = ()


class SequenceModel(nn.Module):
    """A network from DNA to logits.

    ``forward(sequence)`` takes (N, 4, W) one-hot, rows A, C, G, T, unknown bases zero, and returns (N, T) logits,
    one per task. Subclasses set ``n_tasks`` and ``facts``, and may set ``min_window``, the shortest input they can
    read, ``fixed_window``, the only length that a flattened layer was built for, and ``both_strands``, which says that
    a sequence and its reverse complement get one answer. A constructor that has a parameter ``window`` is given the
    window of the experiment.
    """

    facts: ClassVar[ModelFacts]
    n_tasks: int
    min_window: int = 1
    fixed_window: int | None = None
    both_strands: bool = False

    @abstractmethod
    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows."""
        return False

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return the logits of every window of a context.

        Parameters
        ----------
        sequence
            (N, 4, L) one-hot contexts.
        window
            W, at most L.

        Returns
        -------
        Tensor
            (N, S, T), S = L - W + 1; entry i belongs to window [i, i + W).
        """
        return loop_over_windows(self, sequence, window)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the (M, T) logits of edited copies of these windows, in eval mode.

        A model overrides this where copies share work with the windows that they are copies of; what is shared is
        computed here, once, and used for any number of edits. See :func:`edited_logits`.

        Parameters
        ----------
        sequence
            (N, 4, W) windows.
        """
        return loop_over_edits(self, sequence)

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the regularisation term of the training loss (zero unless the model has one)."""
        return self(sequence), torch.zeros((), device=sequence.device)

    def parameter_groups(self) -> list[dict[str, object]]:
        """Return optimiser groups: matrices decay, biases and scales do not."""
        decay = [p for p in self.parameters() if p.requires_grad and p.ndim > 1]
        keep = [p for p in self.parameters() if p.requires_grad and p.ndim <= 1]
        return [{"params": decay}, {"params": keep, "weight_decay": 0.0}]


class WindowModel(SequenceModel):
    """A model whose trunk commutes with shifts: trunk over the context, reduction of every window, head.

    The three steps are the model; ``forward`` is the scan of a context that is one window long, so the two cannot
    drift apart.
    """

    @abstractmethod
    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return stride-1 feature maps (N, C, L - R + 1) of a (N, 4, L) context, R being each map's receptive field."""

    @abstractmethod
    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return the (N, S, F) features of the S windows of ``window`` bp."""

    @abstractmethod
    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits of (..., F) window features."""

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return self.scan(sequence, sequence.shape[-1])[:, 0]

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows: yes."""
        return True

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window of (N, 4, L) contexts, the trunk evaluated once."""
        return self.head(self.reduce_windows(self.trunk(sequence), window))


class ClosedFormModel(WindowModel):
    """A model that is solved for rather than trained by gradient steps."""

    @abstractmethod
    def fit_windows(self, codes: Codes, labels: NDArray[np.int8]) -> None:
        """Set the weights from (N, W) uint8 windows and (N, T) labels: 1 bound, 0 unbound, -1 unknown."""


def loop_over_windows(model: nn.Module, sequence: Tensor, window: int) -> Tensor:
    """Return the logits of every window by asking the model about each, a bounded block at a time.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T).
    sequence
        (N, 4, L) one-hot contexts.
    window
        W, at most L.

    Returns
    -------
    Tensor
        (N, S, T), S = L - W + 1.
    """
    windows = sequence.unfold(2, window, 1).transpose(1, 2)  # (N, S, 4, W), a view
    n, n_windows = windows.shape[:2]
    rows = max(1, LOOP_BASES // window)
    if n_windows > rows:
        parts = [model(part) for row in windows for part in row.split(rows)]
    else:
        parts = [model(part.flatten(0, 1)) for part in windows.split(max(1, rows // n_windows))]
    logits = torch.cat(parts)
    return logits.view(n, n_windows, logits.shape[-1])


def edited_logits(model: nn.Module, sequence: Tensor, edits: Edits) -> Tensor:
    """Return the logits of edited copies of windows, work shared where the model can.

    Parameters
    ----------
    model
        Any module from (N, 4, W) to (N, T), in eval mode.
    sequence
        (N, 4, W) windows.
    edits
        M copies, and the bases that are replaced in each.

    Returns
    -------
    Tensor
        (M, T).

    Examples
    --------
    >>> model, sequence = nn.Sequential(nn.Flatten(), nn.Linear(20, 3)), torch.zeros(1, 4, 5)
    >>> edits = Edits(example=torch.tensor([0, 0]), start=torch.tensor([2, 3]), values=torch.ones(2, 4, 1))
    >>> edited_logits(model, sequence, edits).shape
    torch.Size([2, 3])
    """
    ask = model.editor(sequence) if isinstance(model, SequenceModel) else loop_over_edits(model, sequence)
    return torch.cat([ask(part) for part in edits.split(EDITS_AT_ONCE)])


def loop_over_edits(model: nn.Module, sequence: Tensor) -> Callable[[Edits], Tensor]:
    """Return what asks the model about each edited copy of (N, 4, W) windows, a bounded block at a time."""
    rows = max(1, LOOP_BASES // sequence.shape[-1])
    return lambda edits: torch.cat([model(part.applied(sequence)) for part in edits.split(rows)])
