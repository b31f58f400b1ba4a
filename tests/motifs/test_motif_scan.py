"""Scanning against FIMO's own outputs, against enumeration, and its edges."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fimo_outputs import CASES, SUITE, fimo_case

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import decode, encode
from holdfast.dna.edit import reverse_complement
from holdfast.motifs.motif import Motif
from holdfast.motifs.scan import HIT_COLUMNS, ScanSettings, scan_motifs

RNG = np.random.default_rng(0)
MOTIF = Motif(name="toy", probabilities=RNG.dirichlet(np.full(4, 0.3), 5).T, sites=20)
BACKGROUND = (0.3, 0.2, 0.2, 0.3)


@pytest.mark.real_data
@pytest.mark.parametrize("case", CASES)
def test_sites_are_those_of_fimo_with_their_scores_and_p_values(real_data: Callable[[str], Path], case: str) -> None:
    known = fimo_case(real_data(SUITE), case)
    found = scan_motifs([known.motif], known.names, known.sequences, known.settings)
    ours = found.set_index(["sequence", "start", "strand"]).sort_index()
    theirs = known.found.set_index(["sequence_name", "start", "strand"]).sort_index()
    assert list(ours.index) == list(theirs.index)
    assert (ours["site"].to_numpy() == theirs["matched_sequence"].to_numpy()).all()
    # FIMO prints six digits of a score of at most 24 bits, and three of a p value.
    assert np.abs(ours["score"].to_numpy() - theirs["score"].to_numpy()).max() < 6e-5
    assert np.abs(np.log10(ours["p"].to_numpy() / theirs["p-value"].to_numpy())).max() < 0.0022
    # Where all windows are chance by FIMO's estimate (Klf1) q values are the same; of 2,666 bases it puts 80 % so.
    ratio = ours["q"].to_numpy() / theirs["q-value"].to_numpy()
    assert ratio.min() > 0.99
    assert ratio.max() < (1.01 if case == "klf1" else 1.26)


def enumerated() -> tuple[np.ndarray, np.ndarray]:
    """All sites of five bases, and the chance of each under the background."""
    sites = np.array(list(itertools.product(range(4), repeat=5)), dtype=np.uint8)
    return sites, np.array(BACKGROUND)[sites].prod(axis=1)


def test_p_values_are_those_of_an_enumeration_of_all_sites() -> None:
    sites, chance = enumerated()
    settings = ScanSettings(max_p=1.0, background=BACKGROUND, both_strands=False)
    found = scan_motifs([MOTIF], [decode(site) for site in sites], list(sites), settings)
    # The threshold is strict, as FIMO's: the lowest score of all has p = 1.
    assert len(found) >= len(sites) - 2
    of_site = {decode(site): share for site, share in zip(sites, chance, strict=True)}
    score = dict(zip(found["sequence"], found["score"], strict=True))
    lowest = min(score.values())
    for row in found.itertuples():
        at_least = sum(share for site, share in of_site.items() if score.get(site, lowest - 1) >= row.score - 1e-9)
        assert row.p == pytest.approx(at_least, abs=1e-12)


def test_scores_are_log_odds_within_the_rounding() -> None:
    sites, _ = enumerated()
    settings = ScanSettings(max_p=1.0, background=BACKGROUND, both_strands=False)
    found = scan_motifs([MOTIF], [decode(site) for site in sites], list(sites), settings)
    bits = MOTIF.pwm(0.1, BACKGROUND)
    exact = [bits[encode(name), np.arange(5)].sum() for name in found["sequence"]]
    # Each of five terms is rounded by at most half a step, a thousandth of the range or a little more.
    step = (np.ceil(bits.max()) - np.floor(bits.min())) / 1000
    assert np.abs(found["score"] - exact).max() < 2.6 * step


def test_q_values_are_those_of_benjamini_and_hochberg_over_all_windows() -> None:
    sequence = RNG.integers(0, 4, 300).astype(np.uint8)
    every = scan_motifs([MOTIF], ["s"], [sequence], ScanSettings(max_p=1.0))
    p = every["p"].to_numpy()
    windows = 2 * (300 - 4)
    # Windows of the lowest possible score, p = 1, are not told but counted.
    rank = np.array([(p <= one).sum() for one in p])
    expected = np.minimum(np.minimum.accumulate((p * windows / rank)[::-1])[::-1], 1)
    assert every["q"].to_numpy() == pytest.approx(expected, abs=1e-9)
    few = scan_motifs([MOTIF], ["s"], [sequence], ScanSettings(max_p=0.05))
    assert few["q"].to_numpy() == pytest.approx(every["q"].to_numpy()[: len(few)])


def test_a_turned_sequence_has_the_same_sites_on_the_other_strand() -> None:
    sequence = RNG.integers(0, 4, 400).astype(np.uint8)
    settings = ScanSettings(max_p=0.01)
    one = scan_motifs([MOTIF], ["s"], [sequence], settings)
    other = scan_motifs([MOTIF], ["s"], [reverse_complement(sequence)], settings)
    assert len(one) > 3

    def places(table: object, *, turn: bool) -> set[tuple[int, str, str]]:
        rows = table.itertuples()  # type: ignore[attr-defined]
        return {
            (400 - row.end, "-+"[row.strand == "-"], row.site) if turn else (row.start, row.strand, row.site)
            for row in rows
        }

    assert places(one, turn=False) == places(other, turn=True)


def test_unknown_bases_and_the_ends_of_sequences_hold_no_sites() -> None:
    site = MOTIF.probabilities.argmax(axis=0).astype(np.uint8)
    broken = site.copy()
    broken[2] = 4
    sequences = [site[:3], site[3:], broken, site, np.zeros(0, dtype=np.uint8)]
    found = scan_motifs([MOTIF], list("abcde"), sequences, ScanSettings(max_p=0.01, both_strands=False))
    assert found[["sequence", "start", "end"]].to_numpy().tolist() == [["d", 0, 5]]


def test_several_motifs_follow_each_other_and_none_found_is_an_empty_table() -> None:
    sequence = RNG.integers(0, 4, 200).astype(np.uint8)
    both = [MOTIF, Motif(name="other", probabilities=MOTIF.probabilities[:, ::-1].copy(), sites=20)]
    found = scan_motifs(both, ["s"], [sequence], ScanSettings(max_p=0.05))
    assert list(dict.fromkeys(found["motif"])) == ["toy", "other"]
    nothing = scan_motifs(both, ["s"], [np.full(50, 4, dtype=np.uint8)])
    assert (tuple(nothing.columns), len(nothing)) == (HIT_COLUMNS, 0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="1 names of 2 sequences"):
        scan_motifs([MOTIF], ["a"], [np.zeros(9, dtype=np.uint8)] * 2)
    with pytest.raises(ConfigError, match="max_p is 0"):
        ScanSettings(max_p=0)
    with pytest.raises(ConfigError, match="add up to 1"):
        ScanSettings(background=(0.1, 0.1, 0.1, 0.1))


@pytest.mark.parametrize("width", [129, 200, 1500])
def test_a_motif_as_wide_as_a_window_of_deepsea_passes_over_unknown_bases(width: int) -> None:
    rng = np.random.default_rng(0)
    motif = Motif(name="wide", probabilities=rng.dirichlet([0.5] * 4, width).T, sites=50)
    codes = np.full(4 * width, 4, dtype=np.uint8)
    codes[: width + 3] = rng.integers(0, 4, width + 3, dtype=np.uint8)
    found = scan_motifs([motif], ["toy"], [codes], ScanSettings(max_p=1.0, both_strands=False))
    assert set(found["start"]) <= {0, 1, 2, 3}
    assert found["site"].str.fullmatch("[ACGT]+").all()
