"""The table of examples, computed from a scan block by block."""

import numpy as np
import pandas as pd
import pytest

from holdfast.data.dataset import SequenceDataset
from holdfast.robustness import windows as windows_module
from holdfast.robustness.shift import Shift
from holdfast.robustness.windows import ScannedWindows, fragile_examples

SHIFT = Shift(context=12, window=10)


def scanned(n: int = 50, n_tasks: int = 2, *, joint: bool = True) -> ScannedWindows:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, 12), dtype=np.uint8)
    labels = rng.integers(-1, 2, (n, n_tasks)).astype(np.int8)
    data = SequenceDataset.in_memory(codes, labels, tasks=tuple(f"task{i}" for i in range(n_tasks)))
    # Few levels: ties among windows and among lost margins.
    logits = rng.integers(-3, 4, (n, SHIFT.n_choices, n_tasks)).astype(np.float32)
    return ScannedWindows(logits, data.take(rng.permutation(n)), SHIFT, joint=joint)


@pytest.mark.parametrize("joint", [True, False])
def test_small_blocks_give_the_rows_and_the_fragile_examples_of_one(
    monkeypatch: pytest.MonkeyPatch, joint: bool
) -> None:
    whole = scanned(joint=joint)
    tables = list(whole.tables())
    assert len(tables) == 2  # one block a task
    fragile = fragile_examples(whole, 12)
    monkeypatch.setattr(windows_module, "BLOCK_NUMBERS", 20)
    pieces = list(scanned(joint=joint).tables())
    assert max(map(len, pieces)) == 20 // SHIFT.n_choices
    joined = [pd.concat(parts, ignore_index=True) for parts in (tables, pieces)]
    pd.testing.assert_frame_equal(*joined, check_exact=True)
    assert fragile_examples(scanned(joint=joint), 12) == fragile


def test_fragile_examples_are_the_first_rows_of_the_whole_table_sorted_by_lost_margin() -> None:
    windows = scanned()
    table = pd.concat(windows.tables(), ignore_index=True)
    called_right = (table["centre_logit"] > 0) == (table["label"] == 1)
    broken = table[(table["label"] >= 0) & called_right & ~table["certified"]]
    lost = (broken["centre_logit"] - broken["worst_logit"]).abs().sort_values(ascending=False, kind="stable")
    expected = broken.loc[lost.index[:12]]
    found = fragile_examples(windows, 12)
    assert [(e.index, e.task) for e in found] == list(zip(expected["index"], expected["task"], strict=True))
    position = {index: row for row, index in enumerate(windows.data.index.tolist())}
    letters = np.array(list("ACGTN"))
    assert all(e.sequence == "".join(letters[windows.data.codes[position[e.index]]]) for e in found)
