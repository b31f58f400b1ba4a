"""How results/learned_motifs.json, and motifs beside what the MEME suite printed, become tables."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_tables import Columns, Page, listed, markdown_table, number

__all__ = ["learned_motifs", "motif_oracles", "zoops"]

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
    return f"Optimised inputs, medians of the starts:\n\n{listed(rows, columns)}"


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


def motif_oracles(page: Page) -> str:
    """Return how far matches and sites are from those that the MEME suite printed."""
    tomtom: Columns = {
        "Tomtom's run": lambda row: row["run"],
        "computed by": lambda row: row["tool"],
        "rows": lambda row: number(row["rows"]),
        "same best match": lambda row: f"{row['same_best_target']} of {row['queries_with_matches']}",
        "same offset and strand": lambda row: f"{row['same_place']} of {row['rows']}",
        "log10 p apart, median": lambda row: f"{row['log10_p_difference_median']:.2g}",
        "largest": lambda row: f"{row['log10_p_difference_max']:.2g}",
        "q over Tomtom's": lambda row: _between(row),
    }
    fimo: Columns = {
        "FIMO's run": lambda row: row["run"],
        "bases": lambda row: number(row["bases"]),
        "sites of both": lambda row: f"{row['same_sites']} of {row['sites_of_fimo']}",
        "of holdfast alone": lambda row: number(row["sites_of_holdfast"] - row["same_sites"]),
        "score apart, largest (bits)": lambda row: f"{row['score_difference_max_bits']:.2g}",
        "log10 p apart, largest": lambda row: f"{row['log10_p_difference_max']:.2g}",
        "q over FIMO's": lambda row: _between(row),
    }
    printed = (
        "Tomtom prints six digits and FIMO three of a p value: 2e-06 and 0.002 of log10 p are the rounding of print."
    )
    return f"{listed(page['tomtom'], tomtom)}\n\n{listed(page['fimo'], fimo)}\n\n{printed}"


def _between(row: Page) -> str:
    return "" if row["q_ratio_min"] is None else f"{row['q_ratio_min']:.2f} to {row['q_ratio_max']:.2f}"


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
    return f"{listed(example['motifs'], columns)}\n\n{said}"
