"""What maps point at is cut out where their sum is largest, and shared motifs are found there."""

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.interpret.attributed import attributed_motifs, attributed_windows
from holdfast.interpret.attribution import Attributions


def maps(per_base: np.ndarray, codes: np.ndarray) -> Attributions:
    logits = per_base.sum(axis=1).astype(np.float32)
    return Attributions(method="by hand", task=0, codes=codes, logits=logits, per_base=per_base.astype(np.float32))


def test_the_stretch_of_the_largest_sum_is_that_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    per_base, codes = rng.normal(size=(20, 33)), rng.integers(0, 5, (20, 33), dtype=np.uint8)
    found, start = attributed_windows(maps(per_base, codes), width=7)
    for row in range(20):
        sums = [per_base[row, place : place + 7].astype(np.float32).sum() for place in range(27)]
        assert start[row] == int(np.argmax(sums))
        assert found[row].tolist() == codes[row, start[row] : start[row] + 7].tolist()


def test_a_motif_is_found_where_the_maps_point_though_another_is_commoner() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (60, 75), dtype=np.uint8)
    per_base = rng.normal(scale=0.01, size=codes.shape)
    site = np.array([2, 0, 3, 3, 0, 1, 0, 2], dtype=np.uint8)  # GATTACAG
    for row in range(60):
        codes[row, 5:17] = 1  # a run of C in every window, of no worth
        place = int(rng.integers(30, 60))
        codes[row, place : place + 8] = site
        per_base[row, place : place + 8] = 1.0
    [found] = attributed_motifs(maps(per_base, codes), device="cpu")
    assert any(word in found.motif.consensus for word in ("GATTACAG", "CTGTAATC"))


def test_maps_shorter_than_a_stretch_are_refused() -> None:
    with pytest.raises(InputError, match="maps are of 12 bp; a stretch of 20 bp"):
        attributed_motifs(maps(np.zeros((3, 12)), np.zeros((3, 12), dtype=np.uint8)))
