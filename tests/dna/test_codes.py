"""Text <-> codes <-> one-hot."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdfast.dna.codes import decode, encode, one_hot


@given(st.text(alphabet="ACGTN", max_size=50))
def test_decoding_undoes_encoding(text: str):
    assert decode(encode(text)) == text


def test_case_does_not_matter_and_other_letters_are_unknown():
    assert encode("acgtnRY-é").tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4]


def test_text_and_bytes_give_the_same_codes():
    assert np.array_equal(encode("ACGT"), encode(b"ACGT"))


def test_one_hot_has_one_row_a_base_and_zeros_for_unknown():
    x = one_hot(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8))
    assert x.shape == (1, 4, 5)
    assert torch.equal(x[0, :, :4], torch.eye(4))
    assert x[0, :, 4].eq(0).all()
