"""Motif discovery: planted motifs come back, noise gives none, and MEME's own example gives what MEME found."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes, decode, encode
from holdfast.interpret.zoops import Zoops, base_frequencies, discover_zoops
from holdfast.interpret.zoops_starts import start_widths, start_windows
from holdfast.io.fasta import read_records
from holdfast.motifs.database import jaspar_motif
from holdfast.motifs.discovered import Discovered
from holdfast.motifs.motif import Motif

MEME = "tool_outputs/meme_4.12_tests/doc/examples/memechip_example_output_files/"
SETTINGS = Zoops(motifs=1, max_width=14, starts=64)


def planted(motif: Motif, *, count: int, length: int, share: float, seed: int = 0) -> tuple[Codes, np.ndarray]:
    """Return sequences with a site on a random strand in a share of them, and its start, -1 for none."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, length), dtype=np.uint8)
    starts = np.where(rng.random(count) < share, rng.integers(0, length - motif.width + 1, count), -1)
    for row, site in enumerate(motif.sample(rng, count)):
        if starts[row] >= 0:
            letters = site if rng.random() < 0.5 else 3 - site[::-1]
            codes[row, starts[row] : starts[row] + motif.width] = letters
    return codes, starts


def likeness(first: np.ndarray, second: np.ndarray, least: int) -> float:
    """Return the largest mean correlation of columns over offsets and strands, of at least so many columns."""
    best = -1.0
    for other in (second, second[::-1, ::-1]):
        for offset in range(least - other.shape[1], first.shape[1] - least + 1):
            low, high = max(0, offset), min(first.shape[1], offset + other.shape[1])
            pairs = [(first[:, i], other[:, i - offset]) for i in range(low, high)]
            best = max(best, float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs])))
    return best


def test_a_planted_motif_and_its_sites_come_back() -> None:
    motif = jaspar_motif("MAFK")
    codes, starts = planted(motif, count=300, length=60, share=0.5)
    [found] = discover_zoops(codes, SETTINGS, device="cpu")
    # The mean of 150 sites: columns correlate with the truth as 1 - O(1 / 150).
    assert likeness(found.motif.probabilities, motif.probabilities, 8) > 0.97
    middle = found.sites["start"].to_numpy() + found.motif.width / 2
    rows = found.sites["sequence"].to_numpy()
    right = (starts[rows] >= 0) & (np.abs(middle - starts[rows] - motif.width / 2) <= 4)
    # Weak sites of the matrix look like the background: some are missed, some chance ones are taken.
    assert right.mean() > 0.8
    assert right.sum() > 0.6 * (starts >= 0).sum()


def test_sites_say_what_stands_there() -> None:
    codes, _ = planted(jaspar_motif("MAFK"), count=120, length=40, share=0.8)
    [found] = discover_zoops(codes, SETTINGS, device="cpu")
    for site in found.sites.itertuples():
        letters = codes[site.sequence, site.start : site.start + found.motif.width]
        assert decode(letters if site.strand == "+" else 3 - letters[::-1]) == site.site
    assert found.sites["sequence"].is_unique
    assert found.sites["posterior"].between(0, 1).all()
    assert found.sites["score"].is_monotonic_decreasing
    counts = np.array([[sum(s[i] == b for s in found.sites["site"]) for i in range(found.motif.width)] for b in "ACGT"])
    assert np.abs(counts / len(found.sites) - found.motif.probabilities).max() < 1e-3


def test_a_second_motif_is_found_once_the_first_is_erased() -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (200, 60), dtype=np.uint8)
    codes[:150, 5:17] = encode("TGACGTCATTGC")
    codes[50:, 30:42] = encode("CCAATGGAACGT")
    found = discover_zoops(codes, Zoops(motifs=2, max_width=12, starts=64), device="cpu")
    forward = {"TGACGTCATTGC", "CCAATGGAACGT"}
    backward = {"GCAATGACGTCA", "ACGTTCCATTGG"}
    assert len({one.motif.consensus for one in found} & (forward | backward)) == 2
    # Numbers of sites are tried in steps of 5 %: the next one at or above 150 is at most 157.
    assert all(150 <= len(one.sites) <= 158 for one in found)


def test_noise_gives_no_motif() -> None:
    for seed in range(2):
        codes = np.random.default_rng(seed).integers(0, 4, (100, 40), dtype=np.uint8)
        assert discover_zoops(codes, SETTINGS, device="cpu") == []


def test_the_forward_strand_alone_is_searched_where_asked() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (60, 30), dtype=np.uint8)
    codes[:30, 8:18] = encode("AAACCAAAGA")
    codes[30:, 8:18] = encode("TCTTTGGTTT")
    [found] = discover_zoops(codes, Zoops(motifs=1, max_width=10, both_strands=False, starts=64), device="cpu")
    assert 29 <= len(found.sites) <= 33  # the numbers next to 30 that are tried are 29, 31 and 33
    assert set(found.sites["strand"]) == {"+"}
    [both] = discover_zoops(codes, Zoops(motifs=1, max_width=10, starts=64), device="cpu")
    assert len(both.sites) == 60


def test_the_same_seed_gives_the_same_sample_and_all_sequences_get_sites() -> None:
    codes, _ = planted(jaspar_motif("MAFK"), count=400, length=30, share=0.9)
    settings = Zoops(motifs=1, max_width=12, starts=64, max_sequences=100, seed=4)
    [one], [again] = (discover_zoops(codes, settings, device="cpu") for _ in range(2))
    assert one.sites.equals(again.sites)
    assert len(one.sites) > 200


def test_short_sequences_may_be_filled_up_with_unknown_bases() -> None:
    codes, _ = planted(jaspar_motif("MAFK"), count=150, length=30, share=0.9)
    padded = np.pad(codes, ((0, 0), (0, 10)), constant_values=4)
    [found] = discover_zoops(padded, SETTINGS, device="cpu")
    assert (found.sites["start"] + found.motif.width <= 30).all()
    assert likeness(found.motif.probabilities, jaspar_motif("MAFK").probabilities, 8) > 0.95


def meme_sites(text: str, number: int) -> list[tuple[str, int]]:
    table = re.search(rf"MEME-{number} sites sorted by.*?\n-{{20,}}\n(.*?)\n-{{20,}}\n\n", text, re.DOTALL)
    assert table is not None
    return [(row[0], int(row[2]) - 1) for row in map(str.split, table[1].split("\n")[2:])]


def meme_matrix(text: str, number: int) -> np.ndarray:
    table = re.search(rf"MEME-{number} position-specific probability.*?nsites=[^\n]*\n(.*?)\n-", text, re.DOTALL)
    assert table is not None
    return np.array([[float(word) for word in row.split()] for row in table[1].split("\n")]).T


@pytest.fixture(scope="module")
def meme_example(real_data: Callable[[str], Path]) -> tuple[str, tuple[str, ...], list[Discovered]]:
    text = real_data(MEME + "meme_out/meme.txt").read_text()
    sequences = read_records(real_data(MEME + "seqs-sampled"), unknown_letters="n")
    settings = Zoops(motifs=2, min_width=6, max_width=24, starts=32, finalists=2)
    found = discover_zoops(sequences.codes, settings, background=(0.256, 0.244, 0.244, 0.256), device="cpu")
    return text, sequences.names(), found


# Likeness is measured over all columns of the narrower motif but two at its ends. Measured: columns correlate by 0.983
# and 0.995 on average, and ours have 92 % and 93 % of MEME's sites at the same place. The rest is MEME's other numbers
# of sites (225 and 176; ours 303 and 223). The third motif, six copies of a repeat, needs more starts than a test has
# time for: benchmarks/zoops.py finds it.
@pytest.mark.parametrize(("number", "least_likeness", "least_shared"), [(1, 0.97, 0.88), (2, 0.98, 0.88)])
def test_the_motifs_of_memes_example_are_those_that_meme_found(
    meme_example: tuple[str, tuple[str, ...], list[Discovered]],
    number: int,
    least_likeness: float,
    least_shared: float,
) -> None:
    text, names, every = meme_example
    found, theirs = every[number - 1], meme_matrix(text, number)
    narrow = min(found.motif.width, theirs.shape[1])
    like = likeness(found.motif.probabilities, theirs, narrow - 2)
    middles = dict(zip(found.sites["sequence"], found.sites["start"] + found.motif.width / 2, strict=True))
    row = {name[:24]: index for index, name in enumerate(names)}  # MEME cuts names at 24 letters
    wanted = [(row[name], start + theirs.shape[1] / 2) for name, start in meme_sites(text, number)]
    shared = np.mean([abs(middles.get(index, -99) - middle) <= 4 for index, middle in wanted])
    assert like > least_likeness, like
    assert shared >= least_shared, shared


def test_the_two_strong_motifs_of_memes_example_are_more_significant_than_memes(
    meme_example: tuple[str, tuple[str, ...], list[Discovered]],
) -> None:
    logs = [one.log10_e_value for one in meme_example[2]]
    assert logs[0] is not None
    assert logs[1] is not None
    assert logs[0] < -224.47
    assert logs[1] < -24.13


def test_start_windows_lie_round_the_words_that_too_many_sequences_share() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (100, 40), dtype=np.uint8)
    codes[:, 20:30] = encode("GATTACCAGT")
    windows = start_windows(codes, np.ones(codes.shape, dtype=bool), 10, 5, np.full(4, 0.25))
    assert "GATTACCAGT" in {decode(window) for window in windows}


def test_start_windows_keep_away_from_what_is_covered() -> None:
    codes = np.tile(encode("GATTACCAGTCCCGGGTTTA"), (10, 1))
    usable = np.ones(codes.shape, dtype=bool)
    usable[:, :10] = False
    windows = start_windows(codes, usable, 6, 50, np.full(4, 0.25))
    assert {decode(window) for window in windows} <= {"CCCGGG", "CCGGGT", "CGGGTT", "GGGTTT", "GGTTTA"}
    assert len(start_windows(codes, np.zeros(codes.shape, dtype=bool), 6, 50, np.full(4, 0.25))) == 0


def test_start_widths_run_from_the_smallest_to_the_largest() -> None:
    assert start_widths(6, 6) == [6]
    assert start_widths(19, 20) == [19, 20]
    assert start_widths(1, 3) == [1, 2, 3]


def test_base_frequencies_are_those_of_both_strands() -> None:
    a, c, g, t = base_frequencies(encode("AAAAC")[None])
    assert a == t == pytest.approx(6 / 18)
    assert c == g == pytest.approx(3 / 18)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((4, 30)), "uint8"),
        (np.zeros(30, dtype=np.uint8), "uint8"),
        (np.zeros((1, 30), dtype=np.uint8), "at least 2"),
        (np.full((4, 30), 5, dtype=np.uint8), r"0\.\.4"),
        (np.zeros((4, 10), dtype=np.uint8), "smaller max_width"),
    ],
)
def test_codes_that_cannot_be_searched_are_refused(codes: Codes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        discover_zoops(codes, device="cpu")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="swap them"):
        Zoops(min_width=10, max_width=8)
    with pytest.raises(ConfigError, match="max_sequences is 10000"):
        Zoops(max_sequences=10_000)
    with pytest.raises(ConfigError, match="motifs is 0"):
        Zoops(motifs=0)


def test_sequences_without_any_known_window_give_no_motif() -> None:
    assert discover_zoops(np.full((5, 30), 4, dtype=np.uint8), SETTINGS, device="cpu") == []


@pytest.mark.parametrize("known", [[0], [0, 1], []])
def test_sequences_of_which_few_are_known_have_a_motif_or_none_but_no_error(known: list[int]) -> None:
    codes = np.random.default_rng(0).integers(0, 4, (5, 20), dtype=np.uint8)
    codes[~np.isin(np.arange(5), known)] = 4
    for found in discover_zoops(codes, Zoops(motifs=2, max_width=8), device="cpu"):
        assert set(found.sites["sequence"]) <= set(known)
