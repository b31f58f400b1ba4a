"""Exchanged bases against brute force: the first is the worst of all, more are greedy, the core is never touched."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.data.batch import Batch
from holdfast.dna.codes import UNKNOWN, one_hot
from holdfast.robustness import substitutions as module
from holdfast.robustness.losses import CrossEntropy
from holdfast.robustness.substitutions import outside, substitute

WINDOW = 7
CORE = torch.tensor([[2, 4]])


def batch_of(n: int = 9, unknown: float = 0.1, n_tasks: int = 1) -> Batch:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, WINDOW), dtype=np.uint8)
    codes[rng.random(codes.shape) < unknown] = UNKNOWN
    return Batch(
        codes=torch.from_numpy(codes),
        labels=torch.from_numpy(rng.integers(0, 2, (n, n_tasks)).astype(np.float32)),
        mask=torch.ones(n, n_tasks, dtype=torch.bool),
        core=CORE.expand(n, 2),
        index=torch.arange(n),
    )


class Additive(nn.Module):
    """A number for each base at each place: substitutions do not depend on each other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.weight = nn.Parameter(torch.randn(4, WINDOW, dtype=torch.float64))

    def forward(self, sequence: Tensor) -> Tensor:
        return (sequence.double() * self.weight).sum(dim=(1, 2))[:, None]


class Tangled(nn.Module):
    """Bases depend on each other; dropout, so that eval mode matters."""

    def __init__(self, n_tasks: int = 1) -> None:
        super().__init__()
        torch.manual_seed(2)
        layers = nn.Linear(4 * WINDOW, 12), nn.Tanh(), nn.Dropout(0.5), nn.Linear(12, n_tasks)
        self.net = nn.Sequential(nn.Flatten(), *layers).double()

    def forward(self, sequence: Tensor) -> Tensor:
        return 6 * self.net(3 * sequence.double())


def loss_of(model: nn.Module, codes: Tensor, batch: Batch) -> Tensor:
    with torch.no_grad():
        return CrossEntropy()(model.eval()(one_hot(codes)), batch.labels, batch.mask)


def every_set(batch: Batch, free: Tensor, count: int, model: nn.Module) -> Tensor:
    """Return the greatest loss over all sets of at most ``count`` substitutions, example by example."""
    worst = loss_of(model, batch.codes, batch)
    for row in range(len(batch)):
        one = batch.take(torch.tensor([row]))
        places = [p for p in range(WINDOW) if free[row, p] and one.codes[0, p] != UNKNOWN]
        for size in range(1, count + 1):
            for chosen in combinations(places, size):
                for bases in product(range(4), repeat=size):
                    codes = one.codes.clone()
                    codes[0, list(chosen)] = torch.tensor(bases, dtype=torch.uint8)
                    worst[row] = max(worst[row], loss_of(model, codes, one)[0])
    return worst


@pytest.mark.parametrize("model", [Additive(), Tangled()], ids=["additive", "tangled"])
def test_one_substitution_is_the_worst_of_all(model: nn.Module) -> None:
    batch = batch_of()
    free = outside(batch.core, WINDOW)
    found = substitute(model, batch, free, count=1)
    torch.testing.assert_close(found.losses[:, 1], every_set(batch, free, 1, model))
    assert (found.losses[:, 1] > found.losses[:, 0]).any()


def test_two_greedy_ones_are_the_worst_pair_of_an_additive_model_and_no_worse_of_another() -> None:
    batch = batch_of(n=5)
    free = outside(batch.core, WINDOW)
    additive = substitute(Additive(), batch, free, count=2).losses[:, 2]
    torch.testing.assert_close(additive, every_set(batch, free, 2, Additive()))
    greedy = substitute(Tangled(), batch, free, count=2).losses[:, 2]
    assert (greedy <= every_set(batch, free, 2, Tangled()) + 1e-12).all()


def test_on_an_additive_model_each_base_goes_to_its_worst() -> None:
    batch, model = batch_of(unknown=0), Additive()
    weight = model.weight.detach()
    found = substitute(model, batch, torch.ones(9, WINDOW, dtype=torch.bool), count=WINDOW)
    sign = (2 * batch.labels - 1)[:, 0]
    lowest, highest = weight.min(dim=0).values.sum(), weight.max(dim=0).values.sum()
    torch.testing.assert_close(sign * found.logits[:, -1, 0], torch.where(sign > 0, lowest, -highest))


def test_the_core_and_unknown_bases_stay_and_no_more_than_k_bases_change() -> None:
    batch, model = batch_of(unknown=0.3), Tangled()
    found = substitute(model, batch, outside(batch.core, WINDOW), count=4)
    changed = found.codes != batch.codes[:, None]
    assert changed.any()
    assert not changed[:, :, 2:4].any()
    assert not changed[(batch.codes == UNKNOWN)[:, None].expand_as(changed)].any()
    assert (changed.sum(dim=2) <= torch.arange(5)).all()
    # What was exchanged stays so.
    assert (changed[:, 1:] | ~changed[:, :-1]).all()


def test_losses_never_fall_and_belong_to_the_codes() -> None:
    batch, model = batch_of(), Tangled()
    found = substitute(model, batch, outside(batch.core, WINDOW), count=4)
    assert (found.losses.diff(dim=1) >= 0).all()
    for count in range(5):
        torch.testing.assert_close(found.losses[:, count], loss_of(model, found.codes[:, count], batch))
        with torch.no_grad():
            torch.testing.assert_close(found.logits[:, count], model(one_hot(found.codes[:, count])))


def test_where_everything_is_protected_nothing_changes() -> None:
    batch, model = batch_of(), Tangled().train()
    found = substitute(model, batch, torch.zeros(9, WINDOW, dtype=torch.bool), count=2)
    assert torch.equal(found.codes, batch.codes[:, None].expand(-1, 3, -1))
    assert (found.losses == found.losses[:, :1]).all()
    assert model.training


def test_the_size_of_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, model = batch_of(n_tasks=2), Tangled(2)
    free = outside(batch.core, WINDOW)
    whole = substitute(model, batch, free, count=3)
    monkeypatch.setattr(module, "SCORE_BASES", 3 * WINDOW)  # one example, and three windows of it, at a time
    torch.testing.assert_close(substitute(model, batch, free, count=3).codes, whole.codes)


def test_free_bases_have_to_fit_the_windows() -> None:
    with pytest.raises(InputError, match=r"free is torch.bool \(9, 3\); expected torch.bool \(9, 7\)"):
        substitute(Additive(), batch_of(), torch.ones(9, 3, dtype=torch.bool), count=1)
