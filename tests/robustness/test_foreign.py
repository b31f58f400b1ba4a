"""Anybody's module: a tiny one, and one with the signature that tangermeme's functions take."""

import numpy as np
import pytest
import torch
from torch import nn

import holdfast
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.robustness.shift import Shift


def dataset(n_tasks: int = 1) -> SequenceDataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (48, n_tasks)).astype(np.int8)
    codes = rng.integers(0, 4, (48, 40), dtype=np.uint8)
    return SequenceDataset.in_memory(codes, labels, tasks=tuple(f"task{i}" for i in range(n_tasks)))


def tiny() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(4, 6, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.BatchNorm1d(6), nn.Linear(6, 1)
    )


class Tangermemish(nn.Module):
    """Takes X of (N, 4, W) and further arguments, as tangermeme's toy models do, and returns (N, targets)."""

    def __init__(self, window: int, n_targets: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.dense = nn.Linear(4 * window, n_targets)

    def forward(self, X: torch.Tensor, alpha: float = 0, beta: float = 1) -> torch.Tensor:
        return self.dense(X.reshape(len(X), -1)) * beta + alpha


def test_a_tiny_module_is_audited_and_given_back_as_it_came() -> None:
    model = tiny().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    result = holdfast.audit(model, dataset(), Shift(context=40, window=30), bootstrap=5)
    assert result.record.n_windows_scanned == 48 * 11
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


class Odd(nn.Module):
    """Counts its calls, clips its weights and keeps batch statistics, all in forward, as published modules do."""

    def __init__(self, ending: type[BaseException] | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.ending, self.dense, self.norm = ending, nn.Linear(4, 1), nn.BatchNorm1d(4)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        if self.ending is not None:
            raise self.ending("3")
        self.calls += 1
        self.norm.train()(sequence)
        with torch.no_grad():
            self.dense.weight.clamp_(-0.1, 0.1)
        return self.dense(sequence.sum(2)) / sequence.shape[2] - 5


def test_a_module_that_changes_itself_is_given_back_as_it_came() -> None:
    model = Odd()
    model.norm.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    holdfast.audit(model, dataset(), Shift(context=40, window=30), bootstrap=5)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert float(before["dense.weight"].abs().max()) > 0.1
    assert (model.training, model.norm.training) == (True, False)


def test_a_module_that_exits_is_reported_and_ctrl_c_is_let_through() -> None:
    with pytest.raises(holdfast.InputError, match=r"Odd tried to end the program \(exit code 3\)"):
        holdfast.audit(Odd(SystemExit), dataset(), Shift(context=40, window=30), bootstrap=5)
    with pytest.raises(KeyboardInterrupt):
        holdfast.audit(Odd(KeyboardInterrupt), dataset(), Shift(context=40, window=30), bootstrap=5)


def test_a_tangermeme_style_module_gives_the_numbers_of_tangermemes_predict() -> None:
    predict = pytest.importorskip("tangermeme.predict", reason="tangermeme is in the extra 'dev'").predict
    data, model, shift = dataset(n_tasks=2), Tangermemish(30, 2), Shift(context=40, window=30)
    result = holdfast.audit(model, data, shift, output="logits", bootstrap=5)
    x = one_hot(torch.from_numpy(data.codes))
    by_window = torch.stack(
        [predict(model, x[..., i : i + 30].contiguous(), device="cpu") for i in shift.offsets], dim=1
    ).numpy()
    for number, task in enumerate(result.record.tasks):
        right = (by_window[..., number] > 0) == (data.labels[:, [number]] == 1)
        assert task.clean["accuracy"].value == pytest.approx(right[:, 5].mean())
        assert task.certified_accuracy.value == pytest.approx(right.all(axis=1).mean())
        assert task.accuracy_by_offset == pytest.approx(right.mean(axis=0).tolist())
