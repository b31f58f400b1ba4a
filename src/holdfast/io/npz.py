"""The D_s container: an ``.npz`` with one-hot sequences and labels for training and test.

``arr_0`` training sequences (N, 1, L, 4) in A, C, G, T order, ``arr_1`` their labels (N, 2), column 0 unbound, column 1
bound; ``arr_2`` and ``arr_3`` the same for test. The arrays are read in pieces, because as float64 they are 32 times
as large as the codes they become. Pickled objects are never loaded.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import ALPHABET, Codes
from holdfast.io.members import check_members, explaining_damage, open_member
from holdfast.io.onehot import codes_of
from holdfast.io.records import LabelledSequences

__all__ = ["read_npz"]

_MEMBERS = ("arr_0", "arr_1", "arr_2", "arr_3")
_HAS = f"a D_s container has {', '.join(_MEMBERS)} (train sequences and labels, test sequences and labels)"
_SPLITS = ("train", "test")
_SPLIT_CODES = (0, 2)
# A row is read whole, so a damaged header must not ask for more than this.
_LONGEST = 1 << 20


def read_npz(paths: Sequence[Path]) -> LabelledSequences:
    """Return labelled sequences, with the container's own split into training and test.

    Parameters
    ----------
    paths
        Containers of one sequence length.

    Raises
    ------
    InputError
        If a container is damaged, lacks an array, or has other shapes or types, or a row that is neither one-hot nor
        all zeros (N).

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "toy.npz"
    >>> x, y = np.eye(4)[None, None, [3, 0]], np.array([[0.0, 1.0]])
    >>> np.savez(path, x, y, x, 1 - y)
    >>> records = read_npz([path])
    >>> records.codes.tolist(), records.labels.ravel().tolist(), records.split.tolist()
    ([[3, 0], [3, 0]], [1, 0], [0, 2])
    """
    if not paths:
        raise InputError("no .npz container given")
    return LabelledSequences.concatenate([_read_file(path) for path in paths])


def _read_file(path: Path) -> LabelledSequences:
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
    codes, labels = [], []
    with explaining_damage(path), zipfile.ZipFile(path) as container:
        check_members(path, container, _MEMBERS, what=_HAS)
        for sequence_member, label_member in (_MEMBERS[:2], _MEMBERS[2:]):
            codes.append(_codes(path, container, sequence_member))
            labels.append(_labels(path, container, label_member))
    for number, name in enumerate(_SPLITS):
        if len(codes[number]) != len(labels[number]):
            raise InputError(f"{path}: {len(codes[number])} {name} sequences but {len(labels[number])} labels")
    if codes[0].shape[1] != codes[1].shape[1]:
        raise InputError(f"{path}: train has {codes[0].shape[1]} bases a sequence, test {codes[1].shape[1]}")
    counts = [len(part) for part in codes]
    return LabelledSequences(
        codes=np.concatenate(codes),
        labels=np.concatenate(labels)[:, None],
        names=tuple(f"{name}_{row}" for name, count in zip(_SPLITS, counts, strict=True) for row in range(count)),
        source=f"D_s container: {path.name}",
        split=np.repeat(np.array(_SPLIT_CODES, dtype=np.uint8), counts),
    )


def _codes(path: Path, container: zipfile.ZipFile, name: str) -> Codes:
    with open_member(path, container, name) as member:
        shape, where = member.shape, member.where
        if not (len(shape) in (3, 4) and shape[-1] == 4 and (len(shape) == 3 or shape[1] == 1) and 0 not in shape):
            raise InputError(
                f"{where}: shape {shape}; sequences are (N, 1, L, 4) or (N, L, 4), the last axis A, C, G, T"
            )
        if shape[-2] > _LONGEST:
            raise InputError(f"{where}: {shape[-2]} bases a sequence; a data set holds windows, not chromosomes")
        coded, row = bytearray(), 0
        for piece in member.pieces():
            bases = piece.reshape(len(piece), shape[-2], 4)
            coded += codes_of(bases, order=ALPHABET, where=where, first=row).data
            row += len(piece)
    return np.frombuffer(coded, dtype=np.uint8).reshape(shape[0], shape[-2])


def _labels(path: Path, container: zipfile.ZipFile, name: str) -> NDArray[np.int8]:
    with open_member(path, container, name) as member:
        if len(member.shape) != 2 or member.shape[1] != 2 or member.shape[0] == 0:
            raise InputError(f"{member.where}: shape {member.shape}; labels are (N, 2): unbound, bound")
        values = np.concatenate(list(member.pieces()))
    wrong = ~((values == 0) | (values == 1)).all(axis=1) | ((values == 1).sum(axis=1) != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"{member.where}: label {row} (counted from 0) is {values[row].tolist()}, not one-hot")
    bound: NDArray[np.int8] = (values[:, 1] == 1).astype(np.int8)
    return bound
