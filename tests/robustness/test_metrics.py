"""Metrics against scikit-learn, and the laws of draws against enumeration."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from holdfast.robustness import metrics as metrics_module
from holdfast.robustness.metrics import Pool, draw_weights, entries, pool_windows, resample, weighted_metrics


def random_case(seed: int, n: int = 40, k: int = 6, levels: int | None = None):
    rng = np.random.default_rng(seed)
    logits = (
        rng.normal(size=(n, k)).astype(np.float32).astype(float)
        if levels is None
        else rng.integers(-levels, levels + 1, (n, k)).astype(float)
    )
    labels = rng.integers(0, 2, n)
    labels[:2] = [0, 1]
    weights = rng.dirichlet(np.ones(k), size=n) * (rng.random((n, k)) < 0.8)
    weights[:, 0] += 0.01
    return logits, labels, weights / weights.sum(axis=1, keepdims=True)


def pooled(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Pool:
    windows = pool_windows(logits.astype(np.float32), labels, weights)
    return Pool(lambda: [windows])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, 1, 3]))
def test_pooled_metrics_agree_with_scikit_learn(seed: int, levels: int | None) -> None:
    logits, labels, weights = random_case(seed, levels=levels)
    ours = weighted_metrics(pooled(logits, labels, weights), np.ones((40, 1)))
    y, s, w = np.repeat(labels, 6), logits.ravel(), weights.ravel()
    precision, recall, _ = sk.precision_recall_curve(y, s, sample_weight=w)
    p = 1 / (1 + np.exp(-s))
    theirs = {
        "accuracy": sk.accuracy_score(y, s > 0, sample_weight=w),
        "auroc": sk.roc_auc_score(y, s, sample_weight=w),
        "aupr_trapezoid": sk.auc(recall, precision),
        "average_precision": sk.average_precision_score(y, s, sample_weight=w),
        "mcc": sk.matthews_corrcoef(y, s > 0, sample_weight=w),
        "log_loss": sk.log_loss(y, p, sample_weight=w, labels=[0, 1]),
    }
    for name, value in theirs.items():
        assert ours[name][0] == pytest.approx(value, abs=1e-9), name


def test_bootstrap_counts_are_those_of_drawing_each_sample_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "DRAWS", 13)
    counts = resample(40, 3, np.random.default_rng(0))
    generator = np.random.default_rng(0)
    plain = [np.bincount(generator.integers(0, 40, 40), minlength=40) for _ in range(3)]
    np.testing.assert_array_equal(counts, np.stack([np.ones(40), *plain], axis=1))


def test_a_bootstrap_row_equals_the_metrics_of_the_repeated_examples() -> None:
    logits, labels, weights = random_case(1)
    counts = resample(40, 3, np.random.default_rng(0))
    rows = weighted_metrics(pooled(logits, labels, weights), counts)
    for b, count in enumerate(counts.T):
        chosen = np.repeat(np.arange(40), count.astype(int))
        again = weighted_metrics(pooled(logits[chosen], labels[chosen], weights[chosen]), np.ones((40, 1)))
        for name, value in again.items():
            assert rows[name][b] == pytest.approx(value[0], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_law_of_the_worst_of_n_is_that_of_enumerating_every_draw(seed: int, n_try: int) -> None:
    rng = np.random.default_rng(seed)
    severity = rng.integers(0, 4, (5, 6)).astype(float)  # with ties
    legal = rng.random((5, 6)) < 0.7
    legal[:, 2] = True
    weights = draw_weights(severity, legal, n_try)
    for row in range(5):
        allowed = np.flatnonzero(legal[row])
        draws = list(combinations(allowed, min(n_try, len(allowed))))
        expected = np.zeros(6)
        for draw in draws:
            worst = max(draw, key=lambda k: (severity[row, k], -k))  # ties go to the smallest start
            expected[worst] += 1 / len(draws)
        np.testing.assert_allclose(weights[row], expected, atol=1e-12)


def test_random_auroc_is_the_exact_expectation_over_independent_draws() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.integers(-2, 3, (4, 3)).astype(float), np.array([1, 0, 1, 0])
    weights = draw_weights(logits, np.ones((4, 3), dtype=bool), 1)
    ours = weighted_metrics(pooled(logits, labels, weights), np.ones((4, 1)))["auroc"][0]
    grids = np.stack(np.meshgrid(*[range(3)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    every = [sk.roc_auc_score(labels, logits[np.arange(4), pick]) for pick in grids]
    assert ours == pytest.approx(np.mean(every), abs=1e-12)


def test_one_class_has_no_ranking() -> None:
    logits = np.array([[1.0], [2.0]])
    values = weighted_metrics(pooled(logits, np.array([1, 1]), np.ones((2, 1))), np.ones((2, 1)))
    assert np.isnan(values["auroc"][0])
    assert np.isnan(values["mcc"][0])
    assert values["accuracy"][0] == 1


@pytest.mark.parametrize("levels", [None, 3])
def test_many_buckets_and_pieces_give_the_numbers_of_one(monkeypatch: pytest.MonkeyPatch, levels: int | None) -> None:
    logits, labels, weights = random_case(7, levels=levels)
    counts = resample(40, 5, np.random.default_rng(0))
    once = weighted_metrics(pooled(logits, labels, weights), counts)
    for name, value in {"BUCKET": 30, "NUMBERS": 10}.items():
        monkeypatch.setattr(metrics_module, name, value)
    pieces = [pool_windows(logits[i : i + 7], labels[i : i + 7], weights[i : i + 7], first=i) for i in range(0, 40, 7)]
    pool = Pool(lambda: pieces)
    assert len(list(pool.pieces())) > 3
    for name, value in weighted_metrics(pool, counts).items():
        np.testing.assert_allclose(value, once[name], atol=1e-12, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([np.float32, np.float64]), st.integers(1, 9), st.integers(0, 3))
def test_a_pool_comes_out_sorted_in_small_pieces(seed: int, kind: type, bucket: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    # Scores of all sizes, many equal in their first bits, some equal, zeros of both signs.
    score = (rng.normal(size=50).round(decimals) * 10.0 ** rng.integers(-3, 4, 50)).astype(kind)
    score[:5] = [0.0, -0.0, 1 + np.finfo(kind).eps, 1.0, 1 + 2 * np.finfo(kind).eps]
    score[5:30] = score[3]
    whole = entries(score, rng.random(50) < 0.5, rng.random(50), np.arange(50))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics_module, "BUCKET", bucket)
        pieces = list(Pool(lambda: [whole[:20], whole[20:20], whole[20:]]).pieces())
    assert max(map(len, pieces)) <= bucket
    joined = np.concatenate(pieces)
    assert (np.diff(joined["score"]) <= 0).all()
    np.testing.assert_array_equal(joined[np.argsort(joined["example"])], whole)


def test_an_empty_pool_has_no_pieces() -> None:
    assert not list(Pool(list).pieces())
