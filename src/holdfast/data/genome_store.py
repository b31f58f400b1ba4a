"""A genome as one memory-mapped array of codes: windows of any length around any bins are slices of it."""

from __future__ import annotations

import contextlib
import hashlib
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.files import write_text, writing
from holdfast.data.contigs import ContigRule, Exact, renamed
from holdfast.data.store import map_array
from holdfast.dna.bins import Bins
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.io.genome import genome_pieces

__all__ = ["Chromosome", "Contexts", "GenomeManifest", "GenomeStore"]

CODES, MANIFEST = "genome.npy", "genome.json"
SCHEMA_VERSION = 1
_REMEDY = "delete the folder and make it again with `holdfast data genome`"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chromosome(_Record):
    """Name and length of a chromosome, and how many of its bases are unknown."""

    name: str
    length: int
    unknown: int


class GenomeManifest(_Record):
    """The page at the front of a stored genome.

    Parameters
    ----------
    schema_version
        Of the folder's layout.
    source
        Name of the file it was made of.
    chromosomes
        In the file's order, which is the order in the array.
    ambiguous
        Letters other than A, C, G, T and N, read as N.
    sha256
        Of the codes, a byte a base.
    """

    schema_version: int = SCHEMA_VERSION
    source: str
    chromosomes: tuple[Chromosome, ...]
    ambiguous: int
    sha256: str


class Contexts(NamedTuple):
    """Windows of a genome.

    Parameters
    ----------
    codes
        (N, L) uint8; N (4) beyond the ends of a chromosome.
    outside
        (N,) int64, how many bases of each window lie beyond an end.
    """

    codes: Codes
    outside: NDArray[np.int64]


class GenomeStore:
    r"""A stored genome.

    Parameters
    ----------
    path
        The folder.
    codes
        (G,) uint8, all chromosomes one after the other.
    manifest
        Names and lengths.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "toy.fa").write_text(">chr1\nACGTACGT\n>chr2\nTTTT\n")
    >>> store = GenomeStore.build(folder / "toy.fa", folder / "toy")
    >>> found = store.contexts(Bins.of(["chr1", "chr2"], [2, 0], [4, 2]), 6)
    >>> found.codes.tolist(), found.outside.tolist()
    ([[0, 1, 2, 3, 0, 1], [4, 4, 3, 3, 3, 3]], [0, 2])
    """

    def __init__(self, path: Path, codes: Codes, manifest: GenomeManifest) -> None:
        self.path = path
        self.manifest = manifest
        self._codes = codes
        lengths = np.array([one.length for one in manifest.chromosomes], dtype=np.int64)
        self._first = np.cumsum(lengths) - lengths
        self._lengths = lengths

    @classmethod
    def build(cls, source: Path, path: Path, *, overwrite: bool = False) -> GenomeStore:
        """Store a genome.

        Parameters
        ----------
        source
            FASTA, gz or not, or 2bit; read once, a piece at a time.
        path
            The folder to make; its manifest is written last.
        overwrite
            Replace a stored genome of that name.

        Raises
        ------
        InputError
            If the file is no genome, a chromosome's name occurs twice, or the folder is there or cannot be written.
        """
        _refuse_occupied(path, overwrite=overwrite)
        try:
            with writing(path / CODES) as handle:
                manifest = _write_codes(source, handle)
                (path / MANIFEST).unlink(missing_ok=True)
        except BaseException:
            # Only a folder without anything in it goes.
            with contextlib.suppress(OSError):
                path.rmdir()
            raise
        write_text(path / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        return cls.open(path, verify=False)

    @classmethod
    def open(cls, path: Path | str, *, verify: bool = True) -> GenomeStore:
        """Open a stored genome, memory-mapped.

        Parameters
        ----------
        path
            The folder.
        verify
            Compare the codes with the checksum in the manifest, which reads them once, so that they are mapped.

        Raises
        ------
        InputError
            If the folder is half written, cut or changed.
        """
        folder = Path(path)
        manifest = _read_manifest(folder)
        bases = sum(one.length for one in manifest.chromosomes)
        codes = map_array(folder / CODES, (bases,), np.dtype(np.uint8), remedy=_REMEDY)
        if verify and hashlib.sha256(codes.data).hexdigest() != manifest.sha256:
            raise InputError(f"{folder / CODES} was changed after it was written; {_REMEDY}")
        return cls(folder, codes, manifest)

    @cached_property
    def lengths(self) -> dict[str, int]:
        """Length of each chromosome."""
        return {one.name: one.length for one in self.manifest.chromosomes}

    def chromosome(self, name: str) -> Codes:
        """Return (G,) uint8 codes of a chromosome, mapped.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        number = list(self.lengths).index(renamed(name, Exact(), self.lengths))
        return self._codes[self._first[number] : self._first[number] + self._lengths[number]]

    def contexts(self, bins: Bins, length: int, *, contigs: ContigRule | None = None) -> Contexts:
        """Return windows around bins, in their order.

        Parameters
        ----------
        bins
            N intervals; a window has its bin in the centre, and one base more behind than before where the difference
            of the lengths is odd.
        length
            L, at least 1.
        contigs
            How a chromosome of the bins is called here; left out, the same.

        Raises
        ------
        ConfigError
            If the length is not positive.
        InputError
            If a chromosome is not in the genome, or a bin itself reaches beyond its end.
        """
        if length < 1:
            raise ConfigError(f"windows of {length} bp: expected 1 or more")
        number = self._numbers(bins, contigs or Exact())
        ends = self._lengths[number]
        self._refuse_beyond(bins, ends)
        start = bins.start - (length - (bins.end - bins.start)) // 2
        outside = np.minimum(length, np.maximum(0, -start) + np.maximum(0, start + length - ends))
        codes = np.full((len(bins), length), UNKNOWN, dtype=np.uint8)
        whole = np.flatnonzero(outside == 0)
        if len(whole):
            codes[whole] = sliding_window_view(self._codes, length)[self._first[number[whole]] + start[whole]]
        for row in np.flatnonzero(outside):
            low, high = max(0, int(start[row])), min(int(ends[row]), int(start[row]) + length)
            first = int(self._first[number[row]])
            codes[row, low - start[row] : high - start[row]] = self._codes[first + low : first + high]
        return Contexts(codes, outside)

    def _numbers(self, bins: Bins, contigs: ContigRule) -> NDArray[np.int64]:
        place = {name: number for number, name in enumerate(self.lengths)}
        used = np.unique(bins.chrom)
        found = np.zeros(len(bins.names), dtype=np.int64)
        for one in used.tolist():
            found[one] = place[renamed(bins.names[one], contigs, self.lengths)]
        return np.asarray(found[bins.chrom])

    def _refuse_beyond(self, bins: Bins, ends: NDArray[np.int64]) -> None:
        beyond = bins.end > ends
        if beyond.any():
            row = int(np.argmax(beyond))
            raise InputError(
                f"{bins.described(row)} reaches beyond the chromosome's {ends[row]} bases in {self.path}"
                f" ({self.manifest.source}), as do {int(beyond.sum()) - 1} others; is it another genome build?"
            )


def _write_codes(source: Path, handle: IO[bytes]) -> GenomeManifest:
    lengths, unknown, digest, ambiguous = dict[str, int](), dict[str, int](), hashlib.sha256(), 0
    _write_header(handle, 0)
    for name, codes, replaced in genome_pieces(source):
        if not len(codes):
            if name in lengths:
                raise InputError(f"{source}: chromosome '{name}' occurs twice")
            lengths[name] = unknown[name] = 0
        lengths[name] += len(codes)
        unknown[name] += int(np.count_nonzero(codes == UNKNOWN))
        ambiguous += replaced
        digest.update(codes.data)
        handle.write(codes.data)
    if not sum(lengths.values()):
        raise InputError(f"{source}: no base in any chromosome")
    handle.seek(0)
    _write_header(handle, sum(lengths.values()))
    return GenomeManifest(
        source=source.name,
        chromosomes=tuple(Chromosome(name=name, length=lengths[name], unknown=unknown[name]) for name in lengths),
        ambiguous=ambiguous,
        sha256=digest.hexdigest(),
    )


def _write_header(handle: IO[bytes], bases: int) -> None:
    # numpy pads the header so that the first axis may grow.
    np.lib.format.write_array_header_1_0(handle, {"descr": "|u1", "fortran_order": False, "shape": (bases,)})


def _read_manifest(folder: Path) -> GenomeManifest:
    file = folder / MANIFEST
    if not file.is_file():
        there = "is not a finished genome store" if folder.is_dir() else "no such genome store"
        raise InputError(f"{folder}: {there}; make it with `holdfast data genome`")
    try:
        manifest = GenomeManifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise InputError(f"{file}: not a manifest of a genome ({error.errors()[0]['msg']}); {_REMEDY}") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise InputError(f"{file}: schema version {manifest.schema_version}, this holdfast reads {SCHEMA_VERSION}")
    return manifest


def _refuse_occupied(path: Path, *, overwrite: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    there = {one.name for one in path.iterdir()} if path.is_dir() else {""}
    if there - {CODES, MANIFEST}:
        raise InputError(f"{path} is there already and is not a stored genome; choose another name")
    if there and not overwrite:
        raise InputError(f"{path} is there already; choose another name or ask for it to be overwritten")
