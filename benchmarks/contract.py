"""What every registered model promises, measured: the contract tests' numbers as a table.

python benchmarks/contract.py

Models are built with their defaults at a window short enough for a test, and asked about random sequences.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from harness import write_result
from holdfast.core.registry import Spec
from holdfast.models import MODELS
from holdfast.models.base import ClosedFormModel, ModelFacts, SequenceModel, loop_over_windows
from holdfast.models.stored import load_weights, n_parameters, save_weights

EXTRA_BP = 7


def main() -> None:
    """Measure every model."""
    torch.set_num_threads(1)
    rows = []
    for name in MODELS:
        rows.append(promised(name))
        print(rows[-1], flush=True)
    words = f"largest absolute difference of logits in float32, 5 random sequences; scans of {EXTRA_BP + 1} windows"
    write_result("contract", {"difference": words, "rows": rows})


def promised(name: str) -> dict[str, Any]:
    """Return one model's row."""
    facts: ModelFacts = MODELS[name].facts  # type: ignore[attr-defined]
    spec = Spec(name=name, params=dict(facts.needs))
    with torch.device("meta"):
        published = MODELS.build(spec, n_tasks=facts.n_tasks, window=facts.window)
    torch.manual_seed(0)
    model = MODELS.build(spec, n_tasks=1, window=facts.short_window).eval()
    x, longer = sequences(facts.short_window), sequences(facts.short_window + EXTRA_BP)
    with torch.no_grad():
        return {
            "model": name,
            "parameters": n_parameters(published),
            "parameters_stated": facts.n_parameters,
            "window_bp": facts.short_window,
            "alone_against_batch": largest(model(x), torch.cat([model(one[None]) for one in x])),
            "scan_against_loop": largest(
                model.scan(longer, facts.short_window), loop_over_windows(model, longer, facts.short_window)
            ),
            "scan_is_shared": model.scans_fast,
            "other_strand": largest(model(x), model(x.flip(1, 2))),
            "both_strands": model.both_strands,
            **copies(model, spec, x, facts.short_window),
            "loss_falls": None if isinstance(model, ClosedFormModel) else loss_falls(model, facts.short_window),
        }


def sequences(length: int, n: int = 5) -> Tensor:
    """Return (n, 4, length) random one-hot sequences."""
    base = torch.randint(0, 4, (n, length), generator=torch.Generator().manual_seed(length))
    return torch.nn.functional.one_hot(base, 4).transpose(1, 2).float()


def largest(first: Tensor, second: Tensor) -> float:
    """Return the largest absolute difference."""
    return float((first - second).abs().max())


def copies(model: SequenceModel, spec: Spec, x: Tensor, window: int) -> dict[str, float]:
    """Return how far saved, exported and ONNX copies are from the model."""
    with tempfile.TemporaryDirectory() as folder:
        weights, onnx = Path(folder) / "w.safetensors", Path(folder) / "m.onnx"
        save_weights(model, weights)
        again = load_weights(spec, weights, n_tasks=1, window=window)
        torch.onnx.export(model, (x,), onnx, dynamo=True, verbose=False, external_data=False)
        session = onnxruntime.InferenceSession(onnx)
        (logits,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    exported = torch.export.export(model, (x,)).module()
    return {
        "saved_copy": largest(again(x), model(x)),
        "torch_export": largest(exported(x), model(x)),
        "onnx": largest(torch.from_numpy(logits), model(x)),
    }


def loss_falls(model: SequenceModel, window: int) -> bool:
    """Return whether a short step down the gradient lowers the loss."""
    x, y = sequences(window, 64), (torch.arange(64) % 2)[:, None].float()
    with torch.enable_grad():
        before = binary_cross_entropy_with_logits(model(x), y)
        before.backward()
    known = [parameter for parameter in model.parameters() if parameter.grad is not None]
    slope = sum(float(parameter.grad.square().sum()) for parameter in known if parameter.grad is not None) ** 0.5
    for parameter in known:
        parameter -= 1e-3 / slope * parameter.grad
    return bool(binary_cross_entropy_with_logits(model(x), y) < before)


if __name__ == "__main__":
    main()
