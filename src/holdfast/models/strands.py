"""Both strands for a model that reads one: two inputs, tied filters, or pooled filters.

The other strand of a (N, 4, W) one-hot sequence is ``sequence.flip(1, 2)``: rows A, C, G, T turn into those of the
complement, and positions run backwards. Unknown bases stay zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts, SequenceModel
from holdfast.models.edits import Edits
from holdfast.models.merging import Scale, check_scale, mean_logit

__all__ = ["RcPooled", "RcShared", "Siamese", "StrandPooledConv1d", "TwoStrandConv1d"]


class _Wrapper(SequenceModel):
    """A model made of another one, whose limits and optimiser groups it has."""

    nested = ("model",)

    def __init__(self, model: SequenceModel, name: str) -> None:
        super().__init__()
        if not isinstance(model, SequenceModel):
            raise ConfigError(f"{name}: model is one model, by name or by name and params; got {type(model).__name__}")
        if model.both_strands:
            raise ConfigError(
                f"{name}: {type(model).__name__} treats both strands already; train it as it is, or wrap another model"
            )
        self.model, self.n_tasks = model, model.n_tasks
        self.min_window, self.fixed_window = model.min_window, model.fixed_window

    @property
    def scans_fast(self) -> bool:
        """Whether the wrapped model shares work between windows."""
        return self.model.scans_fast

    def parameter_groups(self) -> list[dict[str, object]]:
        """Return the wrapped model's optimiser groups."""
        return self.model.parameter_groups()


class _TwoInputs(_Wrapper):
    """Asks one model about a sequence and its reverse complement, in one batch, and merges the two answers.

    Which of the two comes first does not depend on which was given: kernels may add in another order in another row of
    a batch, and so the answers to a sequence and its reverse complement are the same to the bit.
    """

    both_strands = True

    def merge(self, logits: Tensor) -> Tensor:
        """Return (...) merged logits of (2, ...)."""
        return mean_logit(logits, "logits")

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        both, _ = _both_strands(sequence)
        return self.merge(_halves(self.model(both)))

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits: window i of a context is window S - 1 - i of its reverse complement."""
        both, turned = _both_strands(sequence)
        forward, reverse = _halves(self.model.scan(both, window)).unbind()
        merged = self.merge(torch.stack([forward, reverse.flip(1)]))
        return torch.where(turned, merged.flip(1), merged)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows: both strands are edited."""
        window = sequence.shape[-1]
        forward, reverse = self.model.editor(sequence), self.model.editor(sequence.flip(1, 2))
        return lambda edits: self.merge(torch.stack([forward(edits), reverse(edits.on_other_strand(window))]))

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits, and the wrapped model's penalty on both strands."""
        both, _ = _both_strands(sequence)
        logits, penalty = self.model.penalised_forward(both)
        return self.merge(_halves(logits)), penalty


class Siamese(_TwoInputs):
    """Any model on a sequence and its reverse complement, with shared weights and a merged answer.

    Parameters
    ----------
    model
        The model, by name or by name and params.
    merge
        ``mean`` or ``max`` of the two answers.
    scale
        What the mean is taken of: ``logits`` or ``probabilities``. The largest is the same on both.

    Raises
    ------
    ConfigError
        If the model treats both strands already.

    References
    ----------
    Quang & Xie (2019), doi:10.1016/j.ymeth.2019.03.020 (mean of probabilities).

    Examples
    --------
    >>> from holdfast.models.pap_megyeri import PapMegyeriCNN
    >>> model, x = Siamese(PapMegyeriCNN(), merge="max").eval(), torch.eye(4).repeat(1, 10)[None]
    >>> torch.equal(model(x.flip(1, 2)), model(x))
    True
    """

    facts = ModelFacts(
        paper="Quang & Xie (2019)",
        doi="10.1016/j.ymeth.2019.03.020",
        window=101,
        n_parameters=255_006,
        strands="both, two inputs",
        needs=(("model", "pap_megyeri"),),
    )

    def __init__(
        self, model: SequenceModel, merge: Literal["mean", "max"] = "mean", *, scale: Scale = "logits"
    ) -> None:
        super().__init__(model, "siamese")
        if merge not in ("mean", "max"):
            raise ConfigError(f"siamese: merge is 'mean' or 'max', got {merge!r}")
        check_scale("siamese", "scale", scale)
        self.merge_by, self.scale = merge, scale

    def merge(self, logits: Tensor) -> Tensor:
        """Return (...) merged logits of (2, ...)."""
        return logits.amax(dim=0) if self.merge_by == "max" else mean_logit(logits, self.scale)


class RcShared(_TwoInputs):
    """Any convolutional model with filters in reverse-complement pairs: F filters cost half as many parameters.

    The second half of each convolution's filters are the first half's reverse complements, in reverse order, so that
    the maps of the other strand are those of this one with channels and positions reversed. Batch norms right after
    such a convolution share their scales in the same pairs, and their statistics are taken over both strands. Whatever
    comes later need not keep the symmetry: the answer is the mean of the logits of both strands.

    Parameters
    ----------
    model
        The model, by name or by name and params; its convolutions have an even number of filters.

    Raises
    ------
    ConfigError
        If the model treats both strands already, has no convolution over the bases, an odd number of filters
        somewhere, or filters that are made of other weights.

    References
    ----------
    Shrikumar, Greenside & Kundaje (2017), doi:10.1101/103663.

    Examples
    --------
    >>> from holdfast.models.pap_megyeri import PapMegyeriCNN
    >>> model = RcShared(PapMegyeriCNN())
    >>> sum(p.numel() for p in model.parameters())
    144254
    """

    facts = ModelFacts(
        paper="Shrikumar, Greenside & Kundaje (2017)",
        doi="10.1101/103663",
        window=101,
        n_parameters=144_254,
        strands="both, filters in pairs",
        needs=(("model", "pap_megyeri"),),
    )

    def __init__(self, model: SequenceModel) -> None:
        super().__init__(model, "rc_shared")
        _first_convolution(model, "rc_shared")
        pairs = 0
        for name, layer in list(model.named_modules()):
            if isinstance(layer, nn.Conv1d):
                _tie_convolution(name, layer)
                pairs = layer.out_channels
            elif isinstance(layer, nn.BatchNorm1d) and layer.affine and layer.num_features == pairs:
                for parameter in ("weight", "bias"):
                    parametrize.register_parametrization(layer, parameter, _Mirrored())


class RcPooled(_Wrapper):
    """Any convolutional model whose first layer answers with the better of a filter's two orientations.

    What follows sees one map per filter, at the place where it stands on the forward strand, so the number of
    parameters and every later layer stay as they are. The answer to the other strand is that to the same maps read
    backwards; it is the same answer only where later layers do not look at the order.

    Parameters
    ----------
    model
        The model, by name or by name and params; its first convolution reads the bases.
    pool
        ``max`` or ``mean`` of the two orientations.

    Raises
    ------
    ConfigError
        If the model treats both strands already or has no plain convolution over the bases.

    References
    ----------
    Brown & Lunter (2019), doi:10.1093/bioinformatics/bty964.

    Examples
    --------
    >>> from holdfast.models.pap_megyeri import PapMegyeriCNN
    >>> RcPooled(PapMegyeriCNN()).model.conv1
    StrandPooledConv1d(4, 256, kernel_size=(24,), stride=(1,))
    """

    facts = ModelFacts(
        paper="Brown & Lunter (2019)",
        doi="10.1093/bioinformatics/bty964",
        window=101,
        n_parameters=255_006,
        strands="filters read both",
        needs=(("model", "pap_megyeri"),),
    )

    def __init__(self, model: SequenceModel, pool: Literal["max", "mean"] = "max") -> None:
        super().__init__(model, "rc_pooled")
        if pool not in ("max", "mean"):
            raise ConfigError(f"rc_pooled: pool is 'max' or 'mean', got {pool!r}")
        name, layer = _first_convolution(model, "rc_pooled")
        if type(layer) is not nn.Conv1d:
            raise ConfigError(f"rc_pooled: the first layer '{name}' is no plain convolution but {_kind(layer)}")
        parent, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(parent), attribute, StrandPooledConv1d.from_plain(layer, pool))

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        logits: Tensor = self.model(sequence)
        return logits

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window, by the wrapped model's scan."""
        return self.model.scan(sequence, window)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows, by the wrapped model."""
        return self.model.editor(sequence)

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return the wrapped model's logits and penalty."""
        return self.model.penalised_forward(sequence)


class TwoStrandConv1d(nn.Conv1d):
    """A convolution over the bases that also reads the other strand, place by place."""

    def both_orientations(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return the filters' responses and those of their reverse complements, (N, F, P) each.

        Place p holds what the filters see on either strand of the same bases.
        """
        padding = self._reversed_padding_repeated_twice
        if any(padding):
            sequence = F.pad(sequence, padding, mode="constant" if self.padding_mode == "zeros" else self.padding_mode)
        weight = torch.cat([self.weight, self.weight.flip(1, 2)])
        bias = None if self.bias is None else torch.cat([self.bias, self.bias])
        both = F.conv1d(sequence, weight, bias, self.stride, 0, self.dilation)
        forward, reverse = both.chunk(2, dim=1)
        return forward, reverse


class StrandPooledConv1d(TwoStrandConv1d):
    """A convolution over the bases that gives the larger, or the mean, of each filter's two orientations."""

    pool: Literal["max", "mean"] = "max"

    @classmethod
    def from_plain(cls, layer: nn.Conv1d, pool: Literal["max", "mean"]) -> StrandPooledConv1d:
        """Return the same convolution, with the same weights, on both strands."""
        made = cls(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size[0],
            stride=layer.stride[0],
            padding=layer.padding if isinstance(layer.padding, str) else layer.padding[0],
            dilation=layer.dilation[0],
            bias=layer.bias is not None,
            padding_mode=layer.padding_mode,
            device=layer.weight.device,
        )
        made.pool, made.weight, made.bias = pool, layer.weight, layer.bias
        return made

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, F, P) of (N, 4, L)."""
        forward, reverse = self.both_orientations(sequence)
        return torch.maximum(forward, reverse) if self.pool == "max" else (forward + reverse) / 2


class _PairedFilters(nn.Module):
    """(F / 2, C, k) filters to F: the second half are reverse complements, in reverse order."""

    def forward(self, half: Tensor) -> Tensor:
        return torch.cat([half, half.flip(0, 1, 2)])

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight[: len(weight) // 2].clone()


class _Mirrored(nn.Module):
    """(F / 2,) numbers to F: the second half are the first, in reverse order."""

    def forward(self, half: Tensor) -> Tensor:
        return torch.cat([half, half.flip(0)])

    def right_inverse(self, values: Tensor) -> Tensor:
        return values[: len(values) // 2].clone()


def _tie_convolution(name: str, layer: nn.Conv1d) -> None:
    if parametrize.is_parametrized(layer) or isinstance(layer, TwoStrandConv1d):
        raise ConfigError(f"rc_shared: the filters of '{name}' are made of other weights or strands ({_kind(layer)})")
    if layer.out_channels % 2:
        raise ConfigError(f"rc_shared: filters come in pairs; '{name}' has an odd number of them, {layer.out_channels}")
    parametrize.register_parametrization(layer, "weight", _PairedFilters())
    if layer.bias is not None:
        parametrize.register_parametrization(layer, "bias", _Mirrored())


def _first_convolution(model: SequenceModel, wrapper: str) -> tuple[str, nn.Conv1d]:
    """Return the name and the layer of the first convolution over the bases."""
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv1d) and layer.in_channels == 4:
            return name, layer
    raise ConfigError(f"{wrapper}: {type(model).__name__} has no convolution over the four bases; use siamese")


def _kind(layer: nn.Module) -> str:
    return type(layer).__name__


def _both_strands(sequence: Tensor) -> tuple[Tensor, Tensor]:
    """Return (2 N, 4, L), both strands of each sequence, and (N, 1, 1) whether the one that was given comes second.

    First comes the one that is greater where they first differ. Where a gradient is asked for, it is the one that was
    given, so that what a row of the batch stands for does not change on the way from one sequence to another.
    """
    other = sequence.flip(1, 2)
    if sequence.requires_grad:
        return torch.cat([sequence, other]), sequence.new_zeros(len(sequence), 1, 1, dtype=torch.bool)
    difference = (sequence - other).flatten(1)
    place = (difference != 0).int().argmax(dim=1, keepdim=True)
    turned = (difference.gather(1, place) < 0)[..., None]
    both = torch.cat([torch.where(turned, other, sequence), torch.where(turned, sequence, other)])
    return both, turned


def _halves(logits: Tensor) -> Tensor:
    """Return (2, N, ...) of (2 N, ...): strand first."""
    halves: Tensor = logits.unflatten(0, (2, -1))
    return halves
