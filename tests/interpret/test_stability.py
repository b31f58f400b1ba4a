"""Maps laid over each other say what they must where the answer is known."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.dna.codes import one_hot
from holdfast.interpret import stability as stability_module
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.stability import MIN_WINDOWS, explain_windows, moved, overlay
from holdfast.models.kmer import KmerLogistic

L, W = 30, 20
OFFSETS = np.arange(L - W + 1)


class Additive(nn.Module):
    """One weight a base wherever it stands; with ``slope``, more towards the window's right end."""

    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.25]))
        self.register_buffer("place", 1 + slope * torch.linspace(-1, 1, W))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,b,w->n", sequence, self.weight, self.place)[:, None]


def contexts(n: int = 6) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4, (n, L), dtype=np.uint8)


def maps_of(model: nn.Module, method: str = "gradient-x-input") -> np.ndarray:
    found = list(explain_windows(ATTRIBUTIONS[method](), model, contexts(), window=W, offsets=OFFSETS))
    return np.concatenate([block.maps for block in found])


def pooled_cosine(maps: np.ndarray, edge: int = 0) -> float:
    """Every ordered pair of windows of one example written out."""
    laid = np.full((len(OFFSETS), L), np.nan)
    for row, (offset, one) in enumerate(zip(OFFSETS, maps, strict=True)):
        laid[row, offset + edge : offset + W - edge] = one[edge : W - edge]
    left, right = [], []
    for a, b in itertools.permutations(laid, 2):
        shared = np.isfinite(a) & np.isfinite(b)
        left.append(a[shared])
        right.append(b[shared])
    a, b = np.concatenate(left), np.concatenate(right)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


class TestScore:
    @pytest.mark.parametrize("method", ["gradient-x-input", "saliency"])
    def test_a_model_that_adds_up_bases_wherever_they_stand_is_perfectly_stable(self, method: str) -> None:
        found = overlay(maps_of(Additive(), method), OFFSETS, context=L)
        # Equal float32 maps: only float64 sums of squares round.
        np.testing.assert_allclose(found.score, 1.0, rtol=1e-12)
        assert (found.sign_score == 1).all()
        assert np.nanmax(found.spread) < 1e-6
        assert not found.fleeting.any()

    def test_a_model_that_weighs_places_of_its_window_is_less_stable_the_steeper_it_is(self) -> None:
        scores = [overlay(maps_of(Additive(slope)), OFFSETS, context=L).score for slope in (0.0, 0.5, 1.0)]
        assert (scores[0] > scores[1]).all()
        assert (scores[1] > scores[2]).all()

    @pytest.mark.parametrize("edge", [0, 3])
    def test_it_is_the_cosine_of_all_pairs_of_windows_at_the_bases_they_share(self, edge: int) -> None:
        maps = np.random.default_rng(0).normal(0.5, 1, (2, len(OFFSETS), W))
        found = overlay(maps, OFFSETS, context=L, edge_bp=edge)
        np.testing.assert_allclose(found.score, [pooled_cosine(one, edge) for one in maps], rtol=1e-12)

    def test_kmers_are_stable_where_none_of_them_is_cut(self) -> None:
        model = KmerLogistic(k=4)
        with torch.no_grad():
            weight = torch.randn(256, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
            model.weight.copy_(weight[model.canonical])
        maps = maps_of(model, "ism")
        # ISM subtracts float32 logits of about 10; a k-mer reaches 3 bases to either side.
        np.testing.assert_allclose(overlay(maps, OFFSETS, context=L, edge_bp=3).score, 1.0, atol=1e-5)
        assert (overlay(maps, OFFSETS, context=L).score < 0.99).all()

    def test_unrelated_maps_score_nothing_and_opposite_ones_less(self) -> None:
        noise = np.random.default_rng(1).normal(size=(200, len(OFFSETS), W))
        # 200 means of about 130 products of pairs.
        assert abs(overlay(noise, OFFSETS, context=L).score.mean()) < 0.01
        opposite = np.ones((1, 2, W)) * np.array([1.0, -1.0])[:, None]
        assert overlay(opposite, [4, 4], context=L).score[0] == -1

    def test_a_window_that_falls_silent_is_no_agreement(self) -> None:
        maps = np.ones((1, 2, W))
        maps[0, 1] = 0.0
        assert overlay(maps, [0, 0], context=L).score[0] == 0

    def test_nothing_to_compare_is_no_number(self) -> None:
        assert np.isnan(overlay(np.ones((1, 1, W)), [0], context=L).score[0])
        assert np.isnan(overlay(np.zeros((1, 2, W)), [0, 1], context=L).score[0])


def test_mean_spread_and_count_are_those_of_the_windows_that_hold_the_base() -> None:
    maps = np.array([[[1.0, 2.0], [4.0, -1.0], [5.0, 0.0]]])
    found = overlay(maps, [0, 1, 2], context=4)
    assert found.count.tolist() == [[1, 2, 2, 1]]
    np.testing.assert_allclose(found.mean, [[1, 3, 2, 0]])
    np.testing.assert_allclose(found.spread, [[0, 1, 3, 0]])
    np.testing.assert_array_equal(found.sign, [[1, 1, 0, np.nan]])
    # (1 * 1 + 1 * 3 + 0 * 3) over mean absolute contributions 1, 3, 3.
    np.testing.assert_allclose(found.sign_score, [4 / 7])


def test_windows_that_are_not_legal_do_not_count() -> None:
    maps = np.random.default_rng(2).normal(size=(1, len(OFFSETS), W))
    legal = np.zeros((1, len(OFFSETS)), dtype=bool)
    legal[0, 2:5] = True
    some, those = overlay(maps, OFFSETS, context=L, legal=legal), overlay(maps[:, 2:5], OFFSETS[2:5], context=L)
    np.testing.assert_array_equal(some.count, those.count)
    np.testing.assert_array_equal(some.mean, those.mean)
    np.testing.assert_array_equal(some.score, those.score)
    np.testing.assert_array_equal(some.fleeting, those.fleeting)


def test_a_base_that_matters_at_one_offset_only_is_fleeting() -> None:
    maps = np.zeros((1, len(OFFSETS), W))
    for number, offset in enumerate(OFFSETS):
        maps[0, number, 15 - offset] = 1.0  # base 15 counts everywhere
    maps[0, 4, 12 - 4] = 0.8  # base 12 at offset 4 alone
    maps[0, 4, 11 - 4] = 0.2  # base 11 too, but it is not important
    found = overlay(maps, OFFSETS, context=L)
    assert np.flatnonzero(found.fleeting[0]).tolist() == [12]
    assert found.count[0, 12] >= MIN_WINDOWS


def test_a_base_that_few_windows_hold_is_not_called_fleeting() -> None:
    maps = np.zeros((1, len(OFFSETS), W))
    maps[0, 0, 1] = 1.0
    found = overlay(maps, OFFSETS, context=L)
    assert found.count[0, 1] == 2
    assert not found.fleeting.any()


class TestMoved:
    def test_it_is_one_less_the_cosine_at_shared_bases(self) -> None:
        a, b = np.array([[9.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), np.array([[0.0, 1.0, 9.0], [-1.0, -1.0, 5.0]])
        found = moved(a, b, first_offset=np.array([0, 0]), second_offset=np.array([1, 1]), context=4)
        np.testing.assert_allclose(found, [1.0, 2.0])

    def test_windows_without_a_shared_base_or_a_silent_map_give_no_number(self) -> None:
        a = np.array([[1.0, 1.0], [0.0, 0.0]])
        found = moved(a, np.ones((2, 2)), first_offset=np.array([0, 0]), second_offset=np.array([2, 1]), context=4)
        assert np.isnan(found).all()

    def test_a_shift_equivariant_model_moves_nothing(self) -> None:
        maps = maps_of(Additive())
        places = np.zeros(len(maps), dtype=int)
        found = moved(maps[:, 0], maps[:, -1], first_offset=places, second_offset=places + OFFSETS[-1], context=L)
        # A cosine of equal float64 vectors.
        np.testing.assert_allclose(found, 0.0, atol=1e-12)


class TestExplainWindows:
    def test_a_map_is_that_of_the_window_asked_alone_whatever_is_held_at_a_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = Additive(0.7)
        alone = ATTRIBUTIONS["gradient-x-input"]()(model, contexts()[:, 4 : 4 + W])
        for bases in (W, 3 * W, 1 << 20):
            monkeypatch.setattr(stability_module, "BLOCK_BASES", bases)
            maps = maps_of(model)
            np.testing.assert_allclose(maps[:, 4], alone.per_base, rtol=1e-6)

    def test_blocks_are_bounded_and_come_in_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stability_module, "BLOCK_BASES", 2 * W * len(OFFSETS))
        blocks = list(explain_windows(ATTRIBUTIONS["saliency"](), Additive(), contexts(5), window=W, offsets=OFFSETS))
        assert [(block.first, len(block.maps)) for block in blocks] == [(0, 2), (2, 2), (4, 1)]
        expected = Additive()(one_hot(torch.from_numpy(contexts(5)[:, 1 : 1 + W]))).detach().numpy()[:, 0]
        np.testing.assert_allclose(np.concatenate([block.logits for block in blocks])[:, 1], expected, rtol=1e-5)

    def test_windows_outside_the_context_are_refused(self) -> None:
        with pytest.raises(InputError, match="do not lie in contexts of 30 bp"):
            next(explain_windows(ATTRIBUTIONS["saliency"](), Additive(), contexts(), window=W, offsets=[11]))
        with pytest.raises(InputError, match="nothing is left of a window"):
            overlay(np.ones((1, 1, W)), [0], context=L, edge_bp=10)
