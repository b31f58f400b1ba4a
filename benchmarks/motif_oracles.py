"""Motif matching and scanning beside the MEME suite's own outputs, and memelite beside them.

python benchmarks/motif_oracles.py --data FOLDER

FOLDER holds motifs/ and tool_outputs/. memelite compiles for a minute or two on its first call.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import write_result
from holdfast.io.meme import meme_background
from holdfast.motifs.files import read_motifs
from holdfast.motifs.match import MatchSettings, match_motifs
from holdfast.motifs.motif import Motif, symmetric
from holdfast.motifs.scan import scan_motifs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "motifs"))
from fimo_outputs import CASES, SUITE, fimo_case
from tomtom_outputs import read_tomtom

DEEP = ("CTCF_DeepBind", "CTCF_DeepBind-Estar", "CTCF_ECBLSTM")
Found = pd.DataFrame
"""Columns p, offset, overlap, strand, q by (query, target)."""


@dataclass(frozen=True)
class Run:
    """What Tomtom read, how, and what it wrote."""

    name: str
    queries: Sequence[Motif]
    targets: Sequence[Motif]
    settings: MatchSettings
    table: Path


def main() -> None:
    """Compare every row of every output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    rows = []
    for run in tomtom_runs(data):
        for tool, match in (("holdfast", ours), ("memelite, Euclidean", theirs)):
            rows.append(compared(run, tool, match))
            print(rows[-1])
    scans = [scanned(data / SUITE, case) for case in CASES]
    print(*scans, sep="\n")
    write_result("motif_oracles", {"tomtom": rows, "fimo": scans})


def tomtom_runs(data: Path) -> list[Run]:
    """Return the runs whose outputs are there, all with complete scores."""
    sample = data / SUITE / "tests/common/sample.meme"
    motifs = read_motifs(sample)
    runs = []
    for distance, ending in (("euclidean", "ed"), ("pearson", "pearson")):
        settings = MatchSettings(distance=distance, max_q=1.0)  # type: ignore[arg-type]
        table = data / SUITE / f"tests/tomtom/tomtom.complete.out.{ending}"
        runs.append(Run(f"4.12 sample, {distance}", motifs, motifs, settings, table))
    targets = read_motifs(data / "motifs/CISBP_Homo_sapiens.734.meme")
    for name in DEEP:
        file = data / "tool_outputs/tomtom_5.0.3" / name / "filters_meme.txt"
        background = meme_background(file)
        assert background is not None
        settings = MatchSettings(background=symmetric(background), max_q=1.0)
        runs.append(Run(f"5.0.3 {name}, pearson", read_motifs(file), targets, settings, file.parent / "tomtom.tsv"))
    return runs


def ours(run: Run) -> Found:
    """Return holdfast's matches."""
    rows = {
        (identity(one.query), identity(one.target)): (one.p_value, one.offset, one.overlap, one.strand, one.q_value)
        for one in match_motifs(run.queries, run.targets, run.settings)
    }
    return as_found(rows)


def theirs(run: Run) -> Found:
    """Return memelite's matches: Euclidean, the only distance it has, of the same smoothed matrices."""
    from memelite import tomtom

    def smooth(motifs: Sequence[Motif]) -> list[np.ndarray]:
        background = run.settings.background
        return [np.ascontiguousarray(motif.smoothed(0.1, background).probabilities) for motif in motifs]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that five targets are few
        p, _, offset, overlap, strand = tomtom(smooth(run.queries), smooth(run.targets), n_jobs=1)
    rows = {
        (identity(query), identity(target)): (
            p[i, j],
            int(offset[i, j]),
            overlap[i, j],
            "+-"[int(strand[i, j])],
            np.nan,
        )
        for i, query in enumerate(run.queries)
        for j, target in enumerate(run.targets)
    }
    return as_found(rows)


def as_found(rows: dict[tuple[str, str], tuple[Any, ...]]) -> Found:
    """Return rows as a table."""
    return pd.DataFrame.from_dict(rows, orient="index", columns=["p", "offset", "overlap", "strand", "q"])


def identity(motif: Motif) -> str:
    """Return what Tomtom calls a motif."""
    return motif.accession or motif.name


def compared(run: Run, tool: str, match: Callable[[Run], Found]) -> dict[str, Any]:
    """Return how far a tool is from what Tomtom printed; a first call, which may compile, is timed apart."""
    start = time.perf_counter()
    match(run)
    first, start = time.perf_counter() - start, time.perf_counter()
    found = match(run)
    seconds = time.perf_counter() - start
    known = read_tomtom(run.table)
    found.index = pd.MultiIndex.from_tuples(found.index)
    same = found.loc[list(known.index)]
    difference = np.abs(np.log10(same["p"].to_numpy(dtype=float) / known["p"].to_numpy()))
    place = (same[["offset", "overlap", "strand"]].to_numpy() == known[["offset", "overlap", "strand"]].to_numpy()).all(
        1
    )
    best = [
        found.loc[query]["p"].astype(float).idxmin() == rows["p"].idxmin()[1] for query, rows in known.groupby(level=0)
    ]
    ratio = same["q"].to_numpy(dtype=float) / known["q"].to_numpy()
    return {
        "run": run.name,
        "tool": tool,
        "rows": len(known),
        "queries_with_matches": len(best),
        "same_best_target": int(sum(best)),
        "same_place": int(place.sum()),
        "log10_p_difference_max": float(difference.max()),
        "log10_p_difference_median": float(np.median(difference)),
        "q_ratio_min": None if np.isnan(ratio).any() else float(ratio.min()),
        "q_ratio_max": None if np.isnan(ratio).any() else float(ratio.max()),
        "seconds_a_query": seconds / len(run.queries),
        "seconds_of_first_call": first,
    }


def scanned(suite: Path, case: str) -> dict[str, Any]:
    """Return how far holdfast's sites are from FIMO's."""
    known = fimo_case(suite, case)
    start = time.perf_counter()
    found = scan_motifs([known.motif], known.names, known.sequences, known.settings)
    seconds = time.perf_counter() - start
    ours = found.set_index(["sequence", "start", "strand"])
    fimo = known.found.set_index(["sequence_name", "start", "strand"])
    both = ours.index.intersection(fimo.index)
    left, right = ours.loc[both], fimo.loc[both]
    ratio = left["q"].to_numpy() / right["q-value"].to_numpy()
    difference = np.abs(np.log10(left["p"].to_numpy() / right["p-value"].to_numpy()))
    bases = sum(map(len, known.sequences))
    return {
        "run": f"4.12 {case}",
        "tool": "holdfast",
        "bases": bases,
        "sites_of_fimo": len(fimo),
        "sites_of_holdfast": len(ours),
        "same_sites": len(both),
        "score_difference_max_bits": float(np.abs(left["score"].to_numpy() - right["score"].to_numpy()).max()),
        "log10_p_difference_max": float(difference.max()),
        "log10_p_difference_median": float(np.median(difference)),
        "q_ratio_min": float(ratio.min()),
        "q_ratio_max": float(ratio.max()),
        "mbases_a_second_both_strands": bases / seconds / 1e6,
    }


if __name__ == "__main__":
    main()
