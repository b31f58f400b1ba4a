"""Motif discovery by an installed program of the MEME suite: its own arguments, and its text read back."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import UNKNOWN, Codes, decode
from holdfast.io.matrix import MatrixRecord
from holdfast.io.meme import read_meme
from holdfast.motifs.discovered import SITE_COLUMNS, Discovered
from holdfast.motifs.motif import Motif

__all__ = ["Program", "discover_by_program"]

Program = Literal["meme", "streme"]

_VERSION = re.compile(r"MEME version (\S+)")
_MATRIX = re.compile(r"letter-probability matrix:[^\n]*?\bE\s*=\s*(\S+)")
_SITES = re.compile(r"sites sorted by position p-value\n-+\n[^\n]*\n[-\s]*\n(.*?)\n-{20,}", re.DOTALL)
# A site at a sequence's end has a dot for its flank.
_SITE = re.compile(r"s(\d+)\s+(?:([+-])\s+)?(\d+)\s+\S+\s+[A-Z.]", re.IGNORECASE)


def discover_by_program(
    codes: Codes,
    program: Program,
    *,
    motifs: int = 3,
    min_width: int = 6,
    max_width: int = 20,
    both_strands: bool = True,
    background: tuple[float, float, float, float] | None = None,
    seed: int = 0,
) -> list[Discovered]:
    """Find motifs with ``meme`` (zero or one occurrence per sequence) or ``streme`` from the PATH.

    Parameters
    ----------
    codes
        (N, L) uint8.
    program
        ``meme`` tells sites; ``streme`` does not, and always searches both strands.
    motifs
        How many at most.
    min_width, max_width
        Of a motif, in bases.
    both_strands
        Whether a site may lie on the reverse strand.
    background
        Probabilities of A, C, G, T for ``meme``; None for those of the sequences. ``streme`` makes its own.
    seed
        Of ``streme``'s random choices.

    Returns
    -------
    list of Discovered
        As the program orders them; posteriors and scores are NaN.

    Raises
    ------
    ConfigError
        If the program is not on the PATH, or cannot do what is asked.
    InputError
        If the program fails, or what it writes is not MEME's text.

    References
    ----------
    Bailey & Elkan (1994), Proc. ISMB 2, pp. 28-36 (MEME); Bailey (2021), doi:10.1093/bioinformatics/btab203 (STREME).
    """
    if program == "streme" and (not both_strands or background is not None):
        raise ConfigError("streme searches both strands of DNA with its own background; use meme, or zoops")
    path = shutil.which(program)
    if path is None:
        raise ConfigError(
            f"there is no program '{program}' on the PATH; install the MEME suite, or use the method zoops"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sequences = _written(folder / "sequences.fa", codes)
        if program == "meme":
            words = ["-dna", "-mod", "zoops", "-nmotifs", motifs, "-minw", min_width, "-maxw", max_width]
            words += ["-maxsize", codes.size + 1, "-text", "-nostatus"]
            words += ["-revcomp"] if both_strands else []
            words += [] if background is None else ["-bfile", _background_file(folder / "background", background)]
            text = _run([path, sequences, *words], program)
        else:
            words = ["--dna", "--nmotifs", motifs, "--minw", min_width, "--maxw", max_width, "--seed", seed]
            text = _run([path, "--p", sequences, *words, "--verbosity", 1, "--text"], program)
        return _read(text, program, codes, folder / "motifs.txt")


def _written(path: Path, codes: Codes) -> Path:
    """Write FASTA with numbers for names: MEME cuts longer ones."""
    path.write_text("".join(f">s{number}\n{decode(row)}\n" for number, row in enumerate(codes)))
    return path


def _background_file(path: Path, background: tuple[float, float, float, float]) -> Path:
    path.write_text("".join(f"{base} {share:.8f}\n" for base, share in zip("ACGT", background, strict=True)))
    return path


def _run(words: list[object], program: str) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").split("\n")[-1][:300]
        raise InputError(f"{program} ended with exit code {done.returncode}: {said}")
    return done.stdout


def _read(text: str, program: str, codes: Codes, path: Path) -> list[Discovered]:
    version = _VERSION.search(text)
    if version is None:
        raise InputError(f"{program} wrote no 'MEME version'; its output begins with {text[:60]!r}")
    if "letter-probability matrix:" not in text:
        return []
    path.write_text(text)
    records, values, tables = read_meme(path), _MATRIX.findall(text), _SITES.findall(text)
    found = []
    for number, record in enumerate(records):
        motif = _motif(record, f"{program} {version[1]}, MEME suite")
        sites = _sites(tables[number], codes, motif.width) if number < len(tables) else _sites("", codes, motif.width)
        log_e = _log10(values[number]) if number < len(values) else None
        found.append(Discovered(motif=motif, sites=sites, log10_e_value=log_e))
    return found


def _motif(record: MatrixRecord, source: str) -> Motif:
    # Six printed digits: columns add up to 1 within a few millionths.
    probabilities = record.values / record.values.sum(axis=0)
    made = Motif(name=record.name, probabilities=probabilities, source=source, sites=record.sites)
    return replace(made, accession=record.accession)


def _log10(text: str) -> float | None:
    """Return the logarithm of a printed number, which may be too small for a float."""
    parts = re.fullmatch(r"([\d.]+)(?:e([+-]?\d+))?", text, re.IGNORECASE)
    if parts is None or float(parts[1]) <= 0:
        return None
    return math.log10(float(parts[1])) + int(parts[2] or 0)


def _sites(table: str, codes: Codes, width: int) -> pd.DataFrame:
    """Return the sites of MEME's table; their letters are those of the sequences."""
    rows: list[tuple[int, int, str, float, float, str]] = []
    for line in table.split("\n"):
        found = _SITE.match(line)
        if found is None:
            continue
        sequence, start, strand = int(found[1]), int(found[3]) - 1, found[2] or "+"
        letters = codes[sequence, start : start + width]
        site = letters if strand == "+" else np.where(letters < UNKNOWN, 3 - letters, letters)[::-1]
        rows.append((sequence, start, strand, math.nan, math.nan, decode(site)))
    return pd.DataFrame(rows, columns=list(SITE_COLUMNS))
