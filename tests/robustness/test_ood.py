"""Out-of-distribution inputs and how they are scored."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import nn

from holdfast.data.dataset import SequenceDataset
from holdfast.robustness.ood import OOD_INPUTS, in_versus_out


def dataset(n: int = 200) -> SequenceDataset:
    rng = np.random.default_rng(0)
    codes = rng.choice(4, size=(n, 30), p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8)
    return SequenceDataset.in_memory(codes, rng.integers(0, 2, (n, 1)).astype(np.int8))


class AdenineCounter(nn.Module):
    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        return sequence[:, 0].sum(dim=1, keepdim=True) - 10


def test_each_input_is_what_its_name_says() -> None:
    batch = dataset().batch(np.arange(200))
    made = {name: OOD_INPUTS[name]()(batch, seed=1) for name in OOD_INPUTS}
    assert torch.equal(made["shuffle"].sum(dim=2), batch.one_hot().sum(dim=2))
    assert not torch.equal(made["shuffle"], batch.one_hot())
    assert ((made["uniform"] >= 0) & (made["uniform"] < 1)).all()
    assert made["uniform"].mean().item() == pytest.approx(0.5, abs=0.01)
    assert torch.equal(made["genseq"].sum(dim=1), torch.ones(200, 30))
    # 6,000 bases: a share has a standard deviation of .0056.
    assert made["genseq"].mean(dim=(0, 2)).tolist() == pytest.approx([0.25] * 4, abs=0.025)


@pytest.mark.parametrize("name", list(OOD_INPUTS))
def test_an_example_gets_the_same_input_in_any_batch(name: str) -> None:
    data = dataset()
    whole = OOD_INPUTS[name]()(data.batch(np.arange(200)), seed=3)
    assert torch.equal(OOD_INPUTS[name]()(data.batch([150, 7]), seed=3), whole[[150, 7]])


def test_a_shuffle_cannot_be_told_by_a_model_that_only_counts_bases() -> None:
    rows = {(row.input, row.score): row for row in in_versus_out(AdenineCounter(), dataset(), 20)}
    assert len(rows) == 9
    assert rows["shuffle", "max"].auroc == pytest.approx(0.5, abs=1e-12)
    assert rows["genseq", "max"].auroc > 0.9


def test_scores_are_those_of_plain_code() -> None:
    data, model = dataset(), AdenineCounter()
    row = next(r for r in in_versus_out(model, data, 20, seed=5) if (r.input, r.score) == ("uniform", "loss"))
    shown = data.batch(np.arange(200)).crop(torch.full((200,), 5), 20)

    def loss(x: torch.Tensor) -> np.ndarray:
        p = (torch.sigmoid(model(x)) + torch.sigmoid(model(x.flip(1).flip(2)))) / 2
        return -np.log1p(-p.double().numpy())[:, 0]

    scores = np.concatenate([loss(shown.one_hot()), loss(OOD_INPUTS["uniform"]()(shown, 5))])
    assert row.auroc == pytest.approx(sk.roc_auc_score(np.repeat([1, 0], 200), scores), abs=1e-9)
    precision, recall, _ = sk.precision_recall_curve(np.repeat([1, 0], 200), scores)
    assert row.aupr == pytest.approx(sk.auc(recall, precision), abs=1e-9)
