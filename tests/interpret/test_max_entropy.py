"""Sampling follows the distribution that it promises."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.max_entropy import MaxEntropySampling, penultimate
from holdfast.models.holdfast_net import HoldfastNet

W = 3


class Weighted(nn.Module):
    """Hidden activations that are weights of bases; the last position has none."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.randn(2, 4, W, generator=torch.Generator().manual_seed(0))
        self.weight[..., -1] = 0
        self.out = nn.Linear(2, 1)

    def hidden(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,fbw->nf", sequence, self.weight)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.out(self.hidden(sequence))


def windows(n: int, length: int = W) -> Codes:
    return np.random.default_rng(0).integers(0, 4, (n, length), dtype=np.uint8)


def exact_frequencies(model: Weighted, codes: Codes, beta: float) -> np.ndarray:
    """Return the (4, W) frequencies of the distribution, by listing all 64 sequences."""
    every = np.array(list(itertools.product(range(4), repeat=W)), dtype=np.uint8)
    hidden = model.hidden(one_hot(torch.from_numpy(every))).double().numpy()
    distance = np.linalg.norm(hidden - model.hidden(one_hot(torch.from_numpy(codes[None]))).numpy(), axis=1)
    chance = np.exp(-beta * distance)
    return np.stack([(chance[:, None] * (every == base)).sum(axis=0) for base in range(4)]) / chance.sum()


def test_samples_have_the_frequencies_of_the_listed_distribution() -> None:
    model, codes = Weighted(), windows(60)[:1].repeat(60, axis=0)
    found = MaxEntropySampling(beta=1.5, n_samples=100, steps_between=5, burn_in=50)(model, codes)
    # 60 chains of 100 samples some steps apart: the standard error of a share is about .01.
    np.testing.assert_allclose(found.frequencies.mean(axis=0), exact_frequencies(model, codes[0], 1.5), atol=0.04)


def test_what_the_hidden_layer_does_not_see_is_free_and_what_it_sees_is_held() -> None:
    found = MaxEntropySampling(beta=100.0, n_samples=200, steps_between=5, burn_in=50)(Weighted(), windows(5))
    assert (found.information[:, :-1] > 1.5).all()
    # The information of 200 correlated draws of four even bases is some hundredths of a bit.
    assert (found.information[:, -1] < 0.2).all()


def test_without_a_force_every_proposal_is_taken() -> None:
    found = MaxEntropySampling(beta=0.0, n_samples=4, steps_between=1, burn_in=0)(Weighted(), windows(3))
    assert (found.acceptance == 1).all()
    steps = np.concatenate([found.codes[:, None], found.samples], axis=1)
    assert ((np.diff(steps.astype(int), axis=1) != 0).sum(axis=2) == 1).all()


def test_a_chain_belongs_to_its_window_and_seed() -> None:
    model, codes, method = Weighted(), windows(4), MaxEntropySampling(n_samples=20, burn_in=0, steps_between=2)
    together = method(model, codes).samples
    alone = method(model, codes[2:3], index=torch.tensor([2])).samples
    assert np.array_equal(together[2:3], alone)
    other = MaxEntropySampling(n_samples=20, burn_in=0, steps_between=2, seed=1)(model, codes).samples
    assert not np.array_equal(together, other)


def test_distances_are_those_of_the_activations_before_the_last_dense_layer() -> None:
    torch.manual_seed(0)
    model, codes = HoldfastNet().eval(), windows(2, 30)
    found = MaxEntropySampling(beta=1.0, n_samples=3, steps_between=5, burn_in=0)(model, codes)
    read = penultimate(model)
    with torch.no_grad():
        target = read(one_hot(torch.from_numpy(codes)))
        assert target.shape == (2, 64)
        last = read(one_hot(torch.from_numpy(found.samples[:, -1])))
    np.testing.assert_allclose(found.distances[:, -1], (last - target).norm(dim=1).numpy(), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(InputError, match="has no dense layer; give features"):
        MaxEntropySampling()(nn.Sequential(nn.Conv1d(4, 1, 3), nn.AdaptiveMaxPool1d(1), nn.Flatten()), windows(1, 9))
    with pytest.raises(ConfigError, match="beta is -1"):
        MaxEntropySampling(beta=-1.0)
