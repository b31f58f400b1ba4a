"""Motif matching against Tomtom's own outputs and closed forms."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tomtom_outputs import read_tomtom

from holdfast.core.errors import ConfigError, InputError
from holdfast.io.meme import meme_background
from holdfast.motifs.database import jaspar_matrices
from holdfast.motifs.files import read_motifs
from holdfast.motifs.match import Distance, MatchSettings, MotifMatch, match_motifs
from holdfast.motifs.motif import Background, Motif, symmetric

SUITE = "tool_outputs/meme_4.12_tests/tests"
EVERYTHING = MatchSettings(max_q=1.0)


def identity(motif: Motif) -> str:
    return motif.accession or motif.name


def assert_agrees(matches: list[MotifMatch], table: Path, *, tolerance: float, highest_q_ratio: float) -> None:
    """Compare with every row that Tomtom printed: the same place, the same p to the digits printed, the same best."""
    theirs = read_tomtom(table)
    ours = {(identity(match.query), identity(match.target)): match for match in matches}
    for key, row in theirs.iterrows():
        match = ours[key]
        assert (match.offset, match.overlap, match.strand) == (row["offset"], row["overlap"], row["strand"]), key
        assert abs(np.log10(match.p_value / row["p"])) < tolerance, key
        assert match.e_value / match.p_value == pytest.approx(row["e"] / row["p"], rel=1e-4)
        assert 1 - 1e-4 < match.q_value / row["q"] < highest_q_ratio, key
    for query, rows in theirs.groupby(level=0):
        first = next(match for match in matches if identity(match.query) == query)
        assert identity(first.target) == rows["p"].idxmin()[1]


@pytest.mark.real_data
@pytest.mark.parametrize(("distance", "ending"), [("euclidean", "ed"), ("pearson", "pearson")])
def test_every_match_of_tomtom_4_is_found_with_its_p_and_q(
    real_data: Callable[[str], Path], distance: Distance, ending: str
) -> None:
    motifs = read_motifs(real_data(f"{SUITE}/common/sample.meme"))
    matches = match_motifs(motifs, motifs, MatchSettings(distance=distance, max_q=1.0))
    # Six digits are printed: 5e-7 in the worst case, and 2e-6 in log10.
    table = real_data(f"{SUITE}/tomtom/tomtom.complete.out.{ending}")
    assert_agrees(matches, table, tolerance=3e-6, highest_q_ratio=1.0001)


@pytest.mark.real_data
@pytest.mark.parametrize("run", ["CTCF_DeepBind", "CTCF_DeepBind-Estar", "CTCF_ECBLSTM"])
def test_every_match_of_tomtom_5_is_found_with_its_p(real_data: Callable[[str], Path], run: str) -> None:
    file = real_data(f"tool_outputs/tomtom_5.0.3/{run}/filters_meme.txt")
    background = meme_background(file)
    assert background is not None
    targets = read_motifs(real_data("motifs/CISBP_Homo_sapiens.734.meme"))
    settings = MatchSettings(background=symmetric(background), max_q=1.0)
    matches = match_motifs(read_motifs(file), targets, settings)
    # The inputs have four digits; at p = 1e-21 their rounding shows (5.9e-5, measured), elsewhere 2e-6.
    # Tomtom multiplies q by the share of chance matches that it estimates: 0.96 to 1 in these runs.
    assert_agrees(matches, file.parent / "tomtom.tsv", tolerance=1e-4, highest_q_ratio=1.05)


def of_columns(name: str, *columns: tuple[float, float, float, float]) -> Motif:
    return Motif(name=name, probabilities=np.array(columns, dtype=np.float64).T)


def test_of_single_columns_the_p_value_is_a_share_of_the_columns() -> None:
    rng = np.random.default_rng(0)
    targets = [of_columns(f"t{number}", tuple(rng.dirichlet(np.ones(4)))) for number in range(40)]
    query = of_columns("q", (0.7, 0.1, 0.1, 0.1))
    matches = match_motifs([query], targets, EVERYTHING)
    assert len(matches) == 40
    # One alignment on each strand: p of a strand is the share of all 80 columns that score as high.
    shares = sorted(round((1 - np.sqrt(1 - match.p_value)) * 80, 6) for match in matches)
    assert shares[0] >= 1
    assert all(share == round(share) for share in shares)
    # The best of 80 columns is matched by as many columns as tie with it in steps of a hundredth of the range.
    correlation = [np.corrcoef(query.probabilities[:, 0], match.target.probabilities[:, 0])[0, 1] for match in matches]
    forward = [match for match in matches if match.strand == "+"]
    assert max(correlation) == pytest.approx(
        np.corrcoef(query.probabilities[:, 0], forward[0].target.probabilities[:, 0])[0, 1], abs=0.02
    )


def test_the_other_strand_of_a_query_matches_the_other_strand_as_well() -> None:
    insects = jaspar_matrices(taxon="insects")
    query = insects[3].sliced(1, 7)
    one = match_motifs([query], insects, EVERYTHING)
    other = {id(match.target): match for match in match_motifs([query.reverse_complement()], insects, EVERYTHING)}
    for match in one:
        turned = other[id(match.target)]
        assert turned.p_value == pytest.approx(match.p_value, rel=1e-9)
        if match.p_value < 1e-3:
            assert turned.strand != match.strand
            # Counted from the other end of both.
            assert turned.offset == match.target.width - query.width - match.offset


@pytest.mark.parametrize("turned", [False, True])
def test_a_part_of_a_motif_is_found_where_it_was_cut(turned: bool) -> None:
    insects = jaspar_matrices(taxon="insects")
    whole = max(insects, key=lambda motif: motif.width)
    source = whole.reverse_complement() if turned else whole
    best = match_motifs([source.sliced(2, 12)], insects)[0]
    assert (best.target, best.offset, best.overlap) == (whole, 2, 10)
    assert best.strand == ("-" if turned else "+")
    assert np.array_equal(best.aligned_target.sliced(2, 12).probabilities, best.query.probabilities)


def test_a_query_may_hang_over_either_end() -> None:
    insects = jaspar_matrices(taxon="insects")
    target = insects[0]
    flat = np.full((4, 3), 0.25)
    query = Motif(name="longer", probabilities=np.hstack([flat, target.probabilities, flat]))
    best = match_motifs([query], insects)[0]
    assert (best.target, best.offset, best.overlap) == (target, -3, target.width)


def test_thresholds_keep_what_passes_them() -> None:
    insects = jaspar_matrices(taxon="insects")
    query = insects[5]
    every = match_motifs([query], insects, EVERYTHING)
    assert len(every) == len(insects)
    assert [match.p_value for match in every] == sorted(match.p_value for match in every)
    few = match_motifs([query], insects, MatchSettings(max_e=0.1, max_q=1.0))
    assert [match.target for match in few] == [match.target for match in every if match.e_value <= 0.1]
    fewer = match_motifs([query], insects, MatchSettings(max_q=0.01))
    assert [match.target for match in fewer] == [match.target for match in every if match.q_value <= 0.01]


def test_a_flat_motif_matches_nothing_significantly() -> None:
    flat = Motif(name="flat", probabilities=np.full((4, 8), 0.25))
    insects = jaspar_matrices(taxon="insects")
    assert min(match.p_value for match in match_motifs([flat], insects, EVERYTHING)) > 0.9


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="data base without motifs"):
        match_motifs(jaspar_matrices(taxon="insects"), [])
    with pytest.raises(ConfigError, match="distance is 'manhattan'; expected 'pearson' or 'euclidean'"):
        MatchSettings(distance="manhattan")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="max_q is 2"):
        MatchSettings(max_q=2)
    background: Background = (0.5, 0.5, 0.5, 0.5)
    with pytest.raises(ConfigError, match="four shares that add up to 1"):
        MatchSettings(background=background)
