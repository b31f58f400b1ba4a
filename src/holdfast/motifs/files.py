"""Files of motifs, known by their content: MEME, JASPAR and TRANSFAC, in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError, did_you_mean
from holdfast.core.files import write_text
from holdfast.dna.interval import Interval
from holdfast.io.jaspar import jaspar_text, read_jaspar
from holdfast.io.matrix import MatrixRecord, word
from holdfast.io.meme import meme_text, read_meme
from holdfast.io.text import decode_text, head
from holdfast.io.transfac import read_transfac, transfac_text
from holdfast.motifs.motif import UNIFORM, Background, Motif

__all__ = ["MotifFormat", "read_motifs", "write_motifs"]

MotifFormat = Literal["meme", "jaspar", "transfac"]

_READERS: Mapping[MotifFormat, Callable[[Path], list[MatrixRecord]]] = {
    "meme": read_meme,
    "jaspar": read_jaspar,
    "transfac": read_transfac,
}
_SUFFIXES: Mapping[str, MotifFormat] = {".meme": "meme", ".jaspar": "jaspar", ".pfm": "jaspar", ".transfac": "transfac"}
_TRANSFAC_CODES = {"VV", "AC", "ID", "NA", "DE", "BF", "P0", "PO", "XX"}
# Published probabilities are rounded to three digits at worst; what is further off is no matrix of probabilities.
_ROUNDING = 0.02


def read_motifs(path: Path) -> tuple[Motif, ...]:
    r"""Return the motifs of a MEME, JASPAR or TRANSFAC file; the content tells which.

    Counts become probabilities without a pseudocount, and rounded probabilities are made to add up to 1. What
    :func:`write_motifs` noted in a comment (source, start, strand, places, contributions) comes back; otherwise the
    source is the file's name.

    Parameters
    ----------
    path
        Plain or gz.

    Raises
    ------
    InputError
        With file and line, if it is none of these, or damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.txt"
    >>> _ = path.write_text(">MA0001.1 TOY\n7 0\n1 0\n1 10\n1 0\n")
    >>> [motif] = read_motifs(path)
    >>> motif.label, motif.probabilities[:, 0].tolist(), motif.source
    ('MA0001.1 TOY', [0.7, 0.1, 0.1, 0.1], 'toy.txt')
    """
    return tuple(_motif(record, path.name) for record in _READERS[_format_of(path)](path))


def write_motifs(
    motifs: Sequence[Motif], path: Path, *, format: MotifFormat | None = None, background: Background = UNIFORM
) -> None:
    """Write motifs, whole or not at all.

    Parameters
    ----------
    motifs
        At least one.
    path
        File to write; ``.meme``, ``.jaspar``, ``.pfm`` and ``.transfac`` tell the format.
    format
        ``meme`` keeps probabilities and ``transfac`` counts, both with provenance in a comment; ``jaspar`` keeps
        counts, id and name, nothing else.
    background
        Told in a MEME file.

    Raises
    ------
    ConfigError
        If neither the format nor the name tells what to write.
    InputError
        If there is no motif, or the file cannot be written.
    """
    chosen = format or _SUFFIXES.get(path.suffix.lower())
    if chosen not in _READERS:
        raise ConfigError(f"{path}: which format? {did_you_mean(str(chosen or path.suffix), _READERS)}")
    if not motifs:
        raise InputError(f"{path}: no motifs to write")
    if chosen == "meme":
        write_text(path, meme_text([_record(motif, motif.probabilities) for motif in motifs], background))
        return
    write = jaspar_text if chosen == "jaspar" else transfac_text
    write_text(path, write([_record(motif, motif.counts) for motif in motifs]))


def _format_of(path: Path) -> MotifFormat:
    for line in decode_text(head(path)).split("\n"):
        text = line.strip()
        if text.startswith("MEME"):
            return "meme"
        if text.startswith(">"):
            return "jaspar"
        if text[:2] in _TRANSFAC_CODES and text[2:3] in ("", " ", "\t"):
            return "transfac"
        # MEME's own output begins with a ruler of stars, and any file may begin with comments.
        if text and text[0] not in "#*":
            break
    raise InputError(
        f"{path}: no motifs; a MEME file begins with 'MEME version 4', a JASPAR file with '>id name',"
        " a TRANSFAC file with a line AC, ID or P0"
    )


def _motif(record: MatrixRecord, file: str) -> Motif:
    total = record.values.sum(axis=0)
    if (total <= 0).any():
        raise InputError(f"{record.place}: position {int(np.argmax(total <= 0))} (from 0) has no counts")
    shares = bool(np.abs(total - 1).max() <= _ROUNDING)
    if not record.counted and not shares:
        worst = int(np.abs(total - 1).argmax())
        raise InputError(f"{record.place}: row {worst + 1} adds up to {total[worst]:.4g}; probabilities add up to 1")
    remarks = _checked(record)
    sites = float(total.max()) if record.counted and not shares else record.sites
    weights = remarks.get("contributions")
    try:
        return Motif(
            name=str(remarks.get("name", record.name)),
            probabilities=record.values / total,
            source=str(remarks.get("source", file)),
            sites=remarks.get("sites", sites),
            contributions=None if weights is None else np.array(weights, dtype=np.float64),
            accession=str(remarks.get("accession", record.accession)),
            start=int(remarks.get("start", 0)),
            strand="-" if remarks.get("strand") == "-" else "+",
            places=tuple(Interval.parse(str(place), one_based_inclusive=False) for place in remarks.get("places", ())),
        )
    except InputError as error:
        raise InputError(f"{record.place}: {error}; mend or delete the comment of this motif") from error


def _checked(record: MatrixRecord) -> Mapping[str, Any]:
    """Return the remarks if they are what :func:`_record` writes: somebody may have edited the file."""
    found, shape = record.remarks, record.values.shape
    numbers = found.get("contributions")
    start, sites = found.get("start", 0), found.get("sites")
    right = isinstance(start, int) and start >= 0 and isinstance(found.get("places", []), list)
    right &= found.get("strand", "+") in ("+", "-")
    right &= sites is None or (isinstance(sites, (int, float)) and np.isfinite(sites) and sites >= 0)
    right &= numbers is None or _is_matrix(numbers, shape)
    if not right:
        raise InputError(f"{record.place}: the comment of this motif does not fit its matrix; delete the comment")
    return found


def _is_matrix(numbers: object, shape: tuple[int, ...]) -> bool:
    rows = numbers if isinstance(numbers, list) else []
    plain = all(isinstance(row, list) and all(isinstance(value, (int, float)) for value in row) for row in rows)
    return plain and [len(row) for row in rows] == [shape[1]] * shape[0]


def _record(motif: Motif, values: NDArray[np.float64]) -> MatrixRecord:
    remarks: dict[str, Any] = {"source": motif.source}
    remarks |= {"name": motif.name} if motif.name != word(motif.name) else {}
    remarks |= {"accession": motif.accession, "sites": motif.sites}
    remarks |= {"start": motif.start, "strand": motif.strand} if (motif.start, motif.strand) != (0, "+") else {}
    remarks |= {"places": [str(place) for place in motif.places]} if motif.places else {}
    remarks |= {} if motif.contributions is None else {"contributions": motif.contributions.tolist()}
    return MatrixRecord(name=motif.name, accession=motif.accession, values=values, sites=motif.sites, remarks=remarks)
