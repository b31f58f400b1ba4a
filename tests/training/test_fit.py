"""The training loop: what it learns, repeats, resumes, refuses and restarts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gattacag import SHIFT, dataset, small_model

from holdfast.core.errors import HoldfastError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.models.base import WindowModel
from holdfast.models.holdfast_net import HoldfastNet
from holdfast.models.layers import sliding_max
from holdfast.robustness.attacks import ATTACKS, WorstShift
from holdfast.robustness.audit import audit
from holdfast.robustness.shift import Shift
from holdfast.training.fit import Watch, fit
from holdfast.training.recipe import recipe


def trained(
    attack: str = "worst", *, data: SequenceDataset | None = None, epochs: int = 4, seed: int = 1, **options: Any
) -> tuple[HoldfastNet, Any]:
    data, model = data or dataset(), small_model()
    changes = {"epochs": epochs, "batch_size": 32, "learning_rate": 1e-2, **options.pop("changes", {})}
    fitted = fit(
        model,
        data.part("train"),
        data.part("validation"),
        ATTACKS[attack](shift=SHIFT, **({"n_try": 4} if attack == "worst-of-n" else {})),
        recipe("fast", changes),
        seed=seed,
        **options,
    )
    return model, fitted


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_a_planted_motif_is_learned_under_every_attack(attack: str) -> None:
    model, fitted = trained(attack, epochs=8)
    worst = audit(model, dataset(seed=1), SHIFT, bootstrap=2).record.tasks[0].worst["auroc"].value
    assert worst > 0.8
    assert fitted.best_loss == min(row["validation_loss"] for row in fitted.history)
    assert not model.training


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others() -> None:
    first, again, other = trained(seed=1)[0], trained(seed=1)[0], trained(seed=2)[0]
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


class Killed(Exception):
    """Stands for Ctrl-C or a kill."""


def kill_after(steps: int) -> Watch:
    def step(done: int, total: int) -> None:
        if done == steps:
            raise Killed

    return Watch(step=step)


@pytest.mark.parametrize("steps", [3, 20, 33])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"schedule": "plateau", "patience": 3, "average": None},
        {"optimiser": "sgd", "momentum": 0.9, "keep": "last"},
        {"optimiser": "rmsprop", "schedule": "constant", "halve_every": 1},
        {"optimiser": "adadelta", "learning_rate": 1.0, "clip_value": 0.1},
    ],
    ids=["fast", "plateau", "sgd", "rmsprop", "adadelta"],
)
def test_a_resumed_run_equals_an_unbroken_one_to_the_bit(tmp_path: Path, steps: int, changes: dict[str, Any]) -> None:
    whole, expected = trained(changes=changes)
    with pytest.raises(Killed):
        trained(changes=changes, checkpoint=tmp_path / "c", watch=kill_after(steps))
    resumed, fitted = trained(changes=changes, checkpoint=tmp_path / "c", resume=True)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in f.history] for f in (expected, fitted)]
    assert timeless[0] == timeless[1]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    trained(epochs=1, checkpoint=tmp_path / "c")
    with pytest.raises(InputError, match="other settings or data"):
        trained(epochs=2, checkpoint=tmp_path / "c", resume=True)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(epochs=1, checkpoint=tmp_path / "c")
    whole = (tmp_path / "c").read_bytes()
    (tmp_path / "c").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged checkpoint"):
        trained(epochs=1, checkpoint=tmp_path / "c", resume=True)


def test_validation_is_attacked_like_training() -> None:
    model, fitted = trained("worst", changes={"average": None, "curriculum": ()})
    best = next(row for row in fitted.history if row["epoch"] == fitted.best_epoch)
    found = audit(model, dataset().part("validation"), SHIFT, bootstrap=2).record.tasks[0]
    assert best["validation_loss"] == pytest.approx(found.worst["log_loss"].value, abs=1e-5)
    assert best["validation_accuracy"] == pytest.approx(found.certified_accuracy.value)


def test_a_curriculum_ends_at_the_full_attack_and_is_named_in_the_history() -> None:
    _, fitted = trained("worst", epochs=6)
    stages = [row["stage"] for row in fitted.history]
    assert stages[0] == "random"
    assert stages[-1] == "target"
    _, plain = trained("random", epochs=2)
    assert {row["stage"] for row in plain.history} == {"target"}


class Stubborn(WindowModel):
    """Says yes to everything until it has been built a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.n_tasks = 1
        self.scale = torch.nn.Parameter(torch.tensor(0.0))

    def trunk(self, sequence: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (sequence[:, :1],)

    def reduce_windows(self, features: tuple[torch.Tensor, ...], window: int) -> torch.Tensor:
        return sliding_max(features[0], window).transpose(1, 2)

    def head(self, pooled: torch.Tensor) -> torch.Tensor:
        return 5 + 0 * pooled + 1e-6 * self.scale


def test_a_collapse_is_noticed_said_and_restarted_gently() -> None:
    data = dataset()
    attack = WorstShift(shift=SHIFT)
    run: Callable[..., Any] = lambda **changes: fit(  # noqa: E731
        Stubborn(),
        data.part("train"),
        data.part("validation"),
        attack,
        recipe("fast", {"epochs": 4, "curriculum": (), **changes}),
    )
    restarted = run(max_restarts=1)
    assert [row["restart"] for row in restarted.history] == [0, 0, 1, 1, 1, 1]
    assert "restarted with a slower curriculum" in restarted.notes[0]
    reported = run(on_collapse="report")
    assert len(reported.history) == 4
    assert len(reported.notes) == 1
    assert "collapsed" in reported.notes[0]


@pytest.mark.parametrize(("sparse", "n_notes"), [(0, 0), (1, 1)])
def test_the_common_answer_where_labels_are_sparse_is_no_collapse_but_the_rare_one_is(
    sparse: int, n_notes: int
) -> None:
    plain = dataset()
    labels = np.full_like(plain.labels, 1 - sparse)
    labels[[0, 1, 3, 4, 11]] = sparse  # two in training, three in validation; Stubborn calls everything bound
    data = SequenceDataset.in_memory(np.array(plain.codes), labels, split=np.array(plain.split))
    page = recipe("fast", {"epochs": 3, "curriculum": (), "on_collapse": "report"})
    fitted = fit(Stubborn(), data.part("train"), data.part("validation"), WorstShift(shift=SHIFT), page)
    assert len(fitted.notes) == n_notes


def test_patience_that_ends_with_a_collapse_does_not_end_the_restart() -> None:
    data = dataset()
    page = recipe("fast", {"epochs": 4, "curriculum": (), "patience": 1, "max_restarts": 1})
    fitted = fit(Stubborn(), data.part("train"), data.part("validation"), WorstShift(shift=SHIFT), page)
    assert 1 in {row["restart"] for row in fitted.history}
    assert fitted.best_epoch > 0
    assert np.isfinite(fitted.best_loss)


def test_an_odd_example_makes_no_batch_of_one() -> None:
    data = dataset(n=482)  # 361 training examples
    page = recipe("fast", {"epochs": 1, "batch_size": 2})
    fitted = fit(small_model(), data.part("train"), data.part("validation"), ATTACKS["centre"](shift=SHIFT), page)
    assert len(fitted.history) == 1


def test_one_answer_before_the_worst_is_hunted_is_no_collapse() -> None:
    data = dataset()
    fitted = fit(
        Stubborn(), data.part("train"), data.part("validation"), ATTACKS["random"](shift=SHIFT), recipe("fast")
    )
    assert fitted.notes == []


def test_patience_ends_a_training_that_stands_still() -> None:
    _, fitted = trained("centre", epochs=30, changes={"learning_rate": 1e-9, "patience": 2, "average": None})
    assert fitted.stopped_early
    assert len(fitted.history) < 30


def test_a_loss_that_is_not_finite_is_an_error_with_a_remedy() -> None:
    model = small_model()
    with torch.no_grad():
        model.dense[4].bias.fill_(float("nan"))
    data = dataset()
    with pytest.raises(HoldfastError, match="lower learning_rate"):
        fit(model, data.part("train"), data.part("validation"), ATTACKS["centre"](shift=SHIFT), recipe("fast"))


def test_the_last_epoch_is_kept_where_the_recipe_asks_for_it() -> None:
    seen: dict[int, torch.Tensor] = {}

    def note(epoch: int, model: Any) -> None:
        seen[epoch] = model.conv1.weight.detach().clone()

    right = dataset()
    in_validation = (right.split == 1)[:, None]
    # What is bound there is unbound in validation: the more is learned, the larger is its loss.
    data = SequenceDataset.in_memory(
        right.codes, np.where(in_validation, 1 - right.labels, right.labels).astype(np.int8), split=right.split
    )
    plain = {"schedule": "constant", "average": None}
    best, fitted = trained(data=data, changes=plain, watch=Watch(weights=note))
    assert fitted.best_epoch < len(fitted.history)
    assert torch.equal(best.conv1.weight, seen[fitted.best_epoch])
    last, fitted = trained(data=data, changes={**plain, "keep": "last"}, watch=Watch(weights=note))
    assert fitted.best_epoch == len(fitted.history)
    assert torch.equal(last.conv1.weight, seen[fitted.best_epoch])


def test_one_class_only_is_refused() -> None:
    data = dataset()
    ones = SequenceDataset.in_memory(data.codes, np.ones_like(data.labels))
    with pytest.raises(InputError, match="need both classes"):
        fit(small_model(), ones, data, ATTACKS["centre"](shift=SHIFT), recipe("fast"))


def test_a_data_set_of_another_length_is_refused() -> None:
    data = dataset()
    with pytest.raises(InputError, match="contexts are 40 bp, the attack was made for 50"):
        fit(small_model(), data, data, ATTACKS["centre"](shift=Shift(context=50, window=32)), recipe("fast"))


@pytest.mark.parametrize(
    "changes",
    [
        {"reverse_complement": 0.5},
        {"shuffled_negatives": True},
        {"mixture_of": "centre", "label_smoothing": 0.1, "clip_norm": 1.0},
        {"precision": "bf16-mixed"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_every_option_trains(changes: dict[str, Any]) -> None:
    _, fitted = trained(epochs=2, changes=changes)
    assert fitted.history[1]["train_loss"] < fitted.history[0]["train_loss"] + 0.1
    assert np.isfinite(fitted.best_loss)
