"""DeMo: its parts in closed form, its depths, and its shapes."""

import pytest
import torch

from holdfast.core.errors import ConfigError
from holdfast.core.space import Plan
from holdfast.models.demo import DeMo, Highway
from holdfast.models.stored import n_parameters


def test_a_closed_gate_hands_on_its_input_and_an_open_one_the_change() -> None:
    layer, x = Highway(4), torch.randn(3, 4)
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.fill_(-60.0)
        assert torch.equal(layer(x), x)
        layer.gate.bias.fill_(60.0)
        torch.testing.assert_close(layer(x), layer.change(x).relu())
        layer.gate.bias.zero_()
        torch.testing.assert_close(layer(x), (layer.change(x).relu() + x) / 2)


def test_gates_start_almost_closed() -> None:
    assert Highway(4).gate.bias.tolist() == [-2.0] * 4


@pytest.mark.parametrize(("conv_layers", "positions"), [(3, 19), (4, 7)])
def test_a_window_of_101_gives_the_positions_of_the_later_code(conv_layers: int, positions: int) -> None:
    model = DeMo(conv_layers=conv_layers)
    assert model.n_steps(101) == positions
    assert model(torch.zeros(1, 4, model.min_window)).shape == (1, 1)


def test_each_further_layer_has_its_parameters() -> None:
    plain = n_parameters(DeMo())
    assert n_parameters(DeMo(highway_layers=6)) - plain == 2 * (32 * 32 + 32)
    assert n_parameters(DeMo(conv_layers=4)) - plain == 128 * 128 * 3 + 128


def test_the_logit_is_the_difference_of_the_two_log_probabilities() -> None:
    model = DeMo(n_tasks=2).eval()
    x = torch.nn.functional.one_hot(torch.randint(0, 4, (3, 60)), 4).transpose(1, 2).float()
    pairs: list[torch.Tensor] = []
    model.out.register_forward_hook(lambda *call: pairs.append(call[2]))
    logits = model(x)
    log_p = pairs[0].view(3, 2, 2).log_softmax(dim=-1)
    torch.testing.assert_close(logits, log_p[..., 1] - log_p[..., 0])


def test_the_search_is_the_posters_grid_judged_by_training_accuracy() -> None:
    assert DeMo.search.plan == Plan(selection="training", metric="accuracy")
    depths = [tuple(setting.model.values()) for setting in DeMo.search.draw(DeMo.search.plan, seed=0)]
    assert depths == [(3, 5), (3, 6), (3, 7), (4, 5), (4, 6), (4, 7)]


@pytest.mark.parametrize("wrong", [{"conv_layers": 5}, {"conv_layers": 0}, {"highway_layers": -1}, {"filters": 0}])
def test_impossible_depths_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        DeMo(**wrong)
