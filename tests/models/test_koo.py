"""Koo's networks against the same layers written out with torch's functions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.koo import CNN2, CNN50, CNNDeep, KooCNN
from holdfast.models.stored import n_parameters


def randomised(model: KooCNN) -> KooCNN:
    """Parameters and running statistics that no layer can be left out with."""
    generator = torch.Generator().manual_seed(0)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.01)
    return model.double().eval()


def normalised(features: Tensor, norm: nn.Module) -> Tensor:
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + 1e-3).sqrt()  # Keras's epsilon
    shape = (-1, 1) if features.ndim == 3 else (-1,)
    return (features - norm.running_mean.view(shape)) * scale.view(shape) + norm.bias.view(shape)


def layers_of(model: KooCNN, kind: type[nn.Module]) -> list[nn.Module]:
    return [layer for layer in model.modules() if isinstance(layer, kind)]


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kind", "pools", "padded"), [(CNN2, (2, 50), 2), (CNN50, (50, 2), 2), (CNNDeep, (1, 4, 4, 3), 2)]
)
def test_the_network_is_its_published_layers_in_order(
    kind: type[KooCNN], pools: tuple[int, ...], padded: int, padding: str, activation: str
) -> None:
    model = randomised(kind(activation, padding=padding, window=350, n_tasks=3))  # type: ignore[call-arg, arg-type]
    x = F.one_hot(torch.randint(0, 4, (2, 350)), 4).transpose(1, 2).double()
    norms = layers_of(model, nn.BatchNorm1d)
    features = x
    for layer, (convolution, pool) in enumerate(zip(layers_of(model, nn.Conv1d), pools, strict=True)):
        mode = padding if layer < padded else "valid"
        features = normalised(F.conv1d(features, convolution.weight, padding=mode), norms[layer])
        features = features.exp() if layer == 0 and activation == "exponential" else features.relu()
        features = F.max_pool1d(features, pool)
    dense, out = layers_of(model, nn.Linear)
    hidden = normalised(features.transpose(1, 2).flatten(1) @ dense.weight.T, norms[-1]).relu()
    torch.testing.assert_close(model(x), hidden @ out.weight.T + out.bias)


def test_pooling_early_or_late_costs_the_same_parameters() -> None:
    # Kernels, a scale and a shift each; 200 / (2 * 50) = 2 places before the dense layer.
    layers = 4 * 19 * 30 + 2 * 30 + 30 * 5 * 128 + 2 * 128 + 2 * 128 * 512 + 2 * 512 + 512 * 12 + 12
    assert n_parameters(CNN2(n_tasks=12)) == n_parameters(CNN50(n_tasks=12)) == layers


def test_the_penalty_is_l2_on_every_kernel_but_the_last() -> None:
    model = randomised(CNNDeep(window=150))
    convolutions = layers_of(model, nn.Conv1d)
    dense = layers_of(model, nn.Linear)[0]
    expected = 1e-6 * sum((layer.weight**2).sum() for layer in (*convolutions, dense))
    logits, penalty = model.penalised_forward(torch.zeros(2, 4, 150).double())
    torch.testing.assert_close(penalty, expected)
    torch.testing.assert_close(logits, model(torch.zeros(2, 4, 150).double()))


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        (CNN2, {"activation": "tanh"}, "one of relu, exponential; got 'tanh'"),
        (CNN50, {"padding": "reflect"}, "one of same, valid; got 'reflect'"),
        (CNN2, {"window": 99}, "reads at least 100 bp, got 99 bp"),
        (CNN50, {"window": 317, "padding": "valid"}, "reads at least 318 bp, got 317 bp"),
        (CNNDeep, {"window": 103}, "reads at least 104 bp, got 103 bp"),
    ],
)
def test_impossible_settings_are_refused(kind: type[KooCNN], params: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**params)  # type: ignore[arg-type]
