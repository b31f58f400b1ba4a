"""DeepGRN and FactorNet: counted as published, both strands, and what they read beside the bases."""

from typing import Any

import pytest
import torch

from holdfast.core.errors import ConfigError, InputError
from holdfast.models.attention import PairwiseAttention, SingleAttention, sinusoids
from holdfast.models.base import loop_over_windows
from holdfast.models.deepgrn import DeepGRN
from holdfast.models.factornet import FactorNet
from holdfast.models.stored import n_parameters

TRACKS = ("uniqueness", "dnase")
ASSUMED = {"uniqueness": 1.0, "dnase": 0.5}

# Settings of the released models: k, F, R, D, convolutions, LSTMs, extra dense layers, attention, steps, parameters.
# CTCF was trained by cuDNN's LSTM, which counts a second bias: 4 gates x 64 units x 2 directions x 2 layers.
RELEASED = {
    "CTCF": (20, 64, 64, 64, 2, 2, 0, "single_after", 96, 1_060_705 - 1024),
    "E2F1": (30, 128, 64, 64, 0, 1, 1, "single_before", 66, 654_151),
    "EGR1": (30, 64, 32, 64, 1, 1, 1, "single_before", 64, 316_225),
    "FOXA1": (34, 128, 64, 128, 1, 1, 0, "attention1d", 57, 192_897),
    "FOXA2": (30, 64, 32, 128, 1, 1, 1, "attention1d", 64, 100_225),
    "GABPA": (20, 64, 64, 64, 1, 1, 1, "single_after", 98, 899_815),
    "HNF4A": (34, 64, 64, 128, 1, 1, 0, "attention1d", 57, 134_657),
    "JUND": (20, 64, 64, 128, 1, 2, 1, "single_after", 98, 1_827_175),
    "MAX": (34, 64, 64, 64, 1, 1, 0, "attention1d", 57, 100_801),
    "REST": (34, 128, 32, 128, 1, 1, 0, "attention1d", 57, 127_105),
    "TAF1": (34, 64, 64, 64, 1, 2, 0, "single_before", 57, 657_579),
}


def sequences(n: int, length: int) -> torch.Tensor:
    base = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.one_hot(base, 4).transpose(1, 2).float()


def counted(model: type, **settings: Any) -> int:
    with torch.device("meta"):
        return n_parameters(model(**settings))


@pytest.mark.parametrize(
    ("attention", "expected"),
    [
        ("none", 284_929),
        ("single_before", 288_235),
        ("single_after", 288_235),
        ("pairwise_after", 293_121),
        ("attention1d", 59_649),
    ],
)
def test_the_example_settings_have_the_published_number_of_parameters(attention: str, expected: int) -> None:
    assert counted(DeepGRN, attention=attention, tracks=TRACKS, n_static=14) == expected


def test_the_released_egr1_models_have_their_number_of_parameters() -> None:
    settings = {"width": 30, "tracks": TRACKS, "n_static": 14}
    assert counted(DeepGRN, attention="single_before", merged=True, **settings) == 316_225
    assert counted(DeepGRN, attention="pairwise_before", positions="learned", **settings) == 324_353
    assert counted(DeepGRN, attention="pairwise_before", positions="sinusoidal", **settings) == 324_353 - 64 * 64


@pytest.mark.parametrize("name", RELEASED)
def test_every_published_setting_has_its_steps_and_its_number_of_parameters(name: str) -> None:
    width, filters, units, dense, convolutions, lstms, extra, attention, steps, expected = RELEASED[name]
    with torch.device("meta"):
        model = DeepGRN(
            attention=attention,  # type: ignore[arg-type]
            width=width,
            n_filters=filters,
            n_units=units,
            n_dense=dense,
            n_convolutions=convolutions,
            n_lstms=lstms,
            n_extra_dense=extra,
            tracks=TRACKS,
            n_static=14,
        )
    assert model.n_steps(1002) == steps
    assert n_parameters(model) == expected


def test_the_released_factornet_models_have_their_number_of_parameters() -> None:
    released = {"width": 34, "pool": 17}
    assert counted(FactorNet, tracks=TRACKS, n_filters=64, **released) == 275_713
    assert counted(FactorNet, tracks=("dnase",), **released) == 256_769
    assert counted(FactorNet, tracks=TRACKS, n_static=14, **released) == 262_913
    assert counted(FactorNet, tracks=TRACKS, n_static=6, n_filters=64, n_dense=128, **released) == 526_593


MODELS_WITH_TRACKS = [
    (DeepGRN, {"window": 84, "attention": kind})
    for kind in ("none", "single_before", "single_after", "pairwise_before", "attention1d")
] + [(FactorNet, {"window": 70})]


@pytest.mark.parametrize("merge", ["mean", "max"])
@pytest.mark.parametrize(("kind", "settings"), MODELS_WITH_TRACKS)
def test_both_strands_of_an_example_get_one_answer(kind: type, settings: dict[str, Any], merge: str) -> None:
    torch.manual_seed(0)
    model = kind(**settings, tracks=TRACKS, n_static=3, merge=merge).eval()
    x = sequences(4, settings["window"])
    tracks, static = torch.rand(4, 2, settings["window"]), torch.randn(4, 3)
    turned = model(x.flip(1, 2), tracks.flip(2), static)
    torch.testing.assert_close(model(x, tracks, static), turned, rtol=1e-5, atol=1e-6)
    forward, reverse = model.strand_logits(x, tracks, static)
    other, one = model.strand_logits(x.flip(1, 2), tracks.flip(2), static)
    torch.testing.assert_close((forward, reverse), (one, other), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(forward, reverse, atol=1e-4)


def test_the_merged_logit_is_that_of_the_mean_probability_even_where_it_saturates() -> None:
    model = FactorNet(window=70)
    forward = torch.tensor([[0.3], [40.0], [-40.0], [200.0]], dtype=torch.float64)
    reverse = torch.tensor([[-1.2], [42.0], [3.0], [200.0]], dtype=torch.float64)
    merged = model.merged(forward, reverse)
    mean = (forward.sigmoid() + reverse.sigmoid()) / 2
    torch.testing.assert_close(merged.sigmoid(), mean)
    assert float(merged[3]) == pytest.approx(200.0)  # a probability would have been 1 exactly
    assert float(FactorNet(window=70, merge="max").merged(forward, reverse)[2]) == 3.0


@pytest.mark.parametrize(("kind", "settings"), MODELS_WITH_TRACKS)
def test_windows_are_scanned_as_they_are_asked_one_by_one(kind: type, settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = kind(**settings, tracks=TRACKS, n_static=2, assume_tracks=ASSUMED, assume_static=[0.5, -1.0]).eval()
    x = sequences(3, settings["window"] + 9)
    scanned = model.scan(x, settings["window"])
    torch.testing.assert_close(scanned, loop_over_windows(model, x, settings["window"]), rtol=1e-5, atol=1e-5)


def test_what_is_assumed_is_what_is_given_as_a_constant() -> None:
    torch.manual_seed(0)
    x = sequences(3, 84)
    model = DeepGRN(window=84, tracks=TRACKS, n_static=2, assume_tracks=ASSUMED, assume_static=[0.5, -1.0]).eval()
    tracks = torch.tensor([1.0, 0.5])[None, :, None].expand(3, 2, 84)
    torch.testing.assert_close(model(x), model(x, tracks, torch.tensor([0.5, -1.0]).expand(3, 2)))
    assert not torch.allclose(model(x), model(x, 2 * tracks))


def test_missing_inputs_are_an_error_that_says_what_and_how() -> None:
    x = sequences(3, 84)
    with pytest.raises(InputError, match=r"uniqueness, dnase and got none.*--assume uniqueness=\.\.\. --assume dnase="):
        DeepGRN(window=84, tracks=TRACKS)(x)
    with pytest.raises(InputError, match=r"reads 14 static features.*--assume static="):
        DeepGRN(window=84, n_static=14)(x)
    with pytest.raises(InputError, match=r"expected \(3, 2, 84\) \(uniqueness, dnase\)"):
        DeepGRN(window=84, tracks=TRACKS)(x, torch.zeros(3, 1, 84))
    with pytest.raises(InputError, match=r"static has shape \(3, 2\), expected \(3, 4\)"):
        FactorNet(window=84, n_static=4)(x, None, torch.zeros(3, 2))
    with pytest.raises(InputError, match="built without tracks"):
        FactorNet(window=84)(x, torch.zeros(3, 1, 84))
    with pytest.raises(InputError, match="built without static features"):
        FactorNet(window=84)(x, None, torch.zeros(3, 1))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attention": "double"}, "got 'double'"),
        ({"attention": "none", "merged": True}, "merged belongs to single"),
        ({"positions": "learned"}, "positions belong to pairwise"),
        ({"attention": "pairwise_after", "positions": "circular"}, "got 'circular'"),
        ({"merge": "min"}, "'mean' or 'max'"),
        ({"width": 1}, "the width is 2 or more"),
        ({"window": 30}, "reads at least 50 bp, got 30 bp"),
        ({"tracks": ("a", "a")}, "named once each"),
        ({"tracks": TRACKS, "assume_tracks": {"dnase": 1.0}}, "nothing is assumed for track 'uniqueness'"),
        ({"tracks": TRACKS, "assume_tracks": {"dnas": 1.0}}, "did you mean 'dnase'"),
        ({"n_static": 3, "assume_static": [1.0]}, "expected 3 numbers, got 1"),
        ({"n_static": 1, "assume_static": [float("nan")]}, "finite"),
        ({"n_static": -1}, "0 or more"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DeepGRN(**({"window": 84} | settings))


def test_attention_is_shown_where_there_is_some() -> None:
    x = sequences(3, 84)
    for kind, shape in {"single_before": (3, 3, 64), "pairwise_after": (3, 3, 3), "attention1d": (3, 3, 64)}.items():
        model = DeepGRN(window=84, attention=kind).eval()  # type: ignore[arg-type]
        for weights in model.attention_weights(x):
            assert weights.shape == shape
            total = weights.sum(dim=2 if kind.startswith("pairwise") else 1)
            torch.testing.assert_close(total, torch.ones_like(total))
    with pytest.raises(ConfigError, match="no weights to show"):
        DeepGRN(window=84, attention="none").attention_weights(x)


def test_merged_weights_are_the_mean_over_channels() -> None:
    torch.manual_seed(0)
    attention, x = SingleAttention(5, merged=False), torch.randn(2, 5, 3)
    mean = attention.weights(x).mean(dim=2, keepdim=True).expand(2, 5, 3)
    attention.merged = True
    torch.testing.assert_close(attention.weights(x), mean)


def test_positions_reach_queries_keys_and_values_but_not_the_sum() -> None:
    torch.manual_seed(0)
    attention, x = PairwiseAttention(5, 4, positions="learned"), torch.randn(2, 5, 4)
    with torch.no_grad():
        attention.value.weight.zero_()
    torch.testing.assert_close(attention(x), x)
    bare = PairwiseAttention(5, 4, positions="none")
    bare.load_state_dict({k: v for k, v in attention.state_dict().items() if k != "table"})
    torch.testing.assert_close(bare.weights(x + attention.table), attention.weights(x))


def test_sinusoids_turn_by_one_rate_per_pair_of_columns() -> None:
    table = sinusoids(50, 6)
    torch.testing.assert_close(table[:, 0::2].square() + table[:, 1::2].square(), torch.ones(50, 3))
    # A step forward is one rotation, the same from every step.
    sine, cosine = table[:, 2], table[:, 3]
    torch.testing.assert_close(sine[1:], sine[:-1] * cosine[1] + cosine[:-1] * sine[1], rtol=1e-4, atol=1e-5)
