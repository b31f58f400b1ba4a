"""Interactions are those of a quadratic form, where all of them are known."""

import numpy as np
import pytest
import torch
from quadratic_model import Quadratic, W, hot, windows

from holdfast.core.errors import InputError
from holdfast.interpret.interactions import gradient_interactions, pairwise_mutagenesis
from holdfast.models.holdfast_net import HoldfastNet


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


def test_an_unknown_base_is_mutated_to_each_of_the_four() -> None:
    model, codes = Quadratic(), windows(1)
    codes[0, 2] = 4
    found = gradient_interactions(model, codes, sources=[(2, 3)], task=1)
    # Nothing was there, and each of the four bases is put there: a quarter of the form's column for each.
    expected = -model.form.detach().double().numpy()[:, :, :, 2].mean(axis=2)
    np.testing.assert_allclose(found.change[0, 0], expected, atol=1e-4)
