"""Medians of values that come in blocks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.interpret.median import streamed_median

SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, float("inf"), -float("inf")]


@given(
    rows=st.integers(1, 3),
    columns=st.integers(1, 40),
    block=st.integers(1, 41),
    seed=st.integers(0, 2**32 - 1),
    special=st.booleans(),
)
def test_it_is_torchs_median_whatever_the_blocks(rows: int, columns: int, block: int, seed: int, special: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, columns, generator=generator)
    if special:
        drawn = torch.randint(len(SPECIAL), (rows, columns), generator=generator)
        values = torch.where(values > 0, torch.tensor(SPECIAL)[drawn], values)
    found = streamed_median(lambda: values.split(block, dim=1))
    assert found.tolist() == values.median(dim=1).values.tolist()


def test_values_that_agree_in_half_their_bits_are_told_apart() -> None:
    # Between 1 and 1 + 2**-7 the upper 16 bits of a float32 do not change.
    values = 1 + torch.arange(999)[None] * 2.0**-23
    assert streamed_median(lambda: [values]).item() == values[0, 499].item()
    assert streamed_median(lambda: [-values]).item() == -values[0, 499].item()


def test_no_values_are_refused() -> None:
    with pytest.raises(InputError, match="no values to take the median of"):
        streamed_median(list)
