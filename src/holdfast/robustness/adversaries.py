"""What other adversaries than shifts do to a model: perturbed numbers and exchanged bases, in the centre window.

Each example's metrics are those of the input that a search settled on. The search cannot try everything, so the worst
case is no better than what is found here, and may be worse; only shifts are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from holdfast.core.device import evaluating, resolve_device, unchanged
from holdfast.core.errors import ConfigError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.core.random import numpy_generator
from holdfast.core.scratch import scratch
from holdfast.data.batch import Batch
from holdfast.data.dataset import SequenceDataset
from holdfast.models.foreign import Output, as_logit_model
from holdfast.robustness.attacks import CentreShift
from holdfast.robustness.metrics import Entries, Pool, pool_windows, resample, weighted_metrics
from holdfast.robustness.perturbations import Perturbation
from holdfast.robustness.reduction import estimates
from holdfast.robustness.scan import SCORE_BASES
from holdfast.robustness.shift import Shift
from holdfast.robustness.strands import Strands, on_strands
from holdfast.robustness.substitutions import outside, substitute
from holdfast.runs.records import AdversaryAudit

__all__ = ["other_adversaries", "refuse_unattackable"]

Progress = Callable[[int], None]
Protected = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]
# Examples whose metrics are taken at a time.
ROWS = 1 << 14


def other_adversaries(
    model: nn.Module,
    data: SequenceDataset,
    shift: Shift,
    *,
    perturbations: Sequence[Perturbation] = (),
    substitutions: Count = 0,
    protect: Protected | None = None,
    output: Output = "auto",
    strands: Strands = "given",
    device: str = "auto",
    bootstrap: Count = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[AdversaryAudit]:
    """Return how the model fares when the centre windows are changed rather than moved.

    Parameters
    ----------
    model, data, output, device, bootstrap, seed
        As :func:`~holdfast.robustness.audit.audit` takes them; the same seed draws the same bootstrap samples.
    shift
        Its centre windows are attacked.
    perturbations
        One row each, for each task. With several tasks an example's mean loss is maximised.
    substitutions
        k: rows for 1, 2, .. k exchanged bases; 0: none.
    protect
        Bases [start, end) of the window that are not exchanged. None: each example's core, where it is known and inside
        the window.
    strands
        ``given``, or ``averaged``: the mean probability over both strands is attacked.
    progress
        Called with the number of examples done, over all adversaries: there is one for each perturbation, and one for
        the substitutions.

    Raises
    ------
    ConfigError
        If ``protect`` is no stretch of the window, or strands are ``halves``.
    InputError
        If a perturbation needs a gradient that the model does not have.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> codes = np.random.default_rng(0).integers(0, 4, (8, 12), dtype=np.uint8)
    >>> data = SequenceDataset.in_memory(codes, np.array([[0], [1]] * 4, dtype=np.int8))
    >>> shift = Shift(context=12, window=10)
    >>> for row in other_adversaries(KmerLogistic(k=2), data, shift, substitutions=2, bootstrap=0):
    ...     print(row.words, row.metrics["accuracy"].value)
    1 substitution 0.5
    2 substitutions 0.5
    """
    numbers = {"substitutions": substitutions, "protect": protect, "bootstrap": bootstrap, "seed": seed}
    check_values(other_adversaries, {"model": model, "shift": shift, **numbers}, "other_adversaries")
    if strands == "halves":
        raise ConfigError("strands 'halves' has no window of its own to perturb; choose strands 'averaged' or 'given'")
    if protect is not None and not protect[0] < protect[1] <= shift.window:
        raise ConfigError(f"protect is {list(protect)}; expected [start, end) in a window of {shift.window} bp")
    where, n_tasks = resolve_device(device), len(data.tasks)
    asked = on_strands(as_logit_model(model, output, n_tasks=n_tasks), strands, n_tasks=n_tasks)
    multiplicity = resample(len(data), bootstrap, numpy_generator(seed, "bootstrap"))
    with unchanged(asked), evaluating(asked, where):
        centres = _Centres(data, shift, where, progress)
        attacked = chain(
            _under_perturbations(asked, centres, perturbations),
            _under_substitutions(asked, centres, substitutions, protect),
        )
        return [_row(logits, data, task, multiplicity, words) for words, logits in attacked for task in range(n_tasks)]


def refuse_unattackable(
    model: nn.Module, perturbations: Iterable[Perturbation], *, window: Size, n_tasks: Size = 1
) -> None:
    """Refuse perturbations that the model cannot be attacked with, by trying each on one made window.

    Raises
    ------
    InputError
        If one needs a gradient and the model has none.
    """
    batch = Batch(
        codes=torch.zeros(1, window, dtype=torch.uint8),
        labels=torch.ones(1, n_tasks),
        mask=torch.ones(1, n_tasks, dtype=torch.bool),
        core=torch.full((1, 2), -1),
        index=torch.zeros(1, dtype=torch.int64),
    )
    for perturbation in perturbations:
        perturbation(model, batch)


class _Centres:
    """The centre windows of a data set, a bounded number at a time."""

    def __init__(self, data: SequenceDataset, shift: Shift, where: torch.device, progress: Progress | None) -> None:
        self.data, self.shift, self.where, self.progress, self.seen = data, shift, where, progress, 0

    def filled(self, columns: int, attacked: Callable[[Batch], Tensor]) -> NDArray[np.float32]:
        """Return (N, columns, T) logits in a temporary file."""
        logits: NDArray[np.float32] = scratch((len(self.data), columns, len(self.data.tasks)), np.float32)
        attack, done = CentreShift(shift=self.shift), 0
        for batch in self.data.batches(max(1, SCORE_BASES // self.shift.window)):
            batch = batch.to(self.where)
            centre = torch.full((len(batch),), self.shift.centre_choice, device=self.where)
            logits[done : done + len(batch)] = attacked(attack.show(batch, centre)).float().cpu().numpy()
            done += len(batch)
            self.seen += len(batch)
            if self.progress is not None:
                self.progress(self.seen)
        return logits


_Attacked = tuple[Mapping[str, object], NDArray[np.float32]]
"""An adversary in words, and the (N, T) logits that it leaves."""


def _under_perturbations(
    model: nn.Module, centres: _Centres, perturbations: Iterable[Perturbation]
) -> Iterator[_Attacked]:
    for one in perturbations:
        logits = centres.filled(1, partial(_perturbed, model, one))
        yield {"name": one.name, "words": one.words, "epsilon": one.epsilon}, logits[:, 0]


def _under_substitutions(
    model: nn.Module, centres: _Centres, most: int, protect: Protected | None
) -> Iterator[_Attacked]:
    if not most:
        return
    logits = centres.filled(most, partial(_exchanged, model, most, protect))
    spared = _spared(centres.data, protect)
    for count in range(1, most + 1):
        words = f"{count} substitution{'s' if count > 1 else ''}{spared}"
        yield {"name": "substitutions", "words": words, "substitutions": count}, logits[:, count - 1]


def _perturbed(model: nn.Module, perturbation: Perturbation, batch: Batch) -> Tensor:
    """Return the (N, 1, T) logits of perturbed windows."""
    logits: Tensor = model(perturbation(model, batch))
    return logits[:, None]


def _exchanged(model: nn.Module, count: int, protect: Protected | None, batch: Batch) -> Tensor:
    """Return the (N, count, T) logits after up to 1, 2, .. count substitutions."""
    core = batch.core if protect is None else torch.tensor([protect], device=batch.device).expand(len(batch), 2)
    return substitute(model, batch, outside(core, batch.length), count=count).logits[:, 1:]


def _spared(data: SequenceDataset, protect: Protected | None) -> str:
    """Return in words which bases are not exchanged."""
    if protect is not None:
        return f" outside [{protect[0]}, {protect[1]})"
    return " outside the core" if bool((data.core[:, 0] >= 0).any()) else ""


def _row(
    logits: NDArray[np.float32],
    data: SequenceDataset,
    task: int,
    multiplicity: NDArray[np.uint8],
    words: Mapping[str, object],
) -> AdversaryAudit:
    """Return the metrics of one task of (N, T) logits."""

    def blocks() -> Iterator[Entries]:
        for first in range(0, len(data), ROWS):
            labels = data.take(np.arange(first, min(first + ROWS, len(data)))).labels[:, task]
            part = logits[first : first + len(labels), task, None].astype(np.float64)
            yield pool_windows(part, labels, np.ones_like(part), first=first)

    metrics = estimates(weighted_metrics(Pool(blocks), multiplicity))
    return AdversaryAudit.model_validate({**words, "task": data.tasks[task], "metrics": metrics})
