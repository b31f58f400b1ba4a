"""Audits of many tasks: label averages, windows that are drawn, both strands averaged, only chosen windows scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.models.base import ModelFacts, SequenceModel
from holdfast.models.kmer import KmerLogistic
from holdfast.robustness.attacks import SampledWorstShift
from holdfast.robustness.audit import audit
from holdfast.robustness.losses import BinaryCrossEntropy
from holdfast.robustness.scan import scan, score
from holdfast.robustness.shift import Shift

SHIFT = Shift(context=24, window=16)
N_TASKS = 5


def kmer_model(n_tasks: int = N_TASKS) -> KmerLogistic:
    torch.manual_seed(0)
    model = KmerLogistic(k=3, n_tasks=n_tasks)
    with torch.no_grad():
        model.weight.copy_(torch.randn_like(model.weight))
    return model


class Plain(SequenceModel):
    """A model without a shared trunk, which counts the windows it is asked about."""

    facts = ModelFacts(paper="", window=16, n_parameters=0)

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.n_tasks, self.asked = model, N_TASKS, 0

    def forward(self, sequence: Tensor) -> Tensor:
        self.asked += len(sequence)
        answer: Tensor = self.model(sequence)
        return answer


def many_tasks(n: int = 60) -> SequenceDataset:
    """Five tasks: an ordinary one, one with unknown labels, then one without positives, negatives, labels."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, SHIFT.context), dtype=np.uint8)
    labels = rng.integers(0, 2, (n, N_TASKS)).astype(np.int8)
    labels[::3, 1] = -1
    labels[:, 2], labels[:, 3], labels[:, 4] = 0, 1, -1
    return SequenceDataset.in_memory(codes, labels, tasks=tuple(f"task{i}" for i in range(N_TASKS)))


@pytest.fixture(scope="module")
def exact_logits() -> np.ndarray:
    with torch.no_grad():
        return scan(kmer_model(), torch.from_numpy(np.array(many_tasks().codes)), SHIFT).numpy()


def test_label_averages_are_means_over_tasks_with_both_classes_and_count_the_others(exact_logits: np.ndarray) -> None:
    data = many_tasks()
    means = audit(kmer_model(), data, SHIFT, bootstrap=20).record.averages
    assert means is not None
    assert (means.n_tasks, means.n_averaged) == (5, 2)
    assert means.left_out == "3 tasks left out: 1 without labels, 1 without positives, 1 without negatives"
    known = data.labels >= 0
    against = np.where(data.labels[:, None] == 1, -exact_logits, exact_logits)
    loss = np.where(known[:, None], np.logaddexp(0, against), 0)
    worst = (loss.sum(axis=2) / known.sum(axis=1)[:, None]).argmax(axis=1)
    shown = {"clean": exact_logits[:, SHIFT.centre], "worst": exact_logits[np.arange(len(data)), worst]}
    for attack, logits in shown.items():
        aurocs, auprs = [], []
        for task in (0, 1):
            label, score_ = data.labels[known[:, task], task], logits[known[:, task], task]
            aurocs.append(roc_auc_score(label, score_))
            precision, recall, _ = precision_recall_curve(label, score_)
            auprs.append(auc(recall, precision))
        found = getattr(means, attack)
        # Both add 60 float64 numbers, in another order.
        assert found["auroc"].value == pytest.approx(np.mean(aurocs), abs=1e-9)
        assert found["aupr_trapezoid"].value == pytest.approx(np.mean(auprs), abs=1e-9)
        assert found["auroc"].low < found["auroc"].value < found["auroc"].high


def test_one_task_has_no_averages_and_no_bootstrap_no_intervals() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (20, SHIFT.context), dtype=np.uint8)
    data = SequenceDataset.in_memory(codes, np.array([[0], [1]] * 10, dtype=np.int8))
    record = audit(kmer_model(1), data, SHIFT, bootstrap=0).record
    assert record.averages is None
    assert np.isnan(record.tasks[0].clean["accuracy"].low)


@pytest.mark.parametrize("plain", [False, True])
def test_a_sampled_audit_is_no_worse_than_the_exact_one_has_its_clean_numbers_and_says_so(plain: bool) -> None:
    model = Plain(kmer_model()) if plain else kmer_model()
    exact = audit(kmer_model(), many_tasks(), SHIFT, bootstrap=0)
    sampled = audit(model, many_tasks(), SHIFT, bootstrap=0, n_sampled=3, n_try=3)
    assert exact.record.is_exact
    assert not sampled.record.is_exact
    assert sampled.record.n_windows_scanned == 60 * 4
    assert "3 windows drawn" in str(sampled)
    for before, after in zip(exact.record.tasks[:2], sampled.record.tasks[:2], strict=True):
        for metric, value in before.clean.items():
            # Windows are scored in other batches.
            assert after.clean[metric].value == pytest.approx(value.value, abs=1e-5)
        assert after.certified_accuracy.value >= before.certified_accuracy.value
        assert after.mean_radius_bp >= before.mean_radius_bp


def test_drawing_all_windows_but_one_nearly_gives_the_exact_random_expectation() -> None:
    exact = audit(kmer_model(), many_tasks(600), SHIFT, bootstrap=0)
    sampled = audit(kmer_model(), many_tasks(600), SHIFT, bootstrap=0, n_sampled=8, n_try=3)
    assert exact.record.averages is not None
    assert sampled.record.averages is not None
    for attack in ("random", "worst_of_n"):
        if attack == "worst_of_n":
            exact = audit(kmer_model(), many_tasks(600), SHIFT, bootstrap=0, n_try=3)
        one, other = (getattr(found.record.averages, attack)["auroc"].value for found in (exact, sampled))
        # Eight of nine windows of 600 examples: the mean's standard error is below 0.002.
        assert other == pytest.approx(one, abs=0.01)


def test_asking_for_more_windows_than_there_are_is_exact() -> None:
    assert audit(kmer_model(), many_tasks(), SHIFT, bootstrap=0, n_sampled=9).record.is_exact


@pytest.mark.parametrize("strands", ["forward", "both"])
def test_scores_of_chosen_windows_are_columns_of_the_scan_and_only_they_are_asked_for(strands: str) -> None:
    shift = Shift(context=24, window=16, strands=strands)  # type: ignore[arg-type]
    codes = torch.from_numpy(np.array(many_tasks().codes[:7]))
    choice = torch.tensor([[0, 3, -1], [8, 2, 1]] * 3 + [[4, 4, 0]]) % shift.n_choices
    model = Plain(kmer_model())
    with torch.no_grad():
        everything, chosen = scan(kmer_model(), codes, shift), score(model, codes, shift, choice)
    expected = everything.gather(1, choice[..., None].expand(-1, -1, N_TASKS))
    # Sums of float32 in another order.
    torch.testing.assert_close(chosen, expected, atol=1e-5, rtol=1e-5)
    assert model.asked == choice.numel()


def test_an_attack_of_few_tries_asks_a_plain_model_about_those_alone_and_one_shift_serves_all_tasks() -> None:
    model, data = Plain(kmer_model()), many_tasks(10)
    attack = SampledWorstShift(shift=SHIFT, n_try=4, loss=BinaryCrossEntropy())
    batch = data.batch(np.arange(10))
    choice = attack.choose(model, batch)
    assert model.asked == 10 * 4
    every = torch.arange(SHIFT.n_choices).expand(10, -1)
    losses = attack.losses(model, batch, every)
    tried = attack.candidates(batch.index, torch.ones(10, SHIFT.n_choices, dtype=torch.bool), 0)
    assert choice.tolist() == [row[losses[i, row].argmax()].item() for i, row in enumerate(tried)]


def test_a_shared_draw_changes_from_batch_to_batch() -> None:
    attack = SampledWorstShift(shift=SHIFT, n_try=3, shared_draw=True)
    legal = torch.ones(4, SHIFT.n_choices, dtype=torch.bool)
    draws = [attack.candidates(torch.arange(first, first + 4), legal, 0) for first in range(0, 40, 4)]
    assert all((draw == draw[0]).all() for draw in draws)
    assert len({tuple(draw[0].tolist()) for draw in draws}) > 5


def test_averaged_strands_are_the_mean_probability_of_each_window_and_its_reverse_complement() -> None:
    data, model = many_tasks(12), kmer_model()
    found = audit(model, data, SHIFT, bootstrap=0, strands="averaged")
    windows = torch.from_numpy(np.array(data.codes)).unfold(1, SHIFT.window, 1)
    with torch.no_grad():
        for k in (0, SHIFT.centre, 8):
            here = [model(one_hot(strand)) for strand in (windows[:, k], reverse_complement(windows[:, k]))]
            mean = torch.stack(here).double().sigmoid().mean(dim=0)
            logit = torch.from_numpy(found.scanned.logits[:, k].astype(np.float64))
            # Float32 logits of up to about 20.
            torch.testing.assert_close(logit.sigmoid(), mean, atol=1e-5, rtol=1e-4)


def test_halves_that_are_stored_reverse_complements_give_what_the_sequence_gives() -> None:
    half = many_tasks(12)
    both = np.concatenate([half.codes, reverse_complement(np.array(half.codes))])
    data = SequenceDataset.in_memory(both, np.tile(half.labels, (2, 1)), tasks=half.tasks)
    stored, computed = (
        audit(kmer_model(), data, SHIFT, bootstrap=0, strands=strands) for strands in ("halves", "averaged")
    )
    # The same sums of float32, in other batches.
    np.testing.assert_allclose(stored.scanned.logits, computed.scanned.logits, atol=1e-4)
    assert stored.record.strands == "halves"


def test_halves_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="example 0 is not the reverse complement of example 30"):
        audit(kmer_model(), many_tasks(), SHIFT, strands="halves")
    with pytest.raises(ConfigError, match="needs every window"):
        audit(kmer_model(), many_tasks(), SHIFT, strands="halves", n_sampled=2)
    with pytest.raises(ConfigError, match="strands"):
        audit(kmer_model(), many_tasks(), SHIFT, strands="both")  # type: ignore[arg-type]


def test_rows_of_bound_examples_are_those_of_the_whole_table() -> None:
    found = audit(kmer_model(), many_tasks(), SHIFT, bootstrap=0)
    whole = found.windows
    bound = [row for block in found.window_blocks(bound_only=True) for row in block.to_dict("records")]
    assert bound == whole[whole["label"] == 1].to_dict("records")
