"""Zeng et al.'s networks: a padded layer by hand, its exact scan, and the family's honesty about it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.models.padded import max_over_padded_layer
from holdfast.models.zeng import ZengCNN


def one_hot(bases: str) -> torch.Tensor:
    return nn.functional.one_hot(torch.tensor(["ACGT".index(base) for base in bases]), 4).T.float()[None]


def test_the_logit_is_the_papers_softmax() -> None:
    model, x = ZengCNN(n_tasks=2).eval(), torch.randn(5, 4, 101)
    (convolution,) = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    maxima = nn.functional.conv1d(x, convolution.weight, convolution.bias, padding="same").relu().amax(dim=-1)
    pairs = model.out(model.dense(maxima).relu()).view(5, 2, 2)  # task, (unbound, bound)
    torch.testing.assert_close(model(x).sigmoid(), pairs.softmax(dim=-1)[..., 1])


def test_a_padded_filter_scores_the_part_of_a_site_inside_the_window() -> None:
    layer = nn.Conv1d(4, 1, 6)
    with torch.no_grad():
        layer.weight.copy_(one_hot("GATTAC"))
        layer.bias.zero_()  # type: ignore[union-attr]
    context = one_hot("C" * 7 + "GATTAC" + "C" * 7)
    best = max_over_padded_layer(context, layer, 10)[0, :, 0]
    # The site stands at 7 .. 13 and windows of 10 bp start at 0 .. 10; zeros stand in for up to 2 bases before a
    # window and 3 behind it.
    assert best[:10].tolist() == [3, 4, 5, 6, 6, 6, 6, 6, 5, 4]
    assert best[10] < 3


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(0, 9), st.integers(0, 20), st.integers(0, 1000))
def test_one_padded_layer_is_shared_exactly(width: int, spare: int, slack: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer, window = nn.Conv1d(4, 3, width).double(), width + spare
    sequence = torch.randn(2, 4, window + slack, dtype=torch.double)
    windows = sequence.unfold(2, window, 1).permute(0, 2, 1, 3).flatten(0, 1)
    plain = nn.functional.conv1d(windows, layer.weight, layer.bias, padding="same").relu().amax(dim=-1)
    found = max_over_padded_layer(sequence, layer, window)
    torch.testing.assert_close(found.flatten(0, 1), plain, rtol=1e-12, atol=1e-12)  # float64, sums of another order


@pytest.mark.parametrize("width", [1, 24])
def test_windows_that_share_nothing_are_still_right(width: int) -> None:
    model, sequence = ZengCNN((3,), (width,)).eval(), torch.randn(2, 4, 25)
    expected = torch.stack([model(sequence[..., i : i + 20]) for i in range(6)], dim=1)
    torch.testing.assert_close(model.scan(sequence, 20), expected)


@pytest.mark.parametrize(
    ("params", "fast"),
    [
        ({}, True),
        ({"padding": "valid"}, True),
        ({"pooling": "local"}, False),
        ({"pooling": "local", "padding": "valid"}, True),
        ({"kernels": (16, 32), "widths": (8, 4)}, False),
        ({"kernels": (16, 32), "widths": (8, 4), "padding": "valid"}, True),
    ],
    ids=str,
)
def test_each_setting_says_whether_it_scans_fast(params: dict[str, object], fast: bool) -> None:
    assert ZengCNN(**params).scans_fast == fast


def test_a_global_maximum_forgets_the_place_and_local_ones_do_not() -> None:
    site, background = one_hot("GATTACAGATTACA"), one_hot("C" * 60)
    early = torch.cat([background[..., :30], site, background[..., 30:]], dim=-1)
    late = torch.cat([background[..., :50], site, background[..., 50:]], dim=-1)
    torch.manual_seed(0)
    glob = ZengCNN((16,), (8,), padding="valid").eval()
    local = ZengCNN((16,), (8,), padding="valid", window=74, pooling="local").eval()
    torch.testing.assert_close(glob(early), glob(late))
    assert (local(early) - local(late)).abs() > 1e-3


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kernels": (16,) * 4, "widths": (4,) * 4}, "one to 3 layers"),
        ({"kernels": (), "widths": ()}, "one to 3 layers"),
        ({"kernels": (16, 32)}, "a width for each"),
        ({"kernels": (0,)}, "sizes are positive"),
        ({"pool": 0}, "sizes are positive"),
        ({"pooling": "mean"}, "pooling is one of global, local; got 'mean'"),
        ({"padding": "reflect"}, "padding is one of same, valid"),
        ({"pooling": "local", "pool": 50, "window": 40}, "reads at least 50 bp, got 40 bp"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused(params: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ZengCNN(**params)
