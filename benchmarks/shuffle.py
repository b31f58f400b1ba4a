"""The dinucleotide shuffle: sequences of 101 bp a second on one core, beside tangermeme's in the same run."""

from __future__ import annotations

import argparse
import statistics

import numpy as np
import torch
from tangermeme.ersatz import dinucleotide_shuffle as tangermeme_shuffle

from harness import timed, write_result
from holdfast.dna.codes import one_hot
from holdfast.dna.shuffle import dinucleotide_shuffle, shuffle

LENGTH = 101


def main() -> None:
    """Time both shuffles on the same random sequences and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=100_000)
    parser.add_argument("--tangermeme-sequences", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (arguments.sequences, LENGTH), dtype=np.uint8)
    with_unknown = np.where(rng.random(codes.shape) < 0.01, np.uint8(4), codes)
    few = one_hot(torch.from_numpy(codes[: arguments.tangermeme_sequences]))
    dinucleotide_shuffle(codes[:100], rng)
    tangermeme_shuffle(few[:10], n=1, random_state=0)  # compiles

    def rate(function: object, count: int) -> float:
        return count / statistics.median(timed(function, arguments.repeats))  # type: ignore[arg-type]

    ours = rate(lambda: dinucleotide_shuffle(codes, rng), len(codes))
    theirs = rate(lambda: tangermeme_shuffle(few, n=1, random_state=0), len(few))
    payload = {
        "target_sequences_per_s": 50_000,
        "length_bp": LENGTH,
        "sequences": len(codes),
        "dinucleotide_per_s": round(ours),
        "dinucleotide_with_1_percent_unknown_per_s": round(
            rate(lambda: dinucleotide_shuffle(with_unknown, rng), len(codes))
        ),
        "mononucleotide_per_s": round(rate(lambda: shuffle(codes, rng), len(codes))),
        "tangermeme_dinucleotide_per_s": round(theirs),
        "ratio": round(ours / theirs, 2),
    }
    print(payload)
    print(write_result("shuffle", payload))


if __name__ == "__main__":
    main()
