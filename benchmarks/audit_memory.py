"""Memory of an audit against the number of examples: it must not grow with them.

    python benchmarks/audit_memory.py

Each size of a stored data set is audited in a process of its own, and the table of examples is written to a file.
Reported is the most anonymous memory (the kernel's RssAnon, read every few milliseconds from outside) above that of the
process before its audit, with everything imported. Beside it the mapped pages of the data and of temporary files, which
the kernel takes back when it needs the room.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import write_result
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.models import MODELS
from holdfast.robustness.audit import audit
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run

SIZES = (4_000, 16_000, 64_000, 256_000)
CONTEXT, WINDOW = 101, 75


def work(pipe: Connection, folder: str) -> None:
    """Audit a stored data set and write its table of examples, when told to; send the seconds of the audit."""
    torch.set_num_threads(1)
    data = SequenceDataset.open(Path(folder) / "data", verify=False)
    model, shift = MODELS["pap_megyeri"](padding="valid"), Shift(context=CONTEXT, window=WINDOW)
    pipe.send("ready")
    pipe.recv()
    found = audit(model, data, shift, bootstrap=200)
    pipe.send(found.record.seconds)
    pipe.recv()
    Run(Path(folder) / "run").write_windows(found.window_blocks())
    pipe.send("written")


def measure(folder: str, n_examples: int) -> dict[str, float]:
    """Return what an audit takes, seen from another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, folder))
    process.start()
    ours.recv()
    before = memory_kib(process.pid)
    seconds, audited = watched(process.pid, ours)
    _, written = watched(process.pid, ours)
    process.join()

    def grown(most: dict[str, int], name: str) -> float:
        return round((most[name] - before[name]) / 1024, 1)

    return {
        "examples": n_examples,
        "seconds": round(seconds, 2),
        "examples_per_s": round(n_examples / seconds, 1),
        "anonymous_mib_before": round(before["RssAnon"] / 1024, 1),
        "anonymous_grown_by_mib": grown(audited, "RssAnon"),
        "anonymous_grown_by_mib_writing_the_table": grown(written, "RssAnon"),
        "mapped_files_grown_by_mib": grown(audited, "RssFile"),
    }


def watched(process: int | None, pipe: Connection) -> tuple[Any, dict[str, int]]:
    """Let a process do its next piece of work; return what it says of it, and the most memory it took."""
    most, done = memory_kib(process), threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.003):
            most = {name: max(most[name], value) for name, value in memory_kib(process).items()}

    watcher = threading.Thread(target=watch)
    watcher.start()
    pipe.send("go")
    said = pipe.recv()
    done.set()
    watcher.join()
    return said, most


def memory_kib(process: int | None) -> dict[str, int]:
    """Return the kernel's count of a process's anonymous memory and of its mapped files."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("RssAnon", "RssFile")))
    return {name: int(value.split()[0]) for name, value in pairs}


def save(n_examples: int, path: Path) -> None:
    """Store random examples with names as long as a place on a genome."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n_examples, CONTEXT), dtype=np.uint8)
    labels = (np.arange(n_examples) % 2).astype(np.int8)[:, None]
    names = tuple(f"chr{row % 22 + 1}:{1000 * row}-{1000 * row + CONTEXT}" for row in range(n_examples))
    SequenceDataset.in_memory(codes, labels, places=Places(names=names)).save(path)


def main() -> None:
    """Measure each size."""
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            save(size, Path(folder) / "data")
            rows.append(measure(folder, size))
        print(rows[-1])
    write_result("audit_memory", {"context_bp": CONTEXT, "window_bp": WINDOW, "bootstrap": 200, "rows": rows})


if __name__ == "__main__":
    main()
