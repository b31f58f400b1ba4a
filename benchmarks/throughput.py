"""How fast TBiNet trains, with and without W-of-20, beside its FLOP floor, and how fast its data are read.

python benchmarks/throughput.py [--device cpu] [--batch 100] [--repeats 2] [--threads 1]

On one thread of a CPU the clock counts the seconds that the process had the processor, so other work on the machine
does not count; else it is the wall's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from harness import begun, timed, timing_parser, write_result
from holdfast.core.registry import Spec
from holdfast.data.batch import Batch
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import Provenance
from holdfast.data.store import StoreWriter
from holdfast.models import MODELS
from holdfast.robustness.attacks import CentreShift, SampledWorstShift, ShiftAttack
from holdfast.robustness.losses import BinaryCrossEntropy
from holdfast.robustness.shift import Shift
from holdfast.training.objective import Objective
from scan import synchronised

CONTEXT, TASKS, N_TRY = 1_200, 690, 20
WINDOWS = (900, 1000)
STORED = 20_000
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def main() -> None:
    """Measure, print and write ``results/throughput.json``."""
    parser = timing_parser(repeats=2, threads=1)
    parser.add_argument("--batch", type=int, default=100)
    asked = begun(parser)
    loading = load_rates(asked.batch)
    print(loading)
    rows = []
    for window in WINDOWS:
        for precision in DTYPES:
            rows.append(rates(window, precision, asked.device, asked.batch, asked.repeats))
            print(rows[-1])
    quickest = max(row["ordinary_examples_per_s"] for row in rows)
    payload = {
        "device": asked.device,
        "clock": "processor time of the process" if own_clock(asked.device) else "wall",
        "batch": asked.batch,
        "context_bp": CONTEXT,
        "tasks": TASKS,
        "n_try": N_TRY,
        "loading": loading,
        "loading_in_quickest_training": round(loading["examples_per_s"] / quickest, 1),
        "rows": rows,
    }
    print(write_result("throughput", payload, device=asked.device))


def load_rates(batch: int) -> dict[str, float]:
    """Return how many stored examples a second are read in random order, and made one-hot."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path, tasks = Path(folder) / "set", [f"t{i}" for i in range(TASKS)]
        with StoreWriter(path, context=CONTEXT, tasks=tasks, provenance=Provenance(source="random")) as writer:
            for _ in range(0, STORED, 5_000):
                codes = rng.integers(0, 4, (5_000, CONTEXT), dtype=np.uint8)
                writer.append(codes, (rng.random((5_000, TASKS)) < 0.015).astype(np.int8))
        data = SequenceDataset.open(path, verify=False)
        order = rng.permutation(STORED)
        plain = seconds_of(lambda: [len(each) for each in data.batches(batch, order)], "cpu", 2)
        ready = seconds_of(lambda: [len(each.one_hot()) for each in data.batches(batch, order)], "cpu", 2)
    return {
        "examples": STORED,
        "examples_per_s": round(STORED / plain),
        "one_hot_examples_per_s": round(STORED / ready),
    }


def multiply_adds(window: int) -> dict[str, int]:
    """Return TBiNet's multiply-adds of one window, by layer."""
    positions = window - 25
    steps = positions // 13
    return {
        "convolution": positions * 320 * 26 * 4,
        "attention": steps * 320,
        "recurrent": steps * 2 * (320 + 320) * 4 * 320,
        "dense": steps * 640 * 695 + 695 * TASKS,
    }


def rates(window: int, precision: str, device: str, batch_size: int, repeats: int) -> dict[str, float | int | str]:
    """Time a forward pass, an ordinary step and a W-of-20 step, and the machine's matrix product."""
    torch.manual_seed(0)
    model = MODELS.build(Spec(name="tbinet"), n_tasks=TASKS, window=window).to(device)
    objective = Objective(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    shift = Shift(context=CONTEXT, window=window)
    batch = Batch(
        codes=torch.randint(0, 4, (batch_size, CONTEXT), dtype=torch.uint8),
        labels=(torch.rand(batch_size, TASKS) < 0.015).float(),
        mask=torch.ones(batch_size, TASKS, dtype=torch.bool),
        core=torch.full((batch_size, 2), -1),
        index=torch.arange(batch_size),
    ).to(device)
    attacks: dict[str, ShiftAttack] = {
        "ordinary": CentreShift(shift=shift),
        "w_of_20": SampledWorstShift(shift=shift, n_try=N_TRY, loss=BinaryCrossEntropy(clamp=1e-4)),
    }

    def autocast() -> torch.autocast:
        return torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=precision == "bf16")

    def forward() -> None:
        model.eval()
        with torch.no_grad(), autocast():
            model(attacks["ordinary"](model, batch).one_hot())

    def step(attack: ShiftAttack) -> None:
        model.train()
        with autocast():
            shown = attack(model, batch)
            loss = objective(shown.one_hot(), shown.labels, shown.mask)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    kinds: dict[str, Callable[[], object]] = {"forward": forward}
    kinds |= {kind: lambda attack=attack: step(attack) for kind, attack in attacks.items()}
    forward()
    macs = multiply_adds(window)
    once = sum(macs.values())
    # The gradient of the weights, and of every layer's input but the first one's.
    training = 3 * once - macs["convolution"]
    floor = {"forward": once, "ordinary": training, "w_of_20": N_TRY * once + training}
    peak = peak_flops(DTYPES[precision], device)
    row: dict[str, float | int | str] = {"window_bp": window, "precision": precision}
    row |= {"mflop_per_window": round(2 * once / 1e6, 1), "peak_gflop_per_s": round(peak / 1e9, 1)}
    for kind, function in kinds.items():
        seconds = seconds_of(function, device, repeats)
        row[f"{kind}_examples_per_s"] = round(batch_size / seconds, 2)
        row[f"{kind}_share_of_peak"] = round(2 * floor[kind] * batch_size / seconds / peak, 3)
    return row


def peak_flops(dtype: torch.dtype, device: str, size: int = 1024) -> float:
    """Return floating-point operations a second of the best of some square matrix products."""
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: one @ other, device, 8)


def seconds_of(function: Callable[[], object], device: str, repeats: int) -> float:
    """Return the seconds of the quickest of some calls."""
    if not own_clock(device):
        return min(timed(synchronised(function, device), repeats))
    found = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        found.append(time.process_time() - began)
    return min(found)


def own_clock(device: str) -> bool:
    """Return whether the process's own clock can be used."""
    return device == "cpu" and torch.get_num_threads() == 1


if __name__ == "__main__":
    main()
