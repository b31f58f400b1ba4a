"""Mutants that share work against the plain loop, and DeepSHAP against tangermeme's plain use.

    python benchmarks/attribution.py [--repeats 5] [--threads 1]

Both sides are timed in turns in one run, so that other work on the machine hurts both alike; medians are given. At
1,000 bp the mutants of some positions, spread over the window, are asked for.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable

import torch
from tangermeme.deep_lift_shap import deep_lift_shap
from torch import Tensor, nn

from harness import timed, write_result
from holdfast.core.memory import keep_freed_memory
from holdfast.core.registry import Spec
from holdfast.dna.codes import one_hot
from holdfast.interpret.attribution import ATTRIBUTIONS
from holdfast.interpret.attribution.mutagenesis import substitutions
from holdfast.models import MODELS
from holdfast.models.base import edited_logits, loop_over_edits
from holdfast.models.edits import Edits

# Name, window in bp, windows explained, every how many-th position is mutated.
CASES = (
    ("pap_megyeri", 101, 2, 1),
    ("pap_megyeri", 1000, 1, 40),
    ("holdfast", 101, 2, 1),
    ("holdfast", 1000, 1, 40),
    ("cnn_deep", 200, 1, 1),
    ("cnn_deep", 1000, 1, 40),
    ("deepsea", 1000, 1, 50),
    ("tbinet", 1000, 1, 50),
)
SHAP_WINDOWS, SHAP_REFERENCES, SHAP_WINDOW = 4, 20, 101


def main() -> None:
    """Time every model, and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_freed_memory()  # as the command line does
    mutagenesis = []
    for name, window, n_windows, every in CASES:
        mutagenesis.append(compare(name, window, n_windows, every, asked.repeats))
        print(mutagenesis[-1], flush=True)
    shap = compare_shap(asked.repeats)
    print(shap)
    write_result("attribution", {"repeats": asked.repeats, "mutagenesis": mutagenesis, "deepshap": shap})


def compare(name: str, window: int, n_windows: int, every: int, repeats: int) -> dict[str, object]:
    """Time the loop over mutants and the shared evaluation in turns."""
    torch.manual_seed(0)
    model = MODELS.build(Spec(name=name), window=window).eval()
    codes = torch.randint(0, 4, (n_windows, window), dtype=torch.uint8)
    sequence, (all_edits, _) = one_hot(codes), substitutions(codes)
    kept = all_edits.start % every == 0
    edits = Edits(example=all_edits.example[kept], start=all_edits.start[kept], values=all_edits.values[kept])

    def loop() -> Tensor:
        return loop_over_edits(model, sequence)(edits)

    def shared() -> Tensor:
        return edited_logits(model, sequence, edits)

    with torch.no_grad():
        difference = float((loop() - shared()).abs().max())
        slow, fast = in_turns(loop, shared, repeats)
    return {
        "model": name,
        "window_bp": window,
        "mutants": len(edits),
        "loop_mutants_per_s": round(len(edits) / slow, 1),
        "shared_mutants_per_s": round(len(edits) / fast, 1),
        "ratio": round(slow / fast, 2),
        "largest_difference_of_logits": difference,
    }


def compare_shap(repeats: int) -> dict[str, object]:
    """Time our DeepSHAP against tangermeme's call on a network of modules that tangermeme sees without help."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv1d(4, 128, 24), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(128, 64, 8), nn.ReLU(), nn.MaxPool1d(12)),
        *(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)),
    ).eval()
    codes = torch.randint(0, 4, (SHAP_WINDOWS, SHAP_WINDOW), dtype=torch.uint8)
    method, sequence = ATTRIBUTIONS["deepshap"](references=SHAP_REFERENCES), one_hot(codes)

    def ours() -> object:
        return method(model, codes)

    def theirs() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return deep_lift_shap(model, sequence, n_shuffles=SHAP_REFERENCES, random_state=0, device="cpu")

    for function in (ours, theirs):
        function()  # numba compiles on the first call
    plain, shared = in_turns(theirs, ours, repeats)
    return {
        "windows": SHAP_WINDOWS,
        "window_bp": SHAP_WINDOW,
        "references": SHAP_REFERENCES,
        "tangermeme_windows_per_s": round(SHAP_WINDOWS / plain, 2),
        "holdfast_windows_per_s": round(SHAP_WINDOWS / shared, 2),
        "ratio": round(plain / shared, 2),
    }


def in_turns(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median seconds of two functions called in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for function, kept in zip((first, second), seconds, strict=True):
            kept += timed(function, 1)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


if __name__ == "__main__":
    main()
