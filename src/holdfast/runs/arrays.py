"""Arrays in a run folder: a frozen dataclass of words, numbers and arrays, as one npz file.

:class:`AskedWindows` is what answers about windows of chosen examples have in common.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.core.files import writing
from holdfast.runs.files import EXPLAINED_BY, FileKind
from holdfast.runs.folder import Run

__all__ = ["AskedWindows", "read_arrays", "write_arrays"]

T = TypeVar("T")
_PLAIN: dict[object, Callable[[Any], Any]] = {str: str, int: int, float: float}


@dataclass(frozen=True, kw_only=True, eq=False)
class AskedWindows:
    """N windows that a model was asked about, and what was asked.

    Parameters
    ----------
    settings
        What was asked, as JSON: equal settings give equal answers.
    method
        As a command names it, with its settings.
    task
        Name of the task.
    chosen
        Which examples, in words.
    names
        (N,) of the examples.
    index
        (N,) numbers of the examples in the data set.
    label
        (N,): 1 bound, 0 unbound, -1 unknown.
    core
        (N, 2) [start, end) in the context; -1, -1 where it is not known.
    logits
        (N,) of the windows.
    codes
        (N, W) uint8.
    """

    settings: str
    method: str
    task: str
    chosen: str
    names: NDArray[Any]
    index: NDArray[np.int64]
    label: NDArray[np.int8]
    core: NDArray[np.int32]
    logits: NDArray[np.float32]
    codes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def window(self) -> int:
        """W."""
        return int(self.codes.shape[1])


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
