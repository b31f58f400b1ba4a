"""Expectation maximisation against probabilities by hand, and what it must never do."""

import itertools

import numpy as np
import pytest
import torch

from holdfast.interpret.zoops_em import Mixture, Windows, best_places, fit_zoops, posterior

UNIFORM = torch.full((4,), 0.25, dtype=torch.float64)


def random_mixture(models: int, width: int) -> Mixture:
    raw = torch.rand(models, width, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.05
    return Mixture(probabilities=raw / raw.sum(dim=2, keepdim=True), share=torch.linspace(0.2, 0.8, models).double())


def random_codes(count: int, length: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 5, (count, length), dtype=np.uint8))


def by_hand(codes: list[int], mixture: Mixture, weight: list[float]) -> np.ndarray:
    """Return (2, M) posteriors of one sequence for one model, summed place by place."""
    p, share = mixture.probabilities[0].numpy(), float(mixture.share[0])
    width = len(p)
    joint = np.zeros((2, len(codes) - width + 1))
    for start in range(joint.shape[1]):
        window = codes[start : start + width]
        if 4 in window:
            continue
        reverse = [3 - base for base in reversed(window)]
        for strand, letters in enumerate((window, reverse)):
            joint[strand, start] = np.prod([p[i, base] / 0.25 for i, base in enumerate(letters)])
        joint[:, start] *= min(weight[start : start + width])
    places = 2 * sum(4 not in codes[start : start + width] for start in range(joint.shape[1]))
    joint *= share / places
    return joint / (1 - share + joint.sum())


def test_the_posterior_of_a_sequence_is_the_one_by_hand() -> None:
    codes = [0, 2, 1, 4, 3, 3, 0, 1]
    weight = [1.0, 0.9, 1.0, 1.0, 0.3, 1.0, 1.0, 0.6]
    mixture = random_mixture(1, 3)
    windows = Windows(torch.tensor([codes], dtype=torch.uint8), 3, unused=torch.tensor([weight], dtype=torch.float64))
    found = posterior(windows, mixture, UNIFORM)[0, :, 0]
    assert found.numpy() == pytest.approx(by_hand(codes, mixture, weight), abs=1e-12)


def test_the_objective_never_falls() -> None:
    windows = Windows(random_codes(40, 25), 7)
    fit = fit_zoops(windows, random_mixture(5, 7), UNIFORM, pseudocount=0.5, max_iterations=60, tolerance=0.0)
    rise = fit.objective.diff(dim=0)
    # Objectives are sums of about 40 numbers of size 10: rounding stays below 1e-11.
    assert rise.min() > -1e-11
    assert (fit.objective[-1] > fit.objective[0] + 1).all()


def test_one_step_counts_what_the_posterior_expects() -> None:
    codes, mixture = random_codes(6, 12), random_mixture(2, 4)
    windows = Windows(codes, 4)
    after = fit_zoops(windows, mixture, UNIFORM, pseudocount=0.4, max_iterations=1).mixture
    z = posterior(windows, mixture, UNIFORM).numpy()
    counts = np.full((2, 4, 4), 0.1)
    for model, strand, row, start in itertools.product(range(2), range(2), range(6), range(9)):
        window = codes[row, start : start + 4].tolist()
        letters = window if strand == 0 else [3 - base for base in reversed(window)]
        for column, base in enumerate(letters):
            if z[model, strand, row, start] > 0:
                counts[model, column, base] += z[model, strand, row, start]
    assert after.probabilities.numpy() == pytest.approx(counts / counts.sum(axis=2, keepdims=True))
    assert after.share.numpy() == pytest.approx(z.sum(axis=(1, 2, 3)) / 6)


def test_several_starts_at_once_are_the_same_as_one_by_one() -> None:
    windows, mixture = Windows(random_codes(30, 20), 6), random_mixture(3, 6)
    together = fit_zoops(windows, mixture, UNIFORM, max_iterations=5, tolerance=0.0).mixture
    for number in range(3):
        alone = fit_zoops(windows, mixture.take(number), UNIFORM, max_iterations=5, tolerance=0.0).mixture
        assert torch.allclose(alone.probabilities[0], together.probabilities[number], atol=1e-12)


def test_the_reverse_complement_data_have_the_same_likelihood() -> None:
    codes, mixture = random_codes(30, 20), random_mixture(2, 6)
    reverse = torch.where(codes == 4, codes, 3 - codes).flip(1)
    one, other = (
        fit_zoops(Windows(each, 6), mixture, UNIFORM, max_iterations=3).objective for each in (codes, reverse)
    )
    assert torch.allclose(one, other)


def test_blocks_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, mixture = random_codes(30, 20), random_mixture(2, 6)
    whole = fit_zoops(Windows(codes, 6), mixture, UNIFORM, max_iterations=3)
    monkeypatch.setattr("holdfast.interpret.zoops_em._BLOCK_BYTES", {"cpu": 20_000})
    monkeypatch.setattr("holdfast.interpret.zoops_em._KEPT_BYTES", 0)
    windows = Windows(codes, 6)
    assert len(list(windows.blocks(2))) > 3
    assert torch.allclose(fit_zoops(windows, mixture, UNIFORM, max_iterations=3).objective, whole.objective)


def test_a_sequence_without_a_place_has_no_site() -> None:
    codes = random_codes(3, 12)
    codes[1] = 4
    windows, mixture = Windows(codes, 5), random_mixture(1, 5)
    assert posterior(windows, mixture, UNIFORM)[0, :, 1].sum() == 0
    assert best_places(windows, mixture.log_ratio(UNIFORM))[0][0, 1] == -torch.inf


def test_the_best_place_is_on_the_strand_that_reads_the_motif() -> None:
    sure = torch.full((1, 3, 4), 0.01).double()
    sure[0, [0, 1, 2], [0, 1, 1]] = 0.97  # ACC
    mixture = Mixture(probabilities=sure, share=torch.tensor([0.5]).double())
    codes = torch.tensor([[3, 0, 1, 1, 3], [3, 3, 2, 2, 3]], dtype=torch.uint8)  # TACCT, TTGGT = ACCAA reversed
    score, place = best_places(Windows(codes, 3), mixture.log_ratio(UNIFORM))
    assert place[0].tolist() == [1, 3 + 2]  # GGT at 2 of the second reads ACC on the reverse strand
    assert score[0].tolist() == pytest.approx([3 * np.log(0.97 / 0.25)] * 2)


def test_a_place_that_an_earlier_motif_covers_is_not_the_best() -> None:
    codes = torch.tensor([[0, 0, 3, 0, 0]], dtype=torch.uint8)
    ratio = torch.tensor([[[1.0, 0, 0, 0], [1.0, 0, 0, 0]]]).double()
    free = torch.tensor([[0.2, 1.0, 1.0, 1.0, 1.0]]).double()
    assert best_places(Windows(codes, 2, unused=free), ratio)[1].item() == 3
