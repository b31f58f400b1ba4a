"""An audit's memory does not grow with the number of examples."""

import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.data import places as places_module
from holdfast.data.dataset import SequenceDataset
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness import metrics as metrics_module
from holdfast.robustness import ood as ood_module
from holdfast.robustness import windows as windows_module
from holdfast.robustness.audit import audit
from holdfast.robustness.ood import in_versus_out
from holdfast.robustness.shift import Shift
from holdfast.runs import tables as tables_module
from holdfast.runs.folder import Run

SHIFT = Shift(context=14, window=10)


def store(folder: Path, n: int) -> SequenceDataset:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, SHIFT.context), dtype=np.uint8)
    labels = rng.integers(0, 2, (n, 1)).astype(np.int8)
    return SequenceDataset.in_memory(codes, labels).save(folder / str(n))


def audit_and_keep(data: SequenceDataset, folder: Path, *, constant: bool = False) -> None:
    """Do what ``holdfast audit`` does."""
    torch.manual_seed(0)
    model = KmerLogistic(k=3)
    with torch.no_grad():
        model.weight.copy_(torch.zeros_like(model.weight) if constant else torch.randn_like(model.weight))
    found = audit(model, data, SHIFT, bootstrap=20)
    in_versus_out(model, data, SHIFT.window)
    Run(folder).write_windows(found.window_blocks())


@pytest.mark.parametrize("constant", [False, True], ids=["scores differ", "all scores equal"])
def test_what_python_and_numpy_hold_at_most_does_not_depend_on_the_number_of_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, constant: bool
) -> None:
    # Smaller blocks, so that few examples fill several of each kind.
    for module, name, value in (
        (metrics_module, "BUCKET", 256),
        (metrics_module, "DRAWS", 512),
        (windows_module, "BLOCK_ROWS", 256),
        (places_module, "ROWS", 256),
        (ood_module, "ROWS", 256),
        (tables_module, "ROW_GROUP", 512),
    ):
        monkeypatch.setattr(module, name, value)
    small, large = 2_500, 7_500
    peaks = []
    # The first one loads what is loaded once.
    for n in (500, small, large):
        data = store(tmp_path, n)
        tracemalloc.start()
        audit_and_keep(data, tmp_path / "run", constant=constant)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Held in memory, the logits of an example would take 20 bytes, its bootstrap counts 21 and its name 50. There is
    # room for objects in cycles that Python has not yet looked for.
    assert peaks[2] - peaks[1] < 16 * (large - small), peaks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_the_anonymous_memory_of_the_process_does_not_depend_on_the_number_of_examples(tmp_path: Path) -> None:
    sizes = (25_000, 100_000)  # both fill every block
    # One arena and no cache of freed blocks: what is left of the noise of allocators and threads is some MiB a run, and
    # it only ever adds, so the lower of two runs counts.
    quiet = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    lowest = []
    for n in sizes:
        store(tmp_path, n)
        command = [sys.executable, __file__, str(tmp_path), str(n)]
        runs = [
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=os.environ | quiet)
            for _ in range(2)
        ]
        lowest.append(min(int(done.stdout) for done in runs))
    # Held in memory, the table of examples alone would take 250 bytes an example.
    assert lowest[1] - lowest[0] < 150 * (sizes[1] - sizes[0]), lowest


def most_anonymous_bytes(folder: Path, n: int) -> int:
    """Return the most anonymous memory of this process during an audit."""
    torch.set_num_threads(1)
    done, most = threading.Event(), 0

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            lines = Path("/proc/self/status").read_text().splitlines()
            most = max(most, *(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    audit_and_keep(SequenceDataset.open(folder / str(n)), folder / f"run-{n}")
    done.set()
    watcher.join()
    return most


if __name__ == "__main__":
    sys.stdout.write(str(most_anonymous_bytes(Path(sys.argv[1]), int(sys.argv[2]))))
