"""The published data sets by name: where their files lie, and what their bytes hash to where somebody has looked."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from holdfast.core.errors import InputError, did_you_mean

__all__ = ["PublishedFile", "PublishedSet", "find_published", "published_sets"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedFile(_Record):
    """One file of a published data set.

    Parameters
    ----------
    name
        Under which it is stored.
    address
        http or https.
    sha256
        Of its bytes; None where no copy could be checked.
    """

    name: str
    address: str
    sha256: str | None


class PublishedSet(_Record):
    """A published data set.

    Parameters
    ----------
    name
        For ``holdfast data fetch``.
    title
        What it is and whose.
    page
        A page about it.
    note
        What to do with it, or why there are no files.
    files
        Empty where no public address of the files is known.
    """

    name: str
    title: str
    page: str
    note: str
    files: tuple[PublishedFile, ...]


@cache
def published_sets() -> tuple[PublishedSet, ...]:
    """Return all published data sets that we know of.

    Examples
    --------
    >>> [one.name for one in published_sets()][:2]
    ['sp1-h1hesc-discovery', 'sp1-h1hesc-occupancy']
    """
    table = yaml.safe_load((files("holdfast.data") / "sources.yaml").read_text(encoding="utf-8"))
    return tuple(PublishedSet.model_validate(entry) for entry in table["sets"])


def find_published(name: str) -> PublishedSet:
    """Return a published data set by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    known = {one.name: one for one in published_sets()}
    if name not in known:
        raise InputError(f"no published data set '{name}': {did_you_mean(name, known)}")
    return known[name]
