"""Arrays in a run folder: a frozen dataclass of words, numbers and arrays, as one npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_type_hints

import numpy as np

from holdfast.core.errors import InputError
from holdfast.core.files import writing
from holdfast.runs.files import EXPLAINED_BY, FileKind
from holdfast.runs.folder import Run

__all__ = ["read_arrays", "write_arrays"]

T = TypeVar("T")
_PLAIN: dict[object, Callable[[Any], Any]] = {str: str, int: int, float: float}


def write_arrays(run: Run, kind: FileKind, stored: Any) -> None:
    """Write a dataclass as a file of a run; fields that are None are left out.

    Parameters
    ----------
    run
        Whose folder.
    kind
        Which file, an npz.
    stored
        A dataclass of texts, numbers and arrays.
    """
    found = {field.name: getattr(stored, field.name) for field in fields(stored)}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in found.items() if value is not None}
    with writing(run.path(kind)) as handle:
        np.savez_compressed(handle, **arrays)


def read_arrays(run: Run, kind: FileKind, schema: type[T]) -> T:
    """Return the dataclass that a file of a run holds.

    Parameters
    ----------
    run
        Whose folder.
    kind
        Which file, an npz.
    schema
        The dataclass; it raises a ValueError where its arrays do not agree.

    Raises
    ------
    InputError
        If the file is not there or garbled; the message names the command that brings it back.
    """
    run.require(kind)
    path = run.path(kind)
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {field.name: file[field.name] for field in _fields(schema) if _wanted(field, file)}
        hints = get_type_hints(schema)
        return schema(**{name: _PLAIN.get(hints[name], _same)(value) for name, value in values.items()})
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        remedy = f"run `holdfast explain {EXPLAINED_BY[kind]} {run.folder}`"
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}); {remedy}") from error


def _fields(schema: Any) -> tuple[Field[Any], ...]:
    return fields(schema)


def _wanted(field: Field[Any], file: Any) -> bool:
    """Return whether a field is to be read: one with a default may be missing."""
    return field.default is MISSING or field.name in file


def _same(value: Any) -> Any:
    return value
