"""Find motifs in sequences: by expectation maximisation, a program of the MEME suite, or from contributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.files import write_text
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import UNKNOWN, Codes, decode
from holdfast.interpret.modisco import Modisco, Pattern, discover_patterns
from holdfast.interpret.zoops import Zoops, base_frequencies, discover_zoops
from holdfast.io import read
from holdfast.io.contributions import read_contributions
from holdfast.io.detect import ReadOptions
from holdfast.motifs.discovered import SITE_COLUMNS, Discovered
from holdfast.motifs.files import write_motifs
from holdfast.motifs.program import discover_by_program
from holdfast.runs.folder import Run

__all__ = ["Method", "discover", "discover_in_files"]

Method = Literal["zoops", "meme", "streme", "modisco"]


def discover_in_files(
    files: Sequence[Path],
    out: Path,
    *,
    method: Method = "zoops",
    settings: Zoops | None = None,
    contributions: Path | None = None,
    options: ReadOptions | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> tuple[list[Discovered], Path | None]:
    """Find motifs in files of sequences, write them and their sites.

    Parameters
    ----------
    files
        Sequences of one length, in any format that :func:`holdfast.io.read` knows, or one data set folder; those
        labelled unbound are left out.
    out
        MEME file to write; the sites go beside it, ``.sites.tsv`` for its ending.
    method
        ``zoops`` (our own), ``meme``, ``streme`` (programs on the PATH) or ``modisco``.
    settings
        Of the search; ``modisco`` takes only its number of motifs.
    contributions
        For ``modisco``: a ``.npy`` file of (N, 4, L) hypothetical contributions, in the order of the sequences.
    options
        What the files' format can be told; a data set folder can be told nothing.
    device
        For ``zoops``: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Returns
    -------
    tuple
        Motifs, and the path of the table of sites; without a motif nothing is written, and the path is None.

    Raises
    ------
    InputError
        If the files cannot be read, or do not fit together; if one is a run folder, which holds no sequences.
    ConfigError
        If ``modisco`` is asked for without contributions, or another method with them, or a data set folder is told
        something.
    """
    _refuse_runs(files)
    if (method == "modisco") != (contributions is not None):
        raise ConfigError("method modisco takes --contributions FILE.npy; the other methods take none")
    every, names, labels = _sequences(files, options)
    kept = np.flatnonzero(labels != 0)
    if len(kept) == 0:
        raise InputError(f"{files[0]}: every sequence is labelled unbound; there is nothing to find motifs in")
    codes, scores = every[kept], None
    if contributions is not None:
        scores = read_contributions(contributions, *every.shape)[kept]
    found = discover(codes, method=method, settings=settings, hypothetical=scores, device=device, progress=progress)
    if not found:
        return found, None
    write_motifs([one.motif for one in found], out, format="meme", background=base_frequencies(codes))
    path = out.with_suffix(".sites.tsv")
    write_text(path, _site_text(found, names[kept]))
    return found, path


def discover(
    codes: Codes,
    *,
    method: Method = "zoops",
    settings: Zoops | None = None,
    hypothetical: NDArray[np.floating[Any]] | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> list[Discovered]:
    """Find motifs in sequences by one of the methods.

    Parameters
    ----------
    codes
        (N, L) uint8.
    method, settings, device, progress
        As for :func:`discover_in_files`.
    hypothetical
        (N, 4, L) hypothetical contributions, for ``modisco``.

    Raises
    ------
    ConfigError
        If ``modisco`` is asked for without contributions.

    Examples
    --------
    >>> codes = np.random.default_rng(0).integers(0, 4, (60, 30), dtype=np.uint8)
    >>> codes[:, 10:18] = [2, 0, 3, 3, 0, 1, 0, 2]
    >>> [found] = discover(codes, settings=Zoops(motifs=1, max_width=10), device="cpu")
    >>> found.motif.width
    8
    """
    settings = settings or Zoops()
    if method == "zoops":
        return discover_zoops(codes, settings, device=device, progress=progress)
    if method == "modisco":
        if hypothetical is None:
            raise ConfigError("method modisco needs hypothetical contributions, (N, 4, L)")
        with progress.task("clustering contributions", None):
            patterns = discover_patterns(codes, hypothetical, Modisco())
        return [_discovered(pattern, codes) for pattern in patterns[: settings.motifs]]
    with progress.task(f"waiting for {method}", None):
        return discover_by_program(
            codes,
            method,
            motifs=settings.motifs,
            min_width=settings.min_width,
            max_width=settings.max_width,
            both_strands=settings.both_strands,
            seed=settings.seed,
        )


def _refuse_runs(files: Sequence[Path]) -> None:
    run = next((path for path in files if path.is_dir() and Run(path).has("record")), None)
    if run is not None:
        raise InputError(
            f"{run} is a run folder; expected files of sequences. Motifs that its model learned: "
            f"`holdfast explain motifs {run}`"
        )


def _sequences(files: Sequence[Path], options: ReadOptions | None) -> tuple[Codes, NDArray[np.str_], NDArray[np.int8]]:
    """Return (N, L) codes, names, and (N,) labels of the first task."""
    if len(files) == 1 and files[0].is_dir():
        if options not in (None, ReadOptions()):
            raise ConfigError(f"{files[0]} is a data set folder, whose letters are read already; leave the options out")
        data = SequenceDataset.open(files[0])
        return data.codes, np.array(data.names), data.labels[:, 0]
    records = read(files, options=options)
    return records.codes, np.array(records.names), records.first_label


def _discovered(pattern: Pattern, codes: Codes) -> Discovered:
    """Return a pattern with its seqlets as sites."""
    rows = []
    columns = (pattern.seqlets[name].tolist() for name in ("example", "start", "end", "strand"))
    for example, start, end, strand in zip(*columns, strict=True):
        letters = codes[example, start:end]
        site = letters if strand == "+" else np.where(letters < UNKNOWN, 3 - letters, letters)[::-1]
        rows.append((example, start, strand, math.nan, math.nan, decode(site)))
    return Discovered(motif=pattern.motif, sites=pd.DataFrame(rows, columns=list(SITE_COLUMNS)))


def _site_text(found: Sequence[Discovered], names: NDArray[np.str_]) -> str:
    """Return one table of all motifs' sites; a sequence is given by its name."""
    tables = []
    for one in found:
        table = one.sites.assign(sequence=names[one.sites["sequence"].to_numpy(dtype=np.int64)])
        table.insert(0, "motif", one.motif.name)
        tables.append(table)
    return pd.concat(tables).to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
