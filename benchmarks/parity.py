"""Published weights against reference outputs made with independent code: the largest error of every array.

python benchmarks/parity.py --models FOLDER

FOLDER holds deepgrn/, factornet/, pap_megyeri/, deepbind_params/ and refs/.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness import write_result
from holdfast.dna.codes import one_hot
from holdfast.models import MODELS
from holdfast.models.keras import load as load_keras
from holdfast.models.published import Wanted
from holdfast.models.published_deepbind import load as load_text
from holdfast.models.stored import n_parameters


def main() -> None:
    """Compare every file that has references."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=Path, required=True)
    root = parser.parse_args().models
    torch.set_num_threads(1)
    rows = []
    for path, references in pairs(root):
        rows.append(compared(path, references))
        print(rows[-1])
    write_result("parity", {"precision": "float32 against float64", "error": "largest absolute", "rows": rows})


def pairs(root: Path) -> list[tuple[Path, Path]]:
    """Return files and their references."""
    found = [(root / "deepgrn" / f"{ref.stem}.h5", ref) for ref in sorted((root / "refs/deepgrn").glob("*.npz"))]
    for ref in sorted((root / "refs/factornet").glob("*.npz")):
        factor, _, settings = ref.stem.partition("__")
        found.append((root / "factornet" / factor / settings / "final_model.hdf5", ref))
    texts = sorted(path for path in (root / "refs/deepbind").glob("D*.npz"))
    found += [(root / "deepbind_params" / f"{ref.stem}.txt", ref) for ref in texts]
    papers = sorted((root / "pap_megyeri").glob("*.hdf5"))
    return found + list(zip(papers, sorted((root / "refs/pap_megyeri").glob("*.npz")), strict=True))


def compared(path: Path, references: Path) -> dict[str, Any]:
    """Return the errors of one file."""
    load = load_text if path.suffix == ".txt" else load_keras
    published = load(path, Wanted())
    model: Any = MODELS.build(published.spec, n_tasks=published.n_tasks, window=published.window).eval()
    model.load_state_dict(published.weights)
    expected = np.load(references)
    with torch.no_grad():
        arrays = answers(model, expected)
    errors = {name: float(np.abs(ours.numpy() - expected[name]).max()) for name, ours in arrays.items()}
    row = {"model": published.spec.name, "references": references.stem, "parameters": n_parameters(model)}
    largest = {name: float(np.abs(expected[name]).max()) for name in arrays}
    return {**row, "examples": len(expected["sequence_codes"]), "errors": errors, "largest_values": largest}


def answers(model: Any, expected: Any) -> dict[str, Tensor]:
    """Return what the model says under the names that the references have."""
    if "score_full" in expected:
        return {"score_full": model(bases(expected))[:, 0]}
    return strands(model, expected) if "tracks" in expected else plain(model, expected)


def bases(expected: Any) -> Tensor:
    """Return the (N, 4, W) windows."""
    return one_hot(torch.from_numpy(expected["sequence_codes"]))


def plain(model: Any, expected: Any) -> dict[str, Tensor]:
    """Return the probabilities of the paper's CNN."""
    bound = model(bases(expected)).double().sigmoid()
    return {"output": torch.cat([1 - bound, bound], dim=1)}


def strands(model: Any, expected: Any) -> dict[str, Tensor]:
    """Return outputs, logits and steps of both strands, and the attention where there is some."""
    x, tracks = bases(expected), torch.from_numpy(expected["tracks"]).transpose(1, 2)
    static = torch.from_numpy(expected["meta"]) if "meta" in expected else None
    arrays = {"output": model(x, tracks, static)[:, 0].double().sigmoid()}
    logits = model.strand_logits(x, tracks, static)
    channels = model.strands(x, tracks)
    for number, strand in enumerate(("forward", "reverse")):
        features = model.features(channels[number][:2])
        arrays[f"logit_{strand}"] = logits[number][:, 0]
        arrays[f"output_{strand}"] = logits[number][:, 0].double().sigmoid()
        arrays[f"pooled_{strand}"] = features.transpose(1, 2)
        arrays[f"lstm_{strand}"] = model.states(features)
    if "attention_forward" in expected:
        weights = model.attention_weights(x, tracks)
        arrays |= {"attention_forward": weights[0], "attention_reverse": weights[1]}
    return arrays


if __name__ == "__main__":
    main()
