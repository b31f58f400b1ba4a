"""Sequences drawn at random, with labels."""

import numpy as np

from holdfast.io.records import LabelledSequences


def make(count: int = 100, **values: object) -> LabelledSequences:
    rng = np.random.default_rng(0)
    fields: dict[str, object] = {
        "codes": rng.integers(0, 4, (count, 20), dtype=np.uint8),
        "labels": (np.arange(count) % 2).astype(np.int8)[:, None],
        "names": tuple(f"n{i}" for i in range(count)),
        "source": "made by a test",
    }
    return LabelledSequences(**(fields | values))
