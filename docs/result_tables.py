"""How each benchmark's JSON becomes Markdown tables."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from attribution_tables import attribution_truth
from markdown_tables import Page, markdown_table

__all__ = ["Page", "markdown_table", "table_of"]

Columns = Mapping[str, Callable[[Page], str]]
"""Titles, and what each column writes of a row."""


def table_of(name: str) -> Callable[[Page], str]:
    """Return what draws the result of that name."""
    if name.startswith("accuracy_sp1_discovery"):
        return accuracy_beside_the_paper
    if name == "accuracy_gue_tf":
        return beside_language_models
    return next(table for start, table in TABLES.items() if name.startswith(start))


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
        _listed(page["pairs"], pairs),
    )
    return "\n\n".join(tables)


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


def scan(page: Page) -> str:
    """Return the shared scan beside the plain loop."""
    columns: Columns = {
        "model": lambda row: row["model"],
        "window (bp)": lambda row: str(row["window_bp"]),
        "windows": lambda row: str(row["windows"]),
        "loop (sequences/s)": lambda row: _number(row["loop_sequences_per_s"]),
        "shared scan (sequences/s)": lambda row: _number(row["scan_sequences_per_s"]),
        "ratio": lambda row: f"{row['ratio']:.1f}",
    }
    return f"{_listed(page['rows'], columns)}\n\nBatches of {page['batch']} contexts of {page['context_bp']} bp."


def scan_pooled(page: Page) -> str:
    """Return the scan of pooled models beside the plain loop in small and in large batches."""
    columns = ["model", "window of context (bp)", "loop (windows/s)", "loop, 64 a batch", "shared scan", "ratios"]
    body = [
        [
            row["model"],
            f"{row['window_bp']} of {row['context_bp']}",
            _number(row["loop_windows_per_s"]),
            _number(row["loop_of_64_windows_per_s"]),
            _number(row["scan_windows_per_s"]),
            f"{row['ratio_to_loop']:.1f}, {row['ratio_to_loop_of_64']:.1f}",
        ]
        for row in page["rows"]
    ]
    return f"{markdown_table(columns, body)}\n\nOne thread; 2 contexts of 1,200 bp or 40 of 101 bp at a time."


def training_step(page: Page) -> str:
    """Return what a Worst step costs."""
    columns: Columns = {
        "model": lambda row: row["model"],
        "window (bp)": lambda row: str(row["window_bp"]),
        "ordinary step (ms)": lambda row: f"{row['ordinary_ms']:.1f}",
        "Worst, shared scan": lambda row: f"{row['worst_shared_in_ordinary_steps']:.2f} steps",
        "Worst, plain loop": lambda row: f"{row['worst_plain_in_ordinary_steps']:.2f} steps",
    }
    return f"{_listed(page['rows'], columns)}\n\nA step of Worst training, attack included, in ordinary steps."


def read_fasta(page: Page) -> str:
    """Return rates of reading FASTA.gz."""
    kinds = {"one_line": "one line a sequence", "several_lines": "lines of 60"}
    columns: Columns = {
        "FASTA.gz": lambda row: row["words"],
        "file (MB)": lambda row: f"{row['gz_file_mb']:.0f}",
        "holdfast (MB of sequence/s)": lambda row: f"{row['mb_of_sequence_per_s']:.0f}",
        "Biopython (MB of sequence/s)": lambda row: f"{row['biopython_mb_of_sequence_per_s']:.0f}",
        "ratio": lambda row: f"{row['ratio']:.1f}",
    }
    return _listed([page[key] | {"words": words} for key, words in kinds.items() if page.get(key)], columns)


def shuffle(page: Page) -> str:
    """Return rates of the dinucleotide shuffle."""
    body = [
        [f"dinucleotide shuffle, {page['length_bp']} bp", _number(page["dinucleotide_per_s"])],
        ["the same with 1 % unknown bases", _number(page["dinucleotide_with_1_percent_unknown_per_s"])],
        ["tangermeme's dinucleotide shuffle", _number(page["tangermeme_dinucleotide_per_s"])],
    ]
    return markdown_table(["shuffle", "sequences/s, one core"], body)


def store(page: Page) -> str:
    """Return sizes and rates of a stored data set."""
    body = [
        ["bytes a base on disk", f"{page['bytes_per_base']:.3f}"],
        ["4.4 million contexts of 1,200 bp on disk (GB)", f"{page['full_size_gb']:.2f}"],
        ["read in order (million bases/s)", _number(page["stream_in_order_mbases_per_s"])],
        ["read in random order (million bases/s)", _number(page["stream_shuffled_mbases_per_s"])],
        ["memory held before, while streaming (MB)", _pair(page, "held_mb_before", "held_mb_most_while_streaming")],
    ]
    return markdown_table(["stored data set", ""], body)


def audit_memory(page: Page) -> str:
    """Return the memory of an audit by the number of examples."""
    columns: Columns = {
        "examples": lambda row: _number(row["examples"]),
        "examples/s": lambda row: _number(row["examples_per_s"]),
        "memory above that before the audit (MiB)": lambda row: f"{row['anonymous_grown_by_mib']:.0f}",
        "with the table written (MiB)": lambda row: f"{row['anonymous_grown_by_mib_writing_the_table']:.0f}",
    }
    return _listed(page["rows"], columns)


def parity(page: Page) -> str:
    """Return the largest differences between imported models and their references."""

    def worst(row: Page, start: str) -> str:
        found = [error for name, error in row["errors"].items() if name.startswith(start)]
        return f"{max(found):.0e}" if found else ""

    columns: Columns = {
        "file": lambda row: row["references"],
        "model": lambda row: f"`{row['model']}`",
        "parameters": lambda row: _number(row["parameters"]),
        "output": lambda row: worst(row, "output"),
        "logit": lambda row: worst(row, "logit") or worst(row, "score"),
        "attention": lambda row: worst(row, "attention"),
    }
    return _listed(page["rows"], columns)


def contract(page: Page) -> str:
    """Return what every model promises, measured."""

    def size(value: float) -> str:
        return "0" if value == 0 else f"{value:.0e}"

    columns: Columns = {
        "model": lambda row: f"`{row['model']}`",
        "parameters as stated": lambda row: "yes" if row["parameters"] == row["parameters_stated"] else "no",
        "alone": lambda row: size(row["alone_against_batch"]),
        "scan": lambda row: size(row["scan_against_loop"]) if row["scan_is_shared"] else "the loop",
        "other strand": lambda row: size(row["other_strand"]) if row["both_strands"] else "differs",
        "saved": lambda row: size(row["saved_copy"]),
        "`torch.export`": lambda row: size(row["torch_export"]),
        "ONNX": lambda row: size(row["onnx"]),
        "loss falls": lambda row: {True: "yes", False: "no", None: "solved"}[row["loss_falls"]],
    }
    return _listed(page["rows"], columns)


LANGUAGE_MODELS = {
    "DNABERT-2": (".838", ".821", ".790"),
    "NT-v2": (".832", ".809", ".797"),
    "HyenaDNA": (".830", ".821", ".788"),
    "Caduceus-Ph": (".880", ".869", ".825"),
    "GROVER": (".862", ".850", ".816"),
}


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


def motif_oracles(page: Page) -> str:
    """Return how far matches and sites are from those that the MEME suite printed."""
    tomtom: Columns = {
        "Tomtom's run": lambda row: row["run"],
        "computed by": lambda row: row["tool"],
        "rows": lambda row: _number(row["rows"]),
        "same best match": lambda row: f"{row['same_best_target']} of {row['queries_with_matches']}",
        "same offset and strand": lambda row: f"{row['same_place']} of {row['rows']}",
        "log10 p apart, median": lambda row: f"{row['log10_p_difference_median']:.2g}",
        "largest": lambda row: f"{row['log10_p_difference_max']:.2g}",
        "q over Tomtom's": lambda row: _between(row),
    }
    fimo: Columns = {
        "FIMO's run": lambda row: row["run"],
        "bases": lambda row: _number(row["bases"]),
        "sites of both": lambda row: f"{row['same_sites']} of {row['sites_of_fimo']}",
        "of holdfast alone": lambda row: _number(row["sites_of_holdfast"] - row["same_sites"]),
        "score apart, largest (bits)": lambda row: f"{row['score_difference_max_bits']:.2g}",
        "log10 p apart, largest": lambda row: f"{row['log10_p_difference_max']:.2g}",
        "q over FIMO's": lambda row: _between(row),
    }
    printed = (
        "Tomtom prints six digits and FIMO three of a p value: 2e-06 and 0.002 of log10 p are the rounding of print."
    )
    return f"{_listed(page['tomtom'], tomtom)}\n\n{_listed(page['fimo'], fimo)}\n\n{printed}"


def _between(row: Page) -> str:
    return "" if row["q_ratio_min"] is None else f"{row['q_ratio_min']:.2f} to {row['q_ratio_max']:.2f}"


def attribution(page: Page) -> str:
    """Return what sharing gains in-silico mutagenesis, and DeepSHAP beside tangermeme's plain use."""
    columns: Columns = {
        "mutagenesis of": lambda row: f"`{row['model']}`",
        "window (bp)": lambda row: _number(row["window_bp"]),
        "plain loop (mutants/s)": lambda row: _number(row["loop_mutants_per_s"]),
        "shared (mutants/s)": lambda row: _number(row["shared_mutants_per_s"]),
        "ratio": lambda row: f"{row['ratio']:.1f}",
        "largest difference of logits": lambda row: f"{row['largest_difference_of_logits']:.0e}",
    }
    return _listed(page["mutagenesis"], columns)


def class_optimisation(page: Page) -> str:
    """Return what many starts in one batch gain."""
    columns: Columns = {
        "model": lambda row: f"`{row['model']}`",
        "all starts in one batch (ms a step)": lambda row: _number(row["one_batch_cpu_ms_per_step"]),
        "one by one, in batches' time": lambda row: f"{row['ratio']:.1f}",
        "losses apart": lambda row: f"{row['largest_difference_of_final_loss']:.0e}",
    }
    said = f"{page['starts']} starts at {page['window_bp']} bp, {page['steps']} steps timed, seconds of the processor."
    return f"{_listed(page['rows'], columns)}\n\n{said}"


def zoops(page: Page) -> str:
    """Return the motifs of MEME's own example beside those that MEME printed."""
    columns: Columns = {
        "motif": lambda row: f"`{row['consensus']}`",
        "sites, ours / MEME's": lambda row: f"{row['sites']['ours']} / {row['sites']['meme']}",
        "log10 E, ours / MEME's": lambda row: f"{row['log10_e']['ours']:.1f} / {row['log10_e']['meme']:.1f}",
        "correlation of columns": lambda row: f"{row['mean_column_correlation']:.3f}",
        "MEME's sites among ours": lambda row: f"{row['share_of_memes_sites']:.0%}",
    }
    example = page["memechip_example"]
    said = (
        f"{example['sequences']} sequences of {example['length_bp']} bp, widths 6 to {example['max_width_bp']}:"
        f" {example['cpu_seconds']:.0f} seconds of the processor; MEME 4.12 printed {example['seconds_meme_said']:.0f},"
        " on another machine."
    )
    return f"{_listed(example['motifs'], columns)}\n\n{said}"


def cleaner_explanations(page: Page) -> str:
    """Return, for each data set and training, stability, movement, truth and agreement; then the motifs shown."""
    groups: dict[tuple[str, ...], list[Page]] = {}
    for row in page["rows"]:
        groups.setdefault(_trained(row), []).append(row)
    agreed = {_trained(row): row["rank_correlation"] for row in page["agreement"]}
    changed = {_trained(row): row for row in page["against_no_shift"]}
    titles = ["data", "model", "trained", "seeds", "worst accuracy", "stability", "less that of No Shift", "movement"]
    titles += ["truth (AUROC)", "less that of No Shift", "agreement of seeds"]
    body = [
        [
            *key,
            str(len(rows)),
            _mean([row["worst"] for row in rows]),
            _mean([row["stability"][0] for row in rows]),
            _change(changed.get(key), "stability"),
            _mean([row["movement"][0] for row in rows]),
            _mean([row["truth"]["mean_auroc"] for row in rows if row["truth"]]),
            _change(changed.get(key), "truth_auroc"),
            f"{agreed[key]:.2f}" if key in agreed else "",
        ]
        for key, rows in groups.items()
    ]
    said = (
        f"{page['window_bp']} of 101 bp, preset {page['preset']}; maps by {page['method']} of {page['examples']} bound"
        " test examples; means over seeds. Less that of No Shift: example by example, with the 95 % interval over"
        " examples."
    )
    return f"{markdown_table(titles, body, words=3)}\n\n{said}\n\n{_shown_motifs(page, groups)}"


def _shown_motifs(page: Page, groups: Mapping[tuple[str, ...], list[Page]]) -> str:
    """Return in how many of the trainings the factor's motif is among what a model shows, in three ways."""
    titles = ["data", "model", "trained", "in filters", "in the optimised input", "in what maps point at"]
    titles += ["first in what maps point at"]
    body = []
    for key, rows in groups.items():
        first = [row["recall"]["attributed"] for row in rows]
        leads = f"{sum(one['found'] and one['place'] == 1 for one in first)} of {len(first)}"
        body.append([*key, *(_recalled(rows, way) for way in ("filters", "class_optimisation", "attributed")), leads])
    said = (
        "Trainings that show JASPAR's motif of the factor: the best match has p < .05, times the motifs asked."
        f" Beside it the correlation of the aligned columns. Up to {page['attributed_motifs']} motifs are looked for in"
        " what maps point at; first is the one that most maps share."
    )
    return f"{markdown_table(titles, body, words=3)}\n\n{said}"


def _trained(row: Page) -> tuple[str, ...]:
    return row["data"], row["model"], row["trained"]


def _change(row: Page | None, name: str) -> str:
    if row is None or name not in row:
        return ""
    value, low, high = row[name]
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.3f}" if values else ""


def _recalled(rows: Sequence[Page], way: str) -> str:
    found = [row["recall"][way] for row in rows]
    alike = [one["correlation"] for one in found if one["found"]]
    return f"{sum(one['found'] for one in found)} of {len(found)}" + (
        f", {statistics.mean(alike):.2f}" if alike else ""
    )


WAYS = {
    "optimised_informative": "optimised input, most informative run",
    "optimised_strongest": "optimised input, strongest columns",
    "optimised_shared": "optimised inputs, shared by starts",
    "filter": "best filter",
    "maps": "what maps point at",
}
SHOWN = ("optimised_shared", "filter", "maps")


def learned_motifs(page: Page) -> str:
    """Return how many motifs match and beat JASPAR's, as DeMo's poster counts; then every set."""
    rows = sorted(page["rows"], key=lambda row: (row["model"], row["factor"], row["data"]))
    models = dict.fromkeys(row["model"] for row in rows)
    counted = [_poster_counts(model, way, rows) for model in models for way in WAYS]
    counted.append(["DeMo (published)", "optimised input", "36 of 57", "", "", "29 of 57", ""])
    titles = ["model", "motif", "resembles its factor's (p < .05)", "q < .05", "nearest of all"]
    titles += ["better by affinity", "surely better : surely worse"]
    said = (
        "Surely: the 95 % interval of the difference is on one side of 0. Affinity in the next table: test AUROC of a"
        " motif's average affinity, and what ours gains over that of JASPAR's motif of the factor; ± half a 95 %"
        " bootstrap interval, paired for gains."
    )
    parts = [markdown_table(titles, counted, words=2), said, _affinities(rows)]
    for way in SHOWN:
        parts += [f"{WAYS[way].capitalize()}, beside JASPAR:", _named_by_jaspar(way, rows)]
    return "\n\n".join([*parts, _optimised_inputs(rows)])


def _affinities(rows: Sequence[Page]) -> str:
    titles = ["data", "model", "test AUROC", "test accuracy", "affinity of JASPAR's"]
    body = [
        [_set_words(row["data"]), row["model"]]
        + [_estimate(found) for found in (row["auroc"], row["accuracy"], row["jaspar"]["affinity_auroc"])]
        + [_gain(row, way) for way in SHOWN]
        for row in rows
    ]
    return markdown_table([*titles, *(f"gain: {WAYS[way]}" for way in SHOWN)], body, words=2)


def _named_by_jaspar(way: str, rows: Sequence[Page]) -> str:
    titles = ["data", "model", "consensus", "best match", "E", "q", "columns' correlation"]
    titles += ["factor's own motif: p", "rank"]
    body = [
        [_set_words(row["data"]), row["model"], *_named(row["motifs"][way])] for row in rows if way in row["motifs"]
    ]
    return markdown_table(titles, body, words=4)


def _optimised_inputs(rows: Sequence[Page]) -> str:
    columns: Columns = {
        "data": lambda row: _set_words(row["data"]),
        "model": lambda row: row["model"],
        "P+ of the input": lambda row: f"{row['optimised']['bound_median']:.3f}",
        "P+ of its sequence": lambda row: f"{row['optimised']['bound_as_sequence_median']:.3f}",
        "likeness of starts": lambda row: f"{row['optimised']['likeness_of_starts_median']:.2f}",
    }
    return f"Optimised inputs, medians of the starts:\n\n{_listed(rows, columns)}"


def _poster_counts(model: str, way: str, rows: Sequence[Page]) -> list[str]:
    found = [row["motifs"][way] for row in rows if row["model"] == model and way in row["motifs"]]

    def of(facts: Sequence[bool]) -> str:
        return f"{sum(facts)} of {len(found)}"

    return [
        model,
        WAYS[way],
        of([one["own_motif"]["p"] < 0.05 for one in found]),
        of([one["own_motif"]["q"] < 0.05 for one in found]),
        of([one["own_motif"]["rank"] == 0 for one in found]),
        of([one["affinity_gain"][0] > 0 for one in found]),
        f"{sum(one['affinity_gain'][1] > 0 for one in found)} : {sum(one['affinity_gain'][2] < 0 for one in found)}",
    ]


def _set_words(name: str) -> str:
    return "SP1 H1-hESC, S/discovery" if name == "sp1_discovery" else " ".join(name.split("_")[:2])


def _estimate(found: Sequence[float]) -> str:
    value, low, high = found
    return f"{value:.3f} ±{(high - low) / 2:.3f}"


def _gain(row: Page, way: str) -> str:
    if way not in row["motifs"]:
        return ""
    value, low, high = row["motifs"][way]["affinity_gain"]
    return f"{value:+.3f} ±{(high - low) / 2:.3f}"


def _named(motif: Page) -> list[str]:
    best, own = motif["best_match"], motif["own_motif"]
    return [
        f"`{motif['consensus']}`",
        best["motif"],
        f"{best['e']:.2g}",
        f"{best['q']:.2g}",
        f"{best['correlation']:.2f}",
        f"{own['p']:.1g}",
        str(own["rank"] + 1),
    ]


TABLES: Mapping[str, Callable[[Page], str]] = {
    "learned_motifs": learned_motifs,
    "accuracy": accuracy,
    "scan_pooled": scan_pooled,  # before its prefix
    "scan": scan,
    "parity": parity,
    "contract": contract,
    "training_step": training_step,
    "robust_training": robust_training,
    "read_fasta": read_fasta,
    "shuffle": shuffle,
    "store": store,
    "audit_memory": audit_memory,
    "demo_against_deepbind": demo_against_deepbind,
    "motif_oracles": motif_oracles,
    "attribution_truth": attribution_truth,  # before its prefix
    "attribution": attribution,
    "class_optimisation": class_optimisation,
    "zoops": zoops,
    "cleaner_explanations": cleaner_explanations,
}


def _pair(page: Page, first: str, second: str) -> str:
    return f"{page[first]:.0f}, {page[second]:.0f}"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _listed(rows: Sequence[Page], columns: Columns) -> str:
    return markdown_table(list(columns), [[write(row) for write in columns.values()] for row in rows])
