"""DeepLIFT and DeepSHAP: differences from references, handed back layer by layer by tangermeme's rules."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Size
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import Attribution, Explained, TaskLogit
from holdfast.interpret.attribution.gradients import without_gradient
from holdfast.interpret.attribution.references import Baseline, baselines, hypothetical_of
from holdfast.interpret.attribution.visible import Elementwise, Visible
from holdfast.models import blocks, recurrent
from holdfast.models.self_attention import SelfAttention

__all__ = ["DeepLIFT", "DeepSHAP"]

# Layers whose difference is handed back as a whole, along the straight line between their two inputs.
WHOLE = (recurrent.LSTM, recurrent.BiLSTM, blocks.BiLSTM, SelfAttention)
# Nodes of the quadrature on that line.
NODES = 16
# Bases of windows and references in one pass.
PAIR_BASES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class _Differences(Attribution):
    """The rescale rule: a function that is not linear hands back the difference of its output by its input's.

    Functions that a model calls are made visible to tangermeme as modules; recurrent and attention layers are
    integrated along a straight line. What no rule covers is taken for linear, and the gap says so.
    """

    def _lifted(self, model: TaskLogit, codes: Tensor, references: Tensor) -> Explained:
        """Return the maps against (N, K, 4, W) references, averaged over K."""
        sequence = one_hot(codes)
        multipliers, explained = _multipliers(model, sequence, references)
        hypothetical = hypothetical_of(multipliers, references).mean(dim=1)
        gap = explained - (hypothetical * sequence).sum(dim=(1, 2))
        return Explained(hypothetical=hypothetical, gap=gap, explained=explained)


@dataclass(frozen=True, kw_only=True)
class DeepLIFT(_Differences):
    """Differences from one reference, handed back by the rescale rule.

    Parameters
    ----------
    baseline
        ``zeros``; ``uniform``, a quarter of each base; ``dinucleotide``, one shuffle of the window itself.

    References
    ----------
    Shrikumar, Greenside & Kundaje (2017), arXiv:1704.02685; rules: tangermeme, Schreiber (2025).
    """

    baseline: Baseline = "zeros"

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return hypothetical contributions and the gap."""
        return self._lifted(model, codes, baselines(self.baseline, codes, index, count=1, seed=self.seed))


@dataclass(frozen=True, kw_only=True)
class DeepSHAP(_Differences):
    """DeepLIFT averaged over dinucleotide shuffles of the window as references.

    Parameters
    ----------
    references
        Shuffles of each window.

    References
    ----------
    Lundberg & Lee (2017), arXiv:1705.07874; rules: tangermeme, Schreiber (2025).
    """

    references: Size = 20

    def explain(self, model: TaskLogit, codes: Tensor, index: Tensor) -> Explained:
        """Return hypothetical contributions and the gap, averaged over the shuffles."""
        count = self.references
        return self._lifted(model, codes, baselines("dinucleotide", codes, index, count=count, seed=self.seed))


def _multipliers(model: TaskLogit, sequence: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """Return (N, K, 4, W) multipliers of windows against their references, and (N,) mean differences of the logits."""
    # Loads numba and matplotlib, which takes seconds, and is wanted by these two methods only.
    from tangermeme.deep_lift_shap import BilinearOp, _nonlinear, deep_lift_shap, integrated_gradients_op

    rules = {Elementwise: _nonlinear, **dict.fromkeys(WHOLE, integrated_gradients_op(NODES))}
    visible = Visible(model, product=BilinearOp("...,...->..."), whole=WHOLE).eval()
    n_references = references.shape[1]
    # One pair alone would look like two strands: a row is doubled rather than guessed at.
    twice = 2 if n_references == 1 else 1
    references = references.repeat(1, twice, 1, 1)
    rows = max(1, PAIR_BASES // (sequence.shape[-1] * references.shape[1]))
    parts, explained = [], []
    with _frozen(model), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of unknown bases, which are columns of zeros here, and of a gap, which is told
        _make_layers(visible, model, sequence[:1], references[:1, :2])
        for windows, against in zip(sequence.split(rows), references.split(rows), strict=True):
            found = deep_lift_shap(
                visible,
                windows,
                references=against,
                batch_size=len(against) * against.shape[1],
                additional_nonlinear_ops=rules,
                raw_outputs=True,
                only_warn=True,
                device=sequence.device,
            )
            parts.append(found.to(sequence))
            # The pass held every window as often as it has references: no second one is needed to know the logits.
            own, others = visible.answered.view(2, *against.shape[:2])
            explained.append((own - others).mean(dim=1))
    return torch.cat(parts)[:, :n_references], torch.cat(explained)


def _make_layers(visible: Visible, model: TaskLogit, sequence: Tensor, references: Tensor) -> None:
    """Run once, so that every layer is there before rules are given to layers."""
    windows = torch.cat([sequence.expand_as(references[0]), references[0]]).requires_grad_()
    if not visible(windows).requires_grad:
        raise InputError(without_gradient(model))


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Take the parameters for constants, so that only what depends on the window varies."""
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, requires in before:
            parameter.requires_grad_(requires)
