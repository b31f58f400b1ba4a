"""Strided pooling: every window from shared maps equals the plain loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import loop_over_windows
from holdfast.models.layers import dense_over_runs
from holdfast.models.pooled import PooledModel, Stage


class Stack(PooledModel):
    """Random stages; the read-out weighs every pooled position, so a misplaced one shows."""

    def __init__(self, shapes: list[tuple[int, int, int]]) -> None:
        super().__init__()
        widths = [4] + [3 + i for i in range(len(shapes))]
        self.n_tasks = 2
        self.stages = nn.ModuleList(
            Stage(nn.Sequential(nn.Conv1d(widths[i], widths[i + 1], width), nn.Tanh()), pool=pool, stride=stride)
            for i, (width, pool, stride) in enumerate(shapes)
        )

    def read_out(self, features: torch.Tensor) -> torch.Tensor:
        place = torch.arange(1, features.shape[-1] + 1)
        return torch.stack([(features * place).sum((1, 2)), features.amax((1, 2))], dim=1)


shapes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 12), st.integers(0, 40), st.integers(0, 1000))
def test_the_shared_scan_equals_the_plain_loop(
    shapes: list[tuple[int, int, int]], spare: int, slack: int, seed: int
) -> None:
    torch.manual_seed(seed)
    model = Stack(shapes).double().eval()
    window = model.shortest_window() + spare
    sequence = torch.randn(2, 4, window + slack, dtype=torch.double)
    with torch.no_grad():
        fast, slow = model.scan(sequence, window), loop_over_windows(model, sequence, window)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)  # float64: the same products in another order


def test_windows_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sequence = Stack([(3, 2, 2)]).eval(), torch.randn(2, 4, 60)
    whole = model.scan(sequence, 20)
    monkeypatch.setattr("holdfast.models.pooled.READ_OUT_VALUES", 1)
    torch.testing.assert_close(model.scan(sequence, 20), whole)


def test_a_stage_says_how_many_positions_it_needs_and_gives() -> None:
    stage = Stage(nn.Conv1d(4, 2, 5), pool=3, stride=2)
    for n_out in range(1, 6):
        n_in = stage.n_in(n_out)
        assert stage(torch.zeros(1, 4, n_in)).shape[-1] == n_out == stage.n_out(n_in)
        assert stage.n_out(n_in - 1) == n_out - 1


def test_a_window_too_short_for_the_stages_is_refused() -> None:
    model = Stack([(5, 4, 4), (3, 2, 2)])
    assert model.n_steps(model.shortest_window()) == 1
    with pytest.raises(ConfigError, match=f"reads at least {model.shortest_window()} bp"):
        model.n_steps(model.shortest_window() - 1)


# Windows that leave a remainder at some pooling, so that the last bases of a window are not read by every start.
PUBLISHED = [
    ("cnn_2", {"padding": "valid"}, 137),
    ("cnn_50", {"padding": "valid"}, 345),
    ("cnn_deep", {"padding": "valid"}, 150),
    ("danq", {}, 75),
    ("deeperbind", {}, 31),
    ("deepsea", {}, 190),
    ("tbinet", {}, 75),
    ("zeng", {"padding": "valid", "kernels": (16, 32), "widths": (9, 4), "pool": 5, "pooling": "local"}, 75),
    ("zeng", {"padding": "valid", "kernels": (16, 32), "widths": (9, 4), "pool": 5}, 75),
    ("zeng", {}, 75),
]


@pytest.mark.parametrize(("name", "params", "window"), PUBLISHED, ids=str)
def test_published_trunks_agree_at_windows_with_a_remainder_and_at_many_starts(
    name: str, params: dict[str, object], window: int
) -> None:
    torch.manual_seed(0)
    model = MODELS.build(Spec(name=name, params=params), window=window, n_tasks=3).double().eval()
    sequence = nn.functional.one_hot(torch.randint(0, 4, (2, window + 44)), 4).transpose(1, 2).double()
    assert model.scans_fast
    with torch.no_grad():
        fast, slow = model.scan(sequence, window), loop_over_windows(model, sequence, window)
    assert fast.shape == (2, 45, 3)
    assert len(fast.unique()) > 45, "windows that all look alike would hide a misplaced one"
    torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-12)  # float64: the same products in another order


@pytest.mark.parametrize(("name", "window"), [("cnn_2", 150), ("cnn_50", 150), ("cnn_deep", 150)])
def test_padded_stages_claim_no_fast_scan_and_loop(name: str, window: int) -> None:
    model = MODELS.build(Spec(name=name), window=window).eval()
    sequence = torch.randn(1, 4, window + 3)
    assert not model.scans_fast
    torch.testing.assert_close(model.scan(sequence, window), loop_over_windows(model, sequence, window))


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_a_padded_stage_is_torchs_same_padding(width: int) -> None:
    convolution = nn.Conv1d(3, 2, width)
    stage, features = Stage(convolution, padding="same"), torch.randn(2, 3, 11)
    same = nn.functional.conv1d(features, convolution.weight, convolution.bias, padding="same")
    torch.testing.assert_close(stage(features), same)
    assert stage.n_out(11) == 11
    assert stage.n_in(11) == 11


def test_an_unknown_padding_is_refused() -> None:
    with pytest.raises(ConfigError, match="padding is one of same, valid; got 'reflect'"):
        Stage(nn.Conv1d(4, 2, 3), padding="reflect")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("width", [1, 3, 7])
def test_a_dense_layer_over_runs_is_the_layer_on_each_run_flattened(width: int, bias: bool) -> None:
    layer, features = nn.Linear(width * 4, 5, bias=bias).double(), torch.randn(2, 3, 4, 7, dtype=torch.double)
    found = dense_over_runs(layer, features, width)
    runs = features.unfold(-1, width, 1)  # (2, 3, 4, runs, width)
    expected = layer(runs.permute(0, 1, 3, 4, 2).flatten(3)).movedim(2, -1)
    torch.testing.assert_close(found, expected)
    (of_found,) = torch.autograd.grad(found.square().sum(), layer.weight)
    (of_expected,) = torch.autograd.grad(expected.square().sum(), layer.weight)
    torch.testing.assert_close(of_found, of_expected)
