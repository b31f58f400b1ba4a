"""Trunks of convolutions and strided pooling, scanned exactly at all windows.

A pooled feature map depends on where the pooling starts, so windows whose starts differ by less than the stride share
no pooled value. They share the convolution, though: it is evaluated once, its maximum is taken at stride 1, and every
start modulo the stride picks its own positions. Windows whose starts agree modulo the stride are slices of one pooled
map, and the next stage is evaluated on these maps in the same way. Zero ('same') padding moves with the window: a model
with a padded stage is asked window by window.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import SequenceModel
from holdfast.models.edits import Edits, SharedStep, dense_of_edits, max_of_edits, whole_of_edits
from holdfast.models.layers import dense_over_runs, sliding_max

__all__ = ["DenselyReadModel", "MaximumReadModel", "Padding", "PooledModel", "Stage"]

Padding = Literal["same", "valid"]

# Pooled values of windows in flight: 8 MB of float32, and batches large enough for a recurrent layer.
READ_OUT_VALUES = 2 * 1024 * 1024


class Stage(nn.Module):
    """Stride-1 layers, then a strided maximum.

    Parameters
    ----------
    block
        Convolutions without padding and position-wise layers: (N, C, P) to (N, F, P - reach).
    pool
        Positions under one maximum; 1 pools nothing.
    stride
        Positions between two maxima; as wide as the pool where it is not given.
    dropout
        Of pooled features.
    padding
        ``valid``, or ``same``: zeros before and behind the positions, so that a block of one convolution keeps their
        number. A stage padded so can share nothing between windows.

    Raises
    ------
    ConfigError
        If the padding is unknown.

    Examples
    --------
    >>> stage = Stage(nn.Conv1d(4, 8, 3), pool=4)
    >>> stage(torch.zeros(2, 4, 22)).shape, stage.n_out(22)
    (torch.Size([2, 8, 5]), 5)
    """

    def __init__(
        self,
        block: nn.Module,
        *,
        pool: int = 1,
        stride: int | None = None,
        dropout: float = 0.0,
        padding: Padding = "valid",
    ) -> None:
        super().__init__()
        if padding not in get_args(Padding):
            raise ConfigError(f"padding is one of {', '.join(get_args(Padding))}; got '{padding}'")
        self.block, self.pool, self.stride, self.padding = block, pool, stride or pool, padding
        self.dropout = nn.Dropout(dropout)
        convolutions = [layer for layer in block.modules() if isinstance(layer, nn.Conv1d)]
        self.reach = sum((layer.kernel_size[0] - 1) * layer.dilation[0] for layer in convolutions)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, F, n_out(P)) of (N, C, P)."""
        pooled: Tensor = self.dropout(self._without_padding(F.pad(features, (self.before, self.behind))))
        return pooled

    @property
    def before(self) -> int:
        """Return how many zeros stand before the positions."""
        return self.reach // 2 if self.padding == "same" else 0

    @property
    def behind(self) -> int:
        """Return how many zeros stand behind the positions."""
        return self.reach - self.before if self.padding == "same" else 0

    def _without_padding(self, features: Tensor) -> Tensor:
        return F.max_pool1d(self.block(features), self.pool, self.stride)

    def shared(self, features: Tensor) -> SharedStep:
        """Return this stage for edited copies of windows of which it reads (N, C, P), in eval mode."""
        padded = F.pad(features, (self.before, self.behind))
        span = self.reach + self.pool
        return SharedStep(self._without_padding, padded, span=span, stride=self.stride, before=self.before)

    @property
    def lost(self) -> int:
        """Return how many positions the convolutions take away."""
        return 0 if self.padding == "same" else self.reach

    def n_out(self, n_in: int) -> int:
        """Return how many pooled positions ``n_in`` positions give."""
        return (n_in - self.lost - self.pool) // self.stride + 1

    def n_in(self, n_out: int) -> int:
        """Return the fewest positions that give ``n_out`` pooled positions."""
        return (n_out - 1) * self.stride + self.pool + self.lost

    def phases(self, maps: Tensor, n_phases: int) -> Tensor:
        """Return the stage's output for every start of the pooling, 0 .. n_phases - 1.

        Parameters
        ----------
        maps
            (M, C, P).
        n_phases
            At most the stride.

        Returns
        -------
        Tensor
            (M, n_phases, F, Q). Phases that have fewer than Q positions end in values that belong to no window.
        """
        peaks = sliding_max(self.block(maps), self.pool)
        n_positions = (peaks.shape[-1] - 1) // self.stride + 1
        last = (n_positions - 1) * self.stride
        peaks = F.pad(peaks, (0, n_phases + last - peaks.shape[-1]))
        return torch.stack([peaks[..., phase : phase + last + 1 : self.stride] for phase in range(n_phases)], dim=1)


class PooledModel(SequenceModel):
    """Stages of convolution and pooling, then anything that reads the pooled features of one window.

    Subclasses set ``stages`` and write ``read_out``. What stands in ``stages`` is shared between windows, by
    :meth:`scan`; so is ``over_steps``, for what can be said of all runs of pooled positions at once; ``read_out`` is
    asked about every window, in large batches.
    """

    stages: nn.ModuleList

    @abstractmethod
    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of M windows' pooled features, (M, F, K), or what ``over_steps`` makes of them."""

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows: where no stage is padded."""
        return all(stage.padding == "valid" for stage in self._stages())

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        features = self.pooled(sequence)
        return self.read_out(self.over_steps(features, features.shape[-1]))

    def pooled(self, sequence: Tensor) -> Tensor:
        """Return the (N, F, K) features that the stages give of (N, 4, W) windows."""
        for stage in self.stages:
            sequence = stage(sequence)
        return sequence

    def over_steps(self, features: Tensor, n_steps: int) -> Tensor:
        """Return what the read-out needs of every run of K pooled positions: by default, all of them.

        A model that reduces them, by a maximum say, does it here, once for all windows.

        Parameters
        ----------
        features
            (..., F, P).
        n_steps
            K.

        Returns
        -------
        Tensor
            (..., F', P - K + K'), the runs' reductions, each K' positions.
        """
        return features

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of (N, C, W) windows, stages computed where they changed."""
        steps, features = [], sequence
        for stage in self._stages():
            steps.append(stage.shared(features))
            features = stage(features)
        reduced = self.over_edited_steps(features)

        def ask(edits: Edits) -> Tensor:
            for step in steps:
                edits = step(edits)
            return self.read_out(reduced(edits))

        return ask

    def over_edited_steps(self, features: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives :meth:`over_steps` of edited copies, (M, F', K'), from edits of (N, F, K) pooled features.

        A model that reduces the positions can say here how an edit changes the reduction.
        """
        whole, n_steps = whole_of_edits(features), features.shape[-1]
        return lambda edits: self.over_steps(whole(edits), n_steps)

    def n_steps(self, window: int) -> int:
        """Return K, the pooled positions of a window.

        Raises
        ------
        ConfigError
            If the window is too short to give one.
        """
        n = window
        for stage in self._stages():
            n = stage.n_out(n)
            if n < 1:
                raise ConfigError(f"{type(self).__name__} reads at least {self.shortest_window()} bp, got {window} bp")
        return n

    def shortest_window(self) -> int:
        """Return the shortest window, in bp, that gives one pooled position."""
        n = 1
        for stage in reversed(self._stages()):
            n = stage.n_in(n)
        return n

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window of (N, 4, L) contexts, in eval mode, stages shared if they can be."""
        if not self.scans_fast:
            return super().scan(sequence, window)
        n_examples, n_windows = len(sequence), sequence.shape[-1] - window + 1
        maps, first, spacing = sequence[:, None], torch.zeros(1, dtype=torch.long), 1
        for stage in self._stages():
            n_phases = min(stage.stride, -(-n_windows // spacing))
            maps = stage.phases(maps.flatten(0, 1), n_phases).unflatten(0, (n_examples, -1)).flatten(1, 2)
            first = (first[:, None] + spacing * torch.arange(n_phases)).flatten()
            spacing *= stage.stride
        row_of = torch.full((spacing,), -1)
        row_of[first] = torch.arange(len(first))
        start = torch.arange(n_windows)
        n_steps = self.n_steps(window)
        reduced = self.over_steps(maps, n_steps)
        n_kept = n_steps - (maps.shape[-1] - reduced.shape[-1])
        return self._read(reduced, row_of[start % spacing], start // spacing, n_kept)

    def _read(self, maps: Tensor, row: Tensor, position: Tensor, n_steps: int) -> Tensor:
        """Return the logits of windows that are (row, position .. position + n_steps) of (N, rows, F, Q) maps."""
        in_time = maps.transpose(2, 3).contiguous()  # so that a window is one run of memory
        slices = in_time.unfold(2, n_steps, 1).transpose(3, 4)  # (N, rows, positions, K, F), a view
        block = max(1, READ_OUT_VALUES // (len(maps) * n_steps * maps.shape[2]))
        parts = []
        for rows, positions in zip(row.split(block), position.split(block), strict=True):
            chosen = slices[:, rows, positions]
            parts.append(self.read_out(chosen.flatten(0, 1).transpose(1, 2)).unflatten(0, chosen.shape[:2]))
        return torch.cat(parts, dim=1)

    def _stages(self) -> list[Stage]:
        return [stage for stage in self.stages if isinstance(stage, Stage)]


class MaximumReadModel(PooledModel):
    """A model whose read-out, (M, F, 1) to (M, T), asks only for the maximum of each feature over a window."""

    def over_steps(self, features: Tensor, n_steps: int) -> Tensor:
        """Return the maximum over every run of K positions, (..., F, P - K + 1)."""
        return sliding_max(features, n_steps)

    def over_edited_steps(self, features: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the maxima of edited copies."""
        largest = max_of_edits(features)
        return lambda edits: largest(edits)[..., None]


class DenselyReadModel(PooledModel):
    """A model whose read-out, (M, H, 1) to (M, T), asks only for a dense layer, before its activation.

    Subclasses set ``dense``, of H units, built for the number of positions of their window.
    """

    dense: nn.Linear

    def over_steps(self, features: Tensor, n_steps: int) -> Tensor:
        """Return the dense layer on every run of K positions, (..., H, P - K + 1)."""
        return dense_over_runs(self.dense, features, n_steps)

    def over_edited_steps(self, features: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the dense layer of edited copies, its weights meeting what changed."""
        dense = dense_of_edits(self.dense, features)
        return lambda edits: dense(edits)[..., None]
