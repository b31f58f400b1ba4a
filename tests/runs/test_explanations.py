"""Explanations come back from a run folder as they went in, and what is broken is named."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.core.errors import InputError
from holdfast.runs.explanations import (
    StoredMaps,
    read_maps,
    read_stability_table,
    write_maps,
    write_stability_table,
)
from holdfast.runs.files import STABILITY_COLUMNS
from holdfast.runs.folder import Run
from holdfast.runs.records import RunRecord

R, W = 3, 4


@pytest.fixture
def run(tmp_path: Path) -> Run:
    record = RunRecord(
        name="one", status="running", model="m", model_words="m", n_parameters=1, strategy="Worst", window=W, context=6,
        seed=0, data_name="d", started="2026-01-02T03:04:05+00:00", versions={}, device="cpu", config_hash="0123456789",
    )  # fmt: skip
    made = Run.create(tmp_path, record, config={})
    made.finish(record)
    return made


def maps() -> StoredMaps:
    rng = np.random.default_rng(0)
    return StoredMaps(
        settings='{"method": "ism"}',
        method="ism",
        task="SP1",
        chosen="all of them",
        context=6,
        names=np.array(["a", "a", "é"]),
        index=np.array([5, 5, 7]),
        label=np.array([1, 1, -1], dtype=np.int8),
        role=np.array(["first", "centre", "worst"]),
        offset=np.array([0, 1, 2]),
        core=np.full((R, 2), -1, dtype=np.int32),
        logits=rng.normal(size=R).astype(np.float32),
        codes=rng.integers(0, 5, (R, W), dtype=np.uint8),
        per_base=rng.normal(size=(R, W)).astype(np.float32),
    )


@pytest.mark.parametrize("whole", [False, True])
def test_maps_come_back_as_they_went_in(run: Run, whole: bool) -> None:
    stored = maps()
    if whole:
        stored = replace(
            stored,
            hypothetical=np.ones((R, 4, W), dtype=np.float16),
            gap=np.zeros(R, dtype=np.float32),
            incomplete=np.array([False, True, False]),
            chrom=np.array(["chr1"] * R),
            start=np.array([10, 10, 1 << 40]),
        )
    write_maps(run, stored)
    found = read_maps(run)
    for field in fields(StoredMaps):
        before, after = getattr(stored, field.name), getattr(found, field.name)
        assert type(before) is type(after)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)
        else:
            assert before == after
    assert (len(found), found.window) == (R, W)


def test_maps_that_are_missing_cut_or_at_odds_name_the_command_that_brings_them_back(run: Run) -> None:
    remedy = "run `holdfast explain attributions"
    with pytest.raises(InputError, match=f"attributions.npz is missing; {remedy}"):
        read_maps(run)
    write_maps(run, maps())
    path = run.path("attributions")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=f"cannot be read .*{remedy}"):
        read_maps(run)
    with pytest.raises(ValueError, match="arrays do not agree"):
        replace(maps(), logits=np.zeros(R + 1, dtype=np.float32))
    whole = {name: value for name, value in vars(maps()).items() if value is not None}
    np.savez(path.with_suffix(""), **{**whole, "logits": np.zeros(R + 1, dtype=np.float32)})
    with pytest.raises(InputError, match=f"arrays do not agree.*; {remedy}"):
        read_maps(run)
    np.savez(path.with_suffix(""), codes=np.zeros((R, W), dtype=np.uint8))
    with pytest.raises(InputError, match=remedy):
        read_maps(run)


def test_the_table_of_stability_comes_back_with_its_numbers_per_base(run: Run) -> None:
    values = [[1], ["a"], [1], [0.5], [0.25], [np.nan], [3], [9], [0]]
    arrays = [
        [np.arange(6, dtype=np.int32)],
        *([np.linspace(0, 1, 6, dtype=np.float32)] for _ in range(3)),
        [np.ones(6, bool)],
    ]
    block = pd.DataFrame(dict(zip(STABILITY_COLUMNS, [*values, *arrays], strict=True)))
    write_stability_table(run, [block, block])
    found = read_stability_table(run)
    assert list(found.columns) == list(STABILITY_COLUMNS)
    assert len(found) == 2
    np.testing.assert_array_equal(found["spread"][1], np.linspace(0, 1, 6, dtype=np.float32))
    assert np.isnan(found["movement"][0])
    run.path("stability_table").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="run `holdfast explain stability"):
        read_stability_table(run)
    block.drop(columns="sign").to_parquet(run.path("stability_table"))
    with pytest.raises(InputError, match="no column 'sign'"):
        read_stability_table(run)
