"""JASPAR matrices from the data base that pyjaspar carries inside its package: no network, one pinned release."""

from __future__ import annotations

import re
import sqlite3
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError, did_you_mean
from holdfast.motifs.motif import Motif

__all__ = ["PINNED", "RELEASE", "jaspar_collection", "jaspar_matrices", "jaspar_motif"]

RELEASE = "JASPAR2026"
# The matrices of the factors that simulations use, so that a newer release changes no simulated data.
PINNED = {"SP1": "MA0079.5", "MAFK": "MA0496.4", "ZNF143": "MA0088.3"}
_MATRIX_ID = re.compile(r"[A-Z]{2}\d{4}\.\d+")
_HUMAN = "9606"


@cache
def jaspar_motif(name: str, release: str = RELEASE) -> Motif:
    """Return a JASPAR matrix by the factor's name or by its versioned id.

    Parameters
    ----------
    name
        ``SP1``, ``MAFK`` and ``ZNF143`` are pinned to one matrix each; any other name means the newest version of
        the only human CORE matrix of that name. A versioned id (``MA0079.3``) is taken as it stands.
    release
        One of those that pyjaspar carries.

    Returns
    -------
    Motif
        Probabilities with a pseudocount of 0.1 per column.

    Raises
    ------
    InputError
        If the release has no such matrix (the nearest name is told) or several (their ids are).

    Examples
    --------
    >>> motif = jaspar_motif("SP1")
    >>> motif.source, motif.consensus
    ('JASPAR2026 MA0079.5', 'GGGGCGGGG')
    """
    with warnings.catch_warnings():
        # Biopython warns that its motif module may change, and that a search found nothing; both are said here.
        warnings.simplefilter("ignore")
        database = _open(release)
        try:
            found = _by_id(database, name) if _MATRIX_ID.fullmatch(name) else _by_name(database, name)
            if found is None:
                raise InputError(f"{release} has no matrix '{name}' of a human factor: {_hint(database, name)}")
        except sqlite3.Error as error:
            raise InputError(f"the data base inside pyjaspar cannot be read ({error}); install it again") from error
        finally:
            database.conn.close()
    return _motif(found, release)


@cache
def jaspar_collection(release: str = RELEASE) -> tuple[Motif, ...]:
    """Return the newest CORE matrices of human factors, one for each name, by matrix id.

    Parameters
    ----------
    release
        One of those that pyjaspar carries.

    Raises
    ------
    InputError
        If the release is unknown or cannot be read.

    Examples
    --------
    >>> motifs = jaspar_collection()
    >>> len(motifs) == len({motif.name for motif in motifs}), len(motifs) > 690
    (True, True)
    """
    named = {motif.name: motif for motif in reversed(jaspar_matrices(release, species=_HUMAN))}
    return tuple(reversed(named.values()))  # of one name, the lowest id stays


@cache
def jaspar_matrices(
    release: str = RELEASE, *, taxon: str | None = None, species: str | None = None
) -> tuple[Motif, ...]:
    """Return the newest CORE matrices of a group of species or of one, by matrix id.

    Parameters
    ----------
    release
        One of those that pyjaspar carries.
    taxon
        ``vertebrates``, ``plants``, ``fungi`` ... ; None: all.
    species
        NCBI's number, such as 9606, or the name, such as Homo sapiens; None: all.

    Returns
    -------
    tuple of Motif
        Probabilities with a pseudocount of 0.1 per column, as :func:`jaspar_motif`.

    Raises
    ------
    InputError
        If release, taxon or species is unknown (the nearest name is told), or none of the matrices fits both.

    Examples
    --------
    >>> motifs = jaspar_matrices("JASPAR2020", taxon="urochordates")
    >>> len(motifs), motifs[0].label
    (1, 'MA0118.1 Macho-1')
    """
    database = _open(release)
    try:
        rows = _numbers_of(database.conn, release, taxon, species)
    except sqlite3.Error as error:
        raise InputError(f"the data base inside pyjaspar cannot be read ({error}); install it again") from error
    finally:
        database.conn.close()
    if not rows:
        raise InputError(f"{release} has no CORE matrices of taxon {taxon} and species {species} together")
    counts = dict[tuple[str, str], dict[tuple[str, int], float]]()
    for accession, name, base, column, value in rows:
        counts.setdefault((accession, name), {})[base, column] = value
    return tuple(
        Motif.from_counts(name, _as_array(cells), source=f"{release} {accession}", accession=accession)
        for (accession, name), cells in sorted(counts.items())
    )


def _motif(found: Any, release: str) -> Motif:
    counts = np.array([found.counts[base] for base in "ACGT"], dtype=np.float64)
    accession = str(found.matrix_id)
    return Motif.from_counts(str(found.name), counts, source=f"{release} {accession}", accession=accession)


def _numbers_of(connection: Any, release: str, taxon: str | None, species: str | None) -> list[Any]:
    """Return id, name, base, column (from 1) and count of every cell of the matrices asked for.

    One query: pyjaspar's own way asks four times for each matrix, seconds for a large group.
    """
    wanted, values = _NEWEST, list[str]()
    if taxon is not None:
        groups = connection.execute("SELECT DISTINCT VAL FROM MATRIX_ANNOTATION WHERE TAG = 'tax_group'").fetchall()
        _check_known(taxon, [group for (group,) in groups], f"{release} has no taxon '{taxon}'")
        wanted += " AND m.ID IN (SELECT ID FROM MATRIX_ANNOTATION WHERE TAG = 'tax_group' AND VAL = ?)"
        values.append(taxon)
    if species is not None:
        named = {name: str(number) for number, name in connection.execute("SELECT TAX_ID, SPECIES FROM TAX")}
        number = named.get(species, species)
        _check_known(number, [*named.values(), *named], f"{release} has no species '{species}'")
        wanted += " AND m.ID IN (SELECT ID FROM MATRIX_SPECIES WHERE TAX_ID = ?)"
        values.append(number)
    return list(connection.execute(wanted, values).fetchall())


# A version counts as the newest whatever collection the others are in, as pyjaspar has it.
_NEWEST = """
    SELECT m.BASE_ID || '.' || m.VERSION, m.NAME, d.ROW, d.COL, d.VAL
    FROM MATRIX m JOIN MATRIX_DATA d ON d.ID = m.ID
    WHERE m.COLLECTION = 'CORE' AND NOT EXISTS
        (SELECT 1 FROM MATRIX n WHERE n.BASE_ID = m.BASE_ID AND n.VERSION > m.VERSION)
"""


def _check_known(name: str, known: list[str], what: str) -> None:
    if name not in known:
        raise InputError(f"{what}: {did_you_mean(name, known)}")


def _as_array(cells: dict[tuple[str, int], float]) -> NDArray[np.float64]:
    columns = sorted({column for _, column in cells})
    return np.array([[cells[base, column] for column in columns] for base in "ACGT"], dtype=np.float64)


def _open(release: str) -> Any:
    import pyjaspar  # slow to import, and only simulations and motif matching need it

    if release not in pyjaspar.jaspar_releases:
        raise InputError(f"unknown JASPAR release '{release}': {did_you_mean(release, pyjaspar.jaspar_releases)}")
    return pyjaspar.jaspardb(release=release)


def _by_id(database: Any, matrix_id: str) -> Any | None:
    return database.fetch_motif_by_id(matrix_id)


def _by_name(database: Any, name: str) -> Any | None:
    pinned = _by_id(database, PINNED[name.upper()]) if name.upper() in PINNED else None
    if pinned is not None:
        return pinned
    found = database.fetch_motifs(tf_name=name, species=[_HUMAN], collection="CORE")
    found = [motif for motif in found if motif.name.upper() == name.upper()]
    if len(found) > 1:
        choices = ", ".join(sorted(str(motif.matrix_id) for motif in found))
        raise InputError(f"{database.release} has several matrices of '{name}': name one of {choices}")
    return found[0] if found else None


def _hint(database: Any, name: str) -> str:
    rows = database.conn.execute("SELECT DISTINCT NAME FROM MATRIX WHERE COLLECTION = 'CORE'").fetchall()
    hint = did_you_mean(name, [row[0] for row in rows])
    return hint if hint.startswith("did you") else "give a JASPAR name such as CTCF or an id such as MA0139.2"
