"""SequenceDataset: examples of context length, mapped from a folder or held in memory, drawn as batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from holdfast.core.errors import InputError
from holdfast.data.arrays import Arrays, Places, array_digests
from holdfast.data.batch import Batch
from holdfast.data.manifest import Manifest, Provenance, count_labels
from holdfast.data.parts import part_number
from holdfast.data.places import StoredPlaces
from holdfast.data.store import PLACES, StoreWriter, make_manifest, read_store
from holdfast.dna.codes import Codes

__all__ = ["SequenceDataset"]

_SAVE_BYTES = 1 << 26


class SequenceDataset:
    """Examples of context length with their labels, parts, groups and cores.

    Made by :meth:`open`, :meth:`in_memory`, or :meth:`take` and :meth:`part` of another one, which are views: they
    copy nothing until an array of theirs is asked for, and an example keeps its own number in ``Batch.index``.

    Examples
    --------
    >>> codes = np.array([[0, 1, 2], [3, 3, 3], [2, 1, 0]], dtype=np.uint8)
    >>> labels = np.array([[1], [0], [1]], dtype=np.int8)
    >>> data = SequenceDataset.in_memory(codes, labels, split=np.array([0, 2, 2], dtype=np.uint8))
    >>> len(data), data.context, len(data.part("test")), data.part("test").batch([1]).index.tolist()
    (3, 3, 2, [2])
    """

    def __init__(
        self,
        arrays: Arrays,
        *,
        places: Callable[[], Places | StoredPlaces],
        manifest: Callable[[], Manifest],
        tasks: Sequence[str],
        rows: NDArray[np.int64] | None = None,
    ) -> None:
        self._arrays = arrays
        self._read_places = places
        self._make_manifest = manifest
        self._rows = rows
        self.tasks = tuple(tasks)

    @classmethod
    def open(cls, path: Path | str, *, verify: bool = True) -> SequenceDataset:
        """Open a stored data set, memory-mapped.

        Parameters
        ----------
        path
            The folder.
        verify
            Compare the contents with the fingerprint, which reads them once.

        Raises
        ------
        InputError
            If the folder is half written, cut, changed or of another schema.
        """
        folder = Path(path)
        arrays, manifest = read_store(folder, verify=verify)
        places = cache(lambda: StoredPlaces.read(folder / PLACES))
        return cls(arrays, places=places, manifest=lambda: manifest, tasks=manifest.tasks)

    @classmethod
    def in_memory(
        cls,
        codes: Codes,
        labels: NDArray[np.int8],
        *,
        split: NDArray[np.uint8] | None = None,
        group: NDArray[np.int64] | None = None,
        core: NDArray[np.int32] | None = None,
        places: Places | None = None,
        tasks: Sequence[str] = ("bound",),
        provenance: Provenance | None = None,
    ) -> SequenceDataset:
        """Make a data set of arrays.

        Parameters
        ----------
        codes
            (N, L) uint8: A, C, G, T = 0..3, N = 4.
        labels
            (N, T) int8: 1 bound, 0 unbound, -1 unknown.
        split
            (N,) uint8: 0 train, 1 validation, 2 test; left out, all are train.
        group
            (N,) int64: examples with one number must stay together; left out, each is its own.
        core
            (N, 2) int32, ``[start, end)``; left out, not known.
        places
            Names and coordinates; left out, an example is named by its number.
        tasks
            T names.
        provenance
            Where the examples come from.

        Raises
        ------
        InputError
            If an array is not what it has to be.
        """
        count = len(codes) if np.ndim(codes) else 0
        arrays = Arrays.completed(codes, labels, split=split, group=group, core=core)
        arrays.check_values()
        named = places or Places(names=tuple(map(str, range(count))))
        if not isinstance(named, Places):
            raise InputError(f"places is of type {type(named).__name__}; expected Places(names=...)")
        if not _are_names(tasks):
            raise InputError(f"tasks is {tasks!r}; expected a list of different names, one per label column")
        if len(tasks) != labels.shape[1] or len(named.names) != count:
            raise InputError(
                f"{len(tasks)} task names for {labels.shape[1]} label columns, {len(named.names)} names for {count}"
                " examples; the numbers have to agree"
            )
        origin = provenance or Provenance(source="arrays in memory")
        return cls(
            arrays,
            places=lambda: named,
            manifest=cache(lambda: _manifest_of(arrays, tasks, origin)),
            tasks=tasks,
        )

    def __len__(self) -> int:
        return len(self._arrays.codes) if self._rows is None else len(self._rows)

    def __repr__(self) -> str:
        return f"SequenceDataset({len(self)} examples of {self.context} bp, tasks {', '.join(self.tasks[:3])})"

    @property
    def context(self) -> int:
        """Bases per example."""
        return int(self._arrays.codes.shape[1])

    @cached_property
    def codes(self) -> Codes:
        """(N, L) uint8. Of a view: a copy in memory; stream :meth:`batches` where that is too much."""
        return self._of("codes")

    @cached_property
    def labels(self) -> NDArray[np.int8]:
        """(N, T) int8: 1 bound, 0 unbound, -1 unknown."""
        return self._of("labels")

    @cached_property
    def split(self) -> NDArray[np.uint8]:
        """(N,) uint8: 0 train, 1 validation, 2 test."""
        return self._of("split")

    @cached_property
    def group(self) -> NDArray[np.int64]:
        """(N,) int64: examples with one number must stay together."""
        return self._of("group")

    @cached_property
    def core(self) -> NDArray[np.int32]:
        """(N, 2) int32, ``[start, end)`` of the binding core; -1, -1 where it is not known."""
        return self._of("core")

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """(N,) int64, the examples' own numbers."""
        return np.arange(len(self), dtype=np.int64) if self._rows is None else self._rows

    @cached_property
    def places(self) -> Places:
        """Names and coordinates, read when first asked for."""
        return self._read_places().take(self.index)

    @property
    def names(self) -> tuple[str, ...]:
        """One name per example."""
        return self.places.names

    @property
    def manifest(self) -> Manifest:
        """Of the whole data set, also where this is a view of it."""
        return self._make_manifest()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the contents; of a view, of the whole's fingerprint and the chosen rows."""
        whole = self.manifest.fingerprint
        if self._rows is None:
            return whole
        return hashlib.sha256(whole.encode() + self._rows.astype("<i8").tobytes()).hexdigest()

    def take(self, index: ArrayLike) -> SequenceDataset:
        """Return a view of the examples at positions (n,) of this data set, in that order.

        Raises
        ------
        InputError
            If a position is outside.
        """
        return SequenceDataset(
            self._arrays,
            places=self._read_places,
            manifest=self._make_manifest,
            tasks=self.tasks,
            rows=self._rows_at(index),
        )

    def part(self, name: str) -> SequenceDataset:
        """Return a view of ``train``, ``validation`` or ``test``.

        Raises
        ------
        InputError
            If there is no such part.
        """
        return self.take(np.flatnonzero(self.split == part_number(name)))

    def codes_at(self, index: ArrayLike) -> Codes:
        """Return (n, L) uint8 of the examples at positions (n,): only those are read.

        Raises
        ------
        InputError
            If a position is outside.
        """
        return np.asarray(self._arrays.codes[self._rows_at(index)])

    def batch(self, index: ArrayLike) -> Batch:
        """Return the examples at positions (n,) of this data set as tensors on the CPU.

        Raises
        ------
        InputError
            If a position is outside.
        """
        rows = self._rows_at(index)
        labels = np.asarray(self._arrays.labels[rows])
        mask = labels >= 0
        return Batch(
            codes=torch.from_numpy(np.asarray(self._arrays.codes[rows])),
            labels=torch.from_numpy(np.where(mask, labels, np.nan).astype(np.float32)),
            mask=torch.from_numpy(mask),
            core=torch.from_numpy(self._arrays.core[rows].astype(np.int64)),
            index=torch.from_numpy(rows),
        )

    def batches(self, batch_size: int, order: ArrayLike | None = None) -> Iterator[Batch]:
        """Yield batches, the last one perhaps smaller; only one of them is in memory.

        Parameters
        ----------
        batch_size
            Examples per batch.
        order
            Positions (n,) in this data set, all or some; left out, the stored order.

        Raises
        ------
        InputError
            If the size is not positive or a position is outside.
        """
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise InputError(f"batch size {batch_size!r}: expected a whole number of 1 or more")
        positions = None if order is None else np.asarray(order)
        count = len(self) if positions is None else len(positions)
        for start in range(0, count, batch_size):
            stop = min(start + batch_size, count)
            yield self.batch(np.arange(start, stop) if positions is None else positions[start:stop])

    def save(
        self,
        path: Path | str,
        *,
        provenance: Provenance | None = None,
        attach: Mapping[str, bytes] | None = None,
        overwrite: bool = False,
    ) -> SequenceDataset:
        """Write the data set as a folder, whole or not at all, and return it opened from there.

        Parameters
        ----------
        path
            The folder to make.
        provenance
            Left out, as it is; leakage and contradictions were counted on the whole and are not claimed for a view.
        attach
            Other files of the folder, by name.
        overwrite
            Replace a data set of that name.

        Raises
        ------
        InputError
            If the folder is there already or cannot be written.
        """
        origin = provenance or self._provenance()
        rows = max(1, _SAVE_BYTES // self.context)
        with StoreWriter(
            Path(path), context=self.context, tasks=self.tasks, provenance=origin, overwrite=overwrite
        ) as writer:
            for start in range(0, len(self), rows):
                chosen = np.arange(start, min(start + rows, len(self)))
                at = self._rows_at(chosen)
                arrays = {name: np.asarray(array[at]) for name, array in self._arrays.items()}
                writer.append(**arrays, places=self.places.take(chosen))
            for name, content in (attach or {}).items():
                writer.attach(name).write_bytes(content)
        return SequenceDataset.open(path, verify=False)

    def _provenance(self) -> Provenance:
        whole = self.manifest.provenance
        return whole if self._rows is None else whole.model_copy(update={"leakage": None, "contradictory": None})

    def _of(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = getattr(self._arrays, name)
        return array if self._rows is None else np.asarray(array[self._rows])

    def _rows_at(self, index: ArrayLike) -> NDArray[np.int64]:
        try:
            positions = np.asarray(index)
        except ValueError as error:  # lists of different lengths
            raise InputError(f"positions have to be (n,) whole numbers ({error})") from error
        if positions.size == 0:
            return np.zeros(0, dtype=np.int64)
        if positions.ndim != 1 or positions.dtype.kind not in "iu":
            raise InputError(f"positions have to be (n,) whole numbers, got {positions.dtype} {positions.shape}")
        if positions.min() < 0 or positions.max() >= len(self):
            raise InputError(
                f"positions {positions.min()}..{positions.max()} in a data set of {len(self)} examples;"
                f" legal are 0..{len(self) - 1}"
            )
        chosen = positions.astype(np.int64)
        return chosen if self._rows is None else self._rows[chosen]


def _are_names(tasks: object) -> bool:
    if not isinstance(tasks, Sequence) or isinstance(tasks, str):
        return False
    return len(set(tasks)) == len(tasks) and all(isinstance(task, str) for task in tasks)


def _manifest_of(arrays: Arrays, tasks: Sequence[str], provenance: Provenance) -> Manifest:
    return make_manifest(
        count_labels(arrays.labels, arrays.split),
        array_digests(arrays),
        context=arrays.codes.shape[1],
        tasks=tasks,
        provenance=provenance,
    )
