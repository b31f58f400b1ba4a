"""Changed centre windows in an audit: rows that recompute, cores that stay, words and refusals."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness import adversaries as module
from holdfast.robustness.adversaries import other_adversaries, refuse_unattackable
from holdfast.robustness.audit import audit
from holdfast.robustness.perturbations import FastGradientSign, Perturbation, ProjectedGradient, UniformNoise
from holdfast.robustness.shift import Shift
from holdfast.robustness.strands import StrandAverage
from holdfast.robustness.substitutions import outside, substitute

SHIFT = Shift(context=26, window=20)
EVERY: list[Perturbation] = [UniformNoise(epsilon=0.1), FastGradientSign(epsilon=0.1), ProjectedGradient(epsilon=0.1)]


class Linear(nn.Module):
    def __init__(self, n_tasks: int = 1) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(80, n_tasks)

    def forward(self, sequence: Tensor) -> Tensor:
        return 4 * self.linear(sequence.flatten(1))


def dataset(n: int = 60, n_tasks: int = 1, cores: bool = True) -> SequenceDataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (n, n_tasks)).astype(np.int8)
    if n_tasks > 1:
        labels[rng.random(labels.shape) < 0.3] = -1
    core = np.stack([start := rng.integers(3, 14, n), start + 6], axis=1).astype(np.int32)
    core[::2] = -1
    codes = rng.integers(0, 5, (n, 26), dtype=np.uint8)
    tasks = tuple(f"task{number}" for number in range(n_tasks))
    return SequenceDataset.in_memory(codes, labels, core=core if cores else None, tasks=tasks)


def test_rows_are_the_metrics_of_what_each_adversary_returns() -> None:
    data, model = dataset(), Linear()
    rows = other_adversaries(model, data, SHIFT, perturbations=EVERY, substitutions=2, output="logits")
    names = ["noise", "FGSM", "PGD", "substitutions", "substitutions"]
    assert [row.name for row in rows] == names
    assert [row.words for row in rows[3:]] == [
        "1 substitution outside the core",
        "2 substitutions outside the core",
    ]
    assert [(row.epsilon, row.substitutions) for row in rows] == [(0.1, None)] * 3 + [(None, 1), (None, 2)]
    centre = data.batch(range(60)).crop(torch.full((60,), 3), 20)
    logits = [model(one(model, centre)) for one in EVERY]
    exchanged = substitute(model, centre, outside(centre.core, 20), count=2).logits
    for row, z in zip(rows, [*logits, exchanged[:, 1], exchanged[:, 2]], strict=True):
        right = (z[:, 0] > 0) == (centre.labels[:, 0] == 1)
        assert row.metrics["accuracy"].value == pytest.approx(float(right.float().mean()))


def test_searches_are_no_better_than_clean_and_more_of_them_no_better_still() -> None:
    data, model = dataset(n=200), Linear()
    clean = audit(model, data, SHIFT, output="logits", bootstrap=0).record.tasks[0].clean["accuracy"].value
    _, fgsm, pgd, *exchanged = (
        row.metrics["accuracy"].value
        for row in other_adversaries(model, data, SHIFT, perturbations=EVERY, substitutions=3, output="logits")
    )
    # One step is the worst of a linear model, so ten find the same.
    assert clean > fgsm == pgd
    assert clean >= exchanged[0] >= exchanged[1] >= exchanged[2]
    assert clean > exchanged[2]


def test_intervals_are_of_the_audits_own_bootstrap_samples() -> None:
    data, model = dataset(), Linear()
    # So small a ball changes no call, and what is left is the clean accuracy with its interval.
    [row] = other_adversaries(model, data, SHIFT, perturbations=[UniformNoise(epsilon=1e-6)], output="logits")
    assert row.metrics["accuracy"] == audit(model, data, SHIFT, output="logits").record.tasks[0].clean["accuracy"]


def test_every_task_has_its_row_under_one_joint_perturbation() -> None:
    data, model = dataset(n_tasks=3), Linear(3)
    rows = other_adversaries(model, data, SHIFT, perturbations=EVERY[1:2], substitutions=1, output="logits")
    assert [(row.name, row.task) for row in rows] == [
        (name, f"task{number}") for name in ("FGSM", "substitutions") for number in range(3)
    ]
    centre = data.batch(range(60)).crop(torch.full((60,), 3), 20)
    z = model(EVERY[1](model, centre))
    right = ((z > 0) == (centre.labels == 1)) & centre.mask
    expected = right.sum(dim=0) / centre.mask.sum(dim=0)
    assert [row.metrics["accuracy"].value for row in rows[:3]] == pytest.approx(expected.tolist())


def test_a_given_stretch_is_protected_instead_of_cores_and_the_words_say_which() -> None:
    data, model = dataset(), Linear()
    whole = other_adversaries(model, data, SHIFT, substitutions=2, protect=(0, 20), output="logits", bootstrap=0)
    clean = audit(model, data, SHIFT, output="logits", bootstrap=0).record.tasks[0].clean["accuracy"].value
    assert [row.metrics["accuracy"].value for row in whole] == [clean, clean]
    assert whole[0].words == "1 substitution outside [0, 20)"
    [row] = other_adversaries(model, dataset(cores=False), SHIFT, substitutions=1, output="logits", bootstrap=0)
    assert row.words == "1 substitution"


def test_averaged_strands_are_attacked_as_one_model() -> None:
    data, model = dataset(), Linear()
    asked = {"perturbations": EVERY[1:], "substitutions": 1, "bootstrap": 3}
    averaged = other_adversaries(model, data, SHIFT, strands="averaged", output="logits", **asked)
    assert averaged == other_adversaries(StrandAverage(model, n_tasks=1), data, SHIFT, **asked)
    with pytest.raises(ConfigError, match="choose strands 'averaged' or 'given'"):
        other_adversaries(model, data, SHIFT, strands="halves", **asked)


def test_blocks_and_progress_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data, model = dataset(), Linear()
    asked = {"perturbations": EVERY, "substitutions": 1, "output": "logits"}
    whole = other_adversaries(model, data, SHIFT, **asked)
    monkeypatch.setattr(module, "SCORE_BASES", 140)  # seven windows at a time
    monkeypatch.setattr(module, "ROWS", 11)
    done: list[int] = []
    pieces = other_adversaries(model, data, SHIFT, progress=done.append, **asked)
    for one, other in zip(whole, pieces, strict=True):
        for name, estimate in one.metrics.items():
            # Logits of other batch sizes differ in their last bits.
            assert other.metrics[name].value == pytest.approx(estimate.value, rel=1e-5)
    assert done == sorted(done)
    assert done[-1] == 4 * 60


@pytest.mark.parametrize("protect", [(3, 3), (5, 21), (-1, 4)])
def test_an_impossible_stretch_is_refused(protect: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="protect is"):
        other_adversaries(Linear(), dataset(), SHIFT, substitutions=1, protect=protect, output="logits")


def test_what_cannot_be_attacked_is_refused_before_anything_is_trained() -> None:
    model = KmerLogistic(k=3)
    refuse_unattackable(model, EVERY[:1], window=20)
    with pytest.raises(InputError, match=r"KmerLogistic .* has no gradient"):
        refuse_unattackable(model, EVERY, window=20)
    refuse_unattackable(Linear(2), EVERY, window=20, n_tasks=2)
