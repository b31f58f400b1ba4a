"""Arrays in temporary files."""

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.core.scratch import scratch


def test_an_array_starts_with_zeros_keeps_what_is_written_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array = scratch((1000, 3), np.int64)
    assert not array.any()
    array[:] = np.arange(3000).reshape(1000, 3)
    assert array.sum() == 2999 * 3000 // 2
    assert not list(tmp_path.iterdir())


def test_records_and_arrays_without_rows_are_arrays_too() -> None:
    kind = np.dtype([("score", np.float32), ("positive", np.bool_)])
    assert scratch((2,), kind).tolist() == [(0.0, False)] * 2
    assert scratch((0, 4), np.float32).shape == (0, 4)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room is taken at once by posix_fallocate")
def test_a_full_disk_is_told_before_anything_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match=r"no room for 8 MB of temporary data \(No space left.*set TMPDIR"):
        scratch((1_000_000,), np.int64)
