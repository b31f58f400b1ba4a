"""The MEME suite's FIMO tests: motifs, sequences and what FIMO found in them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from holdfast.io.genome import genome_pieces
from holdfast.motifs.files import read_motifs
from holdfast.motifs.motif import Motif
from holdfast.motifs.scan import ScanSettings

SUITE = "tool_outputs/meme_4.12_tests"
MEMECHIP = "doc/examples/memechip_example_output_files"
# What FIMO 4.12 takes where no background is given: bases of a large collection of sequences.
NRDB = (0.281774, 0.222020, 0.228876, 0.267330)
CASES = ("spiked", "klf1")


@dataclass
class FimoCase:
    """What FIMO read and what it wrote: starts are 0-based in the sequences that were scanned."""

    motif: Motif
    names: list[str]
    sequences: list[np.ndarray]
    settings: ScanSettings
    found: pd.DataFrame


def sequences_of(path: Path) -> tuple[list[str], list[np.ndarray]]:
    """Return names and codes of a FASTA file of any lengths."""
    pieces: dict[str, list[np.ndarray]] = {}
    for name, codes, _ in genome_pieces(path):
        pieces.setdefault(name, []).append(codes)
    return list(pieces), [np.concatenate(runs) for runs in pieces.values()]


def fimo_case(suite: Path, case: str) -> FimoCase:
    """Return a case of the suite's folder."""
    if case == "spiked":
        return _spiked(suite / "tests/fimo")
    folder = suite / MEMECHIP
    [motif] = [one for one in read_motifs(folder / "meme_out/meme.txt") if "WGGGTGTGGYYS" in one.label]
    names, sequences = sequences_of(folder / "Klf1.fna")
    table = pd.read_csv(folder / "fimo_out_1/fimo.txt", sep="\t")
    # FIMO was asked for genomic places: back to places in the sequences, whose names hold their start.
    begin = {name: int(name.partition(":")[2].partition("-")[0]) for name in names}
    chromosome = np.array([name.partition(":")[0] for name in names])
    starts, ends = np.array(list(begin.values())), np.array([int(name.rpartition("-")[2]) for name in names])
    inside = [
        np.flatnonzero((chromosome == row.sequence_name) & (starts <= row.start) & (row.stop <= ends))
        for row in table.itertuples()
    ]
    assert all(len(which) == 1 for which in inside)
    which = np.concatenate(inside)
    table["sequence_name"], table["start"] = np.array(names)[which], table["start"] - starts[which]
    settings = ScanSettings(background=(0.256, 0.244, 0.244, 0.256))
    return FimoCase(motif, names, sequences, settings, table)


def _spiked(folder: Path) -> FimoCase:
    page = (folder / "MCM1.meme.html").read_text()
    data, _ = json.JSONDecoder().raw_decode(page, page.index("var data = ") + len("var data = "))
    told = data["motifs"][0]
    motif = Motif(name=told["id"], probabilities=np.array(told["pwm"]).T, sites=told["nsites"])
    table = pd.read_csv(folder / "fimo.txt", sep="\t")
    table["start"] -= 1
    names, sequences = sequences_of(folder / "spiked.fasta")
    return FimoCase(motif, names, sequences, ScanSettings(pseudocount=0.01, background=NRDB), table)
