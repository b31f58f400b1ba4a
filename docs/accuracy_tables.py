"""How measured accuracies become tables: beside the paper, other models, and other ways of training."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping, Sequence
from importlib.resources import files

from markdown_tables import Columns, Page, listed, markdown_table

__all__ = [
    "accuracy",
    "accuracy_beside_the_paper",
    "beside_language_models",
    "demo_against_deepbind",
    "robust_training",
]

LANGUAGE_MODELS = {
    "DNABERT-2": (".838", ".821", ".790"),
    "NT-v2": (".832", ".809", ".797"),
    "HyenaDNA": (".830", ".821", ".788"),
    "Caduceus-Ph": (".880", ".869", ".825"),
    "GROVER": (".862", ".850", ".816"),
}


def accuracy(page: Page) -> str:
    """Return accuracy by data set, window and strategy."""
    return _accuracy(page, {})


def accuracy_beside_the_paper(page: Page) -> str:
    """Return accuracy with the paper's own row beside ours, S/discovery."""
    return _accuracy(page, _paper_rows("S", "discovery"))


def _accuracy(page: Page, paper: Mapping[tuple[int, str], tuple[str, str]]) -> str:
    groups: dict[tuple[str, int, str, str], list[Page]] = {}
    for row in page["rows"]:
        groups.setdefault((row["data"], row["window_bp"], row["model"], row["trained"]), []).append(row)
    several = len({data for data, *_ in groups}) > 1
    columns = [*(["data"] if several else []), "window (bp)", "model", "trained", "clean", "random", "worst"]
    columns += ["paper, clean", "paper, worst"] if paper else []
    body = []
    for (data, window, model, trained), rows in groups.items():
        is_control = model == "kmer"
        cells = [*([data] if several else []), str(window), model, "control" if is_control else trained]
        cells += [_measured(rows, attack) for attack in ("clean", "random", "worst")]
        cells += list(paper.get((window, trained), ("", "")) if not is_control else ("", "")) if paper else []
        body.append(cells)
    said = "Test accuracy ± half a 95 % bootstrap interval."
    if any(len(rows) > 1 for rows in groups.values()):
        said += " Of several seeds: their mean ± the farthest of them."
    parts = [markdown_table(columns, body, words=3 + several), said]
    twins = _by_twin(groups, several=several)
    return "\n\n".join([*parts, *twins])


def _by_twin(groups: Mapping[tuple[str, int, str, str], Sequence[Page]], *, several: bool) -> list[str]:
    """Return the same accuracies for examples whose shuffled twin was trained or chosen on, and for the others."""
    body = []
    for (data, window, model, trained), rows in groups.items():
        cells = [
            statistics.mean(row["by_twin"][part][attack] for row in rows)
            for part in ("twin_seen", "twin_unseen")
            for attack in ("clean", "worst")
            if all((row.get("by_twin") or {}).get(part, {}).get(attack) is not None for row in rows)
        ]
        if len(cells) == 4:
            words = [*([data] if several else []), str(window), model, "control" if model == "kmer" else trained]
            body.append([*words, *(f"{value:.3f}" for value in cells)])
    if not body:
        return []
    columns = [*(["data"] if several else []), "window (bp)", "model", "trained"]
    columns += ["twin seen, clean", "twin seen, worst", "twin unseen, clean", "twin unseen, worst"]
    words = "The same for test examples whose shuffled twin stands in train or validation, and for the others:"
    return [words, markdown_table(columns, body, words=3 + several)]


def _measured(rows: Sequence[Page], attack: str) -> str:
    values = [row["accuracy"][attack] for row in rows]
    mean = statistics.mean(values)
    low, high = rows[0]["interval_95"][attack]
    spread = (high - low) / 2 if len(rows) == 1 else max(abs(value - mean) for value in values)
    return f"{mean:.3f} ±{spread:.3f}"


def _paper_rows(tf: str, task: str) -> dict[tuple[int, str], tuple[str, str]]:
    path = files("holdfast.jobs") / "tables" / "pap_megyeri_table1.csv"
    cells: dict[tuple[int, str], dict[str, str]] = {}
    with path.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if (row["tf"], row["task"]) == (tf, task):
                cells.setdefault((int(row["length"]), row["train"]), {})[row["eval"]] = row["accuracy"]
    return {key: (_published(row, "No Shift"), _published(row, "Worst")) for key, row in cells.items()}


def _published(row: Mapping[str, str], attack: str) -> str:
    return f"{float(row[attack]):.4f}" if row.get(attack) else ""


def beside_language_models(page: Page) -> str:
    """Return GUE's human tasks: test AUROC and MCC of whole contexts, beside published AUROCs; then what shifts do."""
    whole = [row for row in page["rows"] if row["window_bp"] == row["context_bp"]]
    sets = sorted({row["data"] for row in whole})

    def cells(model: str, metric: str) -> list[str]:
        found = {row["data"]: row for row in whole if row["model"] == model}
        return [_with_interval(found[name], metric, "clean") for name in sets]

    columns = ["model", *(f"task {name[-1]}, AUROC" for name in sets), *(f"task {name[-1]}, MCC" for name in sets)]
    body = [[model, *cells(model, "auroc"), *cells(model, "mcc")] for model in ("holdfast", "kmer")]
    body += [[f"{model} (published)", *values, "", "", ""] for model, values in LANGUAGE_MODELS.items()]
    moved = [
        [row["data"][-1], row["model"], "control" if row["model"] == "kmer" else row["trained"]]
        + [_with_interval(row, metric, view) for metric in ("auroc", "accuracy") for view in ("clean", "worst")]
        + [f"{row['certified']:.3f}"]
        for row in sorted(page["rows"], key=lambda row: (row["data"], row["model"]))
        if row["window_bp"] != row["context_bp"]
    ]
    titles = ["task", "model", "trained", "AUROC, clean", "worst", "accuracy, clean", "worst", "certified and right"]
    return "\n\n".join(
        [
            markdown_table(columns, body),
            "Test ± half a 95 % bootstrap interval. The language models' numbers are from table 1 of"
            " doi:10.1038/s41467-025-65823-8 (mean token embeddings).",
            "Windows of 75 of the 101 bp:",
            markdown_table(titles, moved, words=3),
        ]
    )


def _with_interval(row: Page, metric: str, view: str) -> str:
    low, high = row["interval_95" if metric == "accuracy" else f"{metric}_interval_95"][view]
    return f"{row[metric][view]:.3f} ±{(high - low) / 2:.3f}"


def demo_against_deepbind(page: Page) -> str:
    """Return each set's test AUROC by contender, medians, and the pairwise tests."""
    models = list(dict.fromkeys(row["model"] for row in page["rows"]))
    sets = list(dict.fromkeys(row["data"] for row in page["rows"]))
    found = {(row["data"], row["model"]): row for row in page["rows"]}

    def best(values: list[float]) -> list[str]:
        return [f"**{value:.3f}**" if value == max(values) else f"{value:.3f}" for value in values]

    body = []
    for name in sets:
        chosen = found[name, "demo_by_training"]["chosen"], found[name, "demo_by_validation"]["chosen"]
        depths = " / ".join(f"{one['conv_layers']}+{one['highway_layers']}" for one in chosen)
        body.append([name, depths, *best([found[name, model]["auroc"] for model in models])])
    medians = {row["model"]: row["clean_auroc"] for row in page["medians"]}
    body.append(["median", "", *best([medians[model] for model in models])])
    pairs: Columns = {
        "pair": lambda row: f"{row['a']} - {row['b']}",
        "wins": lambda row: f"{row['wins_a']} : {row['wins_b']}",
        "median difference": lambda row: f"{row['median_difference']:+.4f}",
        "Wilcoxon p": lambda row: f"{row['p']:.2g}",
    }
    tables = (
        markdown_table(["data", "depth by training / validation", *models], body, words=2),
        listed(page["pairs"], pairs),
    )
    return "\n\n".join(tables)


def robust_training(page: Page) -> str:
    """Return accuracy under shifts and under changed windows, by what a model was trained against."""
    attacks = {"clean": "clean", "worst": "worst window", "noise": "noise", "FGSM": "FGSM", "PGD": "PGD"}
    attacks |= {f"{count} substitutions": f"{count} subst." for count in (1, 3)}
    groups: dict[tuple[str, str, str, str], list[Page]] = {}
    for row in page["rows"]:
        groups.setdefault((row["data"], row["model"], f"{row['epsilon']:g}", row["trained"]), []).append(row)
    body = []
    for key, rows in groups.items():
        means = [statistics.mean(row["accuracy"][attack] for row in rows) for attack in attacks]
        body.append([*key, str(len(rows)), *(f"{value:.3f}" for value in means)])
    rows = page["rows"]
    halves = [(high - low) / 2 for row in rows for low, high in [row["interval_95"]["worst"]]]
    said = (
        f"Test accuracy at {page['window_bp']} of 101 bp, the mean of the seeds; preset `{page['preset']}`. Half a "
        f"95 % bootstrap interval of the worst window: {min(halves):.3f} to {max(halves):.3f}. The worst window is "
        "exact; the columns right of it are what was found, and the truth is no better. Substitutions: "
        f"{page['substituted_examples']} drawn test examples, outside the planted core where there is one."
    )
    table = markdown_table(["data", "model", "epsilon", "trained", "seeds", *attacks.values()], body, words=4)
    return f"{table}\n\n{said}"
