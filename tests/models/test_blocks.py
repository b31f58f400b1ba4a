"""First-layer filters with a meaning, against answers known by hand."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from holdfast.models.blocks import DenseBlock, DilatedResidual
from holdfast.models.filters import CircularConv1d, OccupancyConv1d, motif_convolution
from holdfast.models.modular import Modular
from holdfast.models.self_attention import SelfAttention


def one_hot(text: str) -> torch.Tensor:
    return torch.eye(5)[["ACGTN".index(base) for base in text]][:, :4].T[None]


def site_of(text: str, strands: Any) -> OccupancyConv1d:
    """A site whose every matching base is worth 2 kT and every other one -1 kT, at a chemical potential of -3 kT."""
    layer = OccupancyConv1d(4, 1, len(text))
    layer.strands = strands
    with torch.no_grad():
        layer.weight.copy_(3 * one_hot(text) - 1)
        assert layer.bias is not None
        layer.bias.fill_(-3)
    return layer


def occupancy(energy: float) -> float:
    """Of a site that costs this many kT."""
    return math.exp(-energy) / (1 + math.exp(-energy))


def test_occupancies_follow_from_known_energies() -> None:
    sequence = one_hot("AACGN")
    # -G of AAC is 2 + 2 + 2 - 3; of ACG 2 - 1 - 1 - 3; of CGN -1 - 1 + 0 - 3.
    forward = [occupancy(-3), occupancy(3), occupancy(5)]
    # On the other strand stand GTT and CGT, no match, and NCG, two mismatches and nothing.
    reverse = [occupancy(6), occupancy(6), occupancy(5)]
    layer = site_of("AAC", "forward")
    assert layer(sequence)[0, 0].tolist() == pytest.approx(forward, rel=1e-5)
    both = [a + b for a, b in zip(forward, reverse, strict=True)]
    assert site_of("AAC", "sum")(sequence)[0, 0].tolist() == pytest.approx(both, rel=1e-5)
    assert site_of("AAC", "mean")(sequence)[0, 0].tolist() == pytest.approx([x / 2 for x in both], rel=1e-5)


def test_a_thermodynamic_model_gives_both_strands_one_answer() -> None:
    torch.manual_seed(0)
    model = Modular([{"name": "thermodynamic", "filters": 5, "width": 7}], {"pool": "mean"}).eval()
    x = one_hot("ACGTTGCAANCGGATCTTAGCA")
    torch.testing.assert_close(model(x.flip(1, 2)), model(x), rtol=1e-5, atol=1e-6)  # sums of another order


def test_columns_of_a_constrained_filter_are_probabilities_whatever_was_learned() -> None:
    layer = motif_convolution(6, 9)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(5 * torch.randn_like(parameter))
    probability = layer.weight.exp() * 0.25
    assert (probability > 0).all()
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(6, 9))


def test_a_constrained_response_is_the_log_likelihood_ratio_of_its_motif() -> None:
    layer = motif_convolution(1, 3)
    probability = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25], [0.05, 0.05, 0.05, 0.85]]).T
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(probability.log() + 3)  # any constant per position is the same
        assert layer.bias is not None
        layer.bias.zero_()
    expected = math.log(0.7 / 0.25) + math.log(0.25 / 0.25) + math.log(0.85 / 0.25)
    assert float(layer(one_hot("AGT"))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("step", range(6))
def test_a_circular_filter_is_each_of_its_cyclic_shifts(step: int) -> None:
    torch.manual_seed(0)
    layer, other = CircularConv1d(4, 3, 6), CircularConv1d(4, 3, 6)
    other.load_state_dict({"weight": layer.weight.detach().roll(step, dims=2), "bias": layer.bias})
    x = torch.randn(2, 4, 25)
    torch.testing.assert_close(other(x), layer(x), rtol=1e-5, atol=1e-6)


def test_a_circular_filter_answers_as_the_best_of_plain_ones() -> None:
    torch.manual_seed(0)
    layer, x = CircularConv1d(4, 3, 5, dilation=2), torch.randn(2, 4, 25)
    plain = [nn.functional.conv1d(x, layer.weight.roll(step, dims=2), layer.bias, dilation=2) for step in range(5)]
    torch.testing.assert_close(layer(x), torch.stack(plain).amax(0), rtol=1e-5, atol=1e-6)


def test_a_circular_filter_finds_a_motif_that_its_ends_cut() -> None:
    layer = CircularConv1d(4, 1, 4, bias=False)
    with torch.no_grad():
        layer.weight.copy_(one_hot("GTAC"))  # ACGT, cut in the middle
    assert layer(one_hot("TTTACGTTT")).max() == 4


def test_a_residual_layer_adds_to_the_middle_of_what_it_read() -> None:
    block = DilatedResidual(2, layers=2, width=3).eval()
    for branch in block.branches:
        nn.init.zeros_(branch.layers[0].weight)
        nn.init.zeros_(branch.layers[0].bias)
    x = torch.randn(1, 2, 20)
    torch.testing.assert_close(block(x), x[..., 3:-3])


def test_dilations_double() -> None:
    block = DilatedResidual(2, layers=4)
    assert [branch.layers[0].dilation[0] for branch in block.branches] == [1, 2, 4, 8]


def test_a_dense_block_keeps_what_it_read() -> None:
    x = torch.randn(1, 3, 20)
    assert torch.equal(DenseBlock(3, layers=2, growth=4, width=5)(x)[:, :3], x[..., 4:-4])


def test_attention_is_torchs_own_and_sees_places() -> None:
    torch.manual_seed(0)
    block, x = SelfAttention(8, heads=2).eval(), torch.randn(3, 8, 11)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(block.project.weight)
        theirs.in_proj_bias.copy_(block.project.bias)
        theirs.out_proj.weight.copy_(block.out.weight)
        theirs.out_proj.bias.copy_(block.out.bias)
        place = torch.arange(11)[:, None] / 10_000 ** (torch.arange(0, 8, 2) / 8)
        codes = torch.zeros(11, 8)
        codes[:, 0::2], codes[:, 1::2] = place.sin(), place.cos()
        steps = x.transpose(1, 2) + codes
        normed = block.norm(steps)
        steps = steps + theirs(normed, normed, normed)[0]
        steps = steps + block.dense(block.dense_norm(steps))
        torch.testing.assert_close(block(x), steps.transpose(1, 2), rtol=1e-4, atol=1e-5)
    shuffled = x[..., torch.randperm(11)]
    assert not torch.allclose(block(shuffled).sum(-1), block(x).sum(-1), atol=1e-3)
