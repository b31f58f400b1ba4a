"""A folder of data sets, in the forms in which the field shares collections."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.build import Negatives, build, read_parts
from holdfast.data.split import Given
from holdfast.io.records import LabelledSequences

__all__ = ["collect"]

# DeepBind's pairs (positives of A and C to train on, B to test on), and train / dev / test files of one stem.
_DEEPBIND = re.compile(r"(?P<stem>.+)_(?P<part>AC|B)\.seq(\.gz)?$")
_PARTS = re.compile(r"(?P<stem>.+)[._](?P<part>train|dev|valid|validation|test)\.[a-z]+(\.gz)?$")
_PART_NAMES = {"AC": "train", "B": "test", "dev": "validation", "valid": "validation"}


def collect(folder: Path, made: Path, *, seed: int = 0, progress: Progress = SILENT) -> dict[str, Path]:
    """Return the data sets of a folder by name, built where they are files.

    Parameters
    ----------
    folder
        Holds data set folders, DeepBind's pairs ``NAME_AC.seq.gz`` and ``NAME_B.seq.gz``, or files
        ``NAME.train.csv``, ``NAME.dev.csv`` (or ``valid``, ``validation``) and ``NAME.test.csv`` of any readable
        format.
    made
        Where data sets made from files go. A part of positives only gets dinucleotide shuffles; where no file is the
        validation part, a tenth of the training examples are.
    seed
        Of shuffles and of the validation part.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the folder is missing or holds nothing of these forms, or a file has no partner.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of data sets")
    stored = {path.name: path for path in sorted(folder.iterdir()) if (path / "manifest.json").is_file()}
    files = _by_stem(folder)
    for name, parts in files.items():
        if name in stored or not {"train", "test"} <= set(parts):
            raise InputError(f"{folder}: {name} has {', '.join(parts)}; expected one file for train and one for test")
    if not stored and not files:
        raise InputError(
            f"{folder}: no data set folder, no NAME_AC.seq.gz with NAME_B.seq.gz, and no NAME.train.csv with "
            "NAME.test.csv; `holdfast data build` makes data sets"
        )
    for name, parts in files.items():
        with progress.task(f"reading {name}", None):
            stored[name] = _built(parts, made / _plain(name), seed)
    return stored


def _by_stem(folder: Path) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(folder.iterdir()):
        match = _DEEPBIND.fullmatch(path.name) or _PARTS.fullmatch(path.name)
        if match and path.is_file():
            part = _PART_NAMES.get(match["part"], match["part"])
            found[match["stem"]][part] = path
    return dict(found)


def _built(parts: dict[str, Path], folder: Path, seed: int) -> Path:
    """Build anew: the same files give the same fingerprint, so finished runs are still found."""
    given = {part: [path] for part, path in parts.items()}
    records = read_parts(given["train"], validation=given.get("validation", []), test=given["test"]).gather()
    negatives: Negatives = "shuffle" if _has_part_of_positives(records) else "given"
    build(records, folder, split=Given(seed=seed), negatives=negatives, seed=seed, overwrite=True)
    return folder


def _has_part_of_positives(records: LabelledSequences) -> bool:
    assert records.split is not None
    return any(bool((records.labels[records.split == part] == 1).all()) for part in set(records.split.tolist()))


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", name).strip("_")
