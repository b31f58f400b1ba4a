"""Simulated data: what is planted is where the truth says, and the background is what was asked for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.background import background_sequences, transitions
from holdfast.data.build import build_simulated
from holdfast.data.leakage import leakage
from holdfast.data.planting import place_anywhere, place_near_centre
from holdfast.data.simulate import SimulationConfig, read_truth, simulate
from holdfast.dna.edit import reverse_complement
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.motif import Motif

# Consensus-only motifs: a planted site can be looked up letter by letter.
CERTAIN = {
    "ACGTT": Motif.from_counts("ACGTT", np.eye(4)[[0, 1, 2, 3, 3]].T, pseudocount=0.0),
    "GGGG": Motif.from_counts("GGGG", np.eye(4)[[2, 2, 2, 2]].T, pseudocount=0.0),
}


def certain(**values: object) -> SimulationConfig:
    return SimulationConfig.parse({"tf": "ACGTT", "positives": 200, "context": 31, "weak_fraction": 0.0} | values)


def dinucleotides(codes: np.ndarray) -> np.ndarray:
    pairs = codes[:, :-1].astype(np.int64) * 5 + codes[:, 1:]
    return np.stack([(pairs == pair).sum(axis=1) for pair in range(25)], axis=1)


def test_every_core_shows_the_motif_on_its_strand() -> None:
    data = simulate(certain(), CERTAIN.__getitem__)
    core = data.truth[data.truth["role"] == "core"]
    assert len(core) == 200
    for row in core.itertuples():
        site = data.records.codes[row.example, row.start : row.end]
        site = reverse_complement(site) if row.strand == "-" else site
        assert site.tolist() == [0, 1, 2, 3, 3]
        assert data.core[row.example].tolist() == [row.start, row.end]
    # Binomial(200, 1/2): five standard deviations are 35.
    assert abs(int((core["strand"] == "-").sum()) - 100) < 35


def test_negatives_have_no_known_core_and_the_counts_of_their_positive() -> None:
    data = simulate(certain(), CERTAIN.__getitem__)
    positives, negatives = data.records.codes[:200], data.records.codes[200:]
    assert (data.core[200:] == -1).all()
    assert np.array_equal(dinucleotides(positives), dinucleotides(negatives))
    assert np.array_equal(data.records.group[:200], data.records.group[200:])
    assert (positives != negatives).any(axis=1).mean() > 0.95


def test_decoys_and_further_sites_touch_nothing_and_are_in_both_classes() -> None:
    data = simulate(certain(decoys=("GGGG",), decoy_rate=0.5, sites=2), CERTAIN.__getitem__)
    for _, rows in data.truth.groupby("example"):
        covered = np.concatenate([np.arange(row.start, row.end) for row in rows.itertuples()])
        assert len(covered) == len(set(covered.tolist()))
    decoys = data.truth[data.truth["role"] == "decoy"]
    for row in decoys.itertuples():
        assert data.records.codes[row.example, row.start : row.end].tolist() == [2 if row.strand == "+" else 1] * 4
    shares = [(decoys["example"] < 200).sum() / 200, (decoys["example"] >= 200).sum() / 200]
    # Binomial(200, 1/2) in each class: five standard deviations are .18.
    assert all(abs(share - 0.5) < 0.18 for share in shares)
    assert set(data.truth["role"]) == {"core", "site", "decoy"}


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    first, again = (simulate(certain(), CERTAIN.__getitem__) for _ in range(2))
    assert np.array_equal(first.records.codes, again.records.codes)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not np.array_equal(first.records.codes, simulate(certain(seed=1), CERTAIN.__getitem__).records.codes)


def test_label_noise_flips_its_share_of_labels_and_no_bases() -> None:
    clean = simulate(certain(positives=2000), CERTAIN.__getitem__)
    noisy = simulate(certain(positives=2000, label_noise=0.1), CERTAIN.__getitem__)
    assert np.array_equal(clean.records.codes, noisy.records.codes)
    # Binomial(4,000, .1): five standard deviations are .024.
    assert abs((clean.records.labels != noisy.records.labels).mean() - 0.1) < 0.024


def test_weak_sites_are_weaker_and_their_share_is_as_asked() -> None:
    data = simulate(SimulationConfig(positives=4000, weak_fraction=0.3, seed=2), jaspar_motif)
    truth = data.truth
    # Binomial(4,000, .3): five standard deviations are .036.
    assert abs(truth["weak"].mean() - 0.3) < 0.036
    matrix = np.log(jaspar_motif("SP1").probabilities)
    sites = np.stack([data.records.codes[r.example, r.start : r.end] for r in truth.itertuples()])
    minus = (truth["strand"] == "-").to_numpy()
    sites = np.where(minus[:, None], reverse_complement(sites), sites)
    score = matrix[sites, np.arange(sites.shape[1])].sum(axis=1)
    assert score[~truth["weak"]].mean() > score[truth["weak"]].mean() + 2


def test_background_negatives_stand_alone_and_are_not_shuffles() -> None:
    data = simulate(certain(negatives="background"), CERTAIN.__getitem__)
    assert len(set(data.records.group.tolist())) == 400
    assert not np.array_equal(dinucleotides(data.records.codes[:200]), dinucleotides(data.records.codes[200:]))


def test_the_default_core_is_cut_by_some_window_in_a_fraction_of_positives_only() -> None:
    core = simulate(SimulationConfig(positives=4000), jaspar_motif).core[:4000]
    in_every = ((core[:, 0] >= 26) & (core[:, 1] <= 75)).mean()
    in_centre = ((core[:, 0] >= 13) & (core[:, 1] <= 88)).mean()
    assert 0.75 < in_every < 0.9
    assert in_centre > 0.95


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"spread": 3}, "spread"),
        ({"gc": 1.5}, "gc"),
        ({"positives": 0}, "positives"),
        ({"negatives": "none"}, "negatives"),
        ({"transition": [[1, 0, 0, 0]]}, "transition"),
        ({"transition": [[0.5, 0.5, 0, 0.5]] * 4}, "add up to 1"),
    ],
)
def test_wrong_values_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SimulationConfig.parse(values)


def test_a_motif_longer_than_the_context_is_refused() -> None:
    with pytest.raises(InputError, match="5 bp does not fit into a context of 4 bp"):
        simulate(certain(context=4), CERTAIN.__getitem__)


def test_a_motif_as_long_as_the_context_fits() -> None:
    data = simulate(certain(context=5), CERTAIN.__getitem__)
    assert (data.core[:200] == [0, 5]).all()


def test_a_stored_simulation_keeps_its_truth_and_keeps_twins_together(tmp_path: Path) -> None:
    simulation = simulate(certain(), CERTAIN.__getitem__)
    data = build_simulated(simulation, tmp_path / "set")
    pd.testing.assert_frame_equal(read_truth(tmp_path / "set"), simulation.truth)
    assert np.array_equal(data.core, simulation.core)
    parts_of_group = pd.DataFrame({"group": data.group, "split": data.split}).groupby("group")["split"].nunique()
    assert (parts_of_group == 1).all()
    assert data.manifest.provenance.seed == 0
    # Twins across parts can only be chance likenesses; at 31 bp there are none.
    assert [row.shuffled_twins for row in leakage(data).counts] == [0, 0, 0]


def test_truth_is_asked_of_simulated_sets_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was not made by `holdfast data simulate`"):
        read_truth(tmp_path)


def test_given_transitions_are_what_the_background_shows() -> None:
    matrix = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]])
    codes = background_sequences(matrix, 500, 400, np.random.default_rng(0))
    pairs = np.zeros((4, 4))
    np.add.at(pairs, (codes[:, :-1].ravel(), codes[:, 1:].ravel()), 1)
    # 200,000 pairs, a sixth at least from each base: five standard errors of a share are under .014.
    assert np.abs(pairs / pairs.sum(axis=1, keepdims=True) - matrix).max() < 0.014


def test_the_first_base_is_stationary() -> None:
    matrix = np.array([[0.0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0], [1.0, 0, 0, 0]])
    codes = background_sequences(matrix, 8000, 2, np.random.default_rng(0))
    # Binomial(8,000, 1/4): five standard errors are .024.
    assert np.abs(np.bincount(codes[:, 0], minlength=4) / 8000 - 0.25).max() < 0.024
    assert np.array_equal(codes[:, 1], (codes[:, 0] + 1) % 4)


@pytest.mark.parametrize("gc", [0.3, 0.41, 0.6])
def test_the_default_background_has_the_asked_gc_and_few_cpg(gc: float) -> None:
    matrix = transitions(gc)
    base = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    assert base @ matrix == pytest.approx(base, abs=1e-9)
    assert matrix[1, 2] < 0.5 * base[2]
    assert np.allclose(matrix.sum(axis=1), 1)


def test_places_near_the_centre_have_the_asked_spread_and_no_bias() -> None:
    start = place_near_centre(1001, 11, 20.0, np.random.default_rng(0).random(40_000))
    # Standard errors: 20 / 200 = .1 of the mean, .07 of the deviation; rounding adds 1/12 to the variance.
    assert abs(start.mean() - 495) < 0.5
    assert abs(start.std() - 20) < 0.4


def test_a_very_wide_spread_is_uniform_and_inside() -> None:
    start = place_near_centre(13, 4, 1e6, np.random.default_rng(0).random(50_000))
    counts = np.bincount(start, minlength=10)
    assert len(counts) == 10
    # Binomial(50,000, 1/10): five standard deviations are 336.
    assert np.abs(counts - 5000).max() < 336


def test_free_places_are_equally_likely_and_none_is_taken() -> None:
    taken = np.tile(np.array([False, False, False, True, False, False]), (30_000, 1))
    counts = np.bincount(place_anywhere(taken, 2, np.random.default_rng(0)), minlength=5)
    assert counts[[2, 3]].tolist() == [0, 0]
    # Binomial(30,000, 1/3): five standard deviations are 408.
    assert np.abs(counts[[0, 1, 4]] - 10_000).max() < 408
