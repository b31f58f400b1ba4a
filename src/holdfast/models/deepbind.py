"""DeepBind (Alipanahi et al. 2015), doi:10.1038/nbt.3300: motif detectors, a maximum, and the better of two strands."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.core.space import Choice, LogUniform, Plan, RootUniform, SearchSpace
from holdfast.models.base import ModelFacts, SequenceModel
from holdfast.models.edits import Edits, SharedStep, max_of_edits, sum_of_edits
from holdfast.models.layers import sliding_max, sliding_mean

__all__ = ["DeepBind", "context_scores", "windowed_scores"]

Reduction = Callable[[Tensor, Tensor], Tensor]

# Of what stands outside a window, and of an unknown base.
UNKNOWN = 0.25


class DeepBind(SequenceModel):
    """Motif detectors, their largest response, and a score of one or two layers; the better strand's score counts.

    The window is padded with detector_length - 1 columns of 0.25 on both sides. A detector that overhangs the window's
    start sees its last taps on the first bases and a constant, a quarter of the sum of its other taps. So the best
    overhanging response at each start, and at each end, is a feature map of the context like any other, and all
    windows share it.

    Parameters
    ----------
    n_detectors
        Motif detectors.
    detector_length
        Of a detector, in bp: 24 for the published ENCODE models; their released files have other lengths too.
    hidden
        Rectified units between features and score: 0 is the authors' M1, 32 their M2.
    average_pool
        Each detector gives its largest and its mean response, as in the authors' models of RNA-binding proteins.
    both_strands
        Score the reverse complement with the same weights too, and let the larger score win; a tie is the forward
        strand's. The loss reaches the winner only.
    dropout
        Of the pooled features.
    conv_sd, dense_sd
        Standard deviation of the first weights. Biases start at zero.
    l1_conv, l1_dense
        Penalty per unit of absolute weight of the detectors and of the layers above. The authors switch it on after
        100 steps; here it is there from the first.
    n_tasks
        T; each task chooses its strand.

    References
    ----------
    Alipanahi et al. (2015), doi:10.1038/nbt.3300, and the authors' supplementary code.

    Examples
    --------
    >>> model = DeepBind()
    >>> sum(p.numel() for p in model.parameters()), sum(p.numel() for p in DeepBind(hidden=32).parameters())
    (1569, 2129)
    >>> model(torch.zeros(2, 4, 75)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(
        paper="Alipanahi et al. (2015)",
        doi="10.1038/nbt.3300",
        window=101,
        n_parameters=1_569,
        strands="both scored, the larger score wins",
    )
    search = SearchSpace(
        model={
            "dropout": Choice(0.0, 0.0, 0.25, 0.5),
            "conv_sd": LogUniform(1e-7, 1e-3),
            "dense_sd": LogUniform(1e-5, 1e-2),
            "l1_conv": LogUniform(1e-15, 1e-3),
            "l1_dense": LogUniform(1e-10, 1e-3),
        },
        training={"momentum": RootUniform(0.95, 0.99), "learning_rate": LogUniform(5e-4, 5e-2)},
        crossed={"hidden": (0, 32)},
        preset="deepbind",
        plan=Plan(settings=30, folds=3, checkpoints=5, trials=6, steps=20_000),
        quick=Plan(settings=3, folds=2, checkpoints=5, trials=2, steps=1_000, batch_size=128, cross=False),
    )

    def __init__(
        self,
        n_detectors: int = 16,
        detector_length: int = 24,
        *,
        hidden: int = 0,
        average_pool: bool = False,
        both_strands: bool = True,
        dropout: float = 0.0,
        conv_sd: float = 1e-3,
        dense_sd: float = 1e-2,
        l1_conv: float = 0.0,
        l1_dense: float = 0.0,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        _check(n_detectors, detector_length, hidden, (conv_sd, dense_sd), (l1_conv, l1_dense))
        self.average_pool, self.both_strands, self.n_tasks = average_pool, both_strands, n_tasks
        self.l1_conv, self.l1_dense = l1_conv, l1_dense
        self.detectors = nn.Conv1d(4, n_detectors, detector_length)
        self.dropout = nn.Dropout(dropout)
        n_features = n_detectors * (2 if average_pool else 1)
        self.hidden = nn.Linear(n_features, hidden) if hidden else None
        self.out = nn.Linear(hidden or n_features, n_tasks)
        nn.init.normal_(self.detectors.weight, std=conv_sd)
        assert self.detectors.bias is not None
        nn.init.zeros_(self.detectors.bias)
        for layer in self._dense():
            nn.init.normal_(layer.weight, std=dense_sd)
            nn.init.zeros_(layer.bias)

    @property
    def detector_length(self) -> int:
        """Of a detector, in bp."""
        return int(self.detectors.kernel_size[0])

    def feature_map(self, sequence: Tensor) -> Tensor:
        """Return the rectified responses at all places of padded (N, 4, W) windows, (N, D, W + detector_length - 1).

        With both strands D is twice the number of detectors: these are the forward ones, then the reverse complements
        of the same detectors, which read the other strand from its end.
        """
        return self._responses(self._padded(sequence))

    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits: the larger of the two strands' scores."""
        if not self.both_strands:
            return self._score(pooled)
        forward, reverse = (self._score(strand) for strand in pooled.chunk(2, dim=-1))
        return torch.where(forward >= reverse, forward, reverse)

    def strand_scores(self, sequence: Tensor) -> Tensor:
        """Return (N, T, 2) scores of the forward and the reverse strand of (N, 4, W) windows (one where only one)."""
        pooled = self._pooled(self.feature_map(sequence))
        return torch.stack([self._score(part) for part in pooled.chunk(2 if self.both_strands else 1, dim=-1)], dim=-1)

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return self.head(self._pooled(self.feature_map(sequence)))

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the L1 penalty of detectors and dense layers."""
        dense = torch.stack([layer.weight.abs().sum() for layer in self._dense()]).sum()
        return self(sequence), self.l1_conv * self.detectors.weight.abs().sum() + self.l1_dense * dense

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows: yes."""
        return True

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window; in one shorter than a detector there is nothing to share."""
        n_windows, n_inside = sequence.shape[-1] - window + 1, window - self.detector_length + 1
        if n_inside < 1:
            return torch.stack([self(sequence[..., i : i + window]) for i in range(n_windows)], dim=1)
        weight, bias = self._both()
        filled = _filled(sequence)
        inside = F.conv1d(filled, weight, bias).relu_()
        firsts, lasts = filled[..., : filled.shape[-1] - n_inside], filled[..., n_inside:]

        def at_ends(reduce: Reduction) -> tuple[Tensor, Tensor]:
            mirrored = _overhanging(lasts.flip(-1), weight.flip(-1), bias, reduce)
            return _overhanging(firsts, weight, bias, reduce), mirrored.flip(1)

        start, end = at_ends(torch.maximum)
        pooled = torch.maximum(sliding_max(inside, n_inside).transpose(1, 2), torch.maximum(start, end))
        if self.average_pool:
            start, end = at_ends(torch.add)
            total = sliding_mean(inside, n_inside).transpose(1, 2) * n_inside + start + end
            pooled = _interleaved(pooled, total / (window + self.detector_length - 1))
        return self.head(pooled)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows: detectors answer anew where an edit reaches."""
        padded, side = self._padded(sequence), self.detector_length - 1
        responses = self._responses(padded)
        step = SharedStep(self._responses, padded, span=self.detector_length, before=side)
        largest, total, n_places = max_of_edits(responses), sum_of_edits(responses), responses.shape[-1]

        def ask(edits: Edits) -> Tensor:
            filled = Edits(example=edits.example, start=edits.start, values=_filled(edits.values))
            changed = step(filled)
            pooled = largest(changed)
            return self.head(_interleaved(pooled, total(changed) / n_places) if self.average_pool else pooled)

        return ask

    def _padded(self, sequence: Tensor) -> Tensor:
        side = self.detector_length - 1
        return F.pad(_filled(sequence), (side, side), value=UNKNOWN)

    def _responses(self, padded: Tensor) -> Tensor:
        weight, bias = self._both()
        return F.conv1d(padded, weight, bias).relu()

    def _both(self) -> tuple[Tensor, Tensor]:
        """Return weights and biases of the detectors, and of their reverse complements where both strands count."""
        weight, bias = self.detectors.weight, self.detectors.bias
        assert bias is not None
        if not self.both_strands:
            return weight, bias
        return torch.cat([weight, weight.flip(1, 2)]), torch.cat([bias, bias])

    def _pooled(self, responses: Tensor) -> Tensor:
        largest = responses.amax(dim=-1)
        return _interleaved(largest, responses.mean(dim=-1)) if self.average_pool else largest

    def _score(self, pooled: Tensor) -> Tensor:
        pooled = self.dropout(pooled)
        score: Tensor = self.out(pooled if self.hidden is None else self.hidden(pooled).relu())
        return score

    def _dense(self) -> list[nn.Linear]:
        return [self.out] if self.hidden is None else [self.hidden, self.out]


def windowed_scores(model: DeepBind, sequence: Tensor) -> Tensor:
    """Return (N, T) scores as the authors' released program gives them: the best of short windows, each padded alone.

    Parameters
    ----------
    model
        In eval mode.
    sequence
        (N, 4, L) one-hot, of any length; windows are one and a half detectors long, or the whole where it is shorter.
    """
    return model.scan(sequence, _program_window(model, sequence)).amax(dim=1)


def context_scores(model: DeepBind, sequence: Tensor) -> Tensor:
    """Return (N, T) scores of the best short window, padded by the sequence around it: see :func:`windowed_scores`."""
    width = _program_window(model, sequence) + model.detector_length - 1
    responses = model.feature_map(sequence)
    pooled = sliding_max(responses, width).transpose(1, 2)
    if model.average_pool:
        pooled = _interleaved(pooled, sliding_mean(responses, width).transpose(1, 2))
    return model.head(pooled).amax(dim=1)


def _program_window(model: DeepBind, sequence: Tensor) -> int:
    return min(int(1.5 * model.detector_length), sequence.shape[-1])


def _overhanging(bases: Tensor, weight: Tensor, bias: Tensor, reduce: Reduction) -> Tensor:
    """Return the reduced responses of detectors that overhang each window's start, where the rest of them reads 0.25.

    Parameters
    ----------
    bases
        (N, 4, S + m - 2) columns that sum to one: the first m - 1 bases of S windows in a row.
    weight, bias
        (D, 4, m) and (D,).
    reduce
        Of two responses.

    Returns
    -------
    Tensor
        (N, S, D).
    """
    n_examples, taps = len(bases), weight.permute(2, 1, 0)
    # Positions outermost, so that moving by one base is a view without gaps.
    rows = bases.permute(2, 0, 1).reshape(-1, weight.shape[1])
    # Column t: taps 0 .. t read the padding.
    constant = bias[:, None] + UNKNOWN * weight.sum(dim=1).cumsum(dim=1)
    partial = rows @ taps[-1]
    found: Tensor = (partial + constant[:, -2]).relu_()
    for number in range(len(taps) - 2, 0, -1):  # one tap more inside, on the first base; the others move on
        partial = torch.addmm(partial[n_examples:], rows[: len(partial) - n_examples], taps[number])
        found = reduce(found[:-n_examples], (partial + constant[:, number - 1]).relu_())
    return found.view(-1, n_examples, len(weight)).transpose(0, 1)


def _filled(sequence: Tensor) -> Tensor:
    """Return columns that sum to one: an unknown base is a quarter of each."""
    return sequence + UNKNOWN * (1 - sequence.sum(dim=1, keepdim=True))


def _interleaved(largest: Tensor, mean: Tensor) -> Tensor:
    """Return (..., 2 D): each detector's maximum and mean side by side, as the authors' files order them."""
    return torch.stack([largest, mean], dim=-1).flatten(-2)


def _check(n_detectors: int, length: int, hidden: int, deviations: tuple[float, ...], l1: tuple[float, ...]) -> None:
    if n_detectors < 1 or length < 2 or hidden < 0:
        raise ConfigError(
            f"deepbind: n_detectors {n_detectors}, detector_length {length}, hidden {hidden};"
            " expected at least 1, 2 and 0"
        )
    if min(deviations) <= 0 or min(l1) < 0:
        raise ConfigError(
            f"deepbind: conv_sd, dense_sd {deviations} have to be above 0, l1_conv, l1_dense {l1} 0 or more"
        )
