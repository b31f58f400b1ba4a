"""How results/attribution_truth.json becomes tables: one row for each method in all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markdown_tables import Page, markdown_table, mean, signed_interval

__all__ = ["attribution_truth"]

Rows = Sequence[Page]


def attribution_truth(page: Page) -> str:
    """Return how methods point, how they compare, what randomisation leaves of them, and how exact they are."""
    parts = [
        "Chance that a base of a planted site outranks another one (AUROC):",
        pointing(page, "auroc"),
        "Average precision of the same ranking:",
        pointing(page, "aupr"),
        said_of_pointing(page),
        "Beside mutagenesis, in completeness and in cost:",
        comparison(page),
        said_of_comparison(page),
        "`integrated-gradients` by nodes, seed 1:",
        nodes(page),
        "Rank correlation of maps with those of the trained model, its weights shuffled from the top layer down:",
        randomisation(page),
        said_of_randomisation(page),
        "Where the right map is known exactly (`occlusion` of one base at a time):",
        closed_forms(page),
    ]
    return "\n\n".join(parts)


def pointing(page: Page, score: str) -> str:
    """Return means over seeds by method, model and factor; of controls, over factors too."""
    trained = unique((row["model"], row["data"]) for row in page["rows"] if row["state"] == "trained")
    others = unique((row["model"], row["state"]) for row in page["rows"] if row["state"] != "trained")
    titles = [f"`{model}`, {data}" for model, data in trained]
    titles += [f"`{model}` untrained" if state == "untrained" else model for model, state in others]

    def cells(row_of_method: Rows) -> list[str]:
        by_factor = [
            [row[score][0] for row in row_of_method if is_of(row, model=model, data=data, state="trained")]
            for model, data in trained
        ]
        by_state = [
            [row[score][0] for row in row_of_method if is_of(row, model=model, state=state)] for model, state in others
        ]
        return [mean(values) for values in (*by_factor, *by_state)]

    return by_method(page["rows"], titles, cells)


def said_of_pointing(page: Page) -> str:
    """Return what the scores of pointing are, how sure, and what a map scores that looks at no model."""
    rows = [row for row in page["models"] if row["state"] == "trained"]
    halves = [(row["auroc"][2] - row["auroc"][1]) / 2 for row in page["rows"] if row["state"] == "trained"]
    learned = [
        f"`{model}` {mean([row['clean_auroc'] for row in rows if is_of(row, model=model, data=data)])} ({data})"
        for model, data in unique((row["model"], row["data"]) for row in rows)
    ]
    blind = [
        f"{name} " + " and ".join(f"{row['auroc'][0]:.3f} / {row['aupr'][0]:.3f} ({row['data']})" for row in group)
        for name, group in grouped(page["controls"], "control").items()
    ]
    shares = {row["data"]: row["share"] for row in page["controls"]}
    nothing = " and ".join(f"{share:.3f} ({data})" for data, share in shares.items())
    return (
        f"{page['examples']} bound test examples of each simulated factor, {page['window_bp']} of 101 bp; means over"
        f" seeds, of the last columns over factors. Half a 95 % interval of a model's AUROC over examples:"
        f" {min(halves):.3f} to {max(halves):.3f}. Test AUROC of the trained models: {', '.join(learned)}. Maps that"
        f" look at no model, AUROC / precision: {'; '.join(blind)}. A map that knows nothing: .5 / {nothing}."
    )


def comparison(page: Page) -> str:
    """Return differences from mutagenesis, gaps, the gain of both strands, and cost."""
    models = unique(row["model"] for row in page["rows"] if row["state"] == "trained")
    one_strand = unique(row["model"] for row in page["rows"] if row["both_strands"])
    titles = [f"AUROC less that of `ism`, `{model}`" for model in models]
    titles += ["ranks as `ism`", *(f"both strands, `{model}`" for model in one_strand), "largest gap", "flagged"]
    titles += [f"ms a window, `{model}`" for model in models]
    compared = [row for row in page["compared"] if row["state"] == "trained"]

    def cells(rows: Rows) -> list[str]:
        trained = [row for row in rows if row["state"] == "trained"]
        method, gaps = rows[0]["method"], [row for row in trained if row["largest_gap"] is not None]
        less = [row for model in models for row in compared if is_of(row, model=model, method=method)]
        gains = [[row["both_strands"]["auroc_gain"][0] for row in trained if row["model"] == one] for one in one_strand]
        costs = [[row["cpu_seconds_per_window"] for row in trained if row["model"] == model] for model in models]
        alike = [row["absolute_rank_correlation_with_ism"] for row in trained]
        return [
            *("" if method == "ism" else signed_interval(row["auroc_less_ism"]) for row in less),
            mean([value for value in alike if value is not None], places=2),
            *(f"{statistics.mean(values):+.3f}" for values in gains),
            f"{max(row['largest_gap'] for row in gaps):.0e}" if gaps else "",
            f"{statistics.mean(row['share_flagged'] for row in gaps):.0%}" if gaps else "",
            *(f"{1000 * statistics.mean(values):.1f}" for values in costs),
        ]

    return by_method(page["rows"], titles, cells)


def said_of_comparison(page: Page) -> str:
    """Return what the columns of the comparison are."""
    return (
        "Of trained models: differences in AUROC with 95 % intervals over the examples of all factors; ranks are"
        " Spearman's correlation of absolute contributions with those of `ism`, mean; both strands: what the mean of"
        " both strands' maps gains in AUROC (a model that reads both has nothing to gain); the largest gap, in logits,"
        " and the share of flagged maps; milliseconds of the processor, one thread."
    )


def nodes(page: Page) -> str:
    """Return what nodes and refinement do to the gap of integrated gradients: means over factors, the largest gap."""
    models = unique(row["model"] for row in page["steps"])
    titles = ["nodes", *(f"{title}, `{model}`" for model in models for title in ("largest gap", "flagged", "ms"))]
    rules = unique((row["steps"], row["refine"]) for row in page["steps"])
    rows = []
    for steps, refine in sorted(rules):
        cells = [f"{steps}, refined where flagged" if refine else str(steps)]
        for model in models:
            found = [row for row in page["steps"] if is_of(row, model=model, steps=steps, refine=refine)]
            cells += [
                f"{max(row['largest_gap'] for row in found):.2g}",
                f"{statistics.mean(row['share_flagged'] for row in found):.0%}",
                f"{1000 * statistics.mean(row['cpu_seconds_per_window'] for row in found):.0f}",
            ]
        rows.append(cells)
    return markdown_table(titles, rows)


def randomisation(page: Page) -> str:
    """Return what is left after the top layer, after half of the layers and after all."""
    models = unique(row["model"] for row in page["randomised"])
    stages = ("top layer", "half", "all")
    titles = [f"`{model}`, {stage}" for model in models for stage in stages]
    titles += [f"`{model}`, all, signed" for model in models]

    def cells(rows: Rows) -> list[str]:
        found = [[row for row in rows if row["model"] == model] for model in models]
        left = [
            [row["absolute"][place] for row in part]
            for part in found
            for place in (0, (len(part[0]["layers"]) + 1) // 2 - 1, -1)
        ]
        signed = [[row["correlation"][-1] for row in part if row["correlation"]] for part in found]
        return [mean([one for one in values if one is not None], places=2) for values in (*left, *signed)]

    return by_method(page["randomised"], titles, cells)


def said_of_randomisation(page: Page) -> str:
    """Return how the check was made."""
    how = page["randomised_settings"]
    changes = "; ".join(
        f"`{name}` with {', '.join(f'{key} = {value}' for key, value in change.items())}"
        for name, change in how["changes"].items()
    )
    layers = grouped(page["randomised"], "model")
    counts = " and ".join(f"{len(rows[0]['layers'])} layers of `{model}`" for model, rows in layers.items())
    return (
        f"Of absolute contributions, and after all layers of signed ones; means over {how['windows']} windows,"
        f" {how['orders']} orders and the factors, one model each; {counts}; {changes}. Empty where every map is flat"
        " or has no sign."
    )


def closed_forms(page: Page) -> str:
    """Return differences from what is known of a linear model, and of the best place of a matrix."""
    rows = [row for row in page["closed_forms"] if "refused" not in row]
    titles = ["model", "method", "largest difference", "largest gap"]
    body = [
        [
            row["model"],
            f"`{row['method']}`",
            size(row["largest_difference"]),
            size(row["largest_gap"]) if "largest_gap" in row else "",
        ]
        for row in rows
    ]
    return markdown_table(titles, body, words=2)


def by_method(rows: Rows, titles: Sequence[str], cells: Callable[[Rows], list[str]]) -> str:
    """Return a table with a line for each method."""
    body = [[f"`{method}`", *cells(part)] for method, part in grouped(rows, "method").items()]
    return markdown_table(["method", *titles], body)


def grouped(rows: Rows, key: str) -> dict[str, list[Page]]:
    """Return rows by what a key says, in the order of its first mention."""
    groups: dict[str, list[Page]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def unique(values: Iterable[Any]) -> list[Any]:
    """Return each value once, in the order of its first mention."""
    return list(dict.fromkeys(values))


def is_of(row: Page, **wanted: str) -> bool:
    """Return whether a row has these values."""
    return all(row[key] == value for key, value in wanted.items())


def size(value: float) -> str:
    """Return the order of a difference."""
    return "0" if value == 0 else f"{value:.0e}"
