"""DanQ and TBiNet: the stage they share, Keras's order of flattening, and the attention by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.danq import DanQ
from holdfast.models.stored import n_parameters
from holdfast.models.tbinet import TBiNet

WINDOW = 26 + 13 * 3 - 1 + 5  # three steps, and 5 bp that no step reads


def sequences(n: int = 4, window: int = WINDOW) -> Tensor:
    base = torch.randint(0, 4, (n, window), generator=torch.Generator().manual_seed(0))
    return F.one_hot(base, 4).transpose(1, 2).float()


def pooled_by_hand(model: nn.Module, x: Tensor) -> Tensor:
    """Steps (N, 3, 320) from the convolution's own weights."""
    (convolution,) = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    return F.max_pool1d(F.conv1d(x, convolution.weight, convolution.bias).relu(), 13).transpose(1, 2)


@pytest.mark.parametrize("kind", [DanQ, TBiNet])
def test_the_dense_layer_reads_states_time_major_as_keras_flattens(kind: type[DanQ | TBiNet]) -> None:
    torch.manual_seed(0)
    model, x = kind(window=WINDOW).eval(), sequences()
    steps = pooled_by_hand(model, x)
    if isinstance(model, TBiNet):
        steps = steps * model.attention(x)[..., None]
    states = model.recurrent(steps)  # (N, 3, 640)
    with torch.no_grad():
        model.dense.weight.zero_()
        model.dense.weight[0, 2 * 640 + 17] = 1.0
        model.dense.bias.fill_(2.0)
        model.out.weight.zero_()
        model.out.weight[0, 0] = 1.0
    torch.testing.assert_close(model(x)[:, 0], states[:, 2, 17] + 2.0)


@pytest.mark.parametrize("kind", [DanQ, TBiNet])
def test_dropouts_are_the_published_ones(kind: type[DanQ | TBiNet]) -> None:
    assert [layer.p for layer in kind(window=WINDOW).modules() if isinstance(layer, nn.Dropout)] == [0.2, 0.5]


@pytest.mark.parametrize("kind", [DanQ, TBiNet])
def test_the_gate_is_an_option(kind: type[DanQ | TBiNet]) -> None:
    hard, soft = kind(window=WINDOW).eval(), kind(window=WINDOW, gate="sigmoid").eval()
    soft.load_state_dict(hard.state_dict())
    assert not torch.allclose(hard(sequences()), soft(sequences()), atol=1e-5)
    with pytest.raises(ConfigError, match="one of hard_sigmoid, sigmoid; got 'tanh'"):
        kind(window=WINDOW, gate="tanh")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [DanQ, TBiNet])
def test_a_window_without_a_step_is_refused(kind: type[DanQ | TBiNet]) -> None:
    with pytest.raises(ConfigError, match="reads at least 38 bp, got 37 bp"):
        kind(window=37)


def test_tbinet_has_its_published_size_at_the_other_published_window() -> None:
    with torch.device("meta"):
        model = TBiNet(window=900, n_tasks=690)
    assert model.n_steps(900) == 67
    assert n_parameters(model) == 31_957_416


def test_attention_is_a_softmax_over_steps_of_one_dense_unit() -> None:
    torch.manual_seed(0)
    model, x = TBiNet(window=WINDOW).eval(), sequences()
    scores = pooled_by_hand(model, x) @ model.score.weight[0] + model.score.bias
    torch.testing.assert_close(model.attention(x), scores.exp() / scores.exp().sum(dim=1, keepdim=True))
    torch.testing.assert_close(model.attention(x).sum(dim=1), torch.ones(4))


def test_attention_looks_at_the_step_that_holds_the_motif() -> None:
    torch.manual_seed(0)
    model, motif = TBiNet(window=26 + 13 * 6 - 1).eval(), torch.randint(0, 4, (26,))
    (convolution,) = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    with torch.no_grad():
        convolution.weight[0] = F.one_hot(motif, 4).T
        convolution.bias[0] = -25.0  # type: ignore[index]  # fires where all 26 bases match
        model.score.weight.zero_()
        model.score.weight[0, 0] = 20.0
    for place in (0, 14, 40, 77):
        bases = torch.randint(0, 4, (1, 26 + 13 * 6 - 1), generator=torch.Generator().manual_seed(place))
        bases[0, place : place + 26] = motif
        attention = model.attention(F.one_hot(bases, 4).transpose(1, 2).float())[0]
        assert attention[place // 13] > 0.99


def test_without_scores_tbinet_reads_every_step_divided_by_their_number() -> None:
    torch.manual_seed(0)
    model, x = TBiNet(window=WINDOW).eval(), sequences()
    nn.init.zeros_(model.score.weight)
    states = model.recurrent(pooled_by_hand(model, x) / 3)
    torch.testing.assert_close(model(x), model.out(model.dense(states.flatten(1)).relu()))
