"""DeepBind's published parameter files: one trained model as lines of ``name = numbers``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.io.text import at_line, head, numbered_lines

__all__ = ["DeepBindParams", "is_deepbind_params", "read_deepbind_params"]

_TITLE = b"# deepbind "
_COUNTS = ("reverse_complement", "num_detectors", "detector_len", "has_avg_pooling", "num_hidden")
_ARRAYS = ("detectors", "thresholds", "weights1", "biases1", "weights2", "biases2")
_FLAGS = ("reverse_complement", "has_avg_pooling")


@dataclass(frozen=True, kw_only=True, eq=False)
class DeepBindParams:
    """The numbers of one published model, in the authors' layout turned to ours.

    Parameters
    ----------
    both_strands
        Whether the reverse complement is scored too; models of RNA-binding proteins read one strand.
    average_pool
        Whether each detector gives its mean response beside its largest.
    detectors
        (D, 4, m) float32, rows A, C, G, T.
    thresholds
        (D,) float32, added to the responses.
    weights_1, bias_1
        (H, F) and (H,), or (1, F) and (1,) without a hidden layer.
    weights_2, bias_2
        (1, H) and (1,); None without a hidden layer.
    """

    both_strands: bool
    average_pool: bool
    detectors: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    weights_1: NDArray[np.float32]
    bias_1: NDArray[np.float32]
    weights_2: NDArray[np.float32] | None
    bias_2: NDArray[np.float32] | None

    @property
    def n_hidden(self) -> int:
        """Units between features and score; 0 where there are none."""
        return 0 if self.weights_2 is None else int(self.weights_2.shape[1])


def is_deepbind_params(path: Path) -> bool:
    """Return whether a file starts as DeepBind's parameter files do."""
    return head(path, 64).startswith(_TITLE)


def read_deepbind_params(path: Path) -> DeepBindParams:
    """Read one of DeepBind's ``D*.txt`` files.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        If it is not such a file, a line is missing or given twice, or a line's numbers are no numbers or not as many
        as the first lines say; the message names the line.
    """
    lines = _lines(path)
    counts = {name: _count(path, name, lines) for name in _COUNTS}
    n_detectors, length, n_hidden = counts["num_detectors"], counts["detector_len"], counts["num_hidden"]
    n_features = n_detectors * (2 if counts["has_avg_pooling"] else 1)
    sizes = {
        "detectors": length * 4 * n_detectors,
        "thresholds": n_detectors,
        "weights1": n_features * max(1, n_hidden),
        "biases1": max(1, n_hidden),
        "weights2": n_hidden,
        "biases2": min(1, n_hidden),
    }
    values = {name: _numbers(path, name, lines, size) for name, size in sizes.items()}
    return DeepBindParams(
        both_strands=bool(counts["reverse_complement"]),
        average_pool=bool(counts["has_avg_pooling"]),
        detectors=np.ascontiguousarray(values["detectors"].reshape(length, 4, n_detectors).transpose(2, 1, 0)),
        thresholds=values["thresholds"],
        weights_1=np.ascontiguousarray(values["weights1"].reshape(n_features, -1).T),
        bias_1=values["biases1"],
        weights_2=values["weights2"].reshape(1, -1) if n_hidden else None,
        bias_2=values["biases2"] if n_hidden else None,
    )


def _lines(path: Path) -> dict[str, tuple[int, bytes]]:
    """Return name -> (line number, text after the equals sign)."""
    found: dict[str, tuple[int, bytes]] = {}
    for first, block in numbered_lines(path):
        for number, line in enumerate(block, start=first):
            if number == 1 and not line.startswith(_TITLE):
                raise InputError(f"{at_line(path, 1)}: expected '# deepbind 0.1', the title of a parameter file")
            if line.startswith(b"#") or not line.strip():
                continue
            raw, equals, text = line.partition(b"=")
            name = raw.strip().decode("latin-1")
            if not equals or name not in (*_COUNTS, *_ARRAYS):
                known = ", ".join((*_COUNTS, *_ARRAYS))
                raise InputError(f"{at_line(path, number)}: expected 'name = numbers' with one of {known}")
            if name in found:
                raise InputError(f"{at_line(path, number)}: {name} is given on line {found[name][0]} already")
            found[name] = number, text
    for name in (*_COUNTS, *_ARRAYS):
        if name not in found:
            raise InputError(f"{path}: the line '{name} = ...' is missing; the file may be cut")
    return found


def _count(path: Path, name: str, lines: dict[str, tuple[int, bytes]]) -> int:
    number, text = lines[name]
    try:
        value = int(text)
    except ValueError:
        value = -1
    least = 1 if name in ("num_detectors", "detector_len") else 0
    if value < least or (name in _FLAGS and value > 1):
        wanted = "0 or 1" if name in _FLAGS else f"a whole number of {least} or more"
        raise InputError(f"{at_line(path, number)}: {name} is {text.decode('latin-1').strip()!r}, expected {wanted}")
    return value


def _numbers(path: Path, name: str, lines: dict[str, tuple[int, bytes]], size: int) -> NDArray[np.float32]:
    number, text = lines[name]
    words = text.split(b",") if text.strip() else []
    try:
        values = np.array([float(word) for word in words], dtype=np.float32)
    except ValueError as error:
        raise InputError(f"{at_line(path, number)}: {name} holds something that is no number ({error})") from error
    if len(values) != size:
        raise InputError(
            f"{at_line(path, number)}: {name} has {len(values)} numbers, but num_detectors, detector_len,"
            f" has_avg_pooling and num_hidden ask for {size}"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{at_line(path, number)}: {name} holds a number that is not finite")
    return values
