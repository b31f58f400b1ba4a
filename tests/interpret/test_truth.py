"""Maps scored against planted sites, by hand and against simulated truth."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.data.simulate import SimulationConfig, simulate
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.truth import planted_positions, pointing
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.motif import Motif


def toy_motif(name: str) -> Motif:
    """Three positions: certain, flat, certain."""
    matrix = np.array([[1.0, 0.25, 0.0], [0.0, 0.25, 0.0], [0.0, 0.25, 1.0], [0.0, 0.25, 0.0]])
    return Motif(name=name, probabilities=matrix)


def toy_truth() -> pd.DataFrame:
    rows = [(4, "core", 2, "+"), (4, "decoy", 7, "+"), (9, "site", 0, "-"), (5, "core", 1, "+")]
    frame = pd.DataFrame(rows, columns=["example", "role", "start", "strand"])
    return frame.assign(end=frame["start"] + 3, motif="toy", source="", weak=False)


class TestPlantedPositions:
    def test_informative_positions_of_cores_and_sites_matter_and_decoys_do_not(self) -> None:
        found = planted_positions(toy_truth(), np.array([9, 4, 7]), context=10, motif_of=toy_motif)
        assert [np.flatnonzero(row).tolist() for row in found] == [[0, 2], [2, 4], []]
        decoys = planted_positions(toy_truth(), np.array([4]), context=10, motif_of=toy_motif, roles=["decoy"])
        assert np.flatnonzero(decoys[0]).tolist() == [7, 9]

    def test_on_the_other_strand_the_matrix_is_turned(self) -> None:
        matrix = np.array([[1.0, 0.25], [0.0, 0.25], [0.0, 0.25], [0.0, 0.25]])
        truth = toy_truth().assign(end=lambda frame: frame["start"] + 2)
        found = planted_positions(
            truth, np.array([4, 9]), context=10, motif_of=lambda name: Motif(name=name, probabilities=matrix)
        )
        assert [np.flatnonzero(row).tolist() for row in found] == [[2], [1]]

    def test_a_matrix_of_another_width_is_refused(self) -> None:
        with pytest.raises(InputError, match="planted sites of 'toy' have 4 bp, its matrix has 3"):
            planted_positions(
                toy_truth().assign(end=lambda frame: frame["start"] + 4), np.array([4]), context=10, motif_of=toy_motif
            )


class TestPointing:
    def test_an_examples_auroc_is_that_of_a_rank_sum_test(self) -> None:
        rng = np.random.default_rng(0)
        maps, matters = rng.normal(size=(5, 40)).round(1), rng.random((5, 40)) < 0.3
        found = pointing(maps, matters)
        for row in range(5):
            a, b = np.abs(maps[row][matters[row]]), np.abs(maps[row][~matters[row]])
            assert found.auroc[row] == pytest.approx(mannwhitneyu(a, b).statistic / (len(a) * len(b)))

    def test_average_precision_by_hand(self) -> None:
        found = pointing(np.array([[5.0, -4.0, 3.0, 2.0]]), np.array([[True, False, True, False]]))
        assert found.aupr[0] == pytest.approx((1 / 1 + 2 / 3) / 2)
        assert found.share == 0.5

    def test_pooled_numbers_compare_sizes_between_examples(self) -> None:
        maps = np.array([[1.0, 2.0], [10.0, 20.0]])
        found = pointing(maps, np.array([[False, True], [False, True]]))
        assert found.auroc.tolist() == [1.0, 1.0]
        assert found.pooled_auroc == 0.75

    def test_signal_to_noise_over_all_noise_and_over_the_ten_largest(self) -> None:
        maps = np.array([[6.0, -6.0, *[1.0] * 10, *[0.5] * 10]])
        matters = np.zeros(maps.shape, dtype=bool)
        matters[0, :2] = True
        found = pointing(maps, matters)
        np.testing.assert_allclose(found.signal_to_noise, [6 / 0.75])
        np.testing.assert_allclose(found.signal_to_top_noise, [6.0])

    def test_an_example_of_one_kind_has_no_number_and_does_not_spoil_the_others(self) -> None:
        maps = np.array([[1.0, 2.0], [1.0, 2.0], [np.nan, 2.0]])
        found = pointing(maps, np.array([[False, True], [False, False], [False, True]]))
        assert np.isnan(found.auroc).tolist() == [False, True, True]
        assert found.pooled_auroc == pytest.approx(5 / 6)

    def test_nothing_that_matters_is_refused(self) -> None:
        with pytest.raises(InputError, match="0 of 2 positions matter"):
            pointing(np.ones((1, 2)), np.zeros((1, 2), dtype=bool))


class Scanner(nn.Module):
    """The best place of a matrix on either strand."""

    def __init__(self, motif: Motif) -> None:
        super().__init__()
        scores = np.log(motif.probabilities / 0.25)
        both = np.stack([scores, scores[::-1, ::-1]])
        self.weight = nn.Parameter(torch.from_numpy(both).float())

    def forward(self, sequence: Tensor) -> Tensor:
        return torch.conv1d(sequence, self.weight).amax(dim=(1, 2))[:, None]


def test_a_model_that_is_told_the_planted_matrix_points_at_planted_sites() -> None:
    made = simulate(SimulationConfig(tf="MAFK", positives=30, weak_fraction=0.0), jaspar_motif)
    matters = planted_positions(made.truth, np.arange(30), context=101, motif_of=jaspar_motif)
    maps = ATTRIBUTIONS["ism"]()(Scanner(jaspar_motif("MAFK")), made.records.codes[:30]).per_base
    found = pointing(maps, matters)
    # A stray site that scores higher than the planted one is rare for a matrix of 12 bits.
    assert np.median(found.auroc) > 0.97
    random = pointing(np.random.default_rng(0).normal(size=maps.shape), matters)
    # 30 x 101 positions of which about 9 in 101 matter: a standard error of 0.02.
    assert abs(random.pooled_auroc - 0.5) < 0.06
    assert found.signal_to_noise.mean() > 5
