"""DeepBind's published parameter files as models of ours."""

from __future__ import annotations

from pathlib import Path

import torch

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Spec
from holdfast.io.deepbind_params import is_deepbind_params, read_deepbind_params
from holdfast.models.published import Published, Wanted

__all__ = ["load", "recognise"]


def recognise(path: Path) -> bool:
    """Return whether a file looks like one of DeepBind's parameter files."""
    return is_deepbind_params(path)


def load(path: Path, wanted: Wanted) -> Published:
    """Return the model. It reads windows of any length, so its window is the one that is wanted.

    Raises
    ------
    InputError
        As :func:`~holdfast.io.deepbind_params.read_deepbind_params`.
    ConfigError
        If something is assumed, or the columns are said to be others than A, C, G, T: the files have one order only.
    """
    wanted.check_nothing_assumed()
    if wanted.columns not in (None, "ACGT"):
        raise ConfigError(
            f"--columns {wanted.columns}: DeepBind's files have A, C, G, T and no other order; leave it out"
        )
    published = read_deepbind_params(path)
    n_detectors, _, length = published.detectors.shape
    params = {
        "n_detectors": n_detectors,
        "detector_length": length,
        "hidden": published.n_hidden,
        "average_pool": published.average_pool,
        "both_strands": published.both_strands,
    }
    arrays = {"detectors.weight": published.detectors, "detectors.bias": published.thresholds}
    if published.weights_2 is None:
        arrays |= {"out.weight": published.weights_1, "out.bias": published.bias_1}
    else:
        assert published.bias_2 is not None
        arrays |= {"hidden.weight": published.weights_1, "hidden.bias": published.bias_1}
        arrays |= {"out.weight": published.weights_2, "out.bias": published.bias_2}
    weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
    strands = "both strands" if published.both_strands else "one strand"
    words = f"DeepBind {path.stem}: {n_detectors} detectors of {length} bp, {published.n_hidden} hidden, {strands}"
    spec = Spec(name="deepbind", params=params)
    return Published(spec=spec, weights=weights, window=wanted.window, n_tasks=1, words=words)
