"""Store a genome, and extend the examples of a data set with what lies around them in it."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.errors import ConfigError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.build import build
from holdfast.data.contigs import contig_rule
from holdfast.data.dataset import SequenceDataset
from holdfast.data.describe import Description, describe
from holdfast.data.extend import ByCoordinates, ByDeepseaOrder, Placing, extended
from holdfast.data.genome_store import GenomeStore
from holdfast.data.split import Given
from holdfast.io.bed import read_bins

__all__ = ["extend_data", "genome_lines", "store_genome"]

_NAMED = 30


def store_genome(source: Path, out: Path, *, overwrite: bool = False, progress: Progress = SILENT) -> GenomeStore:
    """Turn a FASTA or 2bit file into a genome store.

    Parameters
    ----------
    source
        The file.
    out
        Folder to make.
    overwrite
        Replace a stored genome of that name.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the file is no genome or the folder cannot be made.
    """
    with progress.task(f"reading {source.name}", None):
        return GenomeStore.build(source, out, overwrite=overwrite)


def genome_lines(store: GenomeStore) -> list[str]:
    """Return what is in a stored genome, as sentences."""
    chromosomes = store.manifest.chromosomes
    lines = [f"{one.name}: {one.length:,} bases, {one.unknown:,} N" for one in chromosomes[:_NAMED]]
    if len(chromosomes) > _NAMED:
        lines.append(f"... and {len(chromosomes) - _NAMED:,} more")
    bases, unknown = sum(one.length for one in chromosomes), sum(one.unknown for one in chromosomes)
    return [
        *lines,
        f"{len(chromosomes):,} chromosomes, {bases:,} bases, {unknown:,} N, of which {store.manifest.ambiguous:,} were"
        " other ambiguous letters",
    ]


def extend_data(
    folder: Path,
    out: Path,
    *,
    genome: Path,
    length: int,
    bins: Path | None = None,
    contigs: str = "exact",
    max_different: float = 0.001,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> Description:
    """Store a data set again with longer windows, cut from a genome, and return what is in it.

    Parameters
    ----------
    folder
        The data set.
    out
        Folder to make.
    genome
        A genome store.
    length
        Bases of the new windows.
    bins
        BED of the bins that a DeepSEA set was made of; left out, the data set's own coordinates are taken.
    contigs
        ``exact``, ``add-chr``, ``strip-chr`` or a file of names.
    max_different
        Largest share of examples whose centre may differ from the genome.
    overwrite
        Replace a data set of that name.
    progress
        Whom to tell how far it is.

    Raises
    ------
    ConfigError
        If a value is impossible.
    InputError
        If a file cannot be read, or genome and data set do not go together.
    """
    if not 0 <= max_different <= 1:
        raise ConfigError(f"share of examples that may differ: {max_different:g}; it is from 0 to 1")
    rule = contig_rule(contigs)
    with progress.task("opening", None):
        dataset, store = SequenceDataset.open(folder), GenomeStore.open(genome)
        placing: Placing = ByCoordinates() if bins is None else ByDeepseaOrder(read_bins(bins))
    with progress.task("extending", None):
        stream = extended(dataset, store, length=length, placing=placing, contigs=rule, max_different=max_different)
        made = build(stream, out, split=Given(validation=0), overwrite=overwrite)
    with progress.task("counting", None):
        return describe(made)
