"""The contract of every perturbation: inside the ball, never below the clean loss, seeded draws, closed forms."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.registry import Spec
from holdfast.data.batch import Batch
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness.losses import CrossEntropy, ZeroOne
from holdfast.robustness.perturbations import PERTURBATIONS, Perturbation

EPSILON = 0.15
# One rounding of 1 + epsilon in float32.
ROUNDING = 2.0**-22
HARD = ("fgsm", "pgd", "pgd-drawn")


def batch_of(n: int = 19, window: int = 30, n_tasks: int = 1, seed: int = 0) -> Batch:
    """Windows with unknown bases, unknown labels where there are several tasks, and shuffled numbers."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, n_tasks)).astype(np.float32)
    known = rng.random((n, n_tasks)) < (1.0 if n_tasks == 1 else 0.7)
    labels[~known] = np.nan
    return Batch(
        codes=torch.from_numpy(rng.integers(0, 5, (n, window), dtype=np.uint8)),
        labels=torch.from_numpy(labels),
        mask=torch.from_numpy(known),
        core=torch.full((n, 2), -1),
        index=torch.from_numpy(rng.permutation(1000)[:n]),
    )


class Curved(nn.Module):
    """A small network with dropout, so that eval mode matters; in float64, so that no sign hangs on rounding."""

    def __init__(self, n_tasks: int = 1) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(120, 8).double()
        self.dropout = nn.Dropout(0.5)
        self.second = nn.Linear(8, n_tasks).double()

    def forward(self, sequence: Tensor) -> Tensor:
        return 3 * self.second(self.dropout(torch.tanh(4 * self.first(sequence.double().flatten(1)))))


class Linear(nn.Module):
    """w . x + b."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.weight = nn.Parameter(torch.randn(4, 30, dtype=torch.float64) / 10)

    def forward(self, sequence: Tensor) -> Tensor:
        return (sequence.double() * self.weight).sum(dim=(1, 2))[:, None] + 0.2


def built(kind: str, **params: Any) -> Perturbation:
    name, drawn, _ = kind.partition("-drawn")
    extra = {"random_start": True} if drawn else {}
    return PERTURBATIONS[name](**{"epsilon": EPSILON, "seed": 4, **extra, **params})


def loss_of(model: nn.Module, batch: Batch, sequence: Tensor) -> Tensor:
    with torch.no_grad():
        return CrossEntropy()(model.eval()(sequence), batch.labels.nan_to_num(), batch.mask)


@pytest.mark.parametrize("kind", ["noise", *HARD])
class TestEveryPerturbation:
    def test_no_entry_leaves_the_ball_and_inputs_are_not_rounded_to_bases(self, kind: str) -> None:
        batch = batch_of()
        moved = built(kind)(Curved(), batch) - batch.one_hot()
        assert moved.abs().max() <= EPSILON + ROUNDING
        assert moved.abs().max() > EPSILON / 2
        assert moved.shape == (19, 4, 30)
        assert not moved.requires_grad

    def test_an_example_gets_the_same_input_in_any_batch(self, kind: str) -> None:
        batch, model, perturbation = batch_of(), Curved(), built(kind)
        whole = perturbation(model, batch, round_=2)
        order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
        pieces = [perturbation(model, batch.take(part), round_=2) for part in order.split(4)]
        assert torch.equal(whole[order], torch.cat(pieces))

    def test_the_model_is_given_back_as_it_came_without_gradients(self, kind: str) -> None:
        model = Curved().train()
        model.first.eval()
        built(kind)(model, batch_of())
        assert model.training
        assert model.dropout.training
        assert not model.first.training
        assert all(parameter.grad is None for parameter in model.parameters())

    def test_it_is_built_by_name_and_says_what_it_is(self, kind: str) -> None:
        perturbation = built(kind)
        assert perturbation.words.startswith(f"{perturbation.name}, epsilon {EPSILON:g}")
        for value in (0, -1.0, float("inf"), "much"):
            with pytest.raises(ConfigError, match="epsilon is"):
                PERTURBATIONS.build(Spec(name=kind.removesuffix("-drawn"), params={"epsilon": value}))


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("n_tasks", [1, 3])
def test_the_loss_is_never_below_the_clean_one_and_mostly_above(kind: str, n_tasks: int) -> None:
    batch, model = batch_of(n_tasks=n_tasks), Curved(n_tasks)
    clean = loss_of(model, batch, batch.one_hot())
    found = loss_of(model, batch, built(kind)(model, batch))
    assert (found >= clean).all()
    known = batch.mask.any(dim=1)
    assert (found > clean)[known].float().mean() > 0.8
    assert torch.equal(found[~known], clean[~known])


class Peak(nn.Module):
    """The logit is greatest at the clean inputs, where its gradient still points away: every step can only err."""

    def forward(self, sequence: Tensor) -> Tensor:
        off = (sequence - sequence.round()).flatten(1)
        return (off.sum(dim=1) - 100 * off.square().sum(dim=1))[:, None]


@pytest.mark.parametrize("kind", HARD)
def test_a_step_that_helps_the_model_is_not_taken(kind: str) -> None:
    batch = batch_of()
    unbound = dataclasses.replace(batch, labels=torch.zeros_like(batch.labels))
    sequence = built(kind, **({"step_size": EPSILON} if "pgd" in kind else {}))(Peak(), unbound)
    assert torch.equal(sequence, batch.one_hot())


def test_on_a_linear_model_fgsm_and_pgd_are_the_closed_form() -> None:
    batch, model = batch_of(), Linear()
    sign = 1 - 2 * batch.labels[:, :, None]
    corner = batch.one_hot() + EPSILON * sign * model.weight.detach().sign().float()
    fgsm, pgd = (built(kind)(model, batch) for kind in ("fgsm", "pgd"))
    torch.testing.assert_close(fgsm, corner, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(pgd, corner, rtol=0, atol=ROUNDING)
    margin = (2 * batch.labels - 1) * (model(batch.one_hot()) - model(fgsm)).detach()
    # Each of 120 entries moves against its weight by epsilon.
    lost = EPSILON * model.weight.detach().abs().sum()
    torch.testing.assert_close(margin, torch.full_like(margin, float(lost)), rtol=1e-5, atol=0)


def test_more_steps_of_pgd_find_at_least_as_much_and_beat_one_step_on_a_curved_model() -> None:
    batch, model = batch_of(n=60), Curved()
    fgsm = loss_of(model, batch, built("fgsm")(model, batch))
    one = loss_of(model, batch, built("pgd", steps=1, step_size=EPSILON)(model, batch))
    torch.testing.assert_close(one, fgsm)
    last = None
    for steps in (1, 3, 10, 30):
        found = loss_of(model, batch, built("pgd", steps=steps, step_size=0.03)(model, batch))
        # The steps are the same, and the best of them is kept.
        assert last is None or (found >= last).all()
        last = found
    assert last is not None
    assert last.mean() > fgsm.mean()


def test_noise_is_uniform_in_the_ball_and_another_round_or_seed_is_other_noise() -> None:
    batch = batch_of(n=400)
    first = built("noise")(Linear(), batch) - batch.one_hot()
    scaled = first.flatten() / EPSILON
    # 48,000 draws: mean and variance within five standard errors of a uniform law's 0 and 1/3.
    assert abs(float(scaled.mean())) < 5 * (1 / 3 / len(scaled)) ** 0.5
    assert abs(float(scaled.var()) - 1 / 3) < 5 * (4 / 45 / len(scaled)) ** 0.5
    assert abs(float(torch.corrcoef(first.flatten(1)[:, :2].T)[0, 1])) < 5 / 400**0.5
    for other in (built("noise")(Linear(), batch, round_=1), built("noise", seed=5)(Linear(), batch)):
        assert not torch.allclose(other - batch.one_hot(), first)


class Rounding(nn.Module):
    """Reads bases, not numbers."""

    def forward(self, sequence: Tensor) -> Tensor:
        return (sequence > 0.5).float().sum(dim=(1, 2))[:, None]


class Broken(nn.Module):
    """Its gradient is infinite where a base is absent."""

    def forward(self, sequence: Tensor) -> Tensor:
        return sequence.abs().sqrt().sum(dim=(1, 2))[:, None]


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
@pytest.mark.parametrize("model", [Rounding(), KmerLogistic(k=3)], ids=["rounding", "kmer"])
def test_a_model_without_a_gradient_is_refused_in_words_but_noise_is_not(kind: str, model: nn.Module) -> None:
    with pytest.raises(InputError, match=rf"{type(model).__name__}.* has no gradient .* choose noise or substitutions"):
        built(kind)(model, batch_of())
    assert built("noise")(model, batch_of()).shape == (19, 4, 30)


def test_a_loss_without_a_gradient_and_a_gradient_that_is_no_number_are_refused() -> None:
    with pytest.raises(InputError, match="under the loss ZeroOne has no gradient"):
        built("fgsm", loss=ZeroOne())(Linear(), batch_of())
    with pytest.raises(InputError, match=r"Broken: the gradient .* is not finite"):
        built("fgsm")(Broken(), batch_of())


class Recurrent(nn.Module):
    """A layer whose gradient cuDNN gives in training mode only."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lstm, self.dense = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.dense(self.lstm(sequence.transpose(1, 2))[0][:, -1])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_recurrent_models_are_attacked_in_eval_mode(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    model, batch = Recurrent().to(device), batch_of().to(device)
    clean = loss_of(model, batch, batch.one_hot())
    assert (loss_of(model, batch, built("fgsm")(model, batch)) > clean).all()


def test_an_impossible_pgd_is_refused() -> None:
    for params, words in (({"steps": 0}, "steps is 0"), ({"step_size": 0}, "step_size is 0"), ({"step": 1}, "step")):
        with pytest.raises(ConfigError, match=words):
            PERTURBATIONS.build(Spec(name="pgd", params=params))
