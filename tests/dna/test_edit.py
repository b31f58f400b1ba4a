"""Crops and the other strand."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.dna.codes import decode, encode
from holdfast.dna.edit import crop, reverse_complement


def test_crop_equals_slicing_for_one_and_for_several_offsets():
    codes = torch.randint(0, 5, (3, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one, several = torch.tensor([0, 4, 2]), torch.tensor([[0, 1], [4, 3], [2, 2]])
    assert all(torch.equal(crop(codes, one, 8)[n], codes[n, i : i + 8]) for n, i in enumerate(one.tolist()))
    windows = crop(codes, several, 8)
    for n, offsets in enumerate(several.tolist()):
        for k, i in enumerate(offsets):
            assert torch.equal(windows[n, k], codes[n, i : i + 8])


def test_reverse_complement_is_what_one_writes_by_hand():
    assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"


@given(st.text(alphabet="ACGTN", max_size=30))
def test_reverse_complement_twice_is_the_sequence_itself(text: str):
    codes = encode(text)
    assert np.array_equal(reverse_complement(reverse_complement(codes)), codes)


def test_reverse_complement_is_the_same_for_arrays_and_tensors():
    codes = np.array([[0, 1, 4], [3, 2, 2]], dtype=np.uint8)
    assert reverse_complement(torch.from_numpy(codes)).tolist() == reverse_complement(codes).tolist()
