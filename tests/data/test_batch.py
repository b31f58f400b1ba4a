"""Batches move their parts together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.data.batch import Batch


def make(codes: list[list[int]], core: list[list[int]] | None = None) -> Batch:
    count = len(codes)
    return Batch(
        codes=torch.tensor(codes, dtype=torch.uint8),
        labels=torch.ones(count, 1),
        mask=torch.ones(count, 1, dtype=torch.bool),
        core=torch.tensor(core or [[-1, -1]] * count),
        index=torch.arange(count),
    )


def test_crop_takes_each_examples_own_window() -> None:
    cropped = make([[0, 1, 2, 3], [3, 2, 1, 0]]).crop(torch.tensor([0, 2]), 2)
    assert cropped.codes.tolist() == [[0, 1], [1, 0]]


def test_a_core_moves_with_the_crop_and_is_unknown_once_cut() -> None:
    batch = make([[0] * 6] * 4, core=[[2, 4], [2, 4], [2, 4], [-1, -1]])
    assert batch.crop(torch.tensor([1, 3, 0, 2]), 3).core.tolist() == [[1, 3], [-1, -1], [-1, -1], [-1, -1]]


def test_a_window_outside_the_context_is_refused() -> None:
    with pytest.raises(InputError, match=r"offsets 3\.\.3 .* legal offsets are 0\.\.2"):
        make([[0, 1, 2, 3]]).crop(torch.tensor([3]), 2)


def test_reverse_complement_touches_only_the_chosen_examples() -> None:
    batch = make([[0, 0, 1, 4], [0, 0, 1, 4]], core=[[0, 3], [0, 3]])
    turned = batch.reverse_complement(torch.tensor([True, False]))
    assert turned.codes.tolist() == [[4, 2, 3, 3], [0, 0, 1, 4]]
    assert turned.core.tolist() == [[1, 4], [0, 3]]


@given(st.lists(st.integers(0, 4), min_size=3, max_size=12), st.integers(0, 2), st.integers(1, 3))
def test_turning_twice_is_the_identity_and_the_core_shows_the_same_bases(
    bases: list[int], start: int, width: int
) -> None:
    end = min(start + width, len(bases))
    batch = make([bases], core=[[start, end]])
    both = torch.tensor([True])
    turned = batch.reverse_complement(both)
    again = turned.reverse_complement(both)
    assert again.codes.tolist() == batch.codes.tolist()
    assert again.core.tolist() == batch.core.tolist()
    low, high = turned.core[0].tolist()
    expected = [code if code == 4 else 3 - code for code in bases[start:end]][::-1]
    assert turned.codes[0, low:high].tolist() == expected


def test_an_unknown_core_stays_unknown_on_the_other_strand() -> None:
    assert make([[0, 1]]).reverse_complement(torch.tensor([True])).core.tolist() == [[-1, -1]]


def test_one_hot_has_channels_second_and_zeros_for_n() -> None:
    hot = make([[3, 4]]).one_hot()
    assert hot.shape == (1, 4, 2)
    assert hot[0, :, 0].tolist() == [0, 0, 0, 1]
    assert hot[0, :, 1].sum() == 0


def test_parts_of_unequal_length_are_refused() -> None:
    good = make([[0], [1]])
    with pytest.raises(InputError, match="index has shape"):
        Batch(codes=good.codes, labels=good.labels, mask=good.mask, core=good.core, index=torch.arange(3))


def test_take_and_to_keep_every_part() -> None:
    batch = make([[0], [1], [2]], core=[[0, 1], [-1, -1], [0, 1]])
    picked = batch.take(torch.tensor([2, 0])).to("cpu")
    assert picked.index.tolist() == [2, 0]
    assert picked.codes.tolist() == [[2], [0]]
    assert picked.core.tolist() == [[0, 1], [0, 1]]
