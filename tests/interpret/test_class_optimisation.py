"""Class optimisation finds the input that is best where the best is known."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import encode
from holdfast.interpret.class_optimisation import (
    ClassOptimisation,
    Objective,
    OptimisedInputs,
    input_motif,
    most_informative_run,
    relative_heights,
    shared_site,
    strongest_columns,
)
from holdfast.models.dashboard import DashboardRNN
from holdfast.models.deepgrn import DeepGRN
from holdfast.models.demo import DeMo
from holdfast.models.kmer import KmerLogistic
from holdfast.motifs.motif import Motif

W = 12
SITE = "GATTACA"


class Linear(nn.Module):
    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(scale * torch.randn(2, 4, W, generator=generator))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,tbw->nt", sequence, self.weight)


def scanner() -> nn.Module:
    """Answers how well the best place of a sequence fits a site."""
    layer = nn.Conv1d(4, 1, len(SITE))
    with torch.no_grad():
        layer.weight[0] = 2 * nn.functional.one_hot(torch.from_numpy(encode(SITE)).long(), 4).T - 1
        assert layer.bias is not None
        layer.bias.fill_(-6.0)
    return nn.Sequential(layer, nn.AdaptiveMaxPool1d(1), nn.Flatten())


def test_the_logit_of_a_linear_model_is_best_at_its_weights_over_twice_the_penalty() -> None:
    model = Linear()
    method = ClassOptimisation(objective="logit", penalty=0.5, steps=600, starts=3)
    found = method(model, window=W, task=1)
    # Near the optimum RMSprop swings by about a step: its rate.
    np.testing.assert_allclose(found.inputs, model.weight[1].detach().expand(3, -1, -1), atol=method.rate)


def test_the_log_probability_of_a_linear_model_is_best_at_a_multiple_of_its_weights() -> None:
    model, penalty = Linear(), 0.1
    weight = model.weight[0].detach().double().numpy()
    # Where the gradient is nothing: 2 penalty c = 1 - sigmoid(c |w|^2) for the input c w.
    best = brentq(lambda c: 2 * penalty * c - 1 / (1 + math.exp(c * (weight**2).sum())), 0, 10)
    found = ClassOptimisation(penalty=penalty, steps=800, rate=0.01)(model, window=W)
    np.testing.assert_allclose(found.inputs[0], best * weight, atol=0.01)
    assert found.probabilities[0] == pytest.approx(1 / (1 + math.exp(-best * (weight**2).sum())), abs=0.01)


@pytest.mark.parametrize("objective", get_args(Objective))
def test_the_objective_falls(objective: Objective) -> None:
    torch.manual_seed(0)
    found = ClassOptimisation(objective=objective, steps=40, starts=4)(DeMo(), window=40)
    assert (found.losses[:, -1] < found.losses[:, 0]).all()
    assert np.isfinite(found.inputs).all()


def test_a_start_does_not_depend_on_the_others_or_on_the_batch() -> None:
    torch.manual_seed(0)
    model = DeMo(filters=16, dropout=0.0)
    many = ClassOptimisation(steps=10, starts=5)(model, window=40)
    split = ClassOptimisation(steps=10, starts=5, batch_size=2)(model, window=40)
    alone = ClassOptimisation(steps=10)(model, window=40)
    # RMSprop's first steps have the size of the rate whatever the slope, so a rounded slope of 0 may move by a step.
    assert (np.abs(many.inputs - split.inputs) > 1e-3).mean() < 0.01
    assert (np.abs(many.inputs[0] - alone.inputs[0]) > 1e-3).mean() < 0.01
    np.testing.assert_array_equal(many.losses[0, 0], alone.losses[0, 0])


def test_another_seed_is_another_start_and_the_same_seed_the_same() -> None:
    model = Linear()
    first, again, other = (ClassOptimisation(steps=1, seed=seed)(model, window=W).inputs for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_site_a_scanner_looks_for_is_the_most_informative_run_of_its_motif() -> None:
    found = ClassOptimisation(steps=400, starts=4)(scanner(), window=30)
    assert (found.probabilities > 0.5).all()
    for motif in found.motifs:
        assert motif.width == 30
        assert most_informative_run(motif, width=len(SITE)).consensus == SITE
    assert SITE in most_informative_run(found.best).consensus


@pytest.mark.parametrize("model", [DashboardRNN(), DeepGRN(window=84)], ids=["LSTM of torch", "LSTM of Keras"])
def test_recurrent_models_are_optimised_and_given_back_as_they_came(model: nn.Module) -> None:
    before = {key: value.clone() for key, value in model.train().state_dict().items()}
    found = ClassOptimisation(steps=3, starts=2)(model, window=84)
    assert (found.losses[:, -1] < found.losses[:, 0]).all()
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_motif_keeps_where_it_came_from() -> None:
    found = ClassOptimisation(steps=2, starts=2)(Linear(), window=W, task=1)
    assert "class optimisation of task 1: ClassOptimisation(objective='logprob', penalty=0.009" in found.best.source
    assert [motif.name for motif in found.motifs] == ["start 0", "start 1"]
    assert found.best.name == f"start {int(found.losses[:, -1].argmin())}"


def test_an_input_without_a_positive_entry_is_a_flat_motif() -> None:
    flat = input_motif("flat", np.full((4, 3), -1.0, dtype=np.float32))
    np.testing.assert_allclose(flat.probabilities, 0.25)


def test_the_most_informative_run_of_even_information_is_the_whole() -> None:
    sure = Motif(name="sure", probabilities=np.eye(4))
    assert most_informative_run(sure).consensus == "ACGT"
    assert most_informative_run(sure, width=9).width == 4


def inputs_of(inputs: np.ndarray, *, losses: np.ndarray) -> OptimisedInputs:
    sure = np.ones(len(inputs), dtype=np.float32)
    return OptimisedInputs(
        method="", task=0, inputs=inputs, probabilities=sure, sequence_probabilities=sure, losses=losses
    )


def noisy_inputs(starts: int, *, window: int = 40, seed: int = 0) -> tuple[OptimisedInputs, list[int]]:
    """Return inputs with a site somewhere, on either strand in turn, over noise a tenth as high; and where."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0, 0.05, (starts, 4, window)).astype(np.float32)
    places = rng.integers(0, window - len(SITE), starts).tolist()
    for number, place in enumerate(places):
        inputs[number, encode(SITE), np.arange(place, place + len(SITE))] += 0.5
        if number % 2:
            inputs[number] = inputs[number, ::-1, ::-1]
    losses = np.linspace(0.1, 0.2, starts, dtype=np.float32)[:, None]
    return inputs_of(inputs, losses=losses), places


@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_columns_are_the_site_where_information_takes_noise_along(seed: int) -> None:
    found, places = noisy_inputs(1, seed=seed)
    assert strongest_columns(found.inputs[0]) == (places[0], places[0] + len(SITE))
    assert found.best.sliced(*strongest_columns(found.inputs[0])).consensus == SITE


def test_a_column_of_noise_may_look_as_sharp_as_one_of_a_site() -> None:
    relaxed = np.zeros((4, 9), dtype=np.float32)
    relaxed[0, :] = 0.05  # nothing else in these columns, so that they are all A
    relaxed[2, 3:6] = 0.5
    relaxed[1, 3:6] = 0.05
    information = input_motif("noise", relaxed).information()
    assert information[0] > 0.6 * information[4] > 0.6
    assert strongest_columns(relaxed) == (3, 6)


def test_starts_share_a_site_that_lies_elsewhere_and_on_the_other_strand_in_each() -> None:
    found, _ = noisy_inputs(8)
    site = shared_site(found)
    assert site.motif.consensus == SITE
    assert site.likeness[0] == pytest.approx(1.0)
    # Noise is at most a tenth of a site, in four rows: a cosine of 1 / (1 + 4 x 0.1 ** 2) at least.
    assert site.likeness.min() > 0.96
    assert "mean of 8 starts" in site.motif.source
    # The mean of the stretches as they were planted, made a motif, is what it should be.
    heights = [relative_heights(one if number % 2 == 0 else one[::-1, ::-1]) for number, one in enumerate(found.inputs)]
    _, places = noisy_inputs(8)
    mean = np.mean([h[:, p : p + len(SITE)] for h, p in zip(heights, places, strict=True)], axis=0)
    np.testing.assert_allclose(site.motif.probabilities, input_motif("", mean).probabilities, atol=1e-12)


def test_starts_that_show_different_sites_are_told_by_their_likeness() -> None:
    inputs = np.zeros((2, 4, 12), dtype=np.float32)
    inputs[0, 0, 2:6] = 0.5
    inputs[1, 1, 2:6] = 0.5  # neither A nor, on the other strand, T
    found = inputs_of(inputs, losses=np.zeros((2, 1), np.float32))
    assert shared_site(found).likeness.tolist() == pytest.approx([1.0, 0.0])


def test_inputs_without_a_positive_entry_share_a_flat_motif() -> None:
    inputs = np.full((2, 4, 5), -1.0, dtype=np.float32)
    found = inputs_of(inputs, losses=np.zeros((2, 1), np.float32))
    site = shared_site(found)
    np.testing.assert_allclose(site.motif.probabilities, 0.25)
    assert site.likeness.tolist() == [0.0, 0.0]


def test_the_starts_of_a_scanner_share_its_site() -> None:
    found = ClassOptimisation(steps=400, starts=4)(scanner(), window=30)
    site = shared_site(found)
    assert SITE in site.motif.consensus
    assert site.motif.width <= len(SITE) + 2
    assert site.likeness.min() > 0.8


def test_an_input_that_only_numbers_between_sequences_make_bound_is_told_from_its_sequence() -> None:
    """A model that likes what is below 0, which no sequence has, against one that likes a site."""

    class BelowZero(nn.Module):
        def forward(self, sequence: Tensor) -> Tensor:
            return (-40 * sequence.clamp(max=0)).sum(dim=(1, 2))[:, None] - 5

    fooled = ClassOptimisation(steps=200, starts=3)(BelowZero(), window=W)
    assert fooled.probabilities.min() > 0.9
    # Of any sequence the logit is -5.
    np.testing.assert_allclose(fooled.sequence_probabilities, 1 / (1 + math.exp(5)), rtol=1e-6)
    sound = ClassOptimisation(steps=400, starts=3)(scanner(), window=30)
    # A site has 7 of 7 bases right: a logit of 7 - 6.
    np.testing.assert_allclose(sound.sequence_probabilities, 1 / (1 + math.exp(-1)), rtol=1e-6)


def test_what_cannot_be_optimised_is_refused() -> None:
    with pytest.raises(ConfigError, match="objective is 'luck'; expected 'logprob' or 'prob' or 'logit'"):
        ClassOptimisation(objective="luck")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="reads windows of 84 bp; the windows have 60 bp"):
        ClassOptimisation(steps=1)(DeepGRN(window=84), window=60)
    with pytest.raises(InputError, match="asked for task 4"):
        ClassOptimisation(steps=1)(DeMo(), window=40, task=4)


def test_a_model_without_a_gradient_is_refused_rather_than_answered_with_shrunk_noise() -> None:
    with pytest.raises(InputError, match=r"KmerLogistic has no gradient .* ask it by 'importance'"):
        ClassOptimisation(steps=2)(KmerLogistic(k=3), window=20)
