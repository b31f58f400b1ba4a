"""Prefixes and suffixes are scored as if they were all there is."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.temporal import temporal_scores
from holdfast.models.dashboard import DashboardCNN, DashboardCNNRNN, DashboardRNN
from holdfast.models.deepgrn import DeepGRN
from holdfast.models.tbinet import TBiNet


class Composition(nn.Module):
    """A weight for every base, wherever it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.25]))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,b->n", sequence, self.weight)[:, None]


def windows(n: int = 4, length: int = 30) -> Codes:
    return np.random.default_rng(0).integers(0, 4, (n, length), dtype=np.uint8)


@pytest.mark.parametrize("unread", ["cut", "unknown"])
def test_a_sum_over_bases_has_its_partial_sums(unread: str) -> None:
    model, codes = Composition(), windows()
    found = temporal_scores(model, codes, unread=unread)  # type: ignore[arg-type]
    worth = model.weight.detach().numpy()[codes].astype(np.float64)
    forward, backward = np.cumsum(worth, axis=1), np.cumsum(worth[:, ::-1], axis=1)[:, ::-1]
    np.testing.assert_allclose(found.forward, 1 / (1 + np.exp(-forward)), atol=1e-5)
    np.testing.assert_allclose(found.backward, 1 / (1 + np.exp(-backward)), atol=1e-5)


@pytest.mark.parametrize("model", [DashboardRNN(), DashboardCNNRNN()], ids=["RNN", "CNN-RNN"])
def test_recurrent_networks_are_asked_about_every_part_and_say_of_the_whole_what_they_always_say(
    model: nn.Module,
) -> None:
    codes = windows()
    found = temporal_scores(model.train(), codes)
    assert model.training
    whole = model.eval()(one_hot(torch.from_numpy(codes)))[:, 0].sigmoid().detach().numpy()
    np.testing.assert_allclose(found.forward[:, -1], whole, atol=1e-6)
    np.testing.assert_allclose(found.backward[:, 0], whole, atol=1e-6)
    part = model(one_hot(torch.from_numpy(codes[:, 20:])))[:, 0].sigmoid().detach().numpy()
    np.testing.assert_allclose(found.backward[:, 20], part, atol=1e-6)
    assert np.isfinite(found.forward).all()


def test_parts_too_short_for_a_convolution_have_no_score() -> None:
    model = DashboardCNN()
    found = temporal_scores(model, windows(length=40))
    short = model.min_window - 1
    assert np.isnan(found.forward[:, :short]).all()
    assert np.isfinite(found.forward[:, short:]).all()
    assert np.isnan(found.backward[:, 40 - short :]).all()


@pytest.mark.parametrize("model", [TBiNet(window=64), DeepGRN(window=64)], ids=["TBiNet", "DeepGRN"])
def test_a_model_of_one_length_is_refused_unless_the_rest_may_be_unknown(model: nn.Module) -> None:
    codes = windows(2, 64)
    with pytest.raises(InputError, match=r"reads windows of 64 bp and no shorter ones.*--unread unknown.*'unknown'"):
        temporal_scores(model, codes)
    found = temporal_scores(model, codes, unread="unknown")
    whole = model.eval()(one_hot(torch.from_numpy(codes)))[:, 0].sigmoid().detach().numpy()
    np.testing.assert_allclose(found.forward[:, -1], whole, atol=1e-6)
    assert found.unread == "unknown"


def test_a_foreign_model_of_one_length_is_refused_in_words() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * 30, 1))
    with pytest.raises(InputError, match=r"Sequential cannot read 1 bp.*--unread unknown"):
        temporal_scores(model, windows())
    with pytest.raises(ConfigError, match="unread is 'zero'"):
        temporal_scores(model, windows(), unread="zero")  # type: ignore[arg-type]
