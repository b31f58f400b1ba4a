"""The dashboard's networks against torch's own layers."""

import pytest
import torch
from torch import nn

from holdfast.models.dashboard import DashboardCNN, DashboardCNNRNN, DashboardRNN


def sequences(n: int = 4, length: int = 40) -> torch.Tensor:
    base = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(0))
    return nn.functional.one_hot(base, 4).transpose(1, 2).float()


def torch_states(model: DashboardRNN | DashboardCNNRNN, features: torch.Tensor) -> torch.Tensor:
    """States of two LSTMs of torch, one of them on the reversed sequence, averaged over time and laid side by side."""
    ours, means = model.states.lstm, []
    for way, steps in enumerate((features, features.flip(-1))):
        other = nn.LSTM(ours.n_in, ours.n_units, batch_first=True)
        i, f, c, o = (ours.kernel[way].chunk(4, dim=-1)[k] for k in range(4))
        ri, rf, rc, ro = ours.recurrent[way].chunk(4, dim=-1)
        bi, bf, bc, bo = ours.bias.view(2, 4, -1)[way]
        other.load_state_dict(
            {
                "weight_ih_l0": torch.cat([i, f, c, o], dim=1).T,
                "weight_hh_l0": torch.cat([ri, rf, rc, ro], dim=1).T,
                "bias_ih_l0": torch.cat([bi, bf, bc, bo]),
                "bias_hh_l0": torch.zeros(4 * ours.n_units),
            }
        )
        means.append(other(steps.transpose(1, 2))[0].mean(dim=1))
    return torch.cat(means, dim=1)


@torch.no_grad()
@pytest.mark.parametrize("kind", [DashboardRNN, DashboardCNNRNN])
def test_recurrent_networks_are_two_lstms_of_torchs_averaged_over_time(
    kind: type[DashboardRNN] | type[DashboardCNNRNN],
) -> None:
    torch.manual_seed(0)
    model, x = kind().eval(), sequences()
    features = x
    if isinstance(model, DashboardCNNRNN):
        features = nn.functional.conv1d(x, model.conv.weight, model.conv.bias, padding="same").relu()
        assert features.shape[-1] == x.shape[-1]
    pair = model.out(torch_states(model, features)).log_softmax(dim=-1)
    # float32 sums in another order.
    torch.testing.assert_close(model(x)[:, 0], pair[:, 1] - pair[:, 0], rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_the_cnn_is_torchs_layers_in_a_row() -> None:
    torch.manual_seed(0)
    model, x = DashboardCNN().eval(), sequences(length=101)
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    lengths, features = [], x
    for number, layer in enumerate(convolutions):
        features = layer(features).relu()
        lengths.append(features.shape[-1])
        if number < 2:
            features = nn.functional.max_pool1d(features, 2)
            lengths.append(features.shape[-1])
    assert lengths == [93, 46, 42, 21, 19]
    pair = model.out(features.amax(dim=-1)).log_softmax(dim=-1)
    torch.testing.assert_close(model(x)[:, 0], pair[:, 1] - pair[:, 0])


@pytest.mark.parametrize(("kind", "inputs"), [(DashboardRNN, 4), (DashboardCNNRNN, 128)])
def test_first_weights_are_those_of_the_published_code(
    kind: type[DashboardRNN] | type[DashboardCNNRNN], inputs: int
) -> None:
    torch.manual_seed(0)
    lstm = kind().states.lstm
    # Of 8,192 recurrent weights: their deviation is within 3 % with near certainty.
    assert float(lstm.recurrent.detach().std()) == pytest.approx((32 + inputs) ** -0.5, rel=0.03)
    bias = lstm.bias.detach().view(2, 4, 32)  # blocks i, f, c, o
    assert bool((bias[:, 1] == 1).all())
    assert float(bias.sum()) == 64


def test_one_direction_halves_the_recurrent_weights() -> None:
    whole, half = DashboardRNN(), DashboardRNN(both_directions=False)
    assert half.out.in_features == 32
    assert sum(p.numel() for p in half.states.parameters()) * 2 == sum(p.numel() for p in whole.states.parameters())
