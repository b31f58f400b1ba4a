"""Attribution methods against closed forms, other people's code and their own promises."""

import numpy as np
import pytest
import torch
from tangermeme.deep_lift_shap import deep_lift_shap
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.attribution.gradcam import GradCAM
from holdfast.interpret.attribution.gradients import GradientTimesInput
from holdfast.interpret.attribution.occlusion import Occlusion
from holdfast.interpret.attribution.paths import ExpectedGradients, IntegratedGradients, SmoothGrad
from holdfast.interpret.attribution.references import baselines, shuffled
from holdfast.interpret.attribution.sanity import randomisation_check
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.zeng import ZengCNN

W = 40
CODES = torch.randint(0, 4, (4, W), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


class Linear(nn.Module):
    """Adds up a weight for every base at every position."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = nn.Parameter(torch.randn(1, 4, W))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,tbw->nt", sequence, self.weight)


class Scanner(nn.Module):
    """The best place of a motif, by a log-odds matrix."""

    def __init__(self, pwm: Tensor) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 1, pwm.shape[1], bias=False)
        self.conv.weight = nn.Parameter(pwm[None])

    def forward(self, sequence: Tensor) -> Tensor:
        best: Tensor = self.conv(sequence).amax(dim=-1)
        return best


@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_against_zeros_a_linear_model_gives_its_weights(name: str) -> None:
    model = Linear()
    found = ATTRIBUTIONS[name]()(model, CODES)
    assert found.hypothetical is not None
    np.testing.assert_allclose(found.hypothetical, model.weight.detach().expand(4, -1, -1).numpy(), rtol=1e-5)


def test_smoothgrad_of_a_linear_model_is_its_weights() -> None:
    model = Linear()
    found = ATTRIBUTIONS["smoothgrad"](samples=3)(model, CODES)
    np.testing.assert_allclose(found.hypothetical, model.weight.detach().expand(4, -1, -1).numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["expected-gradients", "deepshap"])
def test_against_shuffles_a_linear_models_contributions_are_differences_from_their_mean(name: str) -> None:
    model = Linear()
    found = ATTRIBUTIONS[name](references=5, seed=3)(model, CODES)
    against = one_hot(shuffled(CODES, torch.arange(4), count=5, seed=3))
    mean = (against * model.weight.detach()).sum(dim=2).mean(dim=1)  # (N, W)
    expected = model.weight.detach() - mean[:, None]
    np.testing.assert_allclose(found.hypothetical, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_occlusion_of_a_linear_model_is_the_mean_of_the_sums_it_covers() -> None:
    model = Linear()
    found = Occlusion(width=3)(model, CODES)
    weight = (one_hot(CODES) * model.weight.detach()).sum(dim=1)
    sums = weight.unfold(1, 3, 1).sum(dim=-1)
    middle = sums.unfold(1, 3, 1).mean(dim=-1)
    np.testing.assert_allclose(found.per_base[:, 2 : W - 2], middle.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.per_base[:, 0], sums[:, 0].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("replacement", ["zeros", "uniform", "dinucleotide"])
@pytest.mark.parametrize("stride", [1, 4])
def test_occlusion_is_that_of_the_plain_definition(replacement: str, stride: int) -> None:
    model = PapMegyeriCNN().eval()
    method = Occlusion(width=7, stride=stride, replacement=replacement, shuffles=2)
    found = method(model, CODES)
    instead, sequence = baselines(replacement, CODES, torch.arange(4), count=2, seed=0), one_hot(CODES)
    starts = sorted({*range(0, W - 6, stride), W - 7})
    total, count = torch.zeros(4, W), torch.zeros(W)
    with torch.no_grad():
        for start in starts:
            effects = []
            for other in instead.unbind(dim=1):
                copy = sequence.clone()
                copy[..., start : start + 7] = other[..., start : start + 7]
                effects.append((model(sequence) - model(copy))[:, 0])
            total[:, start : start + 7] += torch.stack(effects).mean(dim=0)[:, None]
            count[start : start + 7] += 1
    np.testing.assert_allclose(found.per_base, (total / count).numpy(), atol=1e-6)  # float32 sums in another order


def test_occlusion_refuses_runs_that_leave_positions_out_or_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="stride is 5, width 3"):
        Occlusion(width=3, stride=5)
    with pytest.raises(InputError, match="runs of 50 bp do not fit into windows of 40 bp"):
        Occlusion(width=50)(Linear(), CODES)


def test_mutagenesis_of_a_scanner_recovers_its_matrix() -> None:
    torch.manual_seed(0)
    consensus = torch.tensor([[0, 1, 2, 3, 1, 0]], dtype=torch.uint8)
    pwm = 3 * one_hot(consensus)[0] + 0.3 * torch.randn(4, 6)
    pwm = pwm - pwm.mean(dim=0)
    codes = torch.full((1, W), 4, dtype=torch.uint8)
    codes[:, 20:26] = consensus
    found = ATTRIBUTIONS["ism"]()(Scanner(pwm), codes)
    assert found.hypothetical is not None
    # With one base changed the site still beats every other place, so each effect is a difference of two entries.
    np.testing.assert_allclose(found.hypothetical[0, :, 20:26], pwm.numpy(), atol=1e-5)
    assert np.abs(found.hypothetical[0, :, 32:]).max() < 1e-6


@pytest.mark.parametrize("baseline", ["zeros", "uniform", "dinucleotide"])
@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
@pytest.mark.parametrize("build", [HoldfastNet, ZengCNN], ids=["smooth", "rectified"])
def test_contributions_add_up_to_the_difference_from_the_baseline(
    name: str, baseline: str, build: type[nn.Module]
) -> None:
    torch.manual_seed(0)
    model, codes = build(), CODES.clone()
    codes[0, 7] = 4
    found = ATTRIBUTIONS[name](baseline=baseline)(model, codes)
    against = baselines(baseline, codes, torch.arange(4), count=1, seed=0)[:, 0]
    with torch.no_grad():
        difference = (model.eval()(one_hot(codes)) - model(against))[:, 0].numpy()
    # The integral of a rectified model's gradient has kinks between the nodes.
    np.testing.assert_allclose(found.per_base.sum(axis=1), difference, atol=1e-2 if name.startswith("int") else 1e-5)
    assert found.gap is not None
    np.testing.assert_allclose(difference - found.per_base.sum(axis=1), found.gap, atol=1e-6)
    assert found.incomplete is not None
    assert not found.incomplete.any()


class Power(nn.Module):
    """A power of a sum of weights, whose path integrals are known."""

    def __init__(self, power: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight, self.power = nn.Parameter(torch.randn(4, W)), power

    def forward(self, sequence: Tensor) -> Tensor:
        return (sequence * self.weight).sum(dim=(1, 2))[:, None] ** self.power


def test_steps_enough_for_the_degree_close_the_gap_and_too_few_are_flagged() -> None:
    few, enough = (IntegratedGradients(steps=steps, refine=False)(Power(4), CODES) for steps in (1, 2))
    assert few.incomplete is not None
    assert few.incomplete.all()
    assert enough.gap is not None
    assert enough.incomplete is not None
    assert not enough.incomplete.any()
    assert np.abs(enough.gap).max() < 1e-5 * np.abs(enough.logits).max()


def test_expected_gradients_of_a_square_are_its_closed_form() -> None:
    model = Power(2)
    found = ExpectedGradients(references=3, steps=1)(model, CODES)
    x, references = one_hot(CODES)[:, None], one_hot(shuffled(CODES, torch.arange(4), count=3, seed=0))
    weight = model.weight.detach()
    # The mean of 2 w (w . z) between r and x is w (w . x + w . r).
    slope = weight * ((x + references) * weight).sum(dim=(2, 3), keepdim=True)
    expected = (slope * (x - references)).sum(dim=2).mean(dim=1)
    np.testing.assert_allclose(found.per_base, expected.numpy(), rtol=1e-4, atol=1e-4)


def test_deepshap_is_tangermemes_where_tangermeme_sees_all() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 8, 5), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(8, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(56, 2)
    )
    found = ATTRIBUTIONS["deepshap"](references=4, seed=2)(model, CODES, task=1)
    references = one_hot(shuffled(CODES, torch.arange(4), count=4, seed=2))
    theirs = deep_lift_shap(model, one_hot(CODES), target=1, references=references, hypothetical=True, device="cpu")
    np.testing.assert_allclose(found.hypothetical, theirs.numpy(), atol=1e-6)  # the same numbers, averaged later


class Functional(nn.Module):
    """The same network, of functions."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.first, self.second, self.dense = layers[0], layers[3], layers[6]

    def forward(self, sequence: Tensor) -> Tensor:
        pooled = torch.nn.functional.max_pool1d(self.first(sequence).relu_(), 4)
        logits: Tensor = self.dense(torch.tanh(self.second(pooled)).flatten(1))
        return logits


def test_functions_get_the_rules_of_modules() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv1d(4, 8, 5), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(8, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(56, 2)
    )
    one, other = (ATTRIBUTIONS["deepshap"](references=3)(model, CODES) for model in (layers, Functional(layers)))
    np.testing.assert_allclose(one.per_base, other.per_base, atol=1e-6)


class Unknown(nn.Module):
    """Has a function without a rule."""

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.sinh(3 * sequence[:, 0, :3].sum(dim=1))[:, None]


def test_a_function_without_a_rule_is_flagged() -> None:
    codes = torch.zeros(1, W, dtype=torch.uint8)
    found = ATTRIBUTIONS["deeplift"]()(Unknown(), codes)
    assert found.incomplete is not None
    assert found.incomplete.all()


def test_deeplift_leaves_no_hooks_and_no_layers_behind() -> None:
    from holdfast.models.danq import DanQ

    model = DanQ(window=64)
    before = {name: type(layer) for name, layer in model.named_modules()}
    ATTRIBUTIONS["deeplift"]()(model, torch.zeros(1, 64, dtype=torch.uint8))
    assert {name: type(layer) for name, layer in model.named_modules()} == before
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in model.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["smoothgrad", "expected-gradients", "deepshap", "occlusion"])
def test_draws_belong_to_examples_and_seeds(name: str) -> None:
    params = {"occlusion": {"replacement": "dinucleotide", "shuffles": 2}, "smoothgrad": {"samples": 2}}
    few = params.get(name, {"references": 2})
    model, index = HoldfastNet().eval(), torch.tensor([7, 3, 5, 1])
    method = ATTRIBUTIONS[name](**few)
    whole = method(model, CODES, index=index)
    last = method(model, CODES[2:], index=index[2:])
    np.testing.assert_allclose(whole.per_base[2:], last.per_base, atol=1e-6)
    other = ATTRIBUTIONS[name](**few, seed=1)(model, CODES, index=index)
    assert np.abs(other.per_base - whole.per_base).max() > 1e-5


def test_smoothgrads_noise_has_the_stated_deviation() -> None:
    seen: list[Tensor] = []

    class Recorder(nn.Module):
        def forward(self, sequence: Tensor) -> Tensor:
            seen.append(sequence.detach())
            return sequence.sum(dim=(1, 2))[:, None]

    SmoothGrad(samples=40, sd=0.2)(Recorder(), CODES)
    noise = torch.cat([one - one_hot(CODES) for one in seen[1:]])
    assert noise.std() == pytest.approx(0.2, rel=0.02)  # 25,600 draws: 0.4 % standard error
    assert noise.mean() == pytest.approx(0.0, abs=0.005)


def test_gradcam_stands_where_the_last_convolution_fired() -> None:
    pwm = torch.full((4, 5), -1.0)
    pwm[2] = 1.0
    codes = torch.zeros(1, W, dtype=torch.uint8)
    codes[:, 30:35] = 2  # GGGGG
    found = GradCAM()(Scanner(pwm), codes)
    # The gradient of a maximum is 1 at one of P places; the map at the site is 5, and elsewhere less.
    assert found.per_base[0].argmax() == 32
    assert found.per_base[0, 32] == pytest.approx(5 / (W - 4))


def of_guanines(*layers: nn.Module) -> nn.Sequential:
    """A network that counts G as 1 and other bases as -1 in five places, and adds up what the layers leave of it."""
    convolution = nn.Conv1d(4, 1, 5, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([-1.0, -1.0, 1.0, -1.0])[:, None].expand(1, 4, 5))
    network = nn.Sequential(convolution, *layers, nn.Flatten()).eval()
    network.append(nn.Linear(network(torch.zeros(1, 4, W)).shape[1], 1))
    nn.init.ones_(network[-1].weight)
    return network


def guanines_at(start: int) -> Tensor:
    codes = torch.zeros(1, W, dtype=torch.uint8)
    codes[:, start : start + 5] = 2
    return codes


def test_gradcam_looks_at_what_a_rectifier_leaves() -> None:
    found = GradCAM()(of_guanines(nn.ReLU()), guanines_at(30))
    # Places 28 .. 32 see 3, 4, 5, 4, 3 of the five G: 1, 3, 5, 3, 1 are left, the gradient of each is 1.
    expected = np.zeros(W)
    expected[30:35] = [1, 3, 5, 3, 1]
    np.testing.assert_allclose(found.per_base[0], expected, atol=1e-6)


@pytest.mark.parametrize("inplace", [False, True])
def test_gradcam_looks_behind_a_norm_before_the_rectifier(inplace: bool) -> None:
    norm = nn.BatchNorm1d(1)
    norm.bias.data.fill_(-2.0)
    found = GradCAM()(of_guanines(norm, nn.ReLU(inplace=inplace), nn.Dropout()), guanines_at(30))
    expected = np.zeros(W)
    expected[31:34] = [1, 3, 1]  # two of each are taken away
    np.testing.assert_allclose(found.per_base[0], expected, rtol=1e-4)  # the norm's epsilon is 1e-5


def test_gradcam_is_not_moved_by_pooling_behind_the_last_convolution() -> None:
    found = GradCAM()(of_guanines(nn.ReLU(), nn.MaxPool1d(4)), guanines_at(30))
    expected = np.zeros(W)
    expected[30:35] = np.array([1, 3, 5, 3, 1]) * 9 / 36  # the gradient is 1 at one of the four places of a pool
    np.testing.assert_allclose(found.per_base[0], expected, atol=1e-6)


def test_gradcam_looks_at_what_a_rectifier_behind_a_pooling_leaves() -> None:
    found = GradCAM()(of_guanines(nn.MaxPool1d(4), nn.ReLU()), guanines_at(30))
    # Places 0 .. 8 stand for the middles 3.5, 7.5, ... of the eight bases they read; the last two have 5 and 1.
    expected = np.interp(np.arange(W), [27.5, 31.5, 35.5], [0, 5, 1])
    np.testing.assert_allclose(found.per_base[0], expected, atol=1e-6)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_gradcam_knows_padding_pooling_and_the_other_strand(padding: str) -> None:
    from holdfast.models.strands import Siamese

    model = ZengCNN((8, 8), (7, 5), padding=padding, pool=3).eval()
    plain, both = GradCAM()(model, CODES), GradCAM()(Siamese(model), CODES)
    turned = torch.from_numpy(np.ascontiguousarray(3 - CODES.numpy()[:, ::-1]))
    other = GradCAM()(model, turned)
    # The mean of two logits has half of each gradient.
    np.testing.assert_allclose(both.per_base, (plain.per_base + other.per_base[:, ::-1]) / 2, atol=1e-6)


def test_shuffled_weights_destroy_a_map_and_the_model_is_restored() -> None:
    torch.manual_seed(0)
    model = PapMegyeriCNN()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = randomisation_check(model, CODES, GradientTimesInput(), seed=1)
    assert found.layers == ("out", "dense", "conv2", "conv1")
    assert found.correlation.shape == found.absolute.shape == (4, 4)
    assert np.abs(found.correlation[-1]).max() < 0.6  # 40 places: sd of an empty correlation 0.16
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    again = randomisation_check(model, CODES, GradientTimesInput(), seed=1)
    np.testing.assert_array_equal(found.correlation, again.correlation)


def test_the_statistics_of_a_norm_are_learned_too_and_are_shuffled_and_restored() -> None:
    class Normed(nn.Module):
        """A norm alone tells one position from another."""

        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(W, affine=False)
            assert self.norm.running_var is not None
            self.norm.running_var.copy_(torch.arange(1.0, W + 1) ** 2)

        def forward(self, sequence: Tensor) -> Tensor:
            return self.norm(sequence.sum(dim=1)).sum(dim=1, keepdim=True)

    model = Normed()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = randomisation_check(model, CODES, GradientTimesInput())
    assert found.layers == ("norm",)
    assert np.abs(found.correlation).max() < 0.6  # 40 places: sd of an empty correlation 0.16
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_model_without_weights_has_nothing_to_forget() -> None:
    with pytest.raises(InputError, match="Unknown has no weights to shuffle"):
        randomisation_check(Unknown(), CODES, GradientTimesInput())


def test_a_map_that_does_not_look_at_the_weights_survives_the_check() -> None:
    class SameSign(nn.Module):
        """All of its weights are one number, so that their order says nothing."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(8))

        def forward(self, sequence: Tensor) -> Tensor:
            place = torch.arange(W, dtype=torch.float32)
            return (sequence * place).sum(dim=(1, 2))[:, None] * self.weight.mean()

    found = randomisation_check(SameSign(), CODES, GradientTimesInput())
    np.testing.assert_allclose(found.correlation, 1.0)
