"""The receptive field of a layer is found by asking it."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.interpret.geometry import Layer, layer_geometry, named_layer
from holdfast.models import MODELS
from holdfast.models.dashboard import DashboardCNN, DashboardRNN
from holdfast.models.deepbind import DeepBind
from holdfast.models.modular import Modular
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.tbinet import TBiNet


def by_arithmetic(layers: list[tuple[int, int, int, int]]) -> tuple[int, int, int]:
    """Return first base, jump and width of (width, stride, dilation, padding before) layers in a row."""
    first, jump, width = 0, 1, 1
    for kernel, stride, dilation, padding in layers:
        first -= padding * jump
        width += (kernel - 1) * dilation * jump
        jump *= stride
    return first, jump, width


@pytest.mark.parametrize(
    "layers",
    [
        [(9, 1, 1, 0)],
        [(9, 1, 1, 4)],
        [(5, 2, 1, 2), (3, 1, 2, 0)],
        [(7, 1, 1, 3), (4, 4, 1, 0), (5, 1, 1, 2), (2, 2, 1, 0), (3, 1, 1, 1)],
    ],
)
def test_a_stack_has_the_geometry_of_the_arithmetic(layers: list[tuple[int, int, int, int]]) -> None:
    stack = nn.Sequential()
    for number, (kernel, stride, dilation, padding) in enumerate(layers):
        channels = 4 if number == 0 else 6
        stack.append(nn.Conv1d(channels, 6, kernel, stride=stride, dilation=dilation, padding=padding))
        stack.append(nn.ReLU())
    found = layer_geometry(stack, stack, 90)
    assert (found.first, found.jump, found.width) == by_arithmetic(layers)
    assert found.positions == stack(torch.zeros(1, 4, 90)).shape[2]


@pytest.mark.parametrize("pool", [F.max_pool1d, F.avg_pool1d], ids=["maximum", "mean"])
def test_pooling_by_a_plain_function_is_seen(pool: object) -> None:
    layer = nn.Conv1d(4, 3, 5)
    found = layer_geometry(layer, lambda x: pool(layer(x).relu(), 4, 3), 40)  # type: ignore[operator]
    assert (found.first, found.jump, found.width) == by_arithmetic([(5, 1, 1, 0), (4, 3, 1, 0)])


def test_a_deep_layer_of_the_dashboard_network_is_where_its_strides_put_it() -> None:
    model = DashboardCNN()
    # Lengths 101-93-46-42-21-19: 9, pool 2, 5, pool 2, 3.
    expected = by_arithmetic([(9, 1, 1, 0), (2, 2, 1, 0), (5, 1, 1, 0), (2, 2, 1, 0), (3, 1, 1, 0)])
    found = layer_geometry(model, named_layer(model, 2), 101)
    assert (found.first, found.jump, found.width) == expected
    assert found.positions == 19


def test_the_steps_of_tbinet_are_runs_of_thirteen_convolutions() -> None:
    model = TBiNet(window=90)
    found = layer_geometry(model, Layer(model, "stages.0"), 90)
    assert (found.first, found.jump, found.width, found.positions) == (0, 13, 38, 5)


def test_residual_and_dilated_blocks_are_seen_whole() -> None:
    model = Modular([{"name": "conv", "filters": 8, "width": 11}, {"name": "dilated_residual", "layers": 3}])
    found = layer_geometry(model, Layer(model, "stages.1"), 60)
    # 11 bases, then taps at distances 1, 2 and 4 on both sides.
    assert (found.first, found.jump, found.width) == (0, 1, 11 + 2 * (1 + 2 + 4))


def test_a_layer_that_the_scan_passes_by_is_asked_as_in_training() -> None:
    model = PapMegyeriCNN()
    found = layer_geometry(model, named_layer(model, "conv2"), 60)
    # 24 and 12 positions wide, padded by 11 and 5 on the left.
    assert (found.first, found.jump, found.width, found.positions) == (-16, 1, 35, 60)


@pytest.mark.parametrize("name", MODELS)
def test_every_convolution_of_every_model_has_a_geometry(name: str) -> None:
    facts = MODELS[name].facts  # type: ignore[attr-defined]
    spec = Spec(name=name, params=dict(facts.needs))
    model = MODELS.build(spec, n_tasks=1, window=facts.short_window).eval()
    for number in range(sum(isinstance(module, nn.Conv1d) for module in model.modules())):
        layer = named_layer(model, number)
        # A field may reach into the padding on both sides.
        assert 1 <= layer_geometry(model, layer, facts.short_window).width < 3 * facts.short_window


def test_padded_fields_that_the_window_cuts_everywhere_are_found_on_a_longer_one() -> None:
    layers = [(19, 1, 1, 9), (50, 50, 1, 0), (3, 1, 1, 1)]
    stack = nn.Sequential(nn.Conv1d(4, 3, 19, padding=9), nn.MaxPool1d(50), nn.Conv1d(3, 3, 3, padding=1))
    found = layer_geometry(stack, stack, 126)
    assert (found.first, found.jump, found.width) == by_arithmetic(layers)
    assert found.positions == 2


def test_a_model_and_its_layers_are_given_back_as_they_came() -> None:
    model = DashboardCNN().train()
    layer_geometry(model, named_layer(model, 2), 60)
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_what_has_no_place_of_its_own_is_refused() -> None:
    with pytest.raises(InputError, match="each sees 30 to 30 bp"):
        layer_geometry(nn.Identity(), mixed, 30)
    deepbind = DeepBind()
    with pytest.raises(InputError, match=r"returns \(30, 1\); expected \(30, channels, positions\)"):
        layer_geometry(deepbind, Layer(deepbind, "out"), 30)


def mixed(sequence: Tensor) -> Tensor:
    """Everything depends on everything."""
    return sequence.flip(2).cumsum(dim=2) + sequence.cumsum(dim=2)


def test_a_layer_that_is_not_there_is_refused_with_those_that_are() -> None:
    model = DashboardCNN()
    with pytest.raises(InputError, match=r"no convolution 7; its convolutions are 0\.\.2"):
        named_layer(model, 7)
    with pytest.raises(InputError, match="no layer 'stage': did you mean 'stages'"):
        named_layer(model, "stage")
    with pytest.raises(InputError, match="it has no convolution"):
        named_layer(DashboardRNN(), 0)
