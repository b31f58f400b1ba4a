"""The scan of models with strided pooling, and of Zeng's, against the plain loop over windows.

    python benchmarks/scan_pooled.py [--device cpu] [--repeats 3] [--threads 1]

The loop is timed in the batches that the library's own fallback uses and in batches of 64 windows, which a recurrent
layer likes better. All three are timed in turns in one run, so that other work on the machine hurts all alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from harness import begun, timed, timing_parser, write_result
from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.base import SequenceModel, loop_over_windows
from scan import synchronised

WINDOWS_AT_A_TIME = 64


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model and the windows it is asked about, of ``n`` contexts at a time, about as the command line scans."""

    spec: Spec
    n_tasks: int = 1
    window: int = 1000
    context: int = 1200
    n: int = 2


VALID = {"padding": "valid"}
SHORT = {"window": 75, "context": 101, "n": 40}
CASES = {
    "deepsea": Case(spec=Spec(name="deepsea"), n_tasks=919),
    "danq": Case(spec=Spec(name="danq"), n_tasks=919),
    "tbinet": Case(spec=Spec(name="tbinet"), n_tasks=690),
    "cnn_deep valid": Case(spec=Spec(name="cnn_deep", params=VALID), n_tasks=12),
    "cnn_2 valid": Case(spec=Spec(name="cnn_2", params=VALID), n_tasks=12),
    "zeng valid, local": Case(spec=Spec(name="zeng", params={**VALID, "pooling": "local"}), **SHORT),
    "zeng valid": Case(spec=Spec(name="zeng", params=VALID), **SHORT),
    "zeng same": Case(spec=Spec(name="zeng"), **SHORT),
    "deeperbind": Case(spec=Spec(name="deeperbind"), **SHORT),
}


def main() -> None:
    """Time every case and write the result."""
    asked = begun(timing_parser(repeats=3, threads=1))
    rows = []
    for name, case in CASES.items():
        model = MODELS.build(case.spec, window=case.window, n_tasks=case.n_tasks).eval().to(asked.device)
        rows.append({"model": name, **compare(model, case, asked.device, asked.repeats)})
        print(rows[-1], flush=True)
    write_result("scan_pooled", {"rows": rows}, device=asked.device)


def compare(model: SequenceModel, case: Case, device: str, repeats: int) -> dict[str, object]:
    """Time the scan and both loops in turns."""
    sequence = one_hot(torch.randint(0, 4, (case.n, case.context), dtype=torch.uint8, device=device))
    kinds: dict[str, Callable[[], Tensor]] = {
        "scan": lambda: model.scan(sequence, case.window),
        "loop": lambda: loop_over_windows(model, sequence, case.window),
        "loop_of_64": lambda: loop_in_large_batches(model, sequence, case.window),
    }
    with torch.no_grad():
        difference = float((kinds["scan"]() - kinds["loop"]()).abs().max())
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(repeats):
            for kind, function in kinds.items():
                seconds[kind] += timed(synchronised(function, device), 1)
    median = {kind: statistics.median(times) for kind, times in seconds.items()}
    n_windows = case.n * (case.context - case.window + 1)
    return {
        "window_bp": case.window,
        "context_bp": case.context,
        "contexts": case.n,
        **{f"{kind}_windows_per_s": round(n_windows / value, 1) for kind, value in median.items()},
        "ratio_to_loop": round(median["loop"] / median["scan"], 2),
        "ratio_to_loop_of_64": round(median["loop_of_64"] / median["scan"], 2),
        "largest_difference_of_logits": difference,
    }


def loop_in_large_batches(model: SequenceModel, sequence: Tensor, window: int) -> Tensor:
    """Return the logits of every window, 64 windows a batch."""
    windows = sequence.unfold(2, window, 1).transpose(1, 2).flatten(0, 1)
    logits = torch.cat([model(part) for part in windows.split(WINDOWS_AT_A_TIME)])
    return logits.view(len(sequence), -1, logits.shape[-1])


if __name__ == "__main__":
    main()
