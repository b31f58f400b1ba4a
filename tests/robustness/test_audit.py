"""An audit against plain loops over the windows."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics as sk
from torch import nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness import metrics as metrics_module
from holdfast.robustness import windows as windows_module
from holdfast.robustness.attacks import WorstShift
from holdfast.robustness.audit import audit
from holdfast.robustness.shift import Shift

SHIFT = Shift(context=26, window=20)


def dataset(n: int = 60, n_tasks: int = 1, missing: float = 0.0, seed: int = 0) -> SequenceDataset:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, n_tasks)).astype(np.int8)
    labels[rng.random(labels.shape) < missing] = -1
    core = np.stack([start := rng.integers(0, 18, n), start + 6], axis=1).astype(np.int32)
    codes = rng.integers(0, 5, (n, 26), dtype=np.uint8)
    return SequenceDataset.in_memory(
        codes, labels, core=core, tasks=tuple(f"task{i}" for i in range(n_tasks)), split=np.full(n, 2, dtype=np.uint8)
    )


class Linear(nn.Module):
    def __init__(self, n_tasks: int = 1, columns: int = 1) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(80, n_tasks * columns)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return 4 * self.linear(sequence.flatten(1))


def logits_by_loop(model: nn.Module, data: SequenceDataset, shift: Shift) -> np.ndarray:
    with torch.no_grad():
        columns = [model(one_hot(torch.from_numpy(data.codes[:, o : o + shift.window]))) for o in shift.offsets]
    return torch.stack(columns, dim=1).numpy()


def test_every_number_equals_a_plain_loop() -> None:
    data, model = dataset(), Linear()
    task = audit(model, data, SHIFT, output="logits", n_try=3).record.tasks[0]
    z = logits_by_loop(model, data, SHIFT)[..., 0].astype(float)
    y = data.labels[:, 0]
    right = (z > 0) == (y == 1)[:, None]
    worst = np.where(y == 1, z.min(axis=1), z.max(axis=1))
    assert task.clean["accuracy"].value == pytest.approx(right[:, 3].mean())
    assert task.clean["auroc"].value == pytest.approx(sk.roc_auc_score(y, z[:, 3]))
    assert task.random["accuracy"].value == pytest.approx(right.mean())
    assert task.worst["accuracy"].value == pytest.approx(right.all(axis=1).mean())
    assert task.worst["auroc"].value == pytest.approx(sk.roc_auc_score(y, worst))
    assert task.worst["average_precision"].value == pytest.approx(sk.average_precision_score(y, worst))
    assert task.certified_accuracy.value == task.worst["accuracy"].value
    assert task.accuracy_by_offset == pytest.approx(right.mean(axis=0).tolist())
    by_reach = [right[:, 3 - r : 4 + r].all(axis=1).mean() for r in range(4)]
    assert task.worst_by_max_shift == pytest.approx(by_reach)
    called = z > 0
    assert task.consistency.value == pytest.approx((called == called[:, [3]]).all(axis=1).mean())
    p = right.mean(axis=1)
    assert task.random_accuracy_spread == pytest.approx(np.sqrt((p * (1 - p)).sum()) / 60)
    some = p * 7  # right windows of 7
    all_right_of_3 = some * (some - 1) * (some - 2) / (7 * 6 * 5)
    assert task.worst_of_n["accuracy"].value == pytest.approx(all_right_of_3.mean())


def test_the_radius_is_how_far_the_call_holds() -> None:
    data, model = dataset(), Linear()
    windows = audit(model, data, SHIFT, output="logits").windows
    called = logits_by_loop(model, data, SHIFT)[..., 0] > 0
    for row, radius in enumerate(windows["radius_bp"]):
        reaches = [r for r in range(4) if (called[row, 3 - r : 4 + r] == called[row, 3]).all()]
        assert radius == max(reaches)


def test_the_worst_window_of_the_table_is_the_one_the_attack_shows() -> None:
    data, model = dataset(), Linear()
    windows = audit(model, data, SHIFT, output="logits").windows
    choice = WorstShift(shift=SHIFT).choose(model, data.batch(np.arange(60)))
    # The attack's loss saturates in float32 where the margin does not: compare the windows' logits.
    z = logits_by_loop(model, data, SHIFT)[..., 0]
    np.testing.assert_allclose(windows["worst_logit"], z[np.arange(60), choice], atol=1e-5)


def test_several_tasks_share_a_window_unless_each_has_its_own_adversary() -> None:
    data, model = dataset(n_tasks=3, missing=0.2), Linear(3)
    joint = audit(model, data, SHIFT, output="logits").record
    apart = audit(model, data, SHIFT, output="logits", adversary="per-task").record
    z, y = logits_by_loop(model, data, SHIFT).astype(float), data.labels
    loss = np.where((y >= 0)[:, None], np.logaddexp(0, np.where((y == 1)[:, None], -z, z)), 0).sum(axis=2)
    pick = (loss / np.maximum((y >= 0).sum(axis=1), 1)[:, None]).argmax(axis=1)
    for t in range(3):
        known = y[:, t] >= 0
        right = ((z[..., t] > 0) == (y[:, t] == 1)[:, None])[known]
        assert joint.tasks[t].n_examples == known.sum()
        assert joint.tasks[t].worst["accuracy"].value == pytest.approx(right[np.arange(len(right)), pick[known]].mean())
        assert apart.tasks[t].worst["accuracy"].value == pytest.approx(right.all(axis=1).mean())
        assert joint.tasks[t].certified_accuracy.value == pytest.approx(right.all(axis=1).mean())


def test_a_protected_core_never_makes_the_worst_case_worse() -> None:
    data, model = dataset(), Linear()
    free = audit(model, data, SHIFT, output="logits").record.tasks[0]
    safe = audit(model, data, Shift(context=26, window=20, protect_core=True), output="logits").record.tasks[0]
    assert safe.certified_accuracy.value >= free.certified_accuracy.value
    assert safe.clean == free.clean


def test_intervals_hold_their_estimate_and_shrink_with_more_examples() -> None:
    small, large = (audit(Linear(), dataset(n), SHIFT, output="logits").record.tasks[0] for n in (60, 960))
    for task in (small, large):
        for row in (task.clean, task.random, task.worst, task.worst_of_n):
            for name, estimate in row.items():
                assert estimate.low <= estimate.value <= estimate.high, name
    width = [t.clean["accuracy"].high - t.clean["accuracy"].low for t in (small, large)]
    assert width[1] < width[0] / 2


def test_fragile_examples_are_right_at_the_centre_and_wrong_at_the_window_named() -> None:
    data, model = dataset(), Linear()
    fragile = audit(model, data, SHIFT, output="logits", n_fragile=5).record.fragile
    assert len(fragile) == 5
    lost = [abs(e.centre_logit - e.worst_logit) for e in fragile]
    assert lost == sorted(lost, reverse=True)
    for example in fragile:
        assert (example.centre_logit > 0) == (example.label == 1)
        assert (example.worst_logit > 0) != (example.label == 1)
        assert example.core == tuple(data.core[example.index])


@pytest.mark.parametrize(
    ("output", "transform"),
    [
        ("probabilities", torch.sigmoid),
        ("two-class-logits", lambda z: torch.cat([-z / 2, z / 2], dim=1)),
        ("two-class-probabilities", lambda z: torch.cat([torch.sigmoid(-z), torch.sigmoid(z)], dim=1)),
    ],
)
def test_any_form_of_output_gives_the_same_audit(output: str, transform) -> None:
    class Wrapped(Linear):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return transform(super().forward(sequence))

    data = dataset()
    plain = audit(Linear(), data, SHIFT, output="logits")
    other = audit(Wrapped(), data, SHIFT, output=output)
    np.testing.assert_allclose(other.windows["worst_logit"], plain.windows["worst_logit"], atol=1e-4)
    assert other.record.tasks[0].worst["accuracy"] == plain.record.tasks[0].worst["accuracy"]


def test_probabilities_are_not_taken_for_logits() -> None:
    class Probable(Linear):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(super().forward(sequence))

    with pytest.raises(InputError, match="look like probabilities"):
        audit(Probable(), dataset(), SHIFT)


def test_two_columns_for_one_task_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"returned shape \(\d+, 2\), expected \(\d+, 1\); are they"):
        audit(Linear(columns=2), dataset(), SHIFT)


def test_a_model_that_returns_no_numbers_is_refused() -> None:
    class Broken(Linear):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return super().forward(sequence) * float("nan")

    with pytest.raises(InputError, match="not a finite number"):
        audit(Broken(), dataset(), SHIFT, output="logits")


def test_a_model_that_answers_twice_in_two_ways_is_refused() -> None:
    class Noisy(Linear):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            z = super().forward(sequence)
            return z + torch.randn_like(z)

    with pytest.raises(InputError, match="answers the same window in two ways"):
        audit(Noisy(), dataset(), SHIFT, output="logits")


def test_infinite_logits_are_refused() -> None:
    class Infinite(Linear):
        def forward(self, sequence: torch.Tensor) -> torch.Tensor:
            return super().forward(sequence).sign() * float("inf")

    with pytest.raises(InputError, match="not a finite number"):
        audit(Infinite(), dataset(), SHIFT, output="logits")


def test_a_model_of_ours_returns_logits_and_nothing_else() -> None:
    with pytest.raises(InputError, match="returns logits"):
        audit(KmerLogistic(k=3), dataset(), SHIFT, output="probabilities")


def test_no_radius_is_negative_when_the_other_strand_flips_the_call_in_place() -> None:
    windows = audit(Linear(), dataset(), Shift(context=26, window=20, strands="both"), output="logits").windows
    assert windows["radius_bp"].min() == 0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="n_try"):
        audit(Linear(), dataset(), SHIFT, n_try=0)
    with pytest.raises(ConfigError, match="adversary is 'both'"):
        audit(Linear(), dataset(), SHIFT, adversary="both")
    with pytest.raises(ConfigError, match="output is 'logit'"):
        audit(Linear(), dataset(), SHIFT, output="logit")
    with pytest.raises(InputError, match="26 bp long, the shift set was made for 30 bp"):
        audit(Linear(), dataset(), Shift(context=30, window=20))
    with pytest.raises(InputError, match="no examples"):
        audit(Linear(), dataset().take([]), SHIFT)


def test_the_model_keeps_its_mode_and_gradients_after_an_audit() -> None:
    model = KmerLogistic(k=3).train()
    audit(model, dataset(), SHIFT)
    assert model.training
    assert all(p.requires_grad for p in model.parameters())


def test_both_strands_cannot_hurt_a_model_blind_to_the_strand() -> None:
    model = KmerLogistic(k=3)
    with torch.no_grad():
        model.weight.copy_(torch.randn_like(model.weight))
        model.weight.copy_(model.weight[model.canonical])
    one = audit(model, dataset(), SHIFT).record.tasks[0]
    two = audit(model, dataset(), Shift(context=26, window=20, strands="both")).record.tasks[0]
    for name, estimate in one.worst.items():
        assert two.worst[name].value == pytest.approx(estimate.value, abs=1e-6)  # float32 sums in another order


def test_windows_are_a_table_with_one_row_per_example_and_task() -> None:
    windows = audit(Linear(2), dataset(n_tasks=2), SHIFT, output="logits").windows
    assert isinstance(windows, pd.DataFrame)
    assert len(windows) == 120
    assert set(windows["task"]) == {"task0", "task1"}


def test_the_blocks_of_the_table_are_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = audit(Linear(2), dataset(n_tasks=2), SHIFT, output="logits")
    monkeypatch.setattr(windows_module, "BLOCK_ROWS", 25)
    blocks = list(found.window_blocks())
    assert [len(block) for block in blocks] == [25, 25, 10] * 2
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), found.windows, check_exact=True)


def test_an_audit_of_many_small_blocks_finds_the_numbers_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset(n_tasks=2, missing=0.2)
    once = audit(Linear(2), data, SHIFT, output="logits", bootstrap=9).record.tasks
    for module, name, value in ((windows_module, "BLOCK_ROWS", 7), (metrics_module, "BUCKET", 16)):
        monkeypatch.setattr(module, name, value)
    again = audit(Linear(2), data, SHIFT, output="logits", bootstrap=9).record.tasks
    for one, other in zip(once, again, strict=True):
        assert other.certified_accuracy == one.certified_accuracy
        assert other.worst_by_max_shift == one.worst_by_max_shift
        for name in ("clean", "random", "worst", "worst_of_n"):
            for metric, estimate in getattr(one, name).items():
                # Sums of float64 in another order.
                assert getattr(other, name)[metric].value == pytest.approx(estimate.value, abs=1e-12), (name, metric)
                assert getattr(other, name)[metric].low == pytest.approx(estimate.low, abs=1e-12), (name, metric)
