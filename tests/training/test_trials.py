"""Several trials: the best stays, what diverges is said, and a search scores where it says it does."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from holdfast.core.errors import ConfigError
from holdfast.core.space import Plan
from holdfast.data.dataset import SequenceDataset
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness.attacks import CentreShift
from holdfast.robustness.audit import audit
from holdfast.robustness.shift import Shift
from holdfast.training.fit import Diverged, Watch
from holdfast.training.recipe import Recipe, recipe
from holdfast.training.search import divided, performance, planned_recipe, score_checkpoints
from holdfast.training.trials import fit_trials

SHIFT = Shift(context=20, window=16)
ATTACK = CentreShift(shift=SHIFT)


def dataset(n: int = 240) -> SequenceDataset:
    """Bound examples are rich in G; every fourth example is for validation, every eighth for testing."""
    rng = np.random.default_rng(0)
    labels = (np.arange(n) % 2).astype(np.int8)
    weights = np.where(labels[:, None, None] == 1, [0.2, 0.2, 0.4, 0.2], [0.25] * 4)
    codes = (rng.random((n, 20, 1)) > np.cumsum(weights, axis=-1)).sum(-1).astype(np.uint8)
    split = np.select([np.arange(n) % 8 < 2, np.arange(n) % 8 < 4], [1, 2], 0).astype(np.uint8)
    return SequenceDataset.in_memory(codes, labels[:, None], split=split, group=np.arange(n) // 2)


class Linear(KmerLogistic):
    """A logistic regression on counts of triplets, few of which tie, trained by steps, with random first weights."""

    def __init__(self, broken: bool = False) -> None:
        super().__init__(k=3)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_()
                parameter.mul_(math.nan if broken else 1.0)


def page(**changes: Any) -> Recipe:
    return recipe("deepbind", {"epochs": 2, "batch_size": 32, "learning_rate": 1e-6, **changes})


def trials(models: list[Linear], **options: Any) -> tuple[Linear, Any]:
    data, rest = dataset(), iter(models[1:])
    fitted = fit_trials(
        models[0],
        lambda: next(rest),
        data.part("train"),
        data.part("validation"),
        ATTACK,
        page(keep="last"),
        trials=len(models),
        device="cpu",
        **options,
    )
    return models[0], fitted


def test_the_trial_with_the_largest_training_auroc_stays() -> None:
    torch.manual_seed(0)
    models = [Linear() for _ in range(4)]
    train = dataset().part("train")
    # The rate is so small that a model ends where it starts.
    values = [performance(model, train, ATTACK, "auroc") for model in models]
    assert values.index(max(values)) != 0
    kept, fitted = trials(models)
    assert performance(kept, train, ATTACK, "auroc") == pytest.approx(max(values), abs=1e-3)
    assert [note.split(":")[0] for note in fitted.notes] == [f"Trial {n} of 4" for n in (1, 2, 3, 4)]


def test_the_history_shown_last_is_that_of_the_trial_kept() -> None:
    torch.manual_seed(0)
    shown: list[list[dict[str, Any]]] = []
    _, fitted = trials([Linear() for _ in range(3)], watch=Watch(epoch=lambda rows: shown.append(list(rows))))
    assert shown[-1] == fitted.history


@pytest.mark.parametrize("broken", [(True, False, False), (False, False, True)])
def test_a_trial_that_diverges_is_said_and_left_out(broken: tuple[bool, ...]) -> None:
    kept, fitted = trials([Linear(one) for one in broken])
    assert all(torch.isfinite(parameter).all() for parameter in kept.parameters())
    assert sum("diverged" in note for note in fitted.notes) == 1


def test_trials_that_all_diverge_are_an_error() -> None:
    with pytest.raises(Diverged, match="lower learning_rate"):
        trials([Linear(True), Linear(True)])


def test_several_trials_are_not_distributed() -> None:
    with pytest.raises(ConfigError, match="one process"):
        trials([Linear(), Linear()], devices=2)


def test_performance_is_that_of_an_audit_of_the_shown_windows() -> None:
    model, data = Linear(), dataset().part("test")
    found = audit(model, data, SHIFT, bootstrap=2).record.tasks[0]
    assert performance(model, data, ATTACK, "auroc") == pytest.approx(found.clean["auroc"].value)
    assert performance(model, data, ATTACK, "accuracy") == pytest.approx(found.clean["accuracy"].value)


def test_unknown_labels_and_tasks_of_one_class_do_not_count() -> None:
    data = dataset()
    labels = np.concatenate([data.labels, np.ones_like(data.labels), data.labels], axis=1)
    labels[::3, 2] = -1
    model = KmerLogistic(k=3, n_tasks=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    several = SequenceDataset.in_memory(data.codes, labels, tasks=("a", "b", "c"))
    alone = [
        performance(
            one_task(model, task), SequenceDataset.in_memory(data.codes[rows], labels[rows][:, [task]]), ATTACK, "auroc"
        )
        for task, rows in ((0, slice(None)), (2, labels[:, 2] >= 0))
    ]
    assert performance(model, several, ATTACK, "auroc") == pytest.approx(float(np.mean(alone)))


def one_task(model: KmerLogistic, task: int) -> KmerLogistic:
    alone = KmerLogistic(k=3)
    alone.load_state_dict({name: value[..., task : task + 1] for name, value in model.state_dict().items()})
    return alone


def test_folds_leave_the_test_part_alone_and_groups_whole() -> None:
    data = dataset()
    tested = set(data.part("test").index.tolist())
    held = []
    for train, held_out in divided(data, 3, seed=0):
        assert not tested & {*train.index.tolist(), *held_out.index.tolist()}
        assert not set(train.group.tolist()) & set(held_out.group.tolist())
        held += held_out.index.tolist()
    assert sorted(held) == sorted(set(range(len(data))) - tested)
    (train, held_out), *none = divided(data, 1, seed=0)
    assert not none
    assert train.index.tolist() == data.part("train").index.tolist()
    assert held_out.index.tolist() == data.part("validation").index.tolist()


def test_checkpoints_are_evenly_spaced_and_scored_as_the_weights_are_there() -> None:
    (train, held_out), *_ = divided(dataset(), 1, seed=0)
    torch.manual_seed(0)
    start = Linear().state_dict()

    def run(epochs: int, checkpoints: int) -> dict[int, tuple[float, float]]:
        model = Linear()
        model.load_state_dict(start)
        plan = Plan(checkpoints=checkpoints)
        trained = page(epochs=epochs, learning_rate=1e-2, keep="last")
        return score_checkpoints(model, train, held_out, ATTACK, trained, plan, seed=1, device="cpu")

    marked = run(6, 3)
    assert list(marked) == [2, 4, 6]
    for epoch, value in marked.items():  # a checkpoint is a training of that length
        assert run(epoch, 1)[epoch] == value


def test_a_plans_steps_become_epochs_and_a_schedule_of_known_length_has_no_checkpoints() -> None:
    planned = planned_recipe(page(), Plan(steps=1000, batch_size=50, checkpoints=5), n_train=1000)
    assert (planned.epochs, planned.batch_size) == (50, 50)
    with pytest.raises(ConfigError, match="no checkpoints"):
        planned_recipe(recipe("fast"), Plan(checkpoints=2), n_train=1000)
