"""The contract of every attack: legal windows, recomputed losses, seeded draws, a model given back as it came."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.data.batch import Batch
from holdfast.dna.codes import one_hot
from holdfast.robustness.attacks import ATTACKS, SampledWorstShift, ShiftAttack, WorstShift
from holdfast.robustness.losses import LOSSES, CrossEntropy
from holdfast.robustness.shift import Shift

SHIFTS = [
    Shift(context=40, window=30),
    Shift(context=40, window=30, max_shift=3),
    Shift(context=40, window=30, strands="both"),
    Shift(context=40, window=30, protect_core=True),
    Shift(context=40, window=40),
]


class Toy(nn.Module):
    """A small position-dependent network, so that every window differs; with dropout, so that eval mode matters."""

    def __init__(self, window: int = 30, n_tasks: int = 1) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.net = nn.Sequential(
            nn.Flatten(), nn.Linear(4 * window, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, n_tasks)
        )

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return 3 * self.net(sequence)


def batch_of(n: int = 17, length: int = 40, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    core = np.stack([start := rng.integers(5, 20, n), start + rng.integers(4, 12, n)], axis=1)
    core[::4] = -1
    return Batch(
        codes=torch.from_numpy(rng.integers(0, 5, (n, length), dtype=np.uint8)),
        labels=torch.from_numpy(rng.integers(0, 2, (n, 1)).astype(np.float32)),
        mask=torch.ones(n, 1, dtype=torch.bool),
        core=torch.from_numpy(core),
        index=torch.from_numpy(rng.permutation(1000)[:n]),
    )


def attacks() -> list[ShiftAttack]:
    made = []
    for shift in SHIFTS:
        for name in ATTACKS:
            extra = {"n_try": min(4, shift.n_choices)} if name == "worst-of-n" else {}
            made.append(ATTACKS[name](shift=shift, seed=5, **extra))
    return made


def loss_of(model: nn.Module, shown: Batch) -> torch.Tensor:
    with torch.no_grad():
        return CrossEntropy()(model.eval()(one_hot(shown.codes)), shown.labels, shown.mask)


@pytest.mark.parametrize("attack", attacks(), ids=lambda a: f"{type(a).__name__}-{a.shift.describe()}")
class TestEveryAttack:
    def test_the_window_shown_is_legal_and_is_the_one_chosen(self, attack: ShiftAttack) -> None:
        batch, model = batch_of(), Toy(attack.shift.window)
        choice = attack.choose(model, batch)
        assert attack.shift.legal(batch.core.numpy())[np.arange(len(batch)), choice].all()
        shown = attack.show(batch, choice)
        for row, k in enumerate(choice.tolist()):
            start = attack.shift.choice_offset[k]
            expected = batch.codes[row, start : start + attack.shift.window]
            if attack.shift.choice_is_reverse[k]:
                expected = torch.where(expected < 4, 3 - expected, expected).flip(0)
            assert torch.equal(shown.codes[row], expected)

    def test_the_loss_of_the_chosen_window_recomputes(self, attack: ShiftAttack) -> None:
        batch, model = batch_of(), Toy(attack.shift.window)
        choice = attack.choose(model, batch)
        claimed = attack.losses(model, batch, choice[:, None])[:, 0]
        torch.testing.assert_close(claimed, loss_of(model, attack.show(batch, choice)))

    def test_the_same_example_gets_the_same_window_in_any_batch(self, attack: ShiftAttack) -> None:
        if isinstance(attack, SampledWorstShift) and attack.shared_draw:
            pytest.fail("not in this list")
        batch, model = batch_of(), Toy(attack.shift.window)
        whole = attack.choose(model, batch, round_=2)
        order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
        pieces = [attack.choose(model, batch.take(part), round_=2) for part in order.split(4)]
        assert torch.equal(whole[order], torch.cat(pieces))

    def test_the_model_is_given_back_as_it_came(self, attack: ShiftAttack) -> None:
        model = Toy(attack.shift.window).train()
        model.net[1].eval()
        attack(model, batch_of())
        assert model.training
        assert model.net[3].training
        assert not model.net[1].training


def test_worst_is_the_maximum_over_every_window() -> None:
    shift, batch, model = SHIFTS[0], batch_of(), Toy()
    attack = WorstShift(shift=shift)
    worst = loss_of(model, attack(model, batch))
    every = torch.stack([loss_of(model, batch.crop(torch.full((17,), i), 30)) for i in range(11)])
    torch.testing.assert_close(worst, every.max(dim=0).values)


def test_worst_of_every_window_is_worst() -> None:
    shift, batch, model = SHIFTS[2], batch_of(), Toy()
    sampled = SampledWorstShift(shift=shift, n_try=shift.n_choices)
    assert torch.equal(sampled.choose(model, batch), WorstShift(shift=shift).choose(model, batch))


def test_worst_of_a_subset_never_beats_worst() -> None:
    shift, batch, model = SHIFTS[0], batch_of(), Toy()
    worst = loss_of(model, WorstShift(shift=shift)(model, batch))
    for n in range(1, 12):
        assert (loss_of(model, SampledWorstShift(shift=shift, n_try=n)(model, batch)) <= worst + 1e-6).all()


def test_worst_loss_never_falls_when_max_shift_grows() -> None:
    batch, model = batch_of(), Toy()
    losses = [
        loss_of(model, WorstShift(shift=Shift(context=40, window=30, max_shift=reach))(model, batch))
        for reach in range(6)
    ]
    for smaller, larger in pairwise(losses):
        assert (larger >= smaller).all()


def test_ties_go_to_the_smallest_start() -> None:
    class Constant(nn.Module):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return torch.ones(len(sequence), 1)

    assert WorstShift(shift=SHIFTS[0]).choose(Constant(), batch_of()).tolist() == [0] * 17


def test_the_authors_clamp_makes_saturated_windows_tie() -> None:
    class Sure(nn.Module):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return 20 + sequence.sum(dim=(1, 2))[:, None]

    batch = batch_of()
    wrong = Batch(codes=batch.codes, labels=torch.zeros(17, 1), mask=batch.mask, core=batch.core, index=batch.index)
    clamped = WorstShift(shift=SHIFTS[0], loss=CrossEntropy(clamp=1e-4)).choose(Sure(), wrong)
    assert clamped.tolist() == [0] * 17
    assert WorstShift(shift=SHIFTS[0]).choose(Sure(), wrong).tolist() != [0] * 17


def test_the_authors_first_window_fault_stays_behind_its_flag() -> None:
    shift, batch, model = SHIFTS[0], batch_of(), Toy()
    sound = SampledWorstShift(shift=shift, n_try=3, shared_draw=True)
    faulty = SampledWorstShift(shift=shift, n_try=3, shared_draw=True, legacy_first_window=True)
    legal = torch.ones(17, 11, dtype=torch.bool)
    first = sound.candidates(batch.index, legal, 0)[:, 0]
    good, bad = sound.choose(model, batch), faulty.choose(model, batch)
    assert torch.equal(bad, torch.where(good == first, 0, good))
    assert (good == first).any()


def test_a_shared_draw_is_one_draw_for_all() -> None:
    attack = SampledWorstShift(shift=SHIFTS[0], n_try=4, shared_draw=True)
    tried = attack.candidates(torch.arange(9), torch.ones(9, 11, dtype=torch.bool), 1)
    assert (tried == tried[0]).all()
    assert len(set(tried[0].tolist())) == 4


def test_random_windows_are_uniform_and_change_with_the_round() -> None:
    attack = ATTACKS["random"](shift=SHIFTS[0])
    legal = torch.ones(22000, 11, dtype=torch.bool)
    first = attack.candidates(torch.arange(22000), legal, 0)[:, 0]
    counts = torch.bincount(first, minlength=11).double()
    # Chi-square with 10 degrees of freedom exceeds 29.6 once in a thousand seeds; the seed is fixed.
    assert ((counts - 2000) ** 2 / 2000).sum() < 29.6
    assert not torch.equal(first, attack.candidates(torch.arange(22000), legal, 1)[:, 0])


def test_drawing_more_windows_than_there_are_is_refused() -> None:
    with pytest.raises(ConfigError, match="n_try is 12; it is 1 to 11"):
        SampledWorstShift(shift=SHIFTS[0], n_try=12)


@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_grows_as_the_margin_falls(name: str) -> None:
    logits = torch.linspace(-4, 4, 50)[:, None]
    ones, mask = torch.ones(50, 1), torch.ones(50, 1, dtype=torch.bool)
    assert (LOSSES[name]()(logits, ones, mask).diff() <= 1e-6).all()
    assert (LOSSES[name]()(logits, 0 * ones, mask).diff() >= -1e-6).all()


def test_losses_have_the_authors_values() -> None:
    p = torch.tensor([[0.2], [0.9]])
    logits, labels, mask = torch.logit(p), torch.tensor([[1.0], [0.0]]), torch.ones(2, 1, dtype=torch.bool)
    torch.testing.assert_close(LOSSES["xe"]()(logits, labels, mask), -torch.tensor([0.2, 0.1]).log())
    torch.testing.assert_close(LOSSES["mse"]()(logits, labels, mask), 2 * torch.tensor([0.8, 0.9]) ** 2)
    assert LOSSES["zero-one"]()(logits, labels, mask).tolist() == [1.0, 1.0]


def test_unknown_labels_take_no_part_in_a_loss() -> None:
    logits, labels = torch.tensor([[2.0, -3.0]]), torch.tensor([[1.0, float("nan")]])
    masked = LOSSES["bce"]()(logits, labels, torch.tensor([[True, False]]))
    torch.testing.assert_close(masked, torch.nn.functional.softplus(torch.tensor([-2.0])))
