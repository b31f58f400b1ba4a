"""Long short-term memory as Keras counts and computes it.

The published recurrent networks of this field were trained with Keras 1 and 2, whose recurrent gate is
``hard_sigmoid``, clip(0.2 x + 0.5, 0, 1), and which hold one bias a direction. ``nn.LSTM`` has neither, and
``nn.Hardsigmoid`` divides by 6. Both directions run in one batched loop; the gradient is written by hand, so that a
training step keeps two buffers instead of seven tensors a time step.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError

__all__ = ["LSTM", "BiLSTM", "Gate"]

Gate = Literal["hard_sigmoid", "sigmoid"]


class LSTM(nn.Module):
    """Long short-term memory that returns its state after every step.

    Parameters
    ----------
    n_in
        Features of a step, C.
    n_units
        U.
    gate
        Of the input, forget and output gates: Keras 1 and 2's ``hard_sigmoid``, or ``sigmoid``.

    Attributes
    ----------
    kernel
        (directions, C, 4U), column blocks i, f, c, o, as Keras stores them.
    recurrent
        (directions, U, 4U).
    bias
        (directions * 4U,).

    Examples
    --------
    >>> LSTM(8, 3)(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 5, 3])
    """

    n_directions = 1

    def __init__(self, n_in: int, n_units: int, *, gate: Gate = "hard_sigmoid") -> None:
        super().__init__()
        if min(n_in, n_units) < 1:
            raise ConfigError(f"an LSTM has at least one input and one unit, got {n_in} and {n_units}")
        if gate not in get_args(Gate):
            raise ConfigError(f"the gate of an LSTM is one of {', '.join(get_args(Gate))}; got '{gate}'")
        self.n_in, self.n_units, self.gate = n_in, n_units, gate
        self.kernel = nn.Parameter(torch.empty(self.n_directions, n_in, 4 * n_units))
        self.recurrent = nn.Parameter(torch.empty(self.n_directions, n_units, 4 * n_units))
        self.bias = nn.Parameter(torch.empty(self.n_directions * 4 * n_units))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw as Keras does: glorot uniform kernels, orthogonal recurrent kernels, forget bias 1, else 0."""
        with torch.no_grad():
            for kernel, recurrent in zip(self.kernel, self.recurrent, strict=True):
                nn.init.xavier_uniform_(kernel)
                nn.init.orthogonal_(recurrent)
            self.bias.zero_().view(self.n_directions, 4, self.n_units)[:, 1] = 1.0

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, T, directions * U) states of (N, T, C) steps."""
        in_time = steps.transpose(0, 1)
        each_way = torch.stack([in_time, in_time.flip(0)][: self.n_directions])
        states = self._run(each_way)
        ways = [states[0], *(one.flip(0) for one in states[1:])]
        return torch.cat(ways, dim=-1).transpose(0, 1)

    def _run(self, each_way: Tensor) -> Tensor:
        """Return (D, T, N, U) states; in mixed precision the products are low, the sums in the cell are not."""
        kernel, recurrent, bias = self._folded()
        if torch.compiler.is_compiling():  # a traced graph has no place for buffers written in turn
            return _states_functional(each_way, kernel, recurrent, bias, self.gate)
        operands: tuple[Tensor, ...] = (each_way, kernel, recurrent, bias)
        kind = each_way.device.type
        if torch.is_autocast_enabled(kind):
            operands = tuple(one.to(torch.get_autocast_dtype(kind)) for one in operands)
        with torch.autocast(kind, enabled=False):
            states: Tensor = _States.apply(*operands, self.gate)  # type: ignore[no-untyped-call]
        return states

    def _folded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return kernel, recurrent kernel and bias with blocks o, i, f, c and the slope of the gate inside."""
        d, u = self.n_directions, self.n_units
        slope, offset = (0.2, 0.5) if self.gate == "hard_sigmoid" else (1.0, 0.0)
        ones = self.bias.new_ones(u)
        scale, shift = torch.cat([ones * slope] * 3 + [ones]), torch.cat([ones * offset] * 3 + [ones * 0.0])

        def turned(weights: Tensor) -> Tensor:
            i, f, c, o = weights.split(u, dim=-1)
            return torch.cat([o, i, f, c], dim=-1) * scale

        return turned(self.kernel), turned(self.recurrent), turned(self.bias.view(d, 1, 4 * u)) + shift

    def extra_repr(self) -> str:
        """Return what the constructor was given."""
        return f"{self.n_in}, {self.n_units}, gate='{self.gate}'"


class BiLSTM(LSTM):
    """An LSTM along the sequence and one against it; their states stand side by side at each step.

    Parameters
    ----------
    n_in
        Features of a step, C.
    n_units
        U, a direction.
    gate
        Of the input, forget and output gates: Keras 1 and 2's ``hard_sigmoid``, or ``sigmoid``.

    References
    ----------
    Gate, bias and initial values: Keras 2.2 (``recurrent_activation='hard_sigmoid'``, ``unit_forget_bias=True``).

    Examples
    --------
    >>> lstm = BiLSTM(320, 320)
    >>> lstm(torch.zeros(2, 75, 320)).shape
    torch.Size([2, 75, 640])
    >>> sum(p.numel() for p in lstm.parameters())
    1640960
    """

    n_directions = 2


def _states_functional(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, gate: str) -> Tensor:
    """Return (D, T, N, U) states by a plain loop: what is traced for export, and what is differentiated twice."""
    n_units = recurrent.shape[1]
    h = c = x.new_zeros(len(x), x.shape[2], n_units)
    states = []
    for step in (x @ kernel[:, None] + bias[:, None]).unbind(1):
        z = torch.baddbmm(step, h, recurrent)
        o, i, f = _opened(z[..., : 3 * n_units], gate).split(n_units, dim=-1)
        c = f * c + i * z[..., 3 * n_units :].tanh()
        h = o * c.tanh()
        states.append(h)
    return torch.stack(states, dim=1)


def _opened(z: Tensor, gate: str) -> Tensor:
    # The slope of hardtanh at 0 and at 1 is 0, as in the gradient by hand; that of clamp is 1.
    return nn.functional.hardtanh(z, 0.0, 1.0) if gate == "hard_sigmoid" else z.sigmoid()


def _wide(z: Tensor) -> torch.dtype:
    return torch.promote_types(z.dtype, torch.float32)


class _States(torch.autograd.Function):
    """The same loop in buffers, with its gradient.

    Shapes: x (D, T, N, C), kernel (D, C, 4U), recurrent (D, U, 4U), bias (D, 1, 4U), states (D, T, N, U); D directions.
    The blocks o, i, f stand side by side for the gates of the forward pass, i, f, c for the products of the backward.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, gate: str) -> Tensor:
        d, t, n, _ = x.shape
        u = recurrent.shape[1]
        z = torch.baddbmm(bias, x.flatten(1, 2), kernel).view(d, t, n, 4 * u)
        h, c = z.new_zeros(d, t + 1, n, u), z.new_zeros(d, t + 1, n, u, dtype=_wide(z))
        squashed = z.new_empty(d, t, n, u)
        o, i, f, g = (block.unbind(1) for block in z.split(u, dim=-1))
        hs, cs, tanh_c = h.unbind(1), c.unbind(1), squashed.unbind(1)
        for s, (step, gates) in enumerate(zip(z.unbind(1), z[..., : 3 * u].unbind(1), strict=True)):
            step.baddbmm_(hs[s], recurrent)
            gates.clamp_(0, 1) if gate == "hard_sigmoid" else gates.sigmoid_()
            g[s].tanh_()
            torch.mul(f[s], cs[s], out=cs[s + 1])
            cs[s + 1].addcmul_(i[s], g[s])
            torch.tanh(cs[s + 1], out=tanh_c[s])
            torch.mul(o[s], tanh_c[s], out=hs[s + 1])
        ctx.save_for_backward(x, kernel, recurrent, bias, z, h, c, squashed)
        ctx.gate = gate
        return h[:, 1:]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, kernel, recurrent, bias, z, h, c, tanh_c = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient will be differentiated, which a gradient in buffers cannot be
            return *_differentiable_gradients((x, kernel, recurrent, bias), grad, ctx.gate), None
        u = recurrent.shape[1]
        dz, through_o = _local_slopes(z, c[:, :-1], tanh_c, ctx.gate)  # slopes, turned into gradients step by step
        steps, dz_o, dz_ifc = dz.unbind(1), dz[..., :u].unbind(1), dz[..., u:].unflatten(-1, (3, u)).unbind(1)
        grads, forget, at_c = grad.unbind(1), z[..., 2 * u : 3 * u].unbind(1), through_o.unbind(1)
        back = recurrent.transpose(1, 2)
        dh, dc = grads[-1], torch.zeros_like(c[:, 0])  # c is wide, so dc is
        for s in range(len(steps) - 1, -1, -1):
            dc.addcmul_(dh, at_c[s])
            dz_o[s].mul_(dh)
            dz_ifc[s].mul_(dc.unsqueeze(-2))
            dc.mul_(forget[s])
            if s:
                dh = torch.baddbmm(grads[s - 1], steps[s], back)
        return *_weight_gradients(dz, x, kernel, h[:, :-1]), None


def _differentiable_gradients(operands: tuple[Tensor, ...], grad: Tensor, gate: str) -> list[Tensor | None]:
    """Return the gradients of the operands that want one, found by autograd; sums over steps are wide."""
    with torch.autocast(grad.device.type, enabled=False):
        x, kernel, recurrent, bias = (one.to(_wide(one)) for one in operands)
        states = _states_functional(x, kernel, recurrent, bias, gate)
        wanted = [one for one in operands if one.requires_grad]
        found = iter(torch.autograd.grad(states, wanted, grad.to(states.dtype), create_graph=True))
    return [next(found) if one.requires_grad else None for one in operands]


def _local_slopes(z: Tensor, c_before: Tensor, tanh_c: Tensor, gate: str) -> tuple[Tensor, Tensor]:
    """Return what dh (block o) and dc (blocks i, f, c) are multiplied by to give dz, and dh to give its part of dc."""
    u = c_before.shape[-1]
    o, i, _, g = z.split(u, dim=-1)
    factor = torch.empty_like(z)
    gates, slope = z[..., : 3 * u], factor[..., : 3 * u]
    torch.addcmul(gates, gates, gates, value=-1, out=slope)
    if gate == "hard_sigmoid":
        slope.sign_()  # the slope 0.2 is folded into the weights: 1 where the gate is neither 0 nor 1
    of_o, of_i, of_f, of_g = factor.split(u, dim=-1)
    of_o.mul_(tanh_c)
    of_i.mul_(g)
    of_f.mul_(c_before)
    torch.addcmul(i, i * g, g, value=-1, out=of_g)
    return factor, torch.addcmul(o, o * tanh_c, tanh_c, value=-1)


def _weight_gradients(dz: Tensor, x: Tensor, kernel: Tensor, h_before: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of x, kernel, recurrent kernel and bias."""
    flat = dz.flatten(1, 2)
    d_x = torch.bmm(flat, kernel.transpose(1, 2)).view_as(x)
    d_kernel = torch.bmm(x.flatten(1, 2).transpose(1, 2), flat)
    d_recurrent = torch.bmm(h_before.flatten(1, 2).transpose(1, 2), flat)
    return d_x, d_kernel, d_recurrent, flat.sum(1, keepdim=True)
