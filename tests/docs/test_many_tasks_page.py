"""The page on many tasks says what the benchmark measured."""

import json
import re

from doc_blocks import ROOT

PAGE = (ROOT / "docs" / "guides" / "many_tasks.md").read_text(encoding="utf-8")
MEASURED = json.loads((ROOT / "benchmarks" / "results" / "throughput.json").read_text(encoding="utf-8"))
EXAMPLES = 4_400_000


def rate(kind: str, precision: str) -> float:
    [row] = [row for row in MEASURED["rows"] if (row["window_bp"], row["precision"]) == (1000, precision)]
    return float(row[f"{kind}_examples_per_s"])


def cells(first: str) -> list[str]:
    found = re.search(rf"^\| {re.escape(first)} \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert found, first
    return list(found.groups())


def test_rates_and_days_are_those_of_the_benchmark() -> None:
    kinds = ("ordinary", "w_of_20")
    fp32, bf16 = ([rate(kind, precision) for kind in kinds] for precision in ("fp32", "bf16"))
    assert cells("measured, examples a second, one CPU thread, fp32") == [f"{value:.1f}" for value in fp32]
    assert cells("the same, bf16") == [f"{value:.1f}" for value in bf16]
    days = [EXAMPLES / value / 86_400 for value in fp32]
    assert cells("one epoch at the fp32 rate, days of one thread") == [f"{value:.1f}" for value in days]


def test_the_rate_of_reading_and_its_ratio_are_those_of_the_benchmark() -> None:
    ratio = MEASURED["loading_in_quickest_training"]
    assert f"{MEASURED['loading']['examples_per_s']:,} examples a second" in PAGE
    assert f"{ratio:,.0f} times the quickest training" in PAGE
    # Reading alone, and reading with one-hot encoding, outrun every measured training.
    assert MEASURED["loading"]["one_hot_examples_per_s"] > 10 * max(rate("ordinary", p) for p in ("fp32", "bf16"))


def test_the_hours_are_the_arithmetic_of_the_floor() -> None:
    floors = [float(cell) for cell in cells("floor of one epoch, PFLOP")]
    hours = [float(cell) for cell in cells("60 epochs on a GPU that sustains 10 TFLOP/s, hours")]
    for floor, told in zip(floors, hours, strict=True):
        # The floors are written with one decimal.
        assert abs(60 * floor * 1e15 / 10e12 / 3600 - told) < 0.1
