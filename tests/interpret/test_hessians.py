"""Integrated Hessians of a quadratic form are known in closed form."""

from typing import Any

import numpy as np
import pytest
import torch
from quadratic_model import Quadratic, W, hot, windows
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from holdfast.core.errors import ConfigError, InputError
from holdfast.interpret.hessians import integrated_hessians
from holdfast.interpret.interactions import gradient_interactions
from holdfast.models.demo import DeMo
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.kmer import KmerLogistic
from holdfast.models.modular import Modular
from holdfast.models.recurrent import BiLSTM


class Recurrent(nn.Module):
    """Keras's LSTM, whose gradient is written by hand."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm = BiLSTM(4, 3, gate="sigmoid")

    def forward(self, sequence: Tensor) -> Tensor:
        return self.lstm(sequence.transpose(1, 2)).sum(dim=(1, 2))[:, None]


class Doubled(torch.autograd.Function):
    """A step whose gradient has none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return 2 * grad


class Once(nn.Module):
    """A model with such a step."""

    def forward(self, sequence: Tensor) -> Tensor:
        doubled: Tensor = Doubled.apply(sequence)  # type: ignore[no-untyped-call]
        return doubled.pow(2).sum(dim=(1, 2))[:, None]


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
        assert not found.incomplete.any()

    def test_what_does_not_add_up_is_flagged(self) -> None:
        class Kinked(nn.Module):
            """The slope of |x - 1| turns half way to a window whose bases add up to 2: -1 before it, 1 behind it."""

            def forward(self, sequence: torch.Tensor) -> torch.Tensor:
                return (sequence[:, :, :2].sum(dim=(1, 2)) - 1).abs()[:, None]

        found = integrated_hessians(Kinked(), windows(1), nodes=64)
        # Without curvature all is on the diagonal: the integral of -log t times a slope of -2, then 2, is -2 ln 2.
        assert float(found.gap[0]) == pytest.approx(2 * np.log(2), abs=0.05)  # 64 nodes see the kink to some hundredths
        assert found.incomplete.tolist() == [True]

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

    def test_attention_is_differentiated_twice(self) -> None:
        torch.manual_seed(0)
        model = Modular(
            [{"name": "conv", "filters": 8, "width": 3, "activation": "exponential"}, "attention"], {"pool": "mean"}
        )
        found = integrated_hessians(model, windows(1, 10))
        scale = np.abs(found.integrated_gradients).max()
        # Layer norms bend the path from no bases at all sharply, more than 16 nodes follow to the last digit.
        np.testing.assert_allclose(found.interactions.sum(axis=2), found.integrated_gradients, atol=0.05 * scale)

    def test_a_recurrent_model_is_shared_out_completely(self) -> None:
        found = integrated_hessians(Recurrent(), windows(1))
        scale = np.abs(found.integrated_gradients).max()
        np.testing.assert_allclose(found.interactions.sum(axis=2), found.integrated_gradients, atol=1e-3 * scale)
        assert (np.abs(found.interactions[:, ~np.eye(W, dtype=bool)]) > 0).mean() > 0.9

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
            InputError, match="Once cannot be differentiated twice: DoubledBackward has a first derivative only"
        ):
            integrated_hessians(Once(), windows(1))
        with pytest.raises(ConfigError, match="nodes is 0"):
            integrated_hessians(Quadratic(), windows(), nodes=0)


def test_a_model_without_a_gradient_is_refused_in_words() -> None:
    codes = np.zeros((1, 12), dtype=np.uint8)
    for ask in (integrated_hessians, gradient_interactions):
        with pytest.raises(InputError, match=r"KmerLogistic has no gradient .*pairwise_mutagenesis"):
            ask(KmerLogistic(k=3), codes)
