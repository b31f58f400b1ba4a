"""The shared scan against the model's own plain loop over windows: sequences per second and their ratio.

    python benchmarks/scan.py [--device cpu] [--repeats 15] [--threads 2]

Both are timed in turns in one run, so that other work on the machine hurts both alike. On a GPU the plain loop is also
timed under torch.compile.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from harness import begun, timed, timing_parser, write_result
from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.base import WindowModel
from holdfast.robustness.scan import SCAN_BASES, scan
from holdfast.robustness.shift import Shift

BATCH, CONTEXT = 64, 101
CASES = {
    "pap_megyeri valid": Spec(name="pap_megyeri", params={"padding": "valid"}),
    "pap_megyeri same": Spec(name="pap_megyeri", params={"padding": "same"}),
    "holdfast": Spec(name="holdfast"),
}


def main() -> None:
    """Time every model at 75, 90 and 95 of 101 bp."""
    parser = timing_parser(repeats=15, threads=2)
    parser.add_argument("--batch", type=int, default=BATCH)
    asked = begun(parser)
    rows = []
    for name, spec in CASES.items():
        model = MODELS.build(spec).eval().to(asked.device)
        assert isinstance(model, WindowModel)
        for window in (75, 90, 95):
            rows.append(compare(name, model, window, asked.device, asked.repeats, asked.batch))
            print(rows[-1])
    write_result("scan", {"batch": asked.batch, "context_bp": CONTEXT, "rows": rows}, device=asked.device)


def compare(name: str, model: WindowModel, window: int, device: str, repeats: int, batch: int) -> dict[str, object]:
    """Time the loop and the scan in turns on one batch."""
    codes = torch.randint(0, 4, (batch, CONTEXT), dtype=torch.uint8, device=device)
    shift = Shift(context=CONTEXT, window=window)
    rows_per_block = max(1, SCAN_BASES // CONTEXT) if device == "cpu" else batch

    def loop() -> Tensor:
        sequence = one_hot(codes)
        return torch.stack([model(sequence[..., i : i + window]) for i in shift.offsets], dim=1)

    def shared() -> Tensor:
        return torch.cat([scan(model, block, shift) for block in codes.split(rows_per_block)])

    with torch.no_grad():
        difference = float((loop() - shared()).abs().max())
        slow, fast = in_turns(loop, shared, repeats, device)
        row: dict[str, object] = {
            "model": name,
            "window_bp": window,
            "windows": len(shift.offsets),
            "loop_sequences_per_s": round(batch / slow, 1),
            "scan_sequences_per_s": round(batch / fast, 1),
            "ratio": round(slow / fast, 2),
            "largest_difference_of_logits": difference,
        }
        if device != "cpu":
            compiled = torch.compile(model)
            row["compiled_loop_sequences_per_s"] = round(
                batch / compiled_seconds(compiled, one_hot(codes), shift, repeats), 1
            )
    return row


def in_turns(
    first: Callable[[], object], second: Callable[[], object], repeats: int, device: str
) -> tuple[float, float]:
    """Return the median seconds of two functions called in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for function, kept in zip((first, second), seconds, strict=True):
            kept += timed(synchronised(function, device), 1)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def synchronised(function: Callable[[], object], device: str) -> Callable[[], object]:
    """Return the function followed by a wait for the GPU."""
    if device == "cpu":
        return function

    def wait() -> None:
        function()
        torch.cuda.synchronize()

    return wait


def compiled_seconds(compiled: Callable[[Tensor], Tensor], sequence: Tensor, shift: Shift, repeats: int) -> float:
    """Return the median seconds of the loop over a compiled model."""

    def loop() -> None:
        for i in shift.offsets:
            compiled(sequence[..., i : i + shift.window].contiguous())
        torch.cuda.synchronize()

    loop()
    return statistics.median(timed(loop, repeats))


if __name__ == "__main__":
    main()
