"""Memory of an audit against the number of examples: what a scan holds must not grow with them.

    python benchmarks/audit_memory.py

Each size is audited in a process of its own; reported is the largest resident memory above that before the audit.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from harness import write_result
from holdfast.data.dataset import SequenceDataset
from holdfast.models import MODELS
from holdfast.robustness.audit import audit
from holdfast.robustness.shift import Shift

SIZES = (4_000, 16_000, 64_000)
CONTEXT, WINDOW = 101, 75


def measure(folder: str, n_examples: int) -> dict[str, float]:
    """Return what an audit of the first examples of a stored data set takes."""
    torch.set_num_threads(1)
    data = SequenceDataset.open(Path(folder), verify=False).take(np.arange(n_examples))
    model, shift = MODELS["pap_megyeri"](padding="valid"), Shift(context=CONTEXT, window=WINDOW)
    audit(model, data.take(np.arange(500)), shift, bootstrap=200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    audit(model, data, shift, bootstrap=200)
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "examples": n_examples,
        "seconds": round(seconds, 2),
        "examples_per_s": round(n_examples / seconds, 1),
        "resident_mib_before": round(before / 1024, 1),
        "grown_by_mib": round(grown / 1024, 1),
        "grown_bytes_per_example": round(1024 * grown / n_examples, 1),
    }


def main() -> None:
    """Measure each size."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        codes = rng.integers(0, 4, (max(SIZES), CONTEXT), dtype=np.uint8)
        labels = (np.arange(max(SIZES)) % 2).astype(np.int8)[:, None]
        path = Path(folder) / "data"
        SequenceDataset.in_memory(codes, labels).save(path)
        rows = []
        for size in SIZES:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append(pool.apply(measure, (str(path), size)))
            print(rows[-1])
    write_result("audit_memory", {"context_bp": CONTEXT, "window_bp": WINDOW, "rows": rows})


if __name__ == "__main__":
    main()
