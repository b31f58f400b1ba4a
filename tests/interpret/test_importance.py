"""Global importance analysis gives the effects that models of a closed form have."""

import numpy as np
import pytest
import torch
from tangermeme.marginalize import marginalize
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.registry import Spec
from holdfast.dna.codes import Codes, decode, encode, one_hot
from holdfast.interpret.importance import Background, GlobalImportance, draw_background
from holdfast.interpret.null_models import NULL_MODELS
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.motifs.motif import Motif

W = 20


class Linear(nn.Module):
    """Adds up a weight for every base at every position."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 4, W, generator=torch.Generator().manual_seed(0)))

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.einsum("nbw,tbw->nt", sequence, self.weight)


class SiteCount(nn.Module):
    """Counts the places where a site stands, times a worth; pairs of sites are worth something of their own."""

    def __init__(self, site: str, worth: float = 2.0, pair: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("weight", one_hot(torch.from_numpy(encode(site)))[None])
        self.width, self.worth, self.pair = len(site), worth, pair

    def forward(self, sequence: Tensor) -> Tensor:
        found = (nn.functional.conv1d(sequence, self.weight) == self.width).float().sum(dim=2)
        return self.worth * found + self.pair * found * (found - 1) / 2


def data(n: int = 60, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 4, (n, W), dtype=np.uint8)


def on(model: nn.Module, codes: Codes | None = None, **settings: object) -> GlobalImportance:
    background = draw_background(model, data() if codes is None else codes, **settings)  # type: ignore[arg-type]
    return GlobalImportance(model=model, background=background)


def without_site(n: int = 40) -> Codes:
    """Sequences of A and C alone, in which GT never stands."""
    return np.random.default_rng(1).integers(0, 2, (n, W), dtype=np.uint8)


def by_hand(model: nn.Module, codes: Codes) -> Background:
    logits = model(one_hot(torch.from_numpy(codes)))[:, 0].detach().numpy()
    return Background(null="by hand", task=0, codes=codes, logits=logits, seed=0)


class TestNullModels:
    @pytest.mark.parametrize("name", NULL_MODELS)
    def test_the_same_seed_gives_the_same_sequences_and_as_many_as_asked_for(self, name: str) -> None:
        first, again, other = (draw_background(Linear(), data(), null=name, n=100, seed=s) for s in (0, 0, 1))
        assert first.codes.shape == (100, W)
        assert np.array_equal(first.codes, again.codes)
        assert not np.array_equal(first.codes, other.codes)

    def test_a_profile_has_the_frequencies_of_each_position(self) -> None:
        codes = data(1000)
        codes[:, 3] = np.where(np.arange(1000) < 700, 2, 0)
        drawn = draw_background(Linear(), codes, null="profile", n=4000).codes
        # The standard deviation of a share among 4,000 is below .008.
        assert (drawn[:, 3] == 2).mean() == pytest.approx(0.7, abs=0.03)
        assert set(np.unique(drawn[:, 3])) == {0, 2}

    def test_shuffles_keep_what_they_promise(self) -> None:
        codes = data(30)
        bases = {tuple(np.bincount(row, minlength=4)) for row in codes}
        for row in draw_background(Linear(), codes, null="shuffle", n=30).codes:
            assert tuple(np.bincount(row, minlength=4)) in bases
        pairs = {tuple(np.bincount(row[:-1] * 4 + row[1:], minlength=16)) for row in codes}
        for row in draw_background(Linear(), codes, null="dinucleotide", n=30).codes:
            assert tuple(np.bincount(row[:-1] * 4 + row[1:], minlength=16)) in pairs

    @pytest.mark.parametrize("quartile", [1, 4])
    def test_a_quartile_is_a_quarter_of_the_data_by_score(self, quartile: int) -> None:
        model, codes = Linear(), data(80)
        logits = np.sort(by_hand(model, codes).logits)
        quarter = logits[:20] if quartile == 1 else logits[-20:]
        drawn = draw_background(model, codes, null=Spec(name="quartile", params={"quartile": quartile}), n=40)
        np.testing.assert_allclose(np.sort(drawn.logits), np.repeat(quarter, 2), atol=1e-5)

    def test_kept_percentiles_cut_the_tails(self) -> None:
        every, kept = (draw_background(Linear(), data(), n=500, keep=keep) for keep in (None, (10, 90)))
        assert len(kept) == 500
        low, high = np.percentile(every.logits, [10, 90])
        # Two draws of some 500: their 10th and 90th percentiles differ by some hundredths of the range.
        slack = 0.2 * (high - low)
        assert low - slack < kept.logits.min()
        assert kept.logits.max() < high + slack

    def test_an_unknown_name_is_refused_with_the_nearest_one(self) -> None:
        with pytest.raises(ConfigError, match="did you mean 'dinucleotide'"):
            draw_background(Linear(), data(), null="dinucleotid")
        with pytest.raises(InputError, match="the lower one first"):
            draw_background(Linear(), data(), keep=(90, 10))


def test_a_pattern_has_the_mean_of_its_paired_differences_on_a_linear_model() -> None:
    model = Linear()
    importance = on(model, n=200)
    codes = importance.background.codes
    planted = codes.copy()
    planted[:, 5:9] = encode("GATT")
    weight = model.weight[0].detach().double().numpy()
    expected = (weight[planted, np.arange(W)] - weight[codes, np.arange(W)]).sum(axis=1)
    found = importance.pattern("GATT", 5)
    assert found.mean[0] == pytest.approx(expected.mean(), abs=1e-5)
    half = 1.9720 * expected.std(ddof=1) / np.sqrt(200)  # Student's t at .975 with 199 degrees of freedom
    assert found.high[0] - found.mean[0] == pytest.approx(half, rel=1e-3)
    assert found.mean[0] - found.low[0] == pytest.approx(half, rel=1e-3)
    assert found.n == 200


def test_tangermeme_marginalises_to_the_same_effect() -> None:
    torch.manual_seed(0)
    model = HoldfastNet()
    importance = on(model, n=50)
    sequences = one_hot(torch.from_numpy(importance.background.codes))
    result = marginalize(model.eval(), sequences, "GATTACA", device="cpu")
    expected = (result.y_after - result.y_before)[:, 0].double()
    found = importance.pattern("GATTACA")
    # Two float32 passes in batches of other sizes.
    assert found.mean[0] == pytest.approx(float(expected.mean()), abs=1e-5)


def test_copies_of_a_site_add_up_on_a_model_that_counts_them() -> None:
    model = SiteCount("GT", worth=2.0)
    found = GlobalImportance(model=model, background=by_hand(model, without_site())).number("GT", [1, 6, 11, 16])
    np.testing.assert_array_equal(found.mean, [2, 4, 6, 8])
    fit = found.linear_fit()
    assert (fit.slope, fit.intercept, fit.r_squared) == (pytest.approx(2), pytest.approx(0, abs=1e-9), pytest.approx(1))
    assert (found.low == found.mean).all()


def test_what_a_pair_does_beyond_its_members_is_the_models_worth_of_a_pair() -> None:
    model = SiteCount("GT", worth=2.0, pair=0.5)
    importance = GlobalImportance(model=model, background=by_hand(model, without_site()))
    both = importance.spacing("GT", "GT", [0, 3, 7], start=2)
    np.testing.assert_array_equal(both.mean, 4.5)
    np.testing.assert_array_equal(importance.spacing("GT", "GT", [0, 3, 7], start=2, excess=True).mean, 0.5)
    assert both.labels == ("0 bp apart", "3 bp apart", "7 bp apart")


def test_motifs_do_nothing_beyond_themselves_on_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    motif = Motif.from_counts("loose", rng.random((4, 4)))
    found = on(Linear(), n=50).spacing(motif, motif, [0, 5], start=1, excess=True)
    # The same draws of a motif with and without the other one: differences of float32 sums alone are left.
    np.testing.assert_allclose(found.mean, 0, atol=1e-5)
    np.testing.assert_allclose(found.high - found.low, 0, atol=1e-5)


def test_a_context_counts_what_the_pattern_does_in_it_and_not_what_it_does_itself() -> None:
    model = SiteCount("GT", worth=2.0, pair=0.5)
    importance = GlobalImportance(model=model, background=by_hand(model, without_site()))
    found = importance.context("GT", {"beside one": [("GT", 2)], "beside two": [("GT", 2), ("GT", 15)]}, start=8)
    assert dict(zip(found.labels, found.mean, strict=True)) == {"alone": 2.0, "beside one": 2.5, "beside two": 3.0}


def test_positions_have_the_weights_of_a_linear_model() -> None:
    model = Linear()
    found = on(model, n=30).position("G", range(W))
    codes = on(model, n=30).background.codes
    weight = model.weight[0].detach().numpy()
    expected = weight[2] - weight[codes, np.arange(W)].mean(axis=0)
    np.testing.assert_allclose(found.mean, expected, atol=1e-5)


def test_the_best_kmer_of_a_model_that_counts_a_site_is_that_site() -> None:
    model = SiteCount("GTG")
    found = GlobalImportance(model=model, background=by_hand(model, without_site(10))).kmers(3)
    assert len(found) == 64
    assert found.labels[0] == "GTG"
    assert (np.diff(found.mean) <= 0).all()


def test_every_substitution_in_a_site_costs_its_worth() -> None:
    model = SiteCount("GTG", worth=2.0)
    found = GlobalImportance(model=model, background=by_hand(model, without_site(10))).mutants("GTG", 5)
    assert found.labels[:3] == ("G1A", "G1C", "G1T")
    np.testing.assert_array_equal(found.mean, -2.0)


def test_an_n_in_a_pattern_leaves_the_base_that_is_there() -> None:
    model, codes = SiteCount("GAT"), without_site(10)
    codes[:, 6] = 0
    found = GlobalImportance(model=model, background=by_hand(model, codes)).pattern("GNT", 5)
    assert found.mean[0] == 2.0
    assert decode(codes[0, 6:7]) == "A"


def test_one_sequence_has_an_effect_without_an_interval() -> None:
    model = SiteCount("GT")
    found = GlobalImportance(model=model, background=by_hand(model, without_site(1))).pattern("GT", 3)
    assert found.mean[0] == 2.0
    assert np.isnan(found.low[0])


def test_sites_that_leave_the_window_or_overlap_are_refused() -> None:
    importance = on(Linear(), n=5)
    with pytest.raises(InputError, match=r"'GATT' at 18\.\.22 leaves the window of 20 bp"):
        importance.pattern("GATT", 18)
    with pytest.raises(InputError, match=r"'GATT' at 3\.\.7 overlaps another one"):
        importance.number("GATT", [0, 3])
    with pytest.raises(InputError, match="no cases"):
        importance.position("GATT", [])
    with pytest.raises(InputError, match="two different values"):
        importance.pattern("GATT").linear_fit()
    with pytest.raises(ConfigError, match="k is 9; expected a whole number from 1 to 8"):
        importance.kmers(9)
