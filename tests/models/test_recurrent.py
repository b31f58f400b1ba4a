"""Keras's LSTM: against torch's own where they agree, against the printed equations where they do not."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError
from holdfast.models.recurrent import LSTM, BiLSTM

Array = NDArray[np.float64]


def by_hand(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """Keras 2's equations, one example and one step at a time."""

    def gate(z: Array) -> Array:
        return np.clip(0.2 * z + 0.5, 0.0, 1.0)

    n_units = len(recurrent)
    states = np.zeros((len(x), x.shape[1], n_units))
    for n, steps in enumerate(x):
        h = c = np.zeros(n_units)
        for t, step in enumerate(steps):
            i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
            c = gate(f) * c + gate(i) * np.tanh(g)
            h = gate(o) * np.tanh(c)
            states[n, t] = h
    return states


def weights(lstm: LSTM, way: int) -> tuple[Array, Array, Array]:
    bias = lstm.bias.view(lstm.n_directions, -1)
    return tuple(p[way].detach().double().numpy() for p in (lstm.kernel, lstm.recurrent, bias))  # type: ignore[return-value]


def wide(lstm: LSTM) -> LSTM:
    """Weights large enough that some gates are shut and some are open."""
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.mul_(4.0)
    return lstm


def test_the_states_are_the_equations_of_keras_in_both_directions() -> None:
    torch.manual_seed(0)
    lstm, x = wide(BiLSTM(5, 7)), torch.randn(3, 11, 5)
    ahead = by_hand(x.double().numpy(), *weights(lstm, 0))
    back = by_hand(x.flip(1).double().numpy(), *weights(lstm, 1))[:, ::-1]
    expected = np.concatenate([ahead, back], axis=-1)
    np.testing.assert_allclose(lstm(x).detach().numpy(), expected, atol=2e-6)  # float32 over 11 steps


def test_one_direction_is_the_forward_half_of_both() -> None:
    torch.manual_seed(0)
    both, x = BiLSTM(5, 7), torch.randn(3, 11, 5)
    one = LSTM(5, 7)
    one.load_state_dict({"kernel": both.kernel[:1], "recurrent": both.recurrent[:1], "bias": both.bias[:28]})
    torch.testing.assert_close(one(x), both(x)[..., :7])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_the_logistic_gate_it_is_torchs_lstm_and_has_its_gradients(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    ours, theirs = BiLSTM(5, 7, gate="sigmoid").to(dtype), torch.nn.LSTM(5, 7, bidirectional=True, batch_first=True)
    theirs = theirs.to(dtype)
    with torch.no_grad():
        for way, end in enumerate(("l0", "l0_reverse")):
            getattr(theirs, f"weight_ih_{end}").copy_(ours.kernel[way].T)
            getattr(theirs, f"weight_hh_{end}").copy_(ours.recurrent[way].T)
            getattr(theirs, f"bias_ih_{end}").copy_(ours.bias.view(2, -1)[way])
            getattr(theirs, f"bias_hh_{end}").zero_()
    x, pull = torch.randn(3, 11, 5, dtype=dtype), torch.randn(3, 11, 14, dtype=dtype)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.testing.assert_close(ours(a), theirs(b)[0])
    (ours(a) * pull).sum().backward()
    (theirs(b)[0] * pull).sum().backward()
    torch.testing.assert_close(a.grad, b.grad)
    assert ours.kernel.grad is not None
    torch.testing.assert_close(ours.kernel.grad[1].T, theirs.weight_ih_l0_reverse.grad)
    torch.testing.assert_close(ours.recurrent.grad[0].T, theirs.weight_hh_l0.grad)  # type: ignore[index]
    torch.testing.assert_close(ours.bias.grad[:28], theirs.bias_ih_l0.grad)  # type: ignore[index]


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
def test_gradients_written_by_hand_are_the_differences_of_the_values(gate: str) -> None:
    torch.manual_seed(0)
    lstm = wide(BiLSTM(4, 3, gate=gate)).double()  # type: ignore[arg-type]
    x = torch.randn(2, 5, 4, dtype=torch.double, requires_grad=True)
    values = [p.detach().clone().requires_grad_() for p in lstm.parameters()]

    def run(x: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in lstm.named_parameters()]
        return torch.func.functional_call(lstm, dict(zip(names, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *values))
    assert torch.autograd.gradgradcheck(run, (x, *values))
    assert torch.autograd.gradgradcheck(lstm.requires_grad_(False), (x,))


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
def test_a_gradient_to_be_differentiated_is_summed_over_many_steps_in_mixed_precision_as_one_that_is_not(
    gate: str,
) -> None:
    torch.manual_seed(0)
    lstm, x = LSTM(4, 8, gate=gate), torch.randn(2, 500, 4)  # type: ignore[arg-type]

    def gradients(*, mixed: bool, create_graph: bool) -> tuple[torch.Tensor, ...]:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            total = lstm(x).float().sum()
        return torch.autograd.grad(total, list(lstm.parameters()), create_graph=create_graph)

    exact = gradients(mixed=False, create_graph=False)
    for create_graph in (False, True):
        for found, wanted in zip(gradients(mixed=True, create_graph=create_graph), exact, strict=True):
            # bfloat16 keeps 8 bits, 0.4 %, of states and weights; sums over 500 steps in it would lose a tenth.
            assert (found - wanted).norm() < 0.015 * wanted.norm()


def test_a_gate_at_the_edge_passes_no_gradient_whether_it_will_be_differentiated_or_not() -> None:
    torch.manual_seed(0)
    lstm, x = LSTM(1, 1), torch.zeros(1, 3, 1, requires_grad=True)
    with torch.no_grad():
        lstm.recurrent.zero_()
        lstm.bias.copy_(torch.tensor([2.5, -2.5, 0.5, 0.0]))  # 0.2 x + 0.5 is 1 for i, 0 for f
    for create_graph in (False, True):
        (found,) = torch.autograd.grad(lstm(x).sum(), lstm.bias, create_graph=create_graph)
        assert found[:2].tolist() == [0.0, 0.0]


def test_a_shut_or_open_gate_passes_no_gradient() -> None:
    lstm = LSTM(1, 1)
    with torch.no_grad():
        lstm.kernel.zero_(), lstm.recurrent.zero_()
        lstm.bias.copy_(torch.tensor([3.0, -3.0, 0.5, 0.0]))  # i open, f shut, o half open
    lstm(torch.zeros(1, 3, 1)).sum().backward()
    assert lstm.bias.grad is not None
    assert lstm.bias.grad[:2].tolist() == [0.0, 0.0]
    assert float(lstm.bias.grad[3]) == pytest.approx(3 * 0.2 * np.tanh(np.tanh(0.5)))


def test_the_first_weights_are_drawn_as_keras_draws_them() -> None:
    torch.manual_seed(0)
    lstm = BiLSTM(40, 30)
    largest, limit = float(lstm.kernel.detach().abs().max()), (6 / (40 + 120)) ** 0.5
    assert 0.98 * limit < largest <= limit
    for recurrent in lstm.recurrent:
        torch.testing.assert_close(recurrent @ recurrent.T, torch.eye(30), atol=1e-5, rtol=0)
    assert lstm.bias.view(2, 4, 30).sum(-1).tolist() == [[0, 30, 0, 0]] * 2


def test_parameters_are_counted_as_keras_counts_them() -> None:
    assert sum(p.numel() for p in BiLSTM(320, 320).parameters()) == 1_640_960
    assert sum(p.numel() for p in BiLSTM(64, 32).parameters()) == 24_832


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
def test_exported_copies_give_the_same_states(gate: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    lstm, x = wide(BiLSTM(5, 7, gate=gate)).eval(), torch.randn(3, 6, 5)  # type: ignore[arg-type]
    exported = torch.export.export(lstm, (x,)).module()
    torch.testing.assert_close(exported(x), lstm(x), rtol=1e-5, atol=1e-6)
    torch.onnx.export(lstm, (x,), tmp_path / "l.onnx", dynamo=True, verbose=False, external_data=False)
    session = onnxruntime.InferenceSession(tmp_path / "l.onnx")
    (states,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    np.testing.assert_allclose(states, lstm(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_mixed_precision_trains_and_stays_close() -> None:
    torch.manual_seed(0)
    lstm, x = BiLSTM(5, 7), torch.randn(3, 11, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = lstm(x)
    states.float().square().sum().backward()
    assert states.dtype == torch.bfloat16
    # bfloat16 keeps 8 bits: 0.4 % of states below 1, over a few roundings a step.
    torch.testing.assert_close(states.float(), lstm(x), atol=2e-2, rtol=0)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in lstm.parameters())


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="hard_sigmoid, sigmoid; got 'tanh'"):
        BiLSTM(4, 3, gate="tanh")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="at least one input and one unit"):
        LSTM(4, 0)
