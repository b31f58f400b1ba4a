"""What a step of Worst training costs, in ordinary steps: attack through the shared scan, and through a plain loop.

python benchmarks/training_step.py [--device cpu] [--repeats 15] [--threads 2]
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from harness import begun, timed, timing_parser, write_result
from holdfast.core.device import evaluating
from holdfast.core.registry import Spec
from holdfast.data.batch import Batch
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.base import loop_over_windows
from holdfast.robustness.attacks import CentreShift, WorstShift
from holdfast.robustness.shift import Shift
from holdfast.training.objective import Objective
from scan import BATCH, CASES, CONTEXT, synchronised


def main() -> None:
    """Time every model at 75 and 95 of 101 bp."""
    asked = begun(timing_parser(repeats=15, threads=2))
    rows = []
    for name, spec in CASES.items():
        for window in (75, 95):
            rows.append(compare(name, spec, window, asked.device, asked.repeats))
            print(rows[-1])
    write_result("training_step", {"batch": BATCH, "context_bp": CONTEXT, "rows": rows}, device=asked.device)


def compare(name: str, spec: Spec, window: int, device: str, repeats: int) -> dict[str, object]:
    """Time an ordinary step and two kinds of Worst step in turns."""
    model = MODELS.build(spec).to(device)
    objective = Objective(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-5)
    shift = Shift(context=CONTEXT, window=window)
    batch = Batch(
        codes=torch.randint(0, 4, (BATCH, CONTEXT), dtype=torch.uint8),
        labels=(torch.arange(BATCH) % 2)[:, None].float(),
        mask=torch.ones(BATCH, 1, dtype=torch.bool),
        core=torch.full((BATCH, 2), -1),
        index=torch.arange(BATCH),
    ).to(device)
    centre, worst = CentreShift(shift=shift), WorstShift(shift=shift)

    def step(shown: Batch) -> None:
        model.train()
        optimiser.zero_grad(set_to_none=True)
        objective(shown.one_hot(), shown.labels, shown.mask).backward()
        optimiser.step()

    def plain_choice() -> Tensor:
        with evaluating(model):
            logits = loop_over_windows(model, one_hot(batch.codes), window)
        return worst.loss(logits, batch.labels[:, None], batch.mask[:, None]).argmax(dim=1)

    kinds: dict[str, Callable[[], object]] = {
        "ordinary": lambda: step(centre(model, batch)),
        "worst_shared": lambda: step(worst(model, batch)),
        "worst_plain": lambda: step(worst.show(batch, plain_choice())),
    }
    for function in kinds.values():
        function()
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind, function in kinds.items():
            seconds[kind] += timed(synchronised(function, device), 1)
    median = {kind: statistics.median(times) for kind, times in seconds.items()}
    return {
        "model": name,
        "window_bp": window,
        **{f"{kind}_ms": round(1e3 * value, 2) for kind, value in median.items()},
        "worst_shared_in_ordinary_steps": round(median["worst_shared"] / median["ordinary"], 2),
        "worst_plain_in_ordinary_steps": round(median["worst_plain"] / median["ordinary"], 2),
    }


if __name__ == "__main__":
    main()
