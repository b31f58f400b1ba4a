"""DeMo against DeepBind on ENCODE sets: trained on AC, tested on B, every contender searched on each set apart.

    python benchmarks/demo_against_deepbind.py --data DIR [--runs runs] [--seed 1] [--jobs 2]

DIR holds DeepBind's pairs of files. What is done is kept under --runs; results/demo_against_deepbind.json gets each
set's test AUROC with its interval, the settings chosen, and the pairwise tests. The searches are smaller than those of
the papers (the files in contenders/ say how small), with the same number of gradient steps for sets of every size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

from harness import write_result
from holdfast.data.dataset import SequenceDataset
from holdfast.execution.local import LocalExecutor
from holdfast.jobs.compare import Compared, Comparison, compare_models, contender, medians

CONTENDERS = Path(__file__).resolve().parent / "contenders"
NAMES = ("deepbind", "demo_by_training", "demo_by_validation")
SHOWN = ("hidden", "conv_layers", "highway_layers")


def main() -> None:
    """Train what is not trained yet, then write every number."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/compare"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    files = [CONTENDERS / f"{name}.yaml" for name in NAMES]
    contenders = (*(contender(str(path)) for path in files), contender("kmer"))
    comparison = Comparison(data=asked.data, contenders=contenders, seed=asked.seed)
    found = compare_models(comparison, asked.runs, LocalExecutor(asked.jobs))
    write_result(
        "demo_against_deepbind",
        {
            "seed": asked.seed,
            "split": "train and validation (a tenth) from AC, test B; negatives of AC are dinucleotide shuffles",
            "searches": {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files},
            "rows": rows(found),
            "medians": json.loads(medians(found.table)[["model", "clean_auroc"]].to_json(orient="records")),
            "pairs": json.loads(found.pairs[found.pairs["metric"] == "clean_auroc"].to_json(orient="records")),
        },
    )


def rows(found: Compared) -> list[dict[str, Any]]:
    """Return each set's and model's numbers, with the settings that its search chose."""
    runs = {run.folder.name: run for run in found.result.runs}
    stored = {row["data"]: Path(runs[row["run"]].config["data"]) for row in found.table.to_dict("records")}
    sizes = {name: len(SequenceDataset.open(path).part("train")) for name, path in stored.items()}
    return [
        {
            "data": row["data"],
            "model": row["model"],
            "auroc": round(row["clean_auroc"], 4),
            "interval_95": [round(row["clean_auroc_low"], 4), round(row["clean_auroc_high"], 4)],
            "parameters": row["parameters"],
            "train_examples": sizes[row["data"]],
            "chosen": {key: value for key, value in runs[row["run"]].model_spec.params.items() if key in SHOWN},
        }
        for row in found.table.to_dict("records")
    ]


if __name__ == "__main__":
    main()
