"""A batch: what models, attacks and metrics are given, and the moves that keep its parts together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from holdfast.core.errors import InputError
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import crop, reverse_complement

__all__ = ["Batch"]

_UNKNOWN_CORE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some examples of a data set, as tensors on one device.

    Parameters
    ----------
    codes
        (N, L) uint8: A, C, G, T = 0..3, N = 4.
    labels
        (N, T) float32: 1 bound, 0 unbound, NaN where it is not known. Missing is never zero: take losses and
        metrics under the mask, or a NaN tells that somebody forgot.
    mask
        (N, T) bool, true where the label is known.
    core
        (N, 2) int64, ``[start, end)`` of the binding core inside the L bases; -1, -1 where it is not known or not
        wholly inside.
    index
        (N,) int64, each example's own number in its data set, whatever part, view or order it was drawn from.

    Raises
    ------
    InputError
        If the shapes do not agree.

    Examples
    --------
    >>> batch = Batch(
    ...     codes=torch.tensor([[0, 1, 2, 3, 3]], dtype=torch.uint8),
    ...     labels=torch.ones(1, 1),
    ...     mask=torch.ones(1, 1, dtype=torch.bool),
    ...     core=torch.tensor([[2, 4]]),
    ...     index=torch.tensor([7]),
    ... )
    >>> window = batch.crop(torch.tensor([1]), 4)
    >>> window.codes.tolist(), window.core.tolist()
    ([[1, 2, 3, 3]], [[1, 3]])
    """

    codes: Tensor
    labels: Tensor
    mask: Tensor
    core: Tensor
    index: Tensor

    def __post_init__(self) -> None:
        count = len(self.codes)
        wanted = {"labels": (count, self.labels.shape[-1]), "core": (count, 2), "index": (count,)}
        wanted["mask"] = wanted["labels"]
        for name, shape in wanted.items():
            if tuple(getattr(self, name).shape) != shape:
                raise InputError(f"batch: {name} has shape {tuple(getattr(self, name).shape)}, expected {shape}")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def length(self) -> int:
        """Bases per example."""
        return int(self.codes.shape[1])

    @property
    def device(self) -> torch.device:
        """Where the batch lies."""
        return self.codes.device

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        moved = {field.name: getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)}
        return Batch(**moved)

    def take(self, index: Tensor) -> Batch:
        """Return the examples at positions (or under a bool mask) (N,) of this batch."""
        return Batch(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def crop(self, offset: Tensor, window: int) -> Batch:
        """Return window ``[offset, offset + window)`` of every example; cores move along.

        Parameters
        ----------
        offset
            (N,) int64 starts.
        window
            Bases per window.

        Returns
        -------
        Batch
            Of length ``window``. A core that the window cuts is no longer inside and becomes -1, -1.

        Raises
        ------
        InputError
            If a window does not lie inside the context.
        """
        if len(offset) and not bool(((offset >= 0) & (offset + window <= self.length)).all()):
            raise InputError(
                f"offsets {int(offset.min())}..{int(offset.max())} put a window of {window} bp outside the context"
                f" of {self.length} bp; legal offsets are 0..{self.length - window}"
            )
        moved = self.core - offset.to(self.core.dtype)[:, None]
        inside = (self.core[:, 0] >= 0) & (moved[:, 0] >= 0) & (moved[:, 1] <= window)
        return replace(
            self,
            codes=crop(self.codes, offset, window),
            core=torch.where(inside[:, None], moved, torch.full_like(moved, _UNKNOWN_CORE)),
        )

    def one_hot(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return (N, 4, L), rows A, C, G, T; an unknown base is a column of zeros."""
        return one_hot(self.codes, dtype)

    def reverse_complement(self, which: Tensor) -> Batch:
        """Return the batch with the examples under ``which`` (N,) bool read from the other strand, cores mirrored."""
        mirrored = self.length - self.core.flip(1)
        flip_core = which & (self.core[:, 0] >= 0)
        return replace(
            self,
            codes=torch.where(which[:, None], reverse_complement(self.codes), self.codes),
            core=torch.where(flip_core[:, None], mirrored, self.core),
        )
