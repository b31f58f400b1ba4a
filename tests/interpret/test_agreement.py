"""Agreement between models' maps, against scipy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from holdfast.core.errors import InputError
from holdfast.interpret.agreement import agreement


def test_it_is_the_mean_of_spearmans_correlations() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 4, 20)).round(1)  # with ties
    found = agreement(maps)
    expected = np.array(
        [[[spearmanr(maps[a, n], maps[b, n]).statistic for n in range(4)] for b in range(3)] for a in range(3)]
    )
    np.testing.assert_allclose(found.by_pair, expected.mean(axis=2))
    pairs = expected[[0, 0, 1], [1, 2, 2]]
    np.testing.assert_allclose(found.by_example, pairs.mean(axis=0))
    assert found.mean == pytest.approx(pairs.mean())


def test_sizes_alone_are_ranked_where_signs_mean_nothing() -> None:
    maps = np.array([[[1.0, -2.0, 3.0]], [[-1.0, 2.0, -3.0]]])
    # Correlations of three ranks in float64.
    assert agreement(maps).mean == pytest.approx(-1)
    assert agreement(maps, absolute=True).mean == pytest.approx(1)


def test_a_constant_map_is_left_out() -> None:
    maps = np.random.default_rng(1).normal(size=(2, 3, 10))
    maps[0, 1] = 0.5
    found = agreement(maps)
    assert np.isnan(found.by_example).tolist() == [False, True, False]
    assert found.mean == pytest.approx(np.nanmean(found.by_example))


def test_one_model_is_refused() -> None:
    with pytest.raises(InputError, match="at least two models"):
        agreement(np.zeros((1, 3, 4)))
