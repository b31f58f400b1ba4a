"""The fast scan equals the plain loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel, loop_over_windows
from holdfast.robustness.scan import scan
from holdfast.robustness.shift import Shift


def build(name: str, params: dict[str, object], window: int) -> SequenceModel:
    needs = dict(MODELS[name].facts.needs)  # type: ignore[attr-defined]
    model = MODELS.build(Spec(name=name, params={**needs, **params}), window=window)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def scans_fast(name: str) -> bool:
    return build(name, {}, MODELS[name].facts.short_window).scans_fast  # type: ignore[attr-defined]


CASES: list[tuple[str, dict[str, object]]] = [
    *((name, {}) for name in MODELS if scans_fast(name)),
    ("pap_megyeri", {"padding": "valid"}),
    ("kmer", {"k": 4, "n_tasks": 3}),
    ("cnn_2", {"padding": "valid", "activation": "exponential"}),
    ("cnn_deep", {"padding": "valid"}),
    ("zeng", {"padding": "valid"}),
    ("zeng", {"padding": "valid", "kernels": (16, 32, 64), "widths": (12, 5, 3), "pool": 2}),
    ("zeng", {"padding": "valid", "kernels": (16, 32), "widths": (12, 5), "pool": 3, "pooling": "local"}),
]


@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
@settings(max_examples=12, deadline=None)
@given(st.data())
def test_the_fast_scan_equals_the_plain_loop(name: str, params: dict[str, object], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(st.integers(0, 10**6), label="seed"))
    shortest = MODELS[name].facts.short_window  # type: ignore[attr-defined]
    window = data.draw(st.integers(shortest, shortest + 50), label="window")
    model = build(name, params, window)
    length = window + data.draw(st.integers(0, 30), label="slack")
    codes = torch.randint(0, data.draw(st.sampled_from([4, 5]), label="letters"), (3, length), dtype=torch.uint8)
    with torch.no_grad():
        fast = scan(model, codes, Shift(context=length, window=window))
        slow = loop_over_windows(model, one_hot(codes), window)
    # float32 rounding: both sum the same products, in another order.
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=2e-5 * (1 + float(slow.abs().max())))


class Positional(nn.Module):
    """Weighs every position of its 12 bases, on both strands, into two tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(48, 2)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.linear(sequence.flatten(1))


def test_any_module_is_scanned_window_by_window() -> None:
    model, codes = Positional(), torch.randint(0, 5, (5, 20), dtype=torch.uint8)
    with torch.no_grad():
        logits = scan(model, codes, Shift(context=20, window=12))
        expected = torch.stack([model(one_hot(codes[:, i : i + 12])) for i in range(9)], dim=1)
    torch.testing.assert_close(logits, expected)


def test_the_reverse_strand_shows_the_reverse_complement_of_the_same_window() -> None:
    model, codes = Positional(), torch.randint(0, 5, (5, 20), dtype=torch.uint8)
    shift = Shift(context=20, window=12, max_shift=2, strands="both")
    with torch.no_grad():
        logits = scan(model, codes, shift)
        for k, (offset, reverse) in enumerate(zip(shift.choice_offset, shift.choice_is_reverse, strict=True)):
            window = codes[:, offset : offset + 12]
            expected = model(one_hot(reverse_complement(window) if reverse else window))
            torch.testing.assert_close(logits[:, k], expected)


def test_many_windows_per_example_are_split_into_blocks() -> None:
    model, codes = Positional(), torch.randint(0, 5, (2, 3000), dtype=torch.uint8)
    with torch.no_grad():
        logits = loop_over_windows(model, one_hot(codes), 12)
        torch.testing.assert_close(logits[1, 2500], model(one_hot(codes[1:, 2500:2512]))[0])
    assert logits.shape == (2, 2989, 2)


def test_a_context_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="20 bp long, the shift set was made for 21 bp"):
        scan(Positional(), torch.zeros(1, 20, dtype=torch.uint8), Shift(context=21, window=12))


def test_a_window_shorter_than_the_model_can_read_is_refused() -> None:
    model = MODELS["pap_megyeri"](padding="valid")
    with pytest.raises(InputError, match="reads at least 35 bp; the window is 20 bp"):
        scan(model, torch.zeros(1, 30, dtype=torch.uint8), Shift(context=30, window=20))
