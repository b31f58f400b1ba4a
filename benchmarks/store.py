"""How large a stored data set is and how fast it streams, with memory flat: ``python benchmarks/store.py``.

The aim is DeepSEA's size, 4.4 million examples of 1,200 bp, in 6 GB on disk. A scaled size is written, opened and read;
bytes per base do not depend on the number of examples.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from harness import write_result
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import Provenance
from holdfast.data.store import StoreWriter

FULL_EXAMPLES, FULL_CONTEXT = 4_400_000, 1_200
BLOCK = 10_000
BATCH = 1_000


def main() -> None:
    """Measure, print and write ``results/store.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--context", type=int, default=FULL_CONTEXT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder) / "set", arguments.examples, arguments.context)
    print(write_result("store", result))
    for name, value in result.items():
        print(f"{name:40s} {value}")


def measure(path: Path, examples: int, context: int) -> dict[str, float | int]:
    """Return sizes in bytes, rates in bases per second and memory in MB."""
    bases = examples * context
    start_mb = held_mb()
    wrote_s, write_mb = write(path, examples, context)
    stored = sum(file.stat().st_size for file in path.iterdir())
    began = time.perf_counter()
    data = SequenceDataset.open(path)
    verified_s = time.perf_counter() - began
    order = np.random.default_rng(0).permutation(examples)
    in_order_s, in_order_mb = stream(data, None)
    shuffled_s, shuffled_mb = stream(data, order)
    plain_s = read_plainly(path / "codes.npy")
    return {
        "examples": examples,
        "context_bp": context,
        "stored_bytes": stored,
        "bytes_per_base": round(stored / bases, 4),
        "full_size_gb": round(stored / examples * FULL_EXAMPLES * FULL_CONTEXT / context / 1e9, 3),
        "write_mbases_per_s": round(bases / wrote_s / 1e6, 1),
        "open_and_verify_mbases_per_s": round(bases / verified_s / 1e6, 1),
        "stream_in_order_mbases_per_s": round(bases / in_order_s / 1e6, 1),
        "stream_shuffled_mbases_per_s": round(bases / shuffled_s / 1e6, 1),
        "plain_file_read_mbases_per_s": round(bases / plain_s / 1e6, 1),
        "in_order_to_plain_ratio": round(plain_s / in_order_s, 3),
        "shuffled_to_plain_ratio": round(plain_s / shuffled_s, 3),
        "held_mb_before": start_mb,
        "held_mb_most_while_writing": write_mb,
        "held_mb_most_while_streaming": max(in_order_mb, shuffled_mb),
    }


def write(path: Path, examples: int, context: int) -> tuple[float, float]:
    """Write random blocks; return the seconds spent writing (not making them) and the most memory held."""
    rng = np.random.default_rng(0)
    seconds, most = 0.0, 0.0
    with StoreWriter(path, context=context, tasks=("bound",), provenance=Provenance(source="noise")) as writer:
        for first in range(0, examples, BLOCK):
            count = min(BLOCK, examples - first)
            codes = rng.integers(0, 4, (count, context), dtype=np.uint8)
            labels = rng.integers(0, 2, (count, 1)).astype(np.int8)
            began = time.perf_counter()
            writer.append(codes, labels)
            seconds += time.perf_counter() - began
            most = max(most, held_mb())
        began = time.perf_counter()
    return seconds + time.perf_counter() - began, most


def stream(data: SequenceDataset, order: np.ndarray | None) -> tuple[float, float]:
    """Read every batch once; return seconds and the most memory held."""
    began, most = time.perf_counter(), 0.0
    for number, _ in enumerate(data.batches(BATCH, order)):
        if number % 10 == 0:
            most = max(most, held_mb())
    return time.perf_counter() - began, most


def read_plainly(path: Path) -> float:
    """Return the seconds it takes to read a file's bytes in blocks of a batch, for comparison."""
    began = time.perf_counter()
    with path.open("rb") as handle:
        while handle.read(BATCH * FULL_CONTEXT):
            pass
    return time.perf_counter() - began


def held_mb() -> float:
    """Return the anonymous memory of this process; mapped file pages are the system's to drop."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    main()
