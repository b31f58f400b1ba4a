"""TF-MoDISco on planted contributions where it is installed; what is refused where it is not."""

import sys
from typing import Any

import numpy as np
import pytest

from holdfast.core.errors import InputError, MissingExtra
from holdfast.dna.codes import encode
from holdfast.interpret.modisco import Modisco, discover_patterns
from holdfast.motifs.database import jaspar_motif

LENGTH = 101


def planted_contributions(count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, hypothetical contributions of a PWM's sites plus noise, and the sites' starts and strands."""
    rng = np.random.default_rng(0)
    motif = jaspar_motif("MAFK")
    codes = rng.integers(0, 4, (count, LENGTH), dtype=np.uint8)
    starts = rng.integers(20, LENGTH - 20 - motif.width, count)
    reverse = rng.random(count) < 0.5
    scores = rng.normal(0, 0.01, (count, 4, LENGTH))
    weights = np.log2(motif.probabilities / 0.25)
    weights -= weights.mean(axis=0)
    for row, site in enumerate(motif.sample(rng, count)):
        place = slice(starts[row], starts[row] + motif.width)
        codes[row, place] = 3 - site[::-1] if reverse[row] else site
        scores[row, :, place] += weights[::-1, ::-1] if reverse[row] else weights
    return codes, scores, starts, reverse


def test_the_planted_motif_comes_back_from_its_contributions_at_101_bp() -> None:
    pytest.importorskip("modiscolite", reason="the extra modisco is not installed")
    codes, scores, starts, reverse = planted_contributions()
    patterns = discover_patterns(codes, scores, Modisco(leiden_runs=4))
    best, wanted = patterns[0], jaspar_motif("MAFK")
    assert best.motif.name == "positive-1"
    assert best.cwm.shape == best.hypothetical_cwm.shape == best.motif.probabilities.shape
    forward = [best.motif.probabilities, best.cwm]
    turned = [each[::-1, ::-1] for each in forward]
    likeness = []
    for probabilities, cwm in (forward, turned):
        for offset in range(best.motif.width - wanted.width + 1):
            window = slice(offset, offset + wanted.width)
            found = np.corrcoef(probabilities[:, window].ravel(), wanted.probabilities.ravel())[0, 1]
            likeness.append((found, np.abs(cwm[:, window]).sum() / np.abs(cwm).sum()))
    # Columns of 300 sites correlate with the truth to about 1 / 300; outside the site contributions are noise of 0.01.
    assert max(likeness)[0] > 0.97
    assert max(likeness)[1] > 0.9
    seqlets = best.seqlets
    assert best.n_seqlets == len(seqlets) > 200
    assert (seqlets["sign"] == 1).all()
    rows = seqlets["example"].to_numpy()
    middle = (seqlets["start"] + seqlets["end"]).to_numpy() / 2
    assert (np.abs(middle - starts[rows] - wanted.width / 2) <= 8).mean() > 0.95
    same = (seqlets["strand"] == "-").to_numpy() == reverse[rows]
    # The site is half a palindrome (TGCTGA.TCA): a weak one may be read backwards.
    assert max(same.mean(), 1 - same.mean()) > 0.9


def test_contributions_of_the_other_sign_make_negative_patterns() -> None:
    pytest.importorskip("modiscolite", reason="the extra modisco is not installed")
    codes, scores, _, _ = planted_contributions(200)
    patterns = discover_patterns(codes, -scores, Modisco(leiden_runs=2))
    assert patterns[0].motif.name == "negative-1"
    assert (patterns[0].seqlets["sign"] == -1).all()
    assert patterns[0].cwm.sum() < 0


def test_seqlets_cover_what_the_pattern_shows() -> None:
    pytest.importorskip("modiscolite", reason="the extra modisco is not installed")
    codes, scores, _, _ = planted_contributions(200)
    best = discover_patterns(codes, scores, Modisco(leiden_runs=2))[0]
    cwm = np.zeros_like(best.hypothetical_cwm)
    for seqlet in best.seqlets.itertuples():
        part = scores[seqlet.example, :, seqlet.start : seqlet.end]
        cwm += part if seqlet.strand == "+" else part[::-1, ::-1]
    # modisco-lite computes in float32.
    assert cwm / best.n_seqlets == pytest.approx(best.hypothetical_cwm, abs=1e-5)


def test_without_modisco_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modiscolite.tfmodisco", None)
    with pytest.raises(MissingExtra, match=r"holdfast\[modisco\]"):
        discover_patterns(np.zeros((3, LENGTH), dtype=np.uint8), np.zeros((3, 4, LENGTH)))


@pytest.mark.parametrize(
    ("codes", "scores", "message"),
    [
        (np.zeros((3, LENGTH)), np.zeros((3, 4, LENGTH)), "expected .N, L. uint8"),
        (np.zeros((3, LENGTH), dtype=np.uint8), np.zeros((3, LENGTH, 4)), r"expected \(3, 4, 101\)"),
        (np.zeros((3, LENGTH), dtype=np.uint8), np.full((3, 4, LENGTH), np.nan), "example 0"),
        (np.tile(encode("ACGT"), (3, 5)), np.zeros((3, 4, 20)), "20 bp"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(codes: Any, scores: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover_patterns(codes, scores)
