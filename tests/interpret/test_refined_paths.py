"""Path integrals that are refined where the logit has kinks, against their closed forms."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution.base import TOLERANCE
from holdfast.interpret.attribution.paths import ExpectedGradients, IntegratedGradients
from holdfast.interpret.attribution.references import shuffled
from holdfast.interpret.attribution.refined import ENOUGH_GRADIENTS

W = 30
CODES = torch.randint(0, 4, (6, W), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)


class Hinges(nn.Module):
    """Sums of rectified sums of weights: on a line each has one kink, whose place is known."""

    def __init__(self, units: int = 5, scale: float = 4.0) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(scale * torch.randn((units, 4, W), generator=draws))
        self.floor = nn.Parameter(3 + 5 * torch.rand(units, generator=draws))
        self.asked = 0

    def forward(self, sequence: Tensor) -> Tensor:
        assert len(sequence) > 0
        self.asked += len(sequence)
        return self.heights(sequence).relu().sum(dim=1, keepdim=True)

    def heights(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,ubw->nu", sequence, self.weight) - self.floor

    def mean_gradient(self, sequence: Tensor, reference: Tensor) -> Tensor:
        """Return the integral: each unit's weights, times the share of the line on which it is above its floor."""
        first, last = self.heights(reference), self.heights(sequence)
        above = last.relu() + first.relu()
        share = torch.where(first * last < 0, above / (first.abs() + last.abs()), (above > 0).to(above))
        return torch.einsum("nu,ubw->nbw", share, self.weight).detach()


class Jump(Hinges):
    """Says nothing but that a sum is above its floor: no gradient tells when."""

    def forward(self, sequence: Tensor) -> Tensor:
        self.asked += len(sequence)
        above = (self.heights(sequence)[:, :1] > 0).to(sequence)
        return 3 * above + 0 * sequence.sum(dim=(1, 2))[:, None]


class Rises(Hinges):
    """Pairs of neighbours, weighed so much that lines from shuffles rise and fall by hundreds, and hinges."""

    def forward(self, sequence: Tensor) -> Tensor:
        pairs = (sequence[:, :, 1:] * sequence[:, :, :-1] * self.weight[0, :, 1:]).sum(dim=(1, 2))
        return 20 * pairs[:, None] + super().forward(sequence)


class Deep(nn.Sequential):
    """So many kinks that every piece of a line has some."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        widths = [4 * W, *([256] * 6)]
        layers = [nn.Linear(before, after) for before, after in pairwise(widths)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=2 * (2 / layer.in_features) ** 0.5)
            nn.init.normal_(layer.bias, std=2)
        last = nn.Linear(256, 1)
        nn.init.normal_(last.weight, std=1 / 16)
        super().__init__(nn.Flatten(), *(part for layer in layers for part in (layer, nn.ReLU())), last)


def test_integrated_gradients_of_hinges_are_their_closed_form() -> None:
    model = Hinges()
    rough, fine = (IntegratedGradients(steps=4, refine=refine)(model, CODES) for refine in (False, True))
    sequence = one_hot(CODES)
    exact = model.mean_gradient(sequence, torch.zeros_like(sequence)).numpy()
    assert rough.incomplete is not None
    assert rough.incomplete.all()
    assert fine.incomplete is not None
    assert not fine.incomplete.any()
    off = [np.abs(found.hypothetical - exact).max(axis=(1, 2)) for found in (rough, fine)]
    assert (off[1] < off[0] / 10).all()


def test_a_map_that_is_complete_already_stays_as_it_is_and_nothing_is_asked_again() -> None:
    model = Hinges()
    rough, fine = (IntegratedGradients(steps=50, refine=refine)(model, CODES) for refine in (False, True))
    assert rough.incomplete is not None
    assert 0 < rough.incomplete.sum() < len(CODES)
    np.testing.assert_array_equal(fine.per_base[~rough.incomplete], rough.per_base[~rough.incomplete])
    complete, counts = CODES[~rough.incomplete], []
    for refine in (False, True):
        model.asked = 0
        IntegratedGradients(steps=50, refine=refine)(model, complete)
        counts.append(model.asked)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_refined_map_does_not_depend_on_the_windows_beside_it(batch_size: int) -> None:
    together, apart = (IntegratedGradients(steps=2, batch_size=size)(Hinges(), CODES) for size in (64, batch_size))
    np.testing.assert_allclose(together.per_base, apart.per_base, atol=1e-4)


def test_expected_gradients_of_hinges_are_the_mean_of_their_closed_forms() -> None:
    model = Hinges()
    rough, fine = (ExpectedGradients(references=3, steps=2, refine=refine)(model, CODES) for refine in (False, True))
    assert rough.incomplete is not None
    assert rough.incomplete.any()
    assert fine.incomplete is not None
    assert not fine.incomplete.any()
    sequence, references = one_hot(CODES), one_hot(shuffled(CODES, torch.arange(len(CODES)), count=3, seed=0))
    exact = torch.stack(
        [(model.mean_gradient(sequence, one) * (sequence - one)).sum(dim=1) for one in references.unbind(1)]
    ).mean(dim=0)
    off = [np.abs(found.per_base - exact.numpy()).max(axis=1)[rough.incomplete].max() for found in (rough, fine)]
    assert off[0] > 0.1
    assert off[1] < 0.02


@pytest.mark.parametrize("strands", ["forward", "both"])
@pytest.mark.parametrize(
    ("kind", "settings", "model"),
    [
        (IntegratedGradients, {}, Deep()),
        (ExpectedGradients, {"references": 2}, Deep()),
        (ExpectedGradients, {"references": 3, "steps": 3}, Rises()),
    ],
)
def test_of_a_continuous_logit_no_map_is_left_incomplete(
    kind: Any, settings: dict[str, Any], model: nn.Module, strands: str
) -> None:
    codes = torch.randint(0, 4, (16, W), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    rough, fine = (kind(strands=strands, refine=refine, **settings)(model, codes) for refine in (False, True))
    assert rough.incomplete.any()
    assert not fine.incomplete.any()


def test_a_gap_that_is_no_number_is_flagged() -> None:
    class Lost(Hinges):
        def forward(self, sequence: Tensor) -> Tensor:
            begins_with_a = sequence[:, :1, 0] == 1
            return super().forward(sequence).masked_fill(begins_with_a, torch.nan)

    found = IntegratedGradients()(Lost(), CODES)
    assert found.incomplete is not None
    assert found.incomplete.tolist() == np.isnan(found.gap).tolist() == (CODES[:, 0] == 0).tolist()


def test_a_logit_that_jumps_is_flagged_and_asked_a_bounded_number_of_times() -> None:
    model = Jump()
    found = IntegratedGradients()(model, CODES)
    assert found.gap is not None
    assert found.incomplete is not None
    jumped = np.abs(found.gap) > 1
    np.testing.assert_array_equal(found.incomplete, jumped)
    assert jumped.any()
    # A gradient, and the logits at the ends of its piece, for each; and the 50 nodes of the first rule.
    assert model.asked < 3 * ENOUGH_GRADIENTS * len(CODES)


def test_a_gap_is_flagged_from_a_hundredth_of_the_logit_on_as_before() -> None:
    found = IntegratedGradients(steps=1, refine=False)(Hinges(scale=10), CODES)
    assert found.gap is not None
    assert found.incomplete is not None
    explained = found.per_base.sum(axis=1) + found.gap
    np.testing.assert_array_equal(found.incomplete, np.abs(found.gap) > TOLERANCE * np.maximum(1, np.abs(explained)))
    assert found.incomplete.any()
    assert (np.abs(explained) > 10).any()
