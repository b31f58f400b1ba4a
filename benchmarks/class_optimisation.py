"""Class optimisation of 100 starts in one batch, beside one start after another.

Seconds are of the processor, in one thread, so that other work on the machine does not count.

python benchmarks/class_optimisation.py [--starts 100] [--steps 20]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from harness import write_result
from holdfast.core.memory import keep_freed_memory
from holdfast.core.registry import Spec
from holdfast.interpret.class_optimisation import ClassOptimisation, OptimisedInputs
from holdfast.models import MODELS

WINDOW = 101
NAMES = ("demo", "holdfast")


def main() -> None:
    """Time both, model by model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--steps", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as the command line does
    rows = []
    for name in NAMES:
        rows.append(compare(name, asked.starts, asked.steps))
        print(rows[-1], flush=True)
    write_result(
        "class_optimisation", {"starts": asked.starts, "steps": asked.steps, "window_bp": WINDOW, "rows": rows}
    )


def compare(name: str, starts: int, steps: int) -> dict[str, object]:
    """Return the seconds of one batch and of one start at a time, and how far the two answers are apart."""
    torch.manual_seed(0)
    model = MODELS.build(Spec(name=name), n_tasks=1, window=WINDOW)
    found: dict[int, OptimisedInputs] = {}

    def run(batch_size: int) -> None:
        method = ClassOptimisation(starts=starts, steps=steps, batch_size=batch_size)
        found[batch_size] = method(model, window=WINDOW)

    ClassOptimisation(starts=2, steps=2)(model, window=WINDOW)
    together, apart = (processor_seconds(lambda size=size: run(size)) for size in (starts, 1))
    losses = [found[batch].losses[:, -1] for batch in (starts, 1)]
    return {
        "model": name,
        "one_batch_cpu_seconds": round(together, 2),
        "one_by_one_cpu_seconds": round(apart, 2),
        "ratio": round(apart / together, 1),
        "one_batch_cpu_ms_per_step": round(1e3 * together / steps, 1),
        "largest_difference_of_final_loss": float(np.abs(losses[0] - losses[1]).max()),
        "loss_before_and_after": [float(found[starts].losses[:, step].mean()) for step in (0, -1)],
    }


def processor_seconds(function: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


if __name__ == "__main__":
    main()
