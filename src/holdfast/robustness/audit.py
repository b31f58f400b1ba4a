"""audit(): one scan of a model, and every number of its robustness as a reduction of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from holdfast.core.device import evaluating, resolve_device, unchanged
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.core.random import mix_seed
from holdfast.core.scratch import scratch
from holdfast.data.dataset import SequenceDataset
from holdfast.models.base import WindowModel
from holdfast.models.foreign import Output, as_logit_model, refuse_probabilities
from holdfast.robustness.attacks import SampledWorstShift
from holdfast.robustness.reduction import Adversary, Reduction
from holdfast.robustness.scan import SCAN_BASES, SCORE_BASES, scan, score
from holdfast.robustness.shift import Shift
from holdfast.robustness.strands import Strands, average_halves, on_strands, refuse_unpaired
from holdfast.robustness.windows import ScannedWindows, fragile_examples
from holdfast.runs.records import METRICS, AuditRecord, Estimate, ShiftFacts

__all__ = ["Audit", "audit", "scan_dataset"]

Floats = NDArray[np.float64]
Progress = Callable[[int], None]
# Random numbers in flight while windows are drawn.
DRAWN_NUMBERS = 1 << 18


@dataclass(frozen=True, eq=False)
class Audit:
    """What an audit found.

    Parameters
    ----------
    record
        Every aggregate number.
    scanned
        The scan, in a temporary file that vanishes with the audit.
    """

    record: AuditRecord
    scanned: ScannedWindows

    @cached_property
    def windows(self) -> pd.DataFrame:
        """One row per example and task: its label, its logit at the centre, its worst window, its radius.

        The whole table in memory; :meth:`window_blocks` where that is too much.
        """
        return pd.concat(self.window_blocks(), ignore_index=True)

    def window_blocks(self, *, bound_only: bool = False) -> Iterator[pd.DataFrame]:
        """Yield the rows of :attr:`windows`, or those of bound examples alone, a bounded number at a time."""
        return self.scanned.tables(bound_only=bound_only)

    def __str__(self) -> str:
        lines = [f"{self.record.shift.words}; {self.record.part}"]
        if not self.record.is_exact:
            lines.append(f"{self.record.n_sampled} windows drawn for each example: worst-case numbers are bounds")
        for task in self.record.tasks:
            lines.append(f"{task.task}: {task.n_examples} examples, {task.n_positive} bound")
            for name in ("clean", "random", "worst"):
                row: dict[str, Estimate] = getattr(task, name)
                lines.append(f"  {name:<8}" + "  ".join(f"{metric} {row[metric]}" for metric in METRICS))
            lines.append(f"  certified accuracy {task.certified_accuracy}, consistency {task.consistency}")
        return "\n".join(lines)


def audit(
    model: nn.Module,
    data: SequenceDataset,
    shift: Shift,
    *,
    output: Output = "auto",
    n_try: Size = 20,
    adversary: Adversary = "joint",
    n_sampled: Size | None = None,
    strands: Strands = "given",
    device: str = "auto",
    bootstrap: Count = 200,
    n_fragile: Count = 12,
    seed: int = 0,
    part: str = "all examples",
    progress: Progress | None = None,
) -> Audit:
    """Measure how far a shift can push a model, exactly.

    Every legal window of every example is scored once; clean, random, worst and worst-of-n metrics, certified
    accuracy, radii and curves are reductions of those scores. Only the bootstrap intervals use random numbers.

    Memory is flat in the number of examples: what grows with them lies in temporary files. With many tasks and windows
    those are large (4 bytes for each example, window and task); ``n_sampled`` bounds them and the time, and what is
    found is then a bound: no sampled window is worse than the worst one.

    Parameters
    ----------
    model
        Any module from (N, 4, W) one-hot (A, C, G, T) to one output per task. It is given back as it came.
    data
        Labelled contexts of ``shift.context`` bp.
    shift
        The threat model.
    output
        What the module returns: ``logits``, ``probabilities``, ``two-class-logits`` or ``two-class-probabilities``
        (columns unbound, bound), or ``auto``: logits, refused where they look like probabilities.
    n_try
        Windows of the worst-of-n row, at most the number there is.
    adversary
        With several tasks: ``joint`` picks one window that maximises the mean loss over an example's tasks,
        ``per-task`` one for each task.
    n_sampled
        Score the centre window and so many others, drawn without replacement for each example. None scores every
        window, and is exact.
    strands
        ``given``: the examples as they are. ``averaged``: probabilities are means over a window and its reverse
        complement, worked out from the sequence. ``halves``: the same from stored pairs, example i and i + N/2, which
        have to be reverse complements.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    bootstrap
        Bootstrap samples behind each 95 % interval.
    n_fragile
        Fragile examples kept.
    seed
        Of the bootstrap.
    part
        Name of the examples in tables, such as ``test``.
    progress
        Called with the number of examples done.

    Raises
    ------
    InputError
        If the contexts have another length, the outputs do not fit the tasks, or a logit is not a number.

    Examples
    --------
    >>> from holdfast.models.kmer import KmerLogistic
    >>> codes = np.random.default_rng(0).integers(0, 4, (8, 12), dtype=np.uint8)
    >>> data = SequenceDataset.in_memory(codes, np.array([[0], [1]] * 4, dtype=np.int8))
    >>> result = audit(KmerLogistic(k=2), data, Shift(context=12, window=10), output="logits")
    >>> result.record.tasks[0].certified_accuracy.value
    0.5
    """
    words = {"model": model, "shift": shift, "adversary": adversary, "strands": strands}
    given = {"n_try": n_try, "n_sampled": n_sampled, "bootstrap": bootstrap, "n_fragile": n_fragile, "seed": seed}
    numbers = check_values(audit, words | given, "audit")
    _refuse_unready(model, data)
    began = time.perf_counter()
    n_sampled = numbers["n_sampled"]
    if strands == "halves":
        refuse_unpaired(data, shift, n_sampled)
    if n_sampled is not None and n_sampled >= shift.n_choices:
        n_sampled = None  # every window
    drawn = None if n_sampled is None else draw_choices(data, shift, n_sampled, seed=numbers["seed"])
    logits = _scan_strands(
        model, data, shift, output=output, strands=strands, choices=drawn, device=device, progress=progress
    )
    windows = ScannedWindows(logits, data, shift, joint=adversary == "joint", drawn=drawn)
    n_try = min(numbers["n_try"], n_sampled or shift.n_choices)
    reduced = Reduction(windows, n_try=n_try, bootstrap=numbers["bootstrap"], seed=numbers["seed"])
    tasks = [reduced.task(number) for number in range(len(data.tasks))]
    record = AuditRecord(
        shift=shift_facts(shift),
        n_try=n_try,
        adversary=adversary,
        part=part,
        tasks=tasks,
        averages=reduced.averages.record() if len(tasks) > 1 else None,
        n_sampled=n_sampled,
        strands=strands,
        fragile=fragile_examples(windows, numbers["n_fragile"]),
        n_core_known=windows.n_core_known,
        n_windows_scanned=int(logits.shape[0] * logits.shape[1]),
        seconds=time.perf_counter() - began,
        bootstrap=numbers["bootstrap"],
    )
    return Audit(record, windows)


def _refuse_unready(model: nn.Module, data: SequenceDataset) -> None:
    """Refuse what no window can be scored of."""
    if not isinstance(data, SequenceDataset):
        raise InputError(
            f"audit: data is a {type(data).__name__}; expected a SequenceDataset, such as"
            " SequenceDataset.in_memory(codes, labels)"
        )
    if any(map(is_lazy, model.parameters())):
        raise InputError(
            f"{type(model).__name__} has parameters that get their shape, and random values, when it is first called;"
            " call it once, or load its weights, before the audit"
        )
    if len(data) == 0:
        raise InputError("no examples to audit")


def _scan_strands(
    model: nn.Module,
    data: SequenceDataset,
    shift: Shift,
    *,
    output: Output,
    strands: Strands,
    choices: NDArray[np.int64] | None,
    device: str,
    progress: Progress | None,
) -> NDArray[np.float32]:
    """Return the logits that :func:`scan_dataset` finds for a module that may return something else, by strands."""
    n_tasks = len(data.tasks)
    wrapped = as_logit_model(model, output, n_tasks=n_tasks)
    asked = on_strands(wrapped, strands, n_tasks=n_tasks)
    logits = scan_dataset(asked, data, shift, choices=choices, device=device, progress=progress)
    if output == "auto" and wrapped is not model:
        refuse_probabilities(logits, type(model).__name__)
    if strands == "halves":
        average_halves(logits)
    return logits


def scan_dataset(
    model: nn.Module,
    data: SequenceDataset,
    shift: Shift,
    *,
    choices: NDArray[np.int64] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Return the logits of every choice for every example, (N, K, T) float32, or of the (N, M) ``choices`` alone.

    They lie in a temporary file that vanishes with the array, task by task, so memory does not grow with N. The model
    is put into eval mode and given back as it came, tensors and all.
    """
    where = resolve_device(device)
    n_columns = shift.n_choices if choices is None else choices.shape[1]
    by_task: NDArray[np.float32] = scratch((len(data.tasks), len(data), n_columns), np.float32)
    logits, done = by_task.transpose(1, 2, 0), 0
    with unchanged(model), evaluating(model, where):
        for batch in data.batches(_rows_at_once(model, data.context, n_columns, sampled=choices is not None)):
            contexts, at = batch.codes.to(where), slice(done, done + len(batch))
            chosen = None if choices is None else torch.from_numpy(np.asarray(choices[at])).to(where)
            block = _logits(model, contexts, shift, chosen)
            if done == 0:
                _refuse_randomness(model, block, _logits(model, contexts, shift, chosen))
            logits[at] = _finite(block.float().cpu().numpy(), done, model)
            done += len(batch)
            if progress is not None:
                progress(done)
    return logits


def draw_choices(data: SequenceDataset, shift: Shift, count: int, *, seed: int) -> NDArray[np.int64]:
    """Return (N, 1 + count) choices in a temporary file: the centre, then distinct legal ones drawn for each example.

    An example with fewer legal choices has them all, and -1 in the rest.
    """
    drawn: NDArray[np.int64] = scratch((len(data), 1 + count), np.int64)
    drawn[:, 0] = shift.centre_choice
    attack = SampledWorstShift(shift=shift, n_try=count, seed=mix_seed(seed, "audit"))
    rows = max(1, DRAWN_NUMBERS // shift.n_choices)
    for first in range(0, len(data), rows):
        view = data.take(np.arange(first, min(first + rows, len(data))))
        legal = torch.from_numpy(shift.legal(view.core))
        drawn[first : first + len(view), 1:] = attack.candidates(torch.from_numpy(view.index), legal, 0).numpy()
    return drawn


def _rows_at_once(model: nn.Module, context: int, n_columns: int, *, sampled: bool) -> int:
    if sampled and not isinstance(model, WindowModel):
        return max(1, SCORE_BASES // (context * n_columns))
    return max(1, SCAN_BASES // context)


def _logits(model: nn.Module, contexts: Tensor, shift: Shift, choice: Tensor | None) -> Tensor:
    return scan(model, contexts, shift) if choice is None else score(model, contexts, shift, choice)


def _name_of(model: nn.Module) -> str:
    """Return the class of a model, or of the foreign module it wraps."""
    return type(getattr(model, "model", model)).__name__


def _refuse_randomness(model: nn.Module, first: Tensor, second: Tensor) -> None:
    """Refuse a model that answers the same window in two ways: nothing about it can be exact."""
    # A GPU may add in another order from call to call.
    if not torch.allclose(first.float(), second.float(), rtol=1e-3, atol=1e-3, equal_nan=True):
        name = _name_of(model)
        raise InputError(f"{name} answers the same window in two ways; is there randomness in its forward pass?")


def _finite(block: NDArray[np.float32], first: int, model: nn.Module) -> NDArray[np.float32]:
    """Return the logits, refusing what is not a number."""
    if not np.isfinite(block).all():
        row = first + int(np.argwhere(~np.isfinite(block))[0, 0])
        name = _name_of(model)
        raise InputError(
            f"{name}: the logit of example {row} is not a finite number; was it trained with a rate too high?"
        )
    return block


def shift_facts(shift: Shift) -> ShiftFacts:
    """Return the threat model as a record."""
    return ShiftFacts(
        context=shift.context,
        window=shift.window,
        max_shift=shift.max_shift,
        protect_core=shift.protect_core,
        strands=shift.strands,
        centre=shift.centre,
        offsets=shift.offsets.tolist(),
        words=shift.describe(),
    )
