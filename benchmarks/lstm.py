"""Keras's LSTM in both directions beside torch's own, forward and with its gradient.

python benchmarks/lstm.py [--device cpu] [--repeats 15] [--threads 1 2]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness import timed, write_result
from holdfast.core.memory import keep_freed_memory
from holdfast.models.recurrent import BiLSTM
from scan import synchronised

# Examples, steps, inputs and units of TBiNet and DanQ; of DeepGRN and FactorNet.
CASES = {"tbinet": (100, 75, 320, 320), "deepgrn": (64, 57, 64, 32)}


class Torchs(nn.Module):
    """torch.nn.LSTM in both directions, states only: the logistic gate, two biases."""

    def __init__(self, n_in: int, n_units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_units, batch_first=True, bidirectional=True)

    def forward(self, steps: Tensor) -> Tensor:
        """Return (N, T, 2U) states."""
        states: Tensor = self.lstm(steps)[0]
        return states


def main() -> None:
    """Time both, in turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    asked = parser.parse_args()
    keep_freed_memory()  # as the command line does
    rows = []
    for n_threads in asked.threads:
        torch.set_num_threads(n_threads)
        for name, case in CASES.items():
            rows.append({"threads": n_threads, **compare(name, case, asked.device, asked.repeats)})
            print(rows[-1])
    payload = {"device": asked.device, "repeats": asked.repeats, "rows": rows}
    write_result("lstm", payload, device=asked.device)


def compare(name: str, case: tuple[int, int, int, int], device: str, repeats: int) -> dict[str, object]:
    """Return median milliseconds of a forward pass and of a pass with its gradient."""
    n_examples, n_steps, n_in, n_units = case
    steps = torch.randn(n_examples, n_steps, n_in, device=device)
    models: dict[str, nn.Module] = {
        "torch": Torchs(n_in, n_units),
        "hard_sigmoid": BiLSTM(n_in, n_units),
        "sigmoid": BiLSTM(n_in, n_units, gate="sigmoid"),
    }
    jobs: dict[str, Callable[[], object]] = {}
    for kind, model in models.items():
        model.to(device)
        jobs[f"{kind}_forward"] = lambda model=model: forward(model, steps)
        jobs[f"{kind}_with_gradient"] = lambda model=model: with_gradient(model, steps)
    for job in jobs.values():
        job()
    seconds: dict[str, list[float]] = {kind: [] for kind in jobs}
    for _ in range(repeats):
        for kind, job in jobs.items():
            seconds[kind] += timed(synchronised(job, device), 1)
    medians = {f"{kind}_ms": round(1e3 * statistics.median(times), 2) for kind, times in seconds.items()}
    sizes = {"examples": n_examples, "steps": n_steps, "inputs": n_in, "units": n_units}
    return {"case": name, **sizes, **medians}


def forward(model: nn.Module, steps: Tensor) -> None:
    """States without a gradient."""
    with torch.inference_mode():
        model(steps)


def with_gradient(model: nn.Module, steps: Tensor) -> None:
    """States and the gradient of their sum, of weights and input."""
    model.zero_grad(set_to_none=True)
    model(steps.requires_grad_()).sum().backward()


if __name__ == "__main__":
    main()
