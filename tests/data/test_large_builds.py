"""Sets that do not fit in memory are built in blocks."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from holdfast.data.build import build, read_parts
from holdfast.data.dataset import SequenceDataset

BUILDER = Path(__file__).with_name("build_in_a_process.py")
LENGTH, TASKS = 1000, 690


def write_train(path: Path, pairs: int) -> Path:
    """Write train.mat of 2 x pairs examples, block by block."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        bases = file.create_dataset("trainxdata", (LENGTH, 4, 2 * pairs), "u1", chunks=(LENGTH, 4, 1000))
        labels = file.create_dataset("traindata", (TASKS, 2 * pairs), "u1", chunks=(TASKS, 1000))
        for start in range(0, pairs, 1000):
            codes = rng.integers(0, 4, (1000, LENGTH), dtype=np.uint8)
            one_hot = np.eye(4, dtype=np.uint8)[codes]
            bound = (rng.random((TASKS, 1000)) < 0.02).astype(np.uint8)
            for first, rows in ((start, one_hot), (start + pairs, one_hot[:, ::-1, ::-1])):
                bases[:, :, first : first + 1000] = rows.transpose(1, 2, 0)
                labels[:, first : first + 1000] = bound
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="anonymous memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_examples(tmp_path: Path) -> None:
    held = {}
    for pairs in (10_000, 20_000):
        path = write_train(tmp_path / f"{pairs}.mat", pairs)
        done = subprocess.run(
            [sys.executable, BUILDER, path, tmp_path / str(pairs)], capture_output=True, text=True, check=True
        )
        held[pairs] = float(done.stdout)
    data = SequenceDataset.open(tmp_path / "20000")
    assert (len(data), data.context, len(data.tasks)) == (40_000, LENGTH, TASKS)
    # 20,000 examples more are 32 MiB at rest and 89 MiB as read; what is kept of each, hashes for the leakage counts
    # above all, and the noise of sampling took 12.
    assert held[20_000] - held[10_000] < 20, held
    # Blocks of 16 MiB with their temporaries took 105; the larger file is 179 MiB.
    assert held[20_000] < 160, held


def test_a_set_of_many_blocks_is_the_set_of_one_block(tmp_path: Path) -> None:
    path = write_train(tmp_path / "train.mat", 5_000)
    stream = read_parts([path])
    assert len(list(stream.blocks())) == 2
    streamed, whole = build(stream, tmp_path / "streamed"), build(stream.gather(), tmp_path / "whole")
    assert streamed.fingerprint == whole.fingerprint
    assert streamed.manifest.counts == whole.manifest.counts
    assert streamed.manifest.provenance == whole.manifest.provenance
    # A pair stays together, so nothing of validation is seen in training.
    assert [row.reverse_complements for row in streamed.manifest.provenance.leakage.counts] == [0]
