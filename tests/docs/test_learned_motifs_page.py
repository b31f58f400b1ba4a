"""The page on what models learned counts what the benchmark measured; a motif stands for its factor by name."""

import json
import re

import pytest
from doc_blocks import ROOT

from holdfast.motifs.database import jaspar_matrices

PAGE = (ROOT / "docs" / "guides" / "what_a_model_learned.md").read_text(encoding="utf-8")
MEASURED = json.loads((ROOT / "benchmarks" / "results" / "learned_motifs.json").read_text(encoding="utf-8"))
ROWS = MEASURED["rows"]


def cells(*first: str) -> list[str]:
    found = re.search(rf"^\| {re.escape(' | '.join(first))} \| (.+) \|$", PAGE, re.MULTILINE)
    assert found, first
    return found[1].split(" | ")


@pytest.mark.parametrize(
    ("way", "words"), [("optimised_shared", "optimised inputs, shared by starts"), ("filter", "best filter")]
)
@pytest.mark.parametrize("model", sorted({row["model"] for row in ROWS}))
def test_the_counts_are_those_of_the_rows(model: str, way: str, words: str) -> None:
    found = [row["motifs"][way] for row in ROWS if row["model"] == model]
    alike, strict, nearest, better, sure = cells(model, words)
    assert alike == f"{len([one for one in found if one['own_motif']['p'] < 0.05])} of {len(found)}"
    assert strict == f"{len([one for one in found if one['own_motif']['q'] < 0.05])} of {len(found)}"
    assert nearest == f"{len([one for one in found if one['own_motif']['rank'] == 0])} of {len(found)}"
    assert better == f"{len([one for one in found if one['affinity_gain'][0] > 0])} of {len(found)}"
    wins, losses = map(int, sure.split(" : "))
    unsure = [one for one in found if one["affinity_gain"][1] <= 0 <= one["affinity_gain"][2]]
    assert wins + losses + len(unsure) == len(found)


def test_a_gain_is_what_our_motif_has_above_that_of_jaspar() -> None:
    for row in ROWS:
        for one in row["motifs"].values():
            gain = one["affinity_auroc"][0] - row["jaspar"]["affinity_auroc"][0]
            assert one["affinity_gain"][0] == pytest.approx(gain, abs=1.5e-4)  # three roundings at the fourth digit


def test_a_factor_is_stood_for_by_the_newest_motif_of_its_own_name() -> None:
    newest: dict[str, str] = {}
    for motif in jaspar_matrices(taxon="vertebrates"):
        newest.setdefault(motif.name.upper(), motif.accession)
    motif_of = MEASURED["jaspar"]["motif_of"]
    assert {factor: newest[factor] for factor in motif_of} == motif_of
    assert all(row["jaspar"]["accession"] == motif_of[row["factor"]] for row in ROWS)


def test_the_words_about_demo_are_its_counts() -> None:
    alike, strict, nearest, better, sure = cells("demo", "optimised inputs, shared by starts")
    wins, losses = sure.split(" : ")
    said = " ".join(PAGE.split())
    assert f"{alike} resemble their factor's motif and {strict} by the stricter measure" in said
    assert f"By affinity {better} are better than JASPAR's" in said
    assert f"{wins} are surely better, {losses} surely worse" in said
    assert f"does better: {cells('demo', 'what maps point at')[3]}" in said
    assert nearest.startswith("1 of")
    first = [
        r["factor"] for r in ROWS if r["model"] == "demo" and r["motifs"]["optimised_shared"]["own_motif"]["rank"] == 0
    ]
    assert first == ["REST"]


def test_the_words_about_sp1_are_what_was_measured() -> None:
    for row in ROWS:
        if row["data"] == "sp1_discovery":
            own = {way: motif["own_motif"]["p"] for way, motif in row["motifs"].items()}
            assert min(own["filter"], own["maps"]) < 0.05 < own["optimised_shared"]
            assert row["motifs"]["optimised_shared"]["best_match"]["q"] > 0.05
    assert {row["model"] for row in ROWS if row["data"] == "sp1_discovery"} == {"demo", "holdfast"}
