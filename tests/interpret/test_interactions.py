"""Interactions are those of a quadratic form, where all of them are known."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes, one_hot
from holdfast.interpret.interactions import gradient_interactions, integrated_hessians, pairwise_mutagenesis
from holdfast.models.demo import DeMo
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.recurrent import BiLSTM

W = 7


class Quadratic(nn.Module):
    """Half x'Ax plus w'x, for the second of two tasks; the first is linear."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        square = torch.randn(4, W, 4, W, generator=generator)
        self.form = nn.Parameter(square + square.permute(2, 3, 0, 1))
        self.weight = nn.Parameter(torch.randn(4, W, generator=generator))

    def forward(self, sequence: Tensor) -> Tensor:
        linear = torch.einsum("nbw,bw->n", sequence, self.weight)
        square = torch.einsum("naw,awbv,nbv->n", sequence, self.form, sequence)
        return torch.stack([linear, linear + square / 2], dim=1)


class Recurrent(nn.Module):
    """Keras's LSTM, whose own gradient has none."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = BiLSTM(4, 3)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.lstm(sequence.transpose(1, 2)).sum(dim=(1, 2))[:, None]


def windows(n: int = 3, length: int = W) -> Codes:
    return np.random.default_rng(0).integers(0, 4, (n, length), dtype=np.uint8)


def hot(codes: Codes) -> np.ndarray:
    return one_hot(torch.from_numpy(codes)).numpy().astype(np.float64)


class TestPairwiseMutagenesis:
    def test_a_quadratic_form_gives_its_matrix_between_the_substitutions(self) -> None:
        model, codes = Quadratic(), windows()
        found = pairwise_mutagenesis(model, codes, window=(1, 6), task=1)
        form, x = model.form.detach().double().numpy(), hot(codes)
        assert found.effects.shape == (3, 5, 4, 5, 4)
        for i in range(5):
            for j in range(5):
                first = np.eye(4)[None] - x[:, None, :, 1 + i]  # (N, a, bases): put a at i
                second = np.eye(4)[None] - x[:, None, :, 1 + j]
                block = form[:, 1 + i, :, 1 + j]
                expected = np.einsum("nac,cd,nbd->nab", first, block, second) if i != j else np.zeros((3, 4, 4))
                # Differences of four float32 logits.
                np.testing.assert_allclose(found.effects[:, i, :, j], expected, atol=1e-4)

    def test_bases_of_a_linear_model_act_on_their_own(self) -> None:
        found = pairwise_mutagenesis(Quadratic(), windows(), task=0)
        np.testing.assert_allclose(found.effects, 0, atol=1e-5)

    def test_the_strength_is_symmetric_and_nothing_on_the_diagonal(self) -> None:
        strength = pairwise_mutagenesis(HoldfastNet(), windows(1, 20), window=(4, 10)).strength
        np.testing.assert_array_equal(strength, strength.transpose(0, 2, 1))
        assert (np.diagonal(strength, axis1=1, axis2=2) == 0).all()

    def test_positions_outside_the_window_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"positions 3\.\.9 are not inside a window of 7 bp"):
            pairwise_mutagenesis(Quadratic(), windows(), window=(3, 9))


class TestGradientInteractions:
    def test_a_substitution_changes_a_quadratic_forms_gradient_by_its_column(self) -> None:
        model, codes = Quadratic(), windows()
        found = gradient_interactions(model, codes, sources=[(2, 3)], task=1)
        form, x = model.form.detach().double().numpy(), hot(codes)
        others = 1 - x[:, :, 2]
        changes = np.einsum("awb,nb->naw", form[:, :, :, 2], x[:, :, 2] - others / 3)
        np.testing.assert_allclose(found.change[:, 0], changes, atol=1e-4)
        assert (found.strength[:, 0, 2] == 0).all()

    def test_every_mutant_of_a_longer_source_differs_in_all_of_its_bases(self) -> None:
        model, codes = Quadratic(), windows()
        found = gradient_interactions(model, codes, sources=[(1, 4)], mutants=2000, task=1)
        form, x = model.form.detach().double().numpy(), hot(codes)
        expected = np.zeros((3, 4, W))
        for base in range(1, 4):
            step = x[:, :, base] - (1 - x[:, :, base]) / 3
            expected += np.einsum("awb,nb->naw", form[:, :, :, base], step)
        # The mean over 2,000 draws: entries of the form have a standard deviation of 1.4, three bases are summed.
        np.testing.assert_allclose(found.change[:, 0], expected, atol=0.3)

    def test_a_linear_model_has_none_and_every_base_is_a_source(self) -> None:
        found = gradient_interactions(Quadratic(), windows(), task=0)
        assert found.strength.shape == (3, W, W)
        assert (found.strength == 0).all()

    def test_draws_belong_to_a_seed(self) -> None:
        torch.manual_seed(0)
        model = HoldfastNet()
        first, again, other = (
            gradient_interactions(model, windows(1, 20), sources=[(3, 9)], seed=seed).change for seed in (0, 0, 1)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


class TestIntegratedHessians:
    @pytest.mark.parametrize("baseline", ["zeros", "uniform"])
    def test_a_quadratic_form_is_shared_out_in_closed_form(self, baseline: str) -> None:
        model, codes = Quadratic(), windows()
        found = integrated_hessians(model, codes, baseline=baseline, task=1)  # type: ignore[arg-type]
        form, weight = model.form.detach().double().numpy(), model.weight.detach().double().numpy()
        base = np.full((4, W), 0.25 if baseline == "uniform" else 0.0)
        path = hot(codes) - base
        # A quarter of path'H path between positions; on the diagonal also the integral of -log t times the gradient.
        expected = np.einsum("naw,awbv,nbv->nwv", path, form, path) / 4
        at_base = weight + np.einsum("awbv,bv->aw", form, base)
        own = np.einsum("naw,naw->nw", path, at_base + np.einsum("awbv,nbv->naw", form, path) / 4)
        for number in range(3):
            expected[number] += np.diag(own[number])
        np.testing.assert_allclose(found.interactions, expected, atol=1e-4)
        np.testing.assert_allclose(found.gap, 0, atol=1e-4)

    def test_rows_add_up_to_integrated_gradients_and_all_of_them_to_the_change_of_the_logit(self) -> None:
        torch.manual_seed(0)
        model, codes = HoldfastNet(), windows(2, 24)
        found = integrated_hessians(model, codes)
        scale = np.abs(found.integrated_gradients).max()
        # The net is smooth but for softplus of beta 10, whose curvature sits in a tenth of a unit.
        np.testing.assert_allclose(found.interactions.sum(axis=2), found.integrated_gradients, atol=0.02 * scale)
        np.testing.assert_allclose(found.interactions, found.interactions.transpose(0, 2, 1), atol=1e-4)
        assert (np.abs(found.gap) < 0.02 * np.abs(found.integrated_gradients).sum()).all()

    def test_rectifiers_have_no_curvature_unless_they_are_smoothed(self) -> None:
        torch.manual_seed(0)
        model, codes = nn.Sequential(nn.Flatten(), nn.Linear(4 * W, 30), nn.ReLU(), nn.Linear(30, 1)), windows(1)
        off = ~np.eye(W, dtype=bool)
        assert (integrated_hessians(model, codes, smoothness=None).interactions[:, off] == 0).all()
        assert (np.abs(integrated_hessians(model, codes, smoothness=2.0).interactions[:, off]) > 0).any()

    def test_a_linear_model_has_its_weights_on_the_diagonal_and_nothing_else(self) -> None:
        model, codes = Quadratic(), windows()
        found = integrated_hessians(model, codes, task=0)
        worth = (model.weight.detach().numpy() * hot(codes)).sum(axis=1)
        np.testing.assert_allclose(np.diagonal(found.interactions, axis1=1, axis2=2), worth, atol=1e-5)
        assert (found.interactions[:, ~np.eye(W, dtype=bool)] == 0).all()

    def test_a_linear_model_without_trainable_weights_has_no_curvature_either(self) -> None:
        model = Quadratic().requires_grad_(False)
        found = integrated_hessians(model, windows(1), task=0)
        assert (found.interactions[:, ~np.eye(W, dtype=bool)] == 0).all()
        np.testing.assert_allclose(found.gap, 0, atol=1e-5)

    def test_the_model_is_given_back_as_it_came(self) -> None:
        model = DeMo().train()
        integrated_hessians(model, windows(1, 40), nodes=2)
        assert model.training
        assert all(parameter.grad is None for parameter in model.parameters())
        assert torch.relu(torch.tensor(-1.0)) == 0

    def test_a_model_without_a_second_derivative_is_refused_in_words(self) -> None:
        with pytest.raises(
            InputError, match="Recurrent cannot be differentiated twice: _StatesBackward has a first derivative only"
        ):
            integrated_hessians(Recurrent(), windows(1))
        with pytest.raises(ConfigError, match="nodes is 0"):
            integrated_hessians(Quadratic(), windows(), nodes=0)
