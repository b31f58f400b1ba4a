"""How fast a genome is stored and windows are cut from it: ``python benchmarks/genome_store.py``.

The genome is random, of two chromosomes; its FASTA has lines of 50 bases. Windows of 1,200 bp lie around 100,000 random
bins of 200 bp: once right after opening, when pages are still to be mapped, and again.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from pathlib import Path

import numpy as np

from harness import timed, write_result
from holdfast.data.genome_store import GenomeStore
from holdfast.dna.bins import Bins

BINS, BIN, LENGTH, LINE = 100_000, 200, 1_200, 50


def write_fasta(path: Path, bases: int) -> None:
    """Write two chromosomes of half the bases each."""
    rng = np.random.default_rng(0)
    with path.open("wb") as handle:
        for number in (1, 2):
            letters = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, bases // 2, dtype=np.uint8)]
            lines = np.full((bases // 2 // LINE, LINE + 1), ord("\n"), dtype=np.uint8)
            lines[:, :LINE] = letters.reshape(-1, LINE)
            handle.write(b">chr%d\n" % number + lines.tobytes())


def measure(folder: Path, bases: int) -> dict[str, float | int]:
    """Return rates in MB (of FASTA as text) and in windows per second."""
    write_fasta(folder / "genome.fa", bases)
    size = (folder / "genome.fa").stat().st_size
    with gzip.open(folder / "genome.fa.gz", "wb", compresslevel=1) as packed:
        packed.write((folder / "genome.fa").read_bytes())
    plain_s, packed_s = (
        timed(lambda name=name: GenomeStore.build(folder / name, folder / "store", overwrite=True), 1)[0]
        for name in ("genome.fa", "genome.fa.gz")
    )
    rng = np.random.default_rng(1)
    start = rng.integers(LENGTH, bases // 2 - 2 * LENGTH, BINS)
    bins = Bins.of(rng.choice(["chr1", "chr2"], BINS), start, start + BIN)
    began = time.perf_counter()
    store = GenomeStore.open(folder / "store")
    open_s = time.perf_counter() - began
    first_s, *again_s = timed(lambda: store.contexts(bins, LENGTH), 6)
    return {
        "bases": bases,
        "fasta_mb_per_s": round(size / plain_s / 1e6, 1),
        "fasta_gz_mb_of_text_per_s": round(size / packed_s / 1e6, 1),
        "open_and_verify_mbases_per_s": round(bases / open_s / 1e6, 1),
        "windows": BINS,
        "window_bp": LENGTH,
        "windows_per_s_first_time": round(BINS / first_s),
        "windows_per_s": round(BINS / float(np.median(again_s))),
    }


def main() -> None:
    """Measure, print and write ``results/genome_store.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bases", type=int, default=200_000_000)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), parser.parse_args().bases)
    print(write_result("genome_store", result))
    for name, value in result.items():
        print(f"{name:40s} {value}")


if __name__ == "__main__":
    main()
