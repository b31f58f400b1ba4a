"""The folder a data set lives in: written block by block under a temporary name, renamed whole, checked on opening.

``codes.npy`` is one byte per base, so 4.4 million examples of 1,200 bp take 5.3 GB, and neither writing nor reading
holds more than a block. The manifest is written last: a folder without one was never finished.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from holdfast.core.errors import InputError
from holdfast.core.files import sha256_of, write_text
from holdfast.data.arrays import BLOCK_BYTES, DTYPES, PLACES_SCHEMA, Arrays, Places, array_digests, blocks
from holdfast.data.manifest import SCHEMA_VERSION, Manifest, PartCount, Provenance, count_labels, mix
from holdfast.data.parts import PARTS
from holdfast.dna.codes import Codes

__all__ = ["PLACES", "StoreWriter", "make_manifest", "map_array", "read_store"]

MANIFEST = "manifest.json"
PLACES = "places.parquet"
# A reader unpacks one group of names at a time.
PLACES_ROWS = 1 << 13
_REMEDY = "delete the folder and build the data set again"


class StoreWriter:
    """Write a data set of any size, block by block; the folder appears when the block of code ends well.

    Parameters
    ----------
    path
        The folder to make.
    context
        Bases per example.
    tasks
        Names of the label columns.
    provenance
        Where the examples come from; may be replaced before the end, when leakage is known.
    overwrite
        Replace a finished or half-written data set of that name; anything else in the way is refused.

    Raises
    ------
    InputError
        If the folder is there already or cannot be written. Nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "tiny"
    >>> with StoreWriter(folder, context=4, tasks=("bound",), provenance=Provenance(source="by hand")) as writer:
    ...     for _ in range(3):
    ...         writer.append(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    >>> read_store(folder)[1].examples
    6
    """

    def __init__(
        self, path: Path, *, context: int, tasks: Sequence[str], provenance: Provenance, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        self.provenance = provenance
        self._context, self._tasks, self._overwrite = context, tuple(tasks), overwrite
        self._temporary = _beside(self.path, "part")
        self._examples = 0
        self._digests = {name: hashlib.sha256() for name in DTYPES}
        self._counts = np.zeros((len(PARTS), len(self._tasks), 3), dtype=np.int64)
        self._open = contextlib.ExitStack()
        self._files: dict[str, IO[bytes]] = {}
        self._starts: dict[str, int] = {}

    def __enter__(self) -> StoreWriter:
        _refuse_occupied(self.path, overwrite=self._overwrite)
        try:
            with self._explained():
                # A killed writer of the same process number may have left its folder.
                shutil.rmtree(self._temporary, ignore_errors=True)
                self._temporary.mkdir(parents=True)
                self._begin_files()
        except BaseException:
            self._clear()
            raise
        return self

    def append(
        self,
        codes: Codes,
        labels: NDArray[np.int8],
        *,
        split: NDArray[np.uint8] | None = None,
        group: NDArray[np.int64] | None = None,
        core: NDArray[np.int32] | None = None,
        places: Places | None = None,
    ) -> None:
        """Add n examples.

        Parameters
        ----------
        codes, labels, split, group, core
            As in :class:`Arrays`. Left out: all train, each its own group, core not known.
        places
            Names and coordinates; left out, an example is named by its number.

        Raises
        ------
        InputError
            If an array is not what it has to be, or the disk is full.
        """
        first, count = self._examples, len(codes)
        arrays = Arrays.completed(codes, labels, split=split, group=group, core=core, first=first)
        if codes.shape[1] != self._context or labels.shape[1] != len(self._tasks):
            raise InputError(
                f"{self.path}: a block of {codes.shape[1]} bp and {labels.shape[1]} tasks in a data set of"
                f" {self._context} bp and {len(self._tasks)} tasks"
            )
        with self._explained():
            for name, array in arrays.items():
                for block in blocks(array):
                    self._digests[name].update(block)
                    self._files[name].write(block)
            named = places or Places(names=tuple(map(str, range(first, first + count))))
            self._places.write_table(named.table(), row_group_size=PLACES_ROWS)
        self._counts += count_labels(arrays.labels, arrays.split)
        self._examples += count

    def divide(self, split: NDArray[np.uint8], group: NDArray[np.int64]) -> None:
        """Say, after the last block, which part and group each of the N examples is in; what blocks said is dropped.

        Parameters
        ----------
        split, group
            (N,) as in :class:`Arrays`.

        Raises
        ------
        InputError
            If there are fewer or more than N, or the disk is full.
        """
        if not len(split) == len(group) == self._examples:
            raise InputError(f"{self.path}: {len(split)} parts and {len(group)} groups of {self._examples} examples")
        for name, array in (("split", split), ("group", group)):
            with self._explained():
                self._files[name].seek(self._starts[name])
                self._files[name].truncate()
                content = array.astype(DTYPES[name]).tobytes()
                self._files[name].write(content)
            self._digests[name] = hashlib.sha256(content)
        arrays = self.arrays()
        self._counts[:] = 0
        rows = max(1, BLOCK_BYTES // max(1, len(self._tasks)))
        for start in range(0, len(arrays), rows):
            block = slice(start, start + rows)
            self._counts += count_labels(arrays.labels[block], arrays.split[block])

    def arrays(self) -> Arrays:
        """Return what was written so far, mapped from the files, for a look at the whole before the end."""
        with self._explained():
            for handle in self._files.values():
                handle.flush()
        shapes = Arrays.shapes(self._examples, self._context, len(self._tasks))
        return Arrays(**{name: self._mapped(name, shape) for name, shape in shapes.items()})

    @property
    def counts(self) -> NDArray[np.int64]:
        """(3 parts, T, 3) counts of labels -1, 0 and 1 so far."""
        return self._counts.copy()

    def attach(self, name: str) -> Path:
        """Return the path at which to write another file of the folder, such as the truth of a simulation."""
        return self._temporary / name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self._explained():
                    self._finish()
        finally:
            self._clear()

    def _begin_files(self) -> None:
        for name in DTYPES:
            self._files[name] = self._open.enter_context((self._temporary / f"{name}.npy").open("wb"))
            self._write_header(name)
            self._starts[name] = self._files[name].tell()
        places = self._open.enter_context((self._temporary / PLACES).open("wb"))
        self._places = self._open.enter_context(pq.ParquetWriter(places, PLACES_SCHEMA, compression="zstd"))

    def _clear(self) -> None:
        # What cannot be flushed now belongs to a folder that is thrown away.
        with contextlib.suppress(OSError):
            self._open.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _finish(self) -> None:
        for name, handle in self._files.items():
            handle.seek(0)
            self._write_header(name)
        for handle in self._files.values():
            handle.flush()
            os.fsync(handle.fileno())
        self._open.close()
        digests = {name: digest.hexdigest() for name, digest in self._digests.items()}
        manifest = make_manifest(
            self._counts, digests, context=self._context, tasks=self._tasks, provenance=self.provenance
        )
        files = manifest.digests | {PLACES: sha256_of(self._temporary / PLACES)}
        manifest = manifest.model_copy(update={"digests": files})
        write_text(self._temporary / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        _move_into_place(self._temporary, self.path)

    def _mapped(self, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        if 0 in shape:
            return np.zeros(shape, dtype=DTYPES[name])
        path = self._temporary / f"{name}.npy"
        return np.memmap(path, dtype=DTYPES[name], mode="r", offset=self._starts[name], shape=shape)

    def _write_header(self, name: str) -> None:
        # numpy pads the header so that the first axis may grow: the final count overwrites it at the same length.
        shape = Arrays.shapes(self._examples, self._context, len(self._tasks))[name]
        header = {"descr": np.lib.format.dtype_to_descr(DTYPES[name]), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._files[name], header)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written ({error.strerror or error}); nothing was left behind, so make room"
                " or choose another folder and run the same command again"
            ) from error


def read_store(path: Path, *, verify: bool = True) -> tuple[Arrays, Manifest]:
    """Map a stored data set.

    Parameters
    ----------
    path
        The folder.
    verify
        Compare every array with the digest in the manifest (reads the whole folder once, at the disk's speed).

    Returns
    -------
    tuple[Arrays, Manifest]
        The arrays are memory-mapped and read-only.

    Raises
    ------
    InputError
        If the folder is not a finished data set of a schema we know, or was cut or changed since.
    """
    manifest = _read_manifest(path)
    shapes = Arrays.shapes(manifest.examples, manifest.context_length, len(manifest.tasks))
    mapped = {name: map_array(path / f"{name}.npy", shapes[name], DTYPES[name]) for name in DTYPES}
    arrays = Arrays(**mapped)
    if not (path / PLACES).is_file():
        raise InputError(f"{path / PLACES} is missing; {_REMEDY}")
    if verify:
        found = array_digests(arrays) | {PLACES: sha256_of(path / PLACES)}
        for name, digest in found.items():
            if manifest.digests.get(name) != digest:
                raise InputError(f"{path}: {name} was changed after the data set was written; {_REMEDY}")
        if mix({name: found[name] for name in DTYPES}, manifest.tasks) != manifest.fingerprint:
            raise InputError(f"{path / MANIFEST}: tasks or fingerprint were changed after it was written; {_REMEDY}")
    return arrays, manifest


def make_manifest(
    counts: NDArray[np.int64],
    digests: Mapping[str, str],
    *,
    context: int,
    tasks: Sequence[str],
    provenance: Provenance,
) -> Manifest:
    """Return the manifest for (3, T, 3) label counts (see ``count_labels``) and the arrays' digests."""
    rows = tuple(
        PartCount(part=part, task=task, unknown=int(cell[0]), unbound=int(cell[1]), bound=int(cell[2]))
        for part, of_part in zip(PARTS, counts, strict=True)
        for task, cell in zip(tasks, of_part, strict=True)
    )
    known = counts[:, :, 1:].sum(axis=(0, 2))
    bound = counts[:, :, 2].sum(axis=0)
    return Manifest(
        provenance=provenance,
        examples=int(counts[:, 0].sum()),
        context_length=context,
        tasks=tuple(tasks),
        counts=rows,
        balance={task: bound[t] / known[t] if known[t] else None for t, task in enumerate(tasks)},
        digests=dict(digests),
        fingerprint=mix(digests, tasks),
    )


def _read_manifest(path: Path) -> Manifest:
    if not path.is_dir():
        raise InputError(f"{path}: no such data set; make it with `holdfast data build` or `holdfast data simulate`")
    file = path / MANIFEST
    if not file.is_file():
        raise InputError(f"{path} is not a finished data set: {MANIFEST}, which is written last, is missing; {_REMEDY}")
    try:
        written = json.loads(file.read_bytes())
    except ValueError as error:
        raise InputError(f"{file}: not a manifest of schema {SCHEMA_VERSION} ({error}); {_REMEDY}") from error
    version = written.get("schema_version") if isinstance(written, dict) else None
    if isinstance(version, int) and version != SCHEMA_VERSION:
        raise InputError(
            f"{file}: schema version {version}, this holdfast reads {SCHEMA_VERSION}; update holdfast or build the data"
            " set again"
        )
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{file}: not a manifest of schema {SCHEMA_VERSION} ({first['msg']} at '{where}'); {_REMEDY}"
        ) from error


def map_array(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], *, remedy: str = _REMEDY) -> NDArray[Any]:
    """Return an array mapped from a ``.npy`` file.

    Raises
    ------
    InputError
        If the file is missing, damaged, or holds another array.
    """
    try:
        # numpy cannot map a file without data; an empty array needs no mapping.
        array = np.load(path, mmap_mode="r" if 0 not in shape else None, allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; {remedy}") from error
    # A zip file: what begins as one is taken for several arrays.
    except (ValueError, OSError, EOFError, SyntaxError, OverflowError, tokenize.TokenError, BadZipFile) as error:
        raise InputError(f"{path} is cut short or damaged ({error}); {remedy}") from error
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        raise InputError(f"{path} is not the array that the manifest promises ({dtype} {shape}); {remedy}")
    return np.asarray(array)


def _refuse_occupied(path: Path, *, overwrite: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    ours = path.is_dir() and ((path / MANIFEST).exists() or (path / "codes.npy").exists() or not any(path.iterdir()))
    if not ours:
        raise InputError(f"{path} is there already and is not a data set; choose another name")
    if not overwrite and any(path.iterdir()):
        raise InputError(f"{path} is there already; choose another name or ask for it to be overwritten")


def _beside(path: Path, ending: str) -> Path:
    """Return a hidden name of this process beside a folder, which may be spelled '.' or as an empty word."""
    whole = path.absolute()
    if not whole.name:
        raise InputError(f"{path}: is no name for a data set; choose another one")
    return whole.with_name(f".{whole.name}.{os.getpid()}.{ending}")


def _move_into_place(temporary: Path, path: Path) -> None:
    old = _beside(path, "old")
    if path.exists():
        path.replace(old)
    temporary.replace(path)
    shutil.rmtree(old, ignore_errors=True)
