"""Reading and encoding a FASTA.gz: megabytes of sequence a second, beside Biopython's parser in the same run.

    python benchmarks/read_fasta.py --megabases 600

makes random 101-bp windows with coordinates as names, one line or several lines a sequence, gz level 6, in a temporary
folder; about 600 megabases are a 200 MB gz file.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from pathlib import Path

import numpy as np
from Bio.SeqIO.FastaIO import SimpleFastaParser

from harness import timed, write_result
from holdfast.dna.codes import encode
from holdfast.io import read

LENGTH = 101
LINE = 60
BLOCK = 50_000


def write_random_fasta(path: Path, count: int, line: int, rng: np.random.Generator) -> None:
    """Write random windows of 101 bp, wrapped after ``line`` bases."""
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    with gzip.open(path, "wb", compresslevel=6) as handle:
        for first in range(0, count, BLOCK):
            block = letters[rng.integers(0, 4, (min(BLOCK, count - first), LENGTH), dtype=np.uint8)]
            records = []
            for row, sequence in enumerate(block, start=first):
                text = sequence.tobytes()
                wrapped = b"\n".join(text[start : start + line] for start in range(0, LENGTH, line))
                records.append(b">chr1:%d-%d\n%s\n" % (row * 500, row * 500 + LENGTH, wrapped))
            handle.write(b"".join(records))


def read_with_biopython(path: Path) -> int:
    """Parse and encode record by record, as a script would."""
    with gzip.open(path, "rt") as handle:
        codes = np.stack([encode(sequence) for _, sequence in SimpleFastaParser(handle)])
    return len(codes)


def measure(path: Path, count: int, repeats: int) -> dict[str, float]:
    """Return rates of both readers on one file: the best of the repeats, and per second of processor time."""
    sequence_mb = count * LENGTH / 1e6
    before = time.process_time()
    seconds = timed(lambda: read([path]), repeats)
    cpu = (time.process_time() - before) / repeats
    ours = min(seconds)
    biopython = timed(lambda: read_with_biopython(path), 1)[0]
    return {
        "gz_file_mb": round(path.stat().st_size / 1e6, 1),
        "sequence_mb": round(sequence_mb, 1),
        "seconds": [round(second, 3) for second in seconds],
        "mb_of_sequence_per_s": round(sequence_mb / ours, 1),
        "mb_of_sequence_per_cpu_s": round(sequence_mb / cpu, 1),
        "biopython_mb_of_sequence_per_s": round(sequence_mb / biopython, 1),
        "ratio": round(biopython / ours, 2),
    }


def main() -> None:
    """Make the files, time both readers, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabases", type=float, default=200.0)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    count = int(arguments.megabases * 1e6 / LENGTH)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for layout, line in (("one_line", LENGTH), ("several_lines", LINE)):
            path = Path(folder) / f"{layout}.fa.gz"
            write_random_fasta(path, count, line, np.random.default_rng(0))
            results[layout] = measure(path, count, arguments.repeats)
            path.unlink()
            print(layout, results[layout])
    print(write_result("read_fasta", {"target_mb_of_sequence_per_s": 60, "length_bp": LENGTH, **results}))


if __name__ == "__main__":
    main()
