"""Both strands for a model that reads one."""

from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec
from holdfast.models import MODELS, SequenceModel
from holdfast.models.base import loop_over_windows
from holdfast.models.merging import mean_logit
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.strands import RcPooled, RcShared, Siamese, StrandPooledConv1d


def sequences(n: int = 5, length: int = 60, seed: int = 0) -> torch.Tensor:
    base = torch.randint(0, 5, (n, length), generator=torch.Generator().manual_seed(seed))
    return nn.functional.one_hot(base, 5)[..., :4].transpose(1, 2).float()


class OrderSensitive(SequenceModel):
    """A norm, a recurrent layer and a flattened head: nothing here is symmetric by itself."""

    def __init__(self, filters: int = 6) -> None:
        super().__init__()
        self.n_tasks, self.fixed_window = 3, 30
        self.conv = nn.Conv1d(4, filters, 7)
        self.norm = nn.BatchNorm1d(filters)
        self.deeper = nn.Conv1d(filters, 8, 3)
        self.lstm = nn.LSTM(8, 5, batch_first=True)
        self.dense = nn.Linear(5 * 22, 3)

    def trunk(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.deeper(self.norm(self.conv(sequence)).relu())

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return self.dense(self.lstm(self.trunk(sequence).transpose(1, 2))[0].flatten(1))


def plain_bases() -> list[str]:
    """The registered models that read one strand and need no other model."""
    return [
        name
        for name in MODELS
        if not MODELS[name].facts.needs and not base(name).both_strands  # type: ignore[attr-defined]
    ]


def base(name: str) -> SequenceModel:
    torch.manual_seed(0)
    return MODELS.build(Spec(name=name), window=MODELS[name].facts.short_window)  # type: ignore[attr-defined]


def has_convolution(model: SequenceModel) -> bool:
    return any(isinstance(layer, nn.Conv1d) and layer.in_channels == 4 for layer in model.modules())


def can_be_tied(model: SequenceModel) -> bool:
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv1d)]
    return has_convolution(model) and all(layer.out_channels % 2 == 0 for layer in layers)


WRAPPERS: list[tuple[str, dict[str, Any]]] = [
    ("siamese", {"merge": "mean"}),
    ("siamese", {"merge": "max"}),
    ("siamese", {"scale": "probabilities"}),
    ("rc_shared", {}),
]


def test_there_are_models_to_wrap() -> None:
    assert "pap_megyeri" in plain_bases()


@pytest.mark.parametrize("name", plain_bases())
@pytest.mark.parametrize(("wrapper", "params"), WRAPPERS, ids=str)
def test_any_model_gives_both_strands_one_answer_to_the_bit(name: str, wrapper: str, params: dict[str, Any]) -> None:
    inner = base(name)
    if wrapper == "rc_shared" and not can_be_tied(inner):
        pytest.skip("no convolution to tie, or one with an odd number of filters")
    model = MODELS[wrapper](inner, **params).eval()
    x = sequences(length=MODELS[name].facts.short_window)  # type: ignore[attr-defined]
    with torch.no_grad():
        assert torch.equal(model(x.flip(1, 2)), model(x))


@pytest.mark.parametrize("name", plain_bases())
@pytest.mark.parametrize("wrapper", ["siamese", "rc_shared", "rc_pooled"])
def test_the_scan_of_a_wrapped_model_equals_the_plain_loop(name: str, wrapper: str) -> None:
    inner = base(name)
    if not {"siamese": True, "rc_shared": can_be_tied(inner), "rc_pooled": has_convolution(inner)}[wrapper]:
        pytest.skip("no convolution to tie or to pool")
    model = MODELS[wrapper](inner).eval()
    window = MODELS[name].facts.short_window  # type: ignore[attr-defined]
    x = sequences(3, window + 9)
    with torch.no_grad():
        fast, slow = model.scan(x, window), loop_over_windows(model, x, window)
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)  # float32 sums in another order


@pytest.mark.parametrize("name", plain_bases())
def test_no_model_goes_round_its_pooled_first_layer(name: str) -> None:
    inner = base(name)
    if not has_convolution(inner):
        pytest.skip("no convolution")
    model = RcPooled(inner).eval()
    window = MODELS[name].facts.short_window  # type: ignore[attr-defined]
    calls: list[object] = []
    for layer in model.modules():
        if isinstance(layer, StrandPooledConv1d):
            layer.register_forward_hook(lambda *_: calls.append(None))
    model(sequences(2, window))
    called = len(calls)
    model.scan(sequences(2, window + 3), window)
    assert 0 < called < len(calls)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("make", [Siamese, lambda m: Siamese(m, scale="probabilities"), RcShared])
def test_strands_agree_to_the_bit_in_a_batch_of_any_size(make: Any, n: int) -> None:
    torch.manual_seed(n)
    model, x = make(OrderSensitive()).eval(), sequences(n, 34, seed=n)
    with torch.no_grad():
        assert torch.equal(model(x[..., :30].flip(1, 2)), model(x[..., :30]))
        assert torch.equal(model.scan(x.flip(1, 2), 30), model.scan(x, 30).flip(1))


def test_a_siamese_model_merges_the_two_answers_as_asked() -> None:
    x = sequences()
    inner = base("pap_megyeri").eval()
    with torch.no_grad():
        a, b = inner(x), inner(x.flip(1, 2))
        close = torch.testing.assert_close
        close(Siamese(inner)(x), (a + b) / 2)
        close(Siamese(inner, "max")(x), torch.maximum(a, b))
        close(Siamese(inner, scale="probabilities")(x).sigmoid(), (a.sigmoid() + b.sigmoid()) / 2)


def test_the_logit_of_a_mean_probability_is_exact_where_probabilities_round_to_one() -> None:
    logits = torch.tensor([[40.0, -100.0, 300.0], [42.0, -101.0, -300.0]])
    wide = logits.double()
    # Of p = 1 - e^-x and e^x far out: the mean of e^-40 and e^-42, of e^-100 and e^-101, and of 1 and 0.
    expected = torch.stack(
        [-torch.exp(-wide[:, 0]).mean().log(), torch.exp(wide[:, 1]).mean().log(), torch.zeros((), dtype=torch.double)]
    )
    torch.testing.assert_close(mean_logit(logits, "probabilities").double(), expected, rtol=1e-6, atol=1e-6)


def test_tied_filters_cost_half_and_come_in_reverse_complement_pairs() -> None:
    plain, model = PapMegyeriCNN(), RcShared(PapMegyeriCNN())
    convolutions = sum(p.numel() for layer in (plain.conv1, plain.conv2) for p in layer.parameters())
    saved = sum(p.numel() for p in plain.parameters()) - sum(p.numel() for p in model.parameters())
    assert saved == convolutions // 2
    weight = model.model.conv1.weight
    for number in range(256):
        assert torch.equal(weight[number].flip(0, 1), weight[255 - number])
    assert torch.equal(model.model.conv1.bias, model.model.conv1.bias.flip(0))


def test_the_maps_of_the_other_strand_are_those_of_this_one_reversed_norms_included() -> None:
    torch.manual_seed(1)
    model, x = RcShared(OrderSensitive()).train(), sequences(16, 30)
    model(x)  # moves the running statistics, over both strands
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.add_(0.3 * torch.randn_like(parameter))
    model.eval()
    assert not torch.equal(model.model.norm.running_mean, torch.zeros(6))
    maps, other = model.model.trunk(x), model.model.trunk(x.flip(1, 2))
    torch.testing.assert_close(other, maps.flip(1, 2), rtol=1e-4, atol=1e-5)  # float32 sums in another order


def test_training_a_tied_model_keeps_its_pairs() -> None:
    model, x = RcShared(OrderSensitive()), sequences(8, 30)
    optimiser = torch.optim.SGD(model.parameter_groups(), lr=0.1)
    before = model.model.conv.weight.detach().clone()
    model(x).square().mean().backward()
    optimiser.step()
    weight = model.model.conv.weight
    assert not torch.equal(weight, before)
    assert torch.equal(weight.flip(0, 1, 2), weight)


def test_a_tied_model_is_saved_and_read_back() -> None:
    model, x = RcShared(OrderSensitive()).eval(), sequences(4, 30)
    again = RcShared(OrderSensitive()).eval()
    again.load_state_dict(load(save({k: v.contiguous() for k, v in model.state_dict().items()})))
    assert torch.equal(model(x), again(x))


def test_an_odd_number_of_filters_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'conv' has an odd number of them, 7"):
        RcShared(OrderSensitive(filters=7))


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_pooled_filters_are_the_two_orientations_place_by_place(pool: Any) -> None:
    model = OrderSensitive()
    plain, x = nn.Conv1d(4, 6, 7), sequences(4, 30)
    plain.load_state_dict(model.conv.state_dict())
    pooled = RcPooled(model, pool).model.conv
    forward, reverse = plain(x), plain(x.flip(1, 2)).flip(2)
    expected = torch.maximum(forward, reverse) if pool == "max" else (forward + reverse) / 2
    torch.testing.assert_close(pooled(x), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(pooled(x.flip(1, 2)).flip(2), pooled(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [6, 7])
@pytest.mark.parametrize("padding", ["same", 2])
def test_pooled_filters_stay_in_place_under_padding(width: int, padding: Any) -> None:
    plain, x = nn.Conv1d(4, 2, width, padding=padding, dilation=1), sequences(2, 20)
    pooled = StrandPooledConv1d.from_plain(plain, "max")
    forward, reverse = pooled.both_orientations(x)
    torch.testing.assert_close(forward, plain(x), rtol=1e-5, atol=1e-6)
    turned = nn.Conv1d(4, 2, width, padding=padding)
    with torch.no_grad():
        turned.weight.copy_(plain.weight.flip(1, 2))
        turned.bias.copy_(plain.bias)
    torch.testing.assert_close(reverse, turned(x), rtol=1e-5, atol=1e-6)


def test_a_pooled_model_keeps_its_parameters_and_forgets_strands_under_a_global_maximum() -> None:
    inner = PapMegyeriCNN("valid")
    state = inner.state_dict()
    model = RcPooled(inner).eval()
    assert list(model.model.state_dict()) == list(state)
    # One layer and a global maximum do not see the order.
    first = model.model.conv1
    x = sequences()
    torch.testing.assert_close(first(x.flip(1, 2)).amax(-1), first(x).amax(-1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrapper", ["siamese", "rc_shared", "rc_pooled"])
@pytest.mark.parametrize("name", ["holdfast", "kmer", {"name": "siamese", "params": {"model": "pap_megyeri"}}])
def test_a_model_that_treats_both_strands_is_not_wrapped(wrapper: str, name: Any) -> None:
    with pytest.raises(ConfigError, match="treats both strands already"):
        MODELS.build(Spec(name=wrapper, params={"model": name}))


@pytest.mark.parametrize("wrapper", ["siamese", "rc_shared", "rc_pooled"])
@pytest.mark.parametrize("model", [["pap_megyeri", "kmer"], None])
def test_a_wrapper_takes_one_model(wrapper: str, model: Any) -> None:
    with pytest.raises(ConfigError, match=f"model '{wrapper}': model is .*; expected a model by name"):
        MODELS.build(Spec(name=wrapper, params={"model": model}))


@pytest.mark.parametrize("wrapper", [RcShared, RcPooled])
def test_a_model_without_a_convolution_over_bases_is_refused(wrapper: Any) -> None:
    class Dense(SequenceModel):
        def __init__(self) -> None:
            super().__init__()
            self.n_tasks, self.linear = 1, nn.Linear(40, 1)

        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return self.linear(sequence.flatten(1))

    with pytest.raises(ConfigError, match="Dense has no convolution over the four bases; use siamese"):
        wrapper(Dense())


def test_two_ways_of_reading_both_strands_in_one_layer_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'model\.conv' are made of other weights or strands"):
        RcShared(RcPooled(OrderSensitive()))
    with pytest.raises(ConfigError, match="no plain convolution but StrandPooledConv1d"):
        RcPooled(RcPooled(OrderSensitive()))


@pytest.mark.parametrize(
    ("params", "message"),
    [({"merge": "sum"}, "'mean' or 'max'"), ({"scale": "odds"}, "'logits' or 'probabilities'")],
)
def test_a_siamese_model_refuses_another_merge(params: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Siamese(PapMegyeriCNN(), **params)  # type: ignore[arg-type]


def test_a_wrapper_has_the_limits_of_its_model() -> None:
    model = Siamese(OrderSensitive())
    assert (model.n_tasks, model.min_window, model.fixed_window, model.scans_fast) == (3, 1, 30, False)
    valid = RcPooled(PapMegyeriCNN("valid"))
    assert (valid.min_window, valid.fixed_window, valid.scans_fast) == (35, None, True)


def test_the_penalty_is_the_wrapped_models_over_both_strands() -> None:
    inner, x = PapMegyeriCNN().eval(), sequences()
    logits, penalty = Siamese(inner).penalised_forward(x)
    torch.testing.assert_close(penalty, inner.penalised_forward(torch.cat([x, x.flip(1, 2)]))[1])
    torch.testing.assert_close(logits, Siamese(inner)(x))
