"""Several models that answer as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts, SequenceModel
from holdfast.models.edits import Edits
from holdfast.models.merging import Scale, check_scale, mean_logit

__all__ = ["Ensemble"]


class Ensemble(SequenceModel):
    """The mean of several models, of one kind or of different ones.

    Its penalty is the mean of the members' penalties. Usually members are trained apart and put together afterwards
    (``holdfast ensemble``); trained as one model they learn to complement each other.

    Parameters
    ----------
    members
        The models, each by name or by name and params.
    mean
        Of ``logits`` or of ``probabilities``; the answer is a logit either way.

    Raises
    ------
    ConfigError
        If there is no member, or the members differ in tasks or in the only window they can read.

    Examples
    --------
    >>> from holdfast.models.holdfast_net import HoldfastNet
    >>> from holdfast.models.kmer import KmerLogistic
    >>> model = Ensemble([HoldfastNet(), KmerLogistic(k=4)], mean="probabilities")
    >>> model(torch.zeros(2, 4, 50)).shape, model.min_window, model.both_strands
    (torch.Size([2, 1]), 17, True)
    """

    facts = ModelFacts(
        paper="Koo & Ploenzke (2020)",
        doi="10.1016/j.coisb.2020.04.001",
        window=101,
        n_parameters=346_719,
        strands="as its members",
        needs=(("members", ("pap_megyeri", "holdfast")),),
    )
    nested = ("members",)

    def __init__(self, members: Sequence[SequenceModel], mean: Scale = "logits") -> None:
        super().__init__()
        check_scale("ensemble", "mean", mean)
        _check_members(members)
        self.members, self.mean = nn.ModuleList(members), mean
        self.n_tasks = members[0].n_tasks
        self.min_window = max(member.min_window for member in members)
        self.fixed_window = next((member.fixed_window for member in members if member.fixed_window is not None), None)
        self.both_strands = all(member.both_strands for member in members)

    @property
    def scans_fast(self) -> bool:
        """Whether every member shares work between windows; those that do, do so in any case."""
        return all(member.scans_fast for member in self.list_members())

    def forward(self, sequence: Tensor) -> Tensor:
        """Return (N, T) logits of (N, 4, W) windows."""
        return mean_logit(torch.stack([member(sequence) for member in self.list_members()]), self.mean)

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window, each member scanning in its own way."""
        return mean_logit(torch.stack([member.scan(sequence, window) for member in self.list_members()]), self.mean)

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows, each member sharing work in its own way."""
        members = [member.editor(sequence) for member in self.list_members()]
        return lambda edits: mean_logit(torch.stack([ask(edits) for ask in members]), self.mean)

    def penalised_forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits and the mean of the members' penalties."""
        answers = [member.penalised_forward(sequence) for member in self.list_members()]
        logits = torch.stack([logits for logits, _ in answers])
        return mean_logit(logits, self.mean), torch.stack([penalty for _, penalty in answers]).mean()

    def parameter_groups(self) -> list[dict[str, object]]:
        """Return every member's optimiser groups."""
        return [group for member in self.list_members() for group in member.parameter_groups()]

    def list_members(self) -> list[SequenceModel]:
        """Return the members, in the order they were given."""
        return [member for member in self.members if isinstance(member, SequenceModel)]


def _check_members(members: Sequence[SequenceModel]) -> None:
    if not isinstance(members, list | tuple) or not all(isinstance(member, SequenceModel) for member in members):
        kind = type(members).__name__
        raise ConfigError(f"ensemble: members is a list of models, each by name or by name and params; got {kind}")
    if not members:
        raise ConfigError("ensemble: members is empty; name one model at least")
    if len({member.n_tasks for member in members}) > 1:
        raise ConfigError(f"ensemble: members have different tasks: {[member.n_tasks for member in members]}")
    fixed = {member.fixed_window for member in members if member.fixed_window is not None}
    if len(fixed) > 1:
        raise ConfigError(f"ensemble: members were built for windows of {' and '.join(map(str, sorted(fixed)))} bp")
