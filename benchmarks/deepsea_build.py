"""A 690-task set of DeepSEA's shape, from train.mat to batches: ``python benchmarks/deepsea_build.py``.

Noise in the shape of the published file, HDF5 in chunks of 1,000 examples, is built into a data set, opened and drawn
in random batches. The full size is 4.4 million examples of 1,200 bp.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from harness import write_result
from holdfast.data.build import build, read_parts
from holdfast.data.dataset import SequenceDataset
from store import held_mb

TASKS, CHUNK, BATCH = 690, 1_000, 100
FULL_EXAMPLES, FULL_CONTEXT = 4_400_000, 1_200


def write_train(path: Path, pairs: int, length: int) -> None:
    """Write forward examples and their reverse complements, chunk by chunk."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        bases = file.create_dataset("trainxdata", (length, 4, 2 * pairs), "u1", chunks=(length, 4, CHUNK))
        labels = file.create_dataset("traindata", (TASKS, 2 * pairs), "u1", chunks=(TASKS, CHUNK))
        for start in range(0, pairs, CHUNK):
            one_hot = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (CHUNK, length))]
            bound = (rng.random((TASKS, CHUNK)) < 0.02).astype(np.uint8)
            for first, rows in ((start, one_hot), (start + pairs, one_hot[:, ::-1, ::-1])):
                bases[:, :, first : first + CHUNK] = rows.transpose(1, 2, 0)
                labels[:, first : first + CHUNK] = bound


def watched(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds and the most anonymous memory held above that before, in MB."""
    before, most, done = held_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], held_mb() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    return seconds, most[0]


def measure(folder: Path, pairs: int, length: int) -> dict[str, float | int]:
    """Return rates in examples and seconds."""
    write_train(folder / "train.mat", pairs, length)
    build_s, held = watched(lambda: build(read_parts([folder / "train.mat"]), folder / "set"))
    began = time.perf_counter()
    data = SequenceDataset.open(folder / "set")
    verified_s = time.perf_counter() - began
    began = time.perf_counter()
    SequenceDataset.open(folder / "set", verify=False)
    open_s = time.perf_counter() - began
    order = np.random.default_rng(1).permutation(len(data))
    began = time.perf_counter()
    batches = sum(1 for _ in data.batches(BATCH, order))
    batches_s = time.perf_counter() - began
    stored = sum(file.stat().st_size for file in (folder / "set").iterdir())
    per_example = stored / len(data) - length
    return {
        "examples": len(data),
        "length_bp": length,
        "tasks": TASKS,
        "build_seconds": round(build_s, 2),
        "build_examples_per_s": round(len(data) / build_s),
        "held_mb_most_while_building": round(held, 1),
        "open_and_verify_seconds": round(verified_s, 3),
        "open_without_verifying_seconds": round(open_s, 4),
        "batch": BATCH,
        "ms_per_shuffled_batch": round(1000 * batches_s / batches, 3),
        "shuffled_examples_per_s": round(len(data) / batches_s),
        "stored_bytes_per_example": round(stored / len(data), 1),
        "full_size_gb": round(FULL_EXAMPLES * (FULL_CONTEXT + per_example) / 1e9, 2),
    }


def main() -> None:
    """Measure, print and write ``results/deepsea_build.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--length", type=int, default=1_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), arguments.pairs, arguments.length)
    print(write_result("deepsea_build", result))
    for name, value in result.items():
        print(f"{name:40s} {value}")


if __name__ == "__main__":
    main()
