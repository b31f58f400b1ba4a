"""Motifs against a data base, motifs in sequences, and a motif as a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.core.random import numpy_generator
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import Codes
from holdfast.io import detect_format, read
from holdfast.io.genome import genome_pieces
from holdfast.io.meme import meme_background
from holdfast.io.twobit import looks_like_twobit
from holdfast.motifs.affinity import average_affinity
from holdfast.motifs.database import RELEASE, jaspar_matrices
from holdfast.motifs.files import read_motifs
from holdfast.motifs.match import Distance, MatchSettings, MotifMatch, match_motifs
from holdfast.motifs.motif import UNIFORM, Background, Motif, symmetric
from holdfast.motifs.scan import ScanSettings, scan_motifs
from holdfast.robustness.metrics import Pool, pool_windows, resample, weighted_metrics
from holdfast.robustness.reduction import bootstrap_estimate
from holdfast.runs.records import Estimate

__all__ = [
    "MATCH_COLUMNS",
    "BackgroundSource",
    "affinity_auroc",
    "affinity_gain",
    "base_shares",
    "match_files",
    "match_table",
    "motif_database",
    "named_sequences",
    "scan_files",
]

MATCH_COLUMNS = (
    "query",
    "target",
    "target_name",
    "offset",
    "strand",
    "overlap",
    "p",
    "e",
    "q",
    "query_consensus",
    "target_consensus",
    "target_source",
)
"""Columns of :func:`match_table`; ``offset`` is the target's column (turned if on ``-``) under the query's first."""

BackgroundSource = Literal["sequences", "motifs", "uniform"]

_EVERY_TAXON = "all"


def motif_database(name: str = RELEASE, *, taxon: str | None = None, species: str | None = None) -> tuple[Motif, ...]:
    """Return the motifs of a JASPAR release or of a file.

    Parameters
    ----------
    name
        ``JASPAR2026`` or another release that pyjaspar carries, or a MEME, JASPAR or TRANSFAC file.
    taxon
        Of a release: ``vertebrates``, ``plants`` ..., or ``all``. None: vertebrates, or all if a species is given.
    species
        Of a release: number or name, see :func:`~holdfast.motifs.database.jaspar_matrices`.

    Raises
    ------
    InputError
        If there is no such release, file, taxon or species.
    ConfigError
        If taxon or species is given with a file.

    Examples
    --------
    >>> len(motif_database("JASPAR2020", taxon="urochordates"))
    1
    """
    if name.upper().startswith("JASPAR") and not Path(name).exists():
        group = taxon or (_EVERY_TAXON if species else "vertebrates")
        return jaspar_matrices(name.upper(), taxon=None if group == _EVERY_TAXON else group, species=species)
    if taxon or species:
        raise ConfigError(f"{name} is a file: taxon and species are for a JASPAR release")
    return read_motifs(Path(name))


def match_files(
    motifs: Path,
    database: str = RELEASE,
    *,
    taxon: str | None = None,
    species: str | None = None,
    distance: Distance = "pearson",
    max_q: float = 0.5,
    max_e: float | None = None,
    progress: Progress = SILENT,
) -> list[MotifMatch]:
    """Return the matches of a file's motifs with a data base.

    The background is the file's own, if it is a MEME file that tells one, of both strands together; else uniform.

    Parameters
    ----------
    motifs
        MEME, JASPAR or TRANSFAC file.
    database, taxon, species
        See :func:`motif_database`.
    distance, max_q, max_e
        See :class:`~holdfast.motifs.match.MatchSettings`.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If a file cannot be read, or the data base does not exist.
    ConfigError
        If a setting does not fit.
    """
    queries = read_motifs(motifs)
    settings = MatchSettings(distance=distance, max_q=max_q, max_e=max_e, background=_background_of(motifs))
    return match_motifs(queries, motif_database(database, taxon=taxon, species=species), settings, progress=progress)


def match_table(matches: Sequence[MotifMatch]) -> pd.DataFrame:
    """Return matches as a table with :data:`MATCH_COLUMNS`."""
    rows = [
        (
            _identity(one.query),
            _identity(one.target),
            one.target.name,
            one.offset,
            one.strand,
            one.overlap,
            one.p_value,
            one.e_value,
            one.q_value,
            one.query.consensus,
            one.aligned_target.consensus,
            one.target.source,
        )
        for one in matches
    ]
    return pd.DataFrame(rows, columns=list(MATCH_COLUMNS))


def scan_files(
    motifs: Path,
    sequences: Path,
    *,
    max_p: float = 1e-4,
    background: BackgroundSource = "sequences",
    both_strands: bool = True,
    progress: Progress = SILENT,
) -> pd.DataFrame:
    """Return the sites of a file's motifs in sequences.

    Parameters
    ----------
    motifs
        MEME, JASPAR or TRANSFAC file.
    sequences
        Data set folder, FASTA or 2bit of any lengths, or another file of sequences.
    max_p
        Largest p value of a site.
    background
        Whose base shares the odds are against: those of the sequences, those that the MEME file tells, or equal ones.
    both_strands
        Whether to look at the reverse complement too.
    progress
        Whom to tell how far it is.

    Returns
    -------
    pandas.DataFrame
        See :func:`~holdfast.motifs.scan.scan_motifs`.

    Raises
    ------
    InputError
        If a file cannot be read.
    ConfigError
        If a setting does not fit.
    """
    known = read_motifs(motifs)
    with progress.task("reading", None):
        names, codes = named_sequences(sequences)
    shares = UNIFORM
    if background != "uniform":
        shares = base_shares(codes) if background == "sequences" else _background_of(motifs)
    settings = ScanSettings(max_p=max_p, background=shares, both_strands=both_strands)
    return scan_motifs(known, names, codes, settings, progress=progress)


def named_sequences(path: Path) -> tuple[tuple[str, ...], Sequence[Codes]]:
    """Return names and codes of a data set folder, a FASTA or 2bit file of any lengths, or another file of sequences.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if path.is_dir():
        data = SequenceDataset.open(path)
        return data.names, list(data.codes)
    if not looks_like_twobit(path) and detect_format([path]) != "fasta":
        records = read([path])
        return records.names, list(records.codes)
    pieces = dict[str, list[Codes]]()
    for name, codes, _ in genome_pieces(path):
        # A chromosome begins with an empty run: a name that comes again would join two sequences.
        if name in pieces and not len(codes):
            raise InputError(f"{path}: two sequences are called '{name}'; sites could not be told apart")
        pieces.setdefault(name, []).append(codes)
    return tuple(pieces), [np.concatenate(runs) for runs in pieces.values()]


def base_shares(sequences: Sequence[Codes]) -> Background:
    """Return the shares of A, C, G, T in sequences, each base counted once more than it occurs.

    Examples
    --------
    >>> base_shares([np.array([0, 0, 0, 4, 1], dtype=np.uint8)])
    (0.5, 0.25, 0.125, 0.125)
    """
    counts = 1 + sum(np.bincount(np.ravel(one), minlength=5)[:4] for one in sequences)
    a, c, g, t = (np.asarray(counts, dtype=np.float64) / np.sum(counts)).tolist()
    return a, c, g, t


def affinity_auroc(
    motif: Motif,
    data: SequenceDataset,
    *,
    part: str = "test",
    task: int = 0,
    background: Background | None = None,
    bootstrap: int = 200,
    seed: int = 0,
) -> Estimate:
    """Return how well a motif's average affinity tells bound from unbound examples.

    Parameters
    ----------
    motif
        What binds.
    data
        Examples of any part.
    part
        Of the data set: ``train``, ``validation`` or ``test``.
    task
        Number of the label.
    background
        None: base shares of the part.
    bootstrap
        Samples of the interval.
    seed
        Of these.

    Returns
    -------
    Estimate
        AUROC with its 95 % bootstrap interval over examples; no number without both classes.

    Raises
    ------
    InputError
        If there is no such part, or its sequences are shorter than the motif.
    """
    (values,) = _affinity_aurocs([motif], data, part, task, background, bootstrap, seed)
    return bootstrap_estimate(float(values[0]), values[1:])


def affinity_gain(
    motif: Motif,
    other: Motif,
    data: SequenceDataset,
    *,
    part: str = "test",
    task: int = 0,
    background: Background | None = None,
    bootstrap: int = 200,
    seed: int = 0,
) -> Estimate:
    """Return by how much a motif's average affinity tells bound from unbound examples better than another's.

    Parameters
    ----------
    motif, other
        What binds, and what it is compared with: a data base's motif of the factor, say.
    data, part, task, background, bootstrap, seed
        As of :func:`affinity_auroc`.

    Returns
    -------
    Estimate
        Difference of the AUROCs with its 95 % bootstrap interval; a sample draws the same examples for both.

    Raises
    ------
    InputError
        If there is no such part, or its sequences are shorter than a motif.

    References
    ----------
    Lanchantin et al. (2016), arXiv:1605.01133, who count the factors where theirs is the better one.
    """
    ours, theirs = _affinity_aurocs([motif, other], data, part, task, background, bootstrap, seed)
    return bootstrap_estimate(float(ours[0] - theirs[0]), ours[1:] - theirs[1:])


def _affinity_aurocs(
    motifs: Sequence[Motif],
    data: SequenceDataset,
    part: str,
    task: int,
    background: Background | None,
    bootstrap: int,
    seed: int,
) -> list[NDArray[np.float64]]:
    """Return each motif's AUROC, then those of the bootstrap samples, which are the same for all."""
    examples = data.part(part)
    labels = np.asarray(examples.labels)[:, task]
    known = np.flatnonzero(labels >= 0)
    codes = examples.codes_at(known)
    shares = background or base_shares([codes])
    draws = resample(len(known), bootstrap, numpy_generator(seed, "affinity"))

    def values(motif: Motif) -> NDArray[np.float64]:
        # The logarithm keeps the order, and large affinities apart in single precision.
        affinity = np.log(average_affinity(motif, codes, background=shares))
        entries = pool_windows(affinity[:, None], labels[known], np.ones((len(known), 1)))
        return weighted_metrics(Pool(lambda: [entries]), draws)["auroc"]

    return [values(motif) for motif in motifs]


def _background_of(motifs: Path) -> Background:
    told = meme_background(motifs)
    return UNIFORM if told is None or min(told) <= 0 else symmetric(told)


def _identity(motif: Motif) -> str:
    return motif.accession or motif.name
