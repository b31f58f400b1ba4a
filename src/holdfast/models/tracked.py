"""Models that read both strands, signal tracks along the bases, and numbers that belong to the whole example."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.models.edits import Edits
from holdfast.models.merging import mean_logit
from holdfast.models.pooled import PooledModel, Stage

__all__ = ["Inputs", "TrackedModel", "motif_block"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a model reads beside the bases, and what it may take for granted where nobody gives it.

    Parameters
    ----------
    tracks
        Names of the signal tracks, in the order of their channels.
    n_static
        G, numbers that belong to the whole example.
    assume_tracks
        A constant for each track, used where no tracks are given.
    assume_static
        G numbers, used where none are given.

    Raises
    ------
    ConfigError
        If something is assumed for a track that the model does not have, or not for all, or a number is not finite.

    Examples
    --------
    >>> Inputs(tracks=("dnase",), assume_tracks={"dnase": 0.5}).constants()
    [0.5]
    """

    tracks: Sequence[str] = ()
    n_static: int = 0
    assume_tracks: Mapping[str, float] | None = None
    assume_static: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if len(set(self.tracks)) != len(self.tracks):
            raise ConfigError(f"tracks are named once each, got {', '.join(self.tracks)}")
        if self.n_static < 0:
            raise ConfigError(f"n_static is 0 or more, got {self.n_static}")
        for name in self.assume_tracks or ():
            if name not in self.tracks:
                raise ConfigError(f"assume_tracks: the model has no track '{name}': {did_you_mean(name, self.tracks)}")
        missing = [name for name in self.tracks if self.assume_tracks is not None and name not in self.assume_tracks]
        if missing:
            raise ConfigError(f"assume_tracks: nothing is assumed for track '{missing[0]}'; give all tracks or none")
        if self.assume_static is not None and len(self.assume_static) != self.n_static:
            raise ConfigError(
                f"assume_static: expected {self.n_static} numbers, got {len(self.assume_static)}; one for each feature"
            )
        if not all(
            math.isfinite(value) for value in [*(self.assume_tracks or {}).values(), *(self.assume_static or ())]
        ):
            raise ConfigError("assume_tracks and assume_static: only finite numbers can be assumed")

    def constants(self) -> list[float] | None:
        """Return what is assumed of each track, in order; None where the user has not said."""
        return None if self.assume_tracks is None else [float(self.assume_tracks[name]) for name in self.tracks]


class TrackedModel(PooledModel):
    """Convolution and pooling, a read-out, and the two strands' answers merged into one.

    Both strands go through the same weights. On the other strand the one-hot rows are complemented and all channels run
    backwards. The merged answer is the logit of the mean, or the largest, of the two probabilities, taken without
    computing either. Subclasses set ``stages`` and write ``read_strand``.

    Parameters
    ----------
    inputs
        Tracks and static numbers that the model reads.
    merge
        ``mean`` or ``max`` of the strands' probabilities.
    """

    both_strands = True

    def __init__(self, inputs: Inputs, merge: Literal["mean", "max"]) -> None:
        super().__init__()
        if merge not in ("mean", "max"):
            raise ConfigError(f"merge is 'mean' or 'max', got '{merge}'")
        self.inputs, self.merge_by = inputs, merge

    @property
    def n_channels(self) -> int:
        """Rows of the first layer's input: four bases and the tracks."""
        return 4 + len(self.inputs.tracks)

    @abstractmethod
    def read_strand(self, features: Tensor, static: Tensor | None) -> Tensor:
        """Return (M, T) logits of one strand from its pooled features (M, F, K) and static numbers (M, G)."""

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of one strand; static numbers are those assumed."""
        return self.read_strand(features, self.static_of(features, None))

    def forward(self, sequence: Tensor, tracks: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return (N, T) logits of both strands together.

        Parameters
        ----------
        sequence
            (N, 4, W) one-hot.
        tracks
            (N, C, W), in the order of ``inputs.tracks``, on the forward strand.
        static
            (N, G).

        Raises
        ------
        InputError
            If tracks or static numbers are missing and nothing is assumed for them, or have another shape.
        """
        return self.merged(*self.strand_logits(sequence, tracks, static))

    def strand_logits(
        self, sequence: Tensor, tracks: Tensor | None = None, static: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the (N, T) logits of the forward strand and of the reverse strand."""
        context = self.static_of(sequence, static)
        forward, reverse = (
            self.read_strand(self.features(channels), context) for channels in self.strands(sequence, tracks)
        )
        return forward, reverse

    def strands(self, sequence: Tensor, tracks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the channels, (N, 4 + C, W), that the first layer reads on the forward and on the reverse strand."""
        both = sequence, sequence.flip(1, 2)
        if not self.inputs.tracks:
            if tracks is not None:
                raise InputError(f"{type(self).__name__} was built without tracks; it reads the sequence alone")
            return both
        signal = self._tracks_of(sequence, tracks)
        return torch.cat([both[0], signal], dim=1), torch.cat([both[1], signal.flip(2)], dim=1)

    def features(self, channels: Tensor) -> Tensor:
        """Return the pooled features, (N, F, K), of one strand's channels."""
        for stage in self.stages:
            channels = stage(channels)
        return channels

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits; window i of a context is window S - 1 - i of its other strand."""
        forward, reverse = (super(TrackedModel, self).scan(channels, window) for channels in self.strands(sequence))
        return self.merged(forward, reverse.flip(1))

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows; tracks stay as they are assumed."""
        window = sequence.shape[-1]
        forward, reverse = (super(TrackedModel, self).editor(channels) for channels in self.strands(sequence))

        def with_tracks(edits: Edits) -> Edits:
            if not self.inputs.tracks:
                return edits
            return Edits(example=edits.example, start=edits.start, values=self.strands(edits.values)[0])

        def ask(edits: Edits) -> Tensor:
            other = edits.on_other_strand(window)
            return self.merged(forward(with_tracks(edits)), reverse(with_tracks(other)))

        return ask

    def merged(self, forward: Tensor, reverse: Tensor) -> Tensor:
        """Return the logit of the merged probability of two strands' logits."""
        if self.merge_by == "max":
            return torch.maximum(forward, reverse)
        return mean_logit(torch.stack([forward, reverse]), "probabilities")

    def static_of(self, sequence: Tensor, static: Tensor | None) -> Tensor | None:
        """Return the static numbers, (N, G), given or assumed; None for a model that reads none."""
        n_static, assumed = self.inputs.n_static, self.inputs.assume_static
        if not n_static:
            if static is not None:
                raise InputError(f"{type(self).__name__} was built without static features; it reads none")
            return None
        if static is None and assumed is None:
            raise InputError(
                f"{type(self).__name__} reads {n_static} static features an example and got none; give `static` of "
                f"shape (N, {n_static}), or set assume_static to {n_static} numbers (--assume static=...)"
            )
        if static is None:
            return sequence.new_tensor(list(assumed or ())).expand(len(sequence), -1)
        if static.shape != (len(sequence), n_static):
            raise InputError(f"static has shape {tuple(static.shape)}, expected {(len(sequence), n_static)}")
        return static.to(sequence.dtype)

    def _tracks_of(self, sequence: Tensor, tracks: Tensor | None) -> Tensor:
        names, constants = self.inputs.tracks, self.inputs.constants()
        if tracks is None and constants is None:
            raise InputError(
                f"{type(self).__name__} reads the tracks {', '.join(names)} and got none; give `tracks` of shape "
                f"(N, {len(names)}, W), or set assume_tracks to a constant for each "
                f"({' '.join(f'--assume {name}=...' for name in names)})"
            )
        wanted = (len(sequence), len(names), sequence.shape[-1])
        if tracks is None:
            return sequence.new_tensor(constants)[:, None].expand(wanted)
        if tracks.shape != wanted:
            raise InputError(f"tracks have shape {tuple(tracks.shape)}, expected {wanted} ({', '.join(names)})")
        return tracks.to(sequence.dtype)


def motif_block(
    n_channels: int, n_filters: int, *, width: int, n_convolutions: int, pool: int, dropout: float
) -> Stage:
    """Return FactorNet's first stage, which DeepGRN took over: convolutions, a dense layer a position, maxima.

    Examples
    --------
    >>> stage = motif_block(6, 64, width=34, n_convolutions=1, pool=17, dropout=0.1)
    >>> stage.n_out(1002)
    57
    """
    layers: list[nn.Module] = []
    for number in range(n_convolutions):
        layers += [nn.Conv1d(n_filters if number else n_channels, n_filters, width), nn.ReLU(), nn.Dropout(dropout)]
    layers += [nn.Conv1d(n_filters if n_convolutions else n_channels, n_filters, 1), nn.ReLU()]
    return Stage(nn.Sequential(*layers), pool=pool)
