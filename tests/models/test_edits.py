"""Edited copies of windows get the logits that the plain loop gives them, whatever is shared."""

import pytest
import torch
from torch import Tensor, nn

from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel, edited_logits, loop_over_edits
from holdfast.models.edits import Edits, SharedStep, dense_of_edits, max_of_edits, sum_of_edits

VARIANTS: list[tuple[str, dict[str, object], int]] = [
    *((name, dict(MODELS[name].facts.needs), MODELS[name].facts.short_window) for name in MODELS),  # type: ignore[attr-defined]
    ("pap_megyeri", {"padding": "valid"}, 60),
    ("pap_megyeri", {}, 20),
    ("holdfast", {}, 17),
    ("deepbind", {"average_pool": True, "hidden": 8}, 40),
    ("deepbind", {"both_strands": False}, 10),
    ("zeng", {"kernels": [8, 8], "widths": [9, 5], "pooling": "local", "padding": "valid"}, 70),
    ("zeng", {"kernels": [8, 8, 8], "widths": [8, 4, 3]}, 101),
    ("cnn_2", {"padding": "valid"}, 150),
    ("factornet", {"tracks": ["dnase"], "assume_tracks": {"dnase": 0.5}}, 64),
    ("siamese", {"model": "zeng", "merge": "max"}, 40),
    ("modular", {"blocks": ["dilated_residual", {"name": "pool", "width": 3, "stride": 2}, "conv"]}, 70),
    ("modular", {"blocks": [{"name": "attention", "heads": 2}, "conv"]}, 30),
    ("modular", {"blocks": ["thermodynamic", "bilstm"], "head": {"pool": "mean"}}, 30),
]


def build(name: str, params: dict[str, object], window: int) -> SequenceModel:
    torch.manual_seed(0)
    model = MODELS.build(Spec(name=name, params=params), n_tasks=2, window=window).eval()
    with torch.no_grad():  # some weights start at zero
        for parameter in model.parameters():
            parameter.add_(0.03 * torch.randn_like(parameter))
    return model


def windows(n: int, window: int) -> Tensor:
    codes = torch.randint(0, 4, (n, window), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    codes[0, window // 2] = 4
    return one_hot(codes)


def every_place(n: int, window: int, width: int) -> Edits:
    """Another run of bases at every place of every window."""
    start = torch.arange(window - width + 1).repeat_interleave(n)
    example = torch.arange(n).repeat(window - width + 1)
    bases = torch.randint(0, 4, (len(start), width), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    return Edits(example=example, start=start, values=one_hot(bases))


@pytest.mark.parametrize(("name", "params", "window"), VARIANTS, ids=lambda value: str(value))
@pytest.mark.parametrize("width", [1, 6])
def test_edited_copies_get_the_logits_of_the_plain_loop(
    name: str, params: dict[str, object], window: int, width: int
) -> None:
    model, sequence = build(name, params, window), windows(2, window)
    edits = every_place(2, window, width)
    edits = next(edits.split(60)) if MODELS[name].facts.window > 900 else edits  # type: ignore[attr-defined]
    with torch.no_grad():
        shared, plain = edited_logits(model, sequence, edits), loop_over_edits(model, sequence)(edits)
    # float32 sums in another order; logits that differ by nothing would prove nothing.
    torch.testing.assert_close(shared, plain, rtol=1e-5, atol=3e-6)
    assert plain.std() > 1e-4


@pytest.mark.parametrize("name", ["cnn_deep", "deepsea", "danq", "tbinet"])
def test_edits_at_the_far_end_of_a_large_model(name: str) -> None:
    window = MODELS[name].facts.short_window + 37  # type: ignore[attr-defined]
    model, sequence = build(name, {}, window), windows(2, window)
    every = every_place(2, window, 1)
    edits = Edits(example=every.example[-30:], start=every.start[-30:], values=every.values[-30:])
    with torch.no_grad():
        shared, plain = edited_logits(model, sequence, edits), loop_over_edits(model, sequence)(edits)
    torch.testing.assert_close(shared, plain, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("span", [1, 2, 5, 11])
@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 3, 30])
def test_a_shared_step_changes_what_an_edit_reaches_and_nothing_else(span: int, stride: int, width: int) -> None:
    if stride > span:
        pytest.skip("positions between the outputs' runs are not read")
    torch.manual_seed(0)
    layer, sequence = nn.Conv1d(4, 3, span, stride=stride).double(), torch.randn(2, 4, 30, dtype=torch.float64)
    edits = every_place(2, 30, width)
    edits = Edits(example=edits.example, start=edits.start, values=edits.values.double())
    padded = nn.functional.pad(sequence, (2, 3))
    changed = SharedStep(layer, padded, span=span, stride=stride, before=2)(edits)
    expected = layer(nn.functional.pad(edits.applied(sequence), (2, 3)))
    torch.testing.assert_close(changed.applied(layer(padded)), expected)
    assert changed.width <= (width + span - 2) // stride + 1


def test_reductions_of_edited_features_are_those_of_the_whole() -> None:
    torch.manual_seed(0)
    features, dense = torch.randn(2, 3, 12, dtype=torch.float64), nn.Linear(36, 5).double()
    edits = every_place(2, 12, 4)
    edits = Edits(example=edits.example, start=edits.start, values=torch.randn(len(edits), 3, 4, dtype=torch.float64))
    whole = edits.applied(features)
    assert torch.equal(max_of_edits(features)(edits), whole.amax(dim=-1))
    torch.testing.assert_close(sum_of_edits(features)(edits), whole.sum(dim=-1))
    torch.testing.assert_close(dense_of_edits(dense, features)(edits), dense(whole.transpose(1, 2).flatten(1)))


def test_the_other_strand_of_an_edited_copy_is_the_edited_other_strand() -> None:
    sequence, edits = windows(2, 20), every_place(2, 20, 3)
    other = edits.on_other_strand(20).applied(sequence.flip(1, 2))
    assert torch.equal(other, edits.applied(sequence).flip(1, 2))


def test_any_module_is_asked_about_every_copy() -> None:
    model, sequence, edits = nn.Sequential(nn.Flatten(), nn.Linear(80, 2)), windows(2, 20), every_place(2, 20, 3)
    torch.testing.assert_close(edited_logits(model, sequence, edits), model(edits.applied(sequence)))
