"""DeeperBind against torch's own recurrent layers."""

import pytest
import torch
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.models.deeperbind import DeeperBind
from holdfast.models.recurrent import LSTM


def as_torch(layer: LSTM) -> nn.LSTM:
    """The same weights in torch's cell, which has sigmoid gates and a second bias, here zero."""
    twin = nn.LSTM(layer.n_in, layer.n_units, batch_first=True)
    with torch.no_grad():
        twin.weight_ih_l0.copy_(layer.kernel[0].T)
        twin.weight_hh_l0.copy_(layer.recurrent[0].T)
        twin.bias_ih_l0.copy_(layer.bias)
        twin.bias_hh_l0.zero_()
    return twin


def test_the_network_is_its_published_layers_in_order() -> None:
    torch.manual_seed(0)
    model, x = DeeperBind(n_tasks=2).eval(), torch.randn(3, 4, 35)
    (convolution,) = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    states = nn.functional.conv1d(x, convolution.weight, convolution.bias).relu().transpose(1, 2)
    assert states.shape == (3, 25, 5), "every position of the probe is a step"
    for layer in model.modules():
        if isinstance(layer, LSTM):
            states, _ = as_torch(layer)(states)
    # Two kernels sum the same products in another order.
    torch.testing.assert_close(model(x), model.out(states[:, -1]), rtol=1e-5, atol=1e-6)


def test_the_order_of_sites_is_visible() -> None:
    torch.manual_seed(0)
    model, (one, other) = DeeperBind().eval(), torch.randn(2, 1, 4, 30) * 3
    assert (model(torch.cat([one, other], dim=2)) - model(torch.cat([other, one], dim=2))).abs() > 1e-2


def test_there_are_as_many_recurrent_layers_as_sizes() -> None:
    model = DeeperBind(units=(8, 6, 4))
    assert [layer.n_units for layer in model.modules() if isinstance(layer, LSTM)] == [8, 6, 4]
    assert [layer.p for layer in model.modules() if isinstance(layer, nn.Dropout)] == [0.0, 0.2, 0.2, 0.2]


@pytest.mark.parametrize("params", [{"units": ()}, {"units": (3, 0)}, {"width": 0}, {"filters": 0}], ids=str)
def test_impossible_sizes_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="width, filters and units are positive"):
        DeeperBind(**params)  # type: ignore[arg-type]
