"""DeepSEA against its layers written out with torch's functions."""

import torch
import torch.nn.functional as F
from torch import nn

from holdfast.models.deepsea import DeepSEA


def test_the_network_is_its_published_layers_in_order() -> None:
    torch.manual_seed(0)
    model, x = DeepSEA(window=200, n_tasks=3).eval(), torch.randn(2, 4, 200)
    features = x
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    for convolution, pool in zip(convolutions, (4, 4, 1), strict=True):
        features = F.max_pool1d(F.conv1d(features, convolution.weight, convolution.bias).relu(), pool)
    assert features.shape == (2, 960, model.n_steps(200))
    hidden = model.dense(features.transpose(1, 2).flatten(1)).relu()
    torch.testing.assert_close(model(x), model.out(hidden))


def test_the_published_window_gives_the_published_53_positions() -> None:
    with torch.device("meta"):
        assert DeepSEA(window=1000).n_steps(1000) == 53


def test_dropout_is_the_published_one() -> None:
    shares = [layer.p for layer in DeepSEA(window=163).modules() if isinstance(layer, nn.Dropout)]
    assert shares == [0.2, 0.2, 0.5]
