"""ZOOPS motif discovery: agreement with MEME 4.12 on MEME's own example, and seconds.

    python benchmarks/zoops.py PATH/memechip_example_output_files

No maintained Python package does this, so there is nothing to divide by: MEME's own time is what its output says, of
another machine in 2017.
"""

from __future__ import annotations

import argparse
import math
import re
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import write_result
from holdfast.interpret.zoops import Zoops, discover_zoops
from holdfast.io.fasta import read_records
from holdfast.motifs.database import jaspar_motif

BACKGROUND = (0.256, 0.244, 0.244, 0.256)
NEAR_BP = 4


def main() -> None:
    """Find the motifs of MEME's example and of 1,000 windows of 20 bp, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("example", type=Path)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    payload = {
        "device": arguments.device,
        "memechip_example": _example(arguments.example, arguments.device),
        "windows_of_20_bp": _windows(arguments.device),
    }
    print(payload)
    print(write_result("zoops", payload))


def _example(folder: Path, device: str) -> dict[str, object]:
    text = (folder / "meme_out" / "meme.txt").read_text()
    sequences = read_records(folder / "seqs-sampled", unknown_letters="n")
    row = {name[:24]: index for index, name in enumerate(sequences.names())}
    wall, own = time.perf_counter(), time.process_time()
    found = discover_zoops(sequences.codes, Zoops(max_width=30), background=BACKGROUND, device=device)
    seconds = {"seconds": round(time.perf_counter() - wall, 1), "cpu_seconds": round(time.process_time() - own, 1)}
    rows = []
    for number, ours in enumerate(found, start=1):
        theirs, sites, log10_e = _of_meme(text, number)
        middle = dict(zip(ours.sites["sequence"], ours.sites["start"] + ours.motif.width / 2, strict=True))
        shared = [abs(middle.get(row[name], -99) - start - theirs.shape[1] / 2) <= NEAR_BP for name, start in sites]
        rows.append(
            {
                "consensus": ours.motif.consensus,
                "width_bp": {"ours": ours.motif.width, "meme": theirs.shape[1]},
                "sites": {"ours": len(ours.sites), "meme": len(sites)},
                "log10_e": {"ours": round(ours.log10_e_value or 0, 2), "meme": round(log10_e, 2)},
                "mean_column_correlation": round(_likeness(ours.motif.probabilities, theirs), 4),
                "share_of_memes_sites": round(float(np.mean(shared)), 4),
            }
        )
    meme_seconds = [float(word) for word in re.findall(r"^Time\s+([\d.]+) secs", text, re.MULTILINE)]
    shape = {"sequences": len(sequences.codes), "length_bp": sequences.codes.shape[1], "max_width_bp": 30}
    return {**shape, **seconds, "seconds_meme_said": meme_seconds[-1], "motifs": rows}


def _windows(device: str) -> dict[str, object]:
    rng = np.random.default_rng(1)
    codes, motif = rng.integers(0, 4, (1000, 20), dtype=np.uint8), jaspar_motif("SP1")
    for row, site in enumerate(motif.sample(rng, 600)):
        start = rng.integers(0, 21 - motif.width)
        codes[row, start : start + motif.width] = 3 - site[::-1] if rng.random() < 0.5 else site
    wall, own = time.perf_counter(), time.process_time()
    [found] = discover_zoops(codes, Zoops(motifs=1), device=device)
    return {
        "sequences": 1000,
        "planted": "SP1 in 600",
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - own, 1),
        "sites": len(found.sites),
        "mean_column_correlation": round(_likeness(found.motif.probabilities, motif.probabilities), 4),
    }


def _of_meme(text: str, number: int) -> tuple[NDArray[np.float64], list[tuple[str, int]], float]:
    """Return MEME's matrix, (4, W), its sites with starts from 0, and its log10 E."""
    sites = re.search(rf"MEME-{number} sites sorted by.*?\n-{{20,}}\n(.*?)\n-{{20,}}\n\n", text, re.DOTALL)
    matrix = re.search(rf"MEME-{number} position-specific probability.*?nsites=[^\n]*\n(.*?)\n-", text, re.DOTALL)
    e_value = re.search(rf"^MOTIF \S+ MEME-{number}\s.*E-value = ([\d.]+)e([-+]\d+)", text, re.MULTILINE)
    assert sites is not None
    assert matrix is not None
    assert e_value is not None
    values = np.array([[float(word) for word in line.split()] for line in matrix[1].split("\n")]).T
    places = [(words[0], int(words[2]) - 1) for words in map(str.split, sites[1].split("\n")[2:])]
    return values, places, math.log10(float(e_value[1])) + int(e_value[2])


def _likeness(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the largest mean correlation of columns over offsets and strands, all but two columns overlapping."""
    least, best = min(first.shape[1], second.shape[1]) - 2, -1.0
    for other in (second, second[::-1, ::-1]):
        for offset in range(least - other.shape[1], first.shape[1] - least + 1):
            columns = range(max(0, offset), min(first.shape[1], offset + other.shape[1]))
            best = max(best, float(np.mean([np.corrcoef(first[:, i], other[:, i - offset])[0, 1] for i in columns])))
    return best


if __name__ == "__main__":
    main()
