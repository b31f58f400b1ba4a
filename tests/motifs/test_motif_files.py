"""Motif files: round trips, other people's readers, real files, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from Bio import motifs as bio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import ConfigError, HoldfastError, InputError
from holdfast.dna.interval import Interval
from holdfast.motifs.files import MotifFormat, read_motifs, write_motifs
from holdfast.motifs.motif import Motif

COUNTS = np.array([[8, 0, 3], [0, 4, 1], [1, 6, 1], [1, 0, 5]])
PLAIN = Motif.from_counts("RUNX1", COUNTS, pseudocount=0.0, source="by hand", accession="MA0002.2")
RICH = replace(
    PLAIN,
    name="filter 3",
    accession="",
    contributions=np.array([[0.5, -0.25, 0.0]] * 4),
    start=4,
    strand="-",
    places=(Interval("chr1", 10, 13, "+"), Interval("chr2", 5, 8, "-")),
)


def assert_same(ours: Motif, given: Motif) -> None:
    # MEME files are written with eight decimals.
    assert np.abs(ours.probabilities - given.probabilities).max() < 1e-8
    for name in ("name", "accession", "source", "sites", "start", "strand", "places"):
        assert getattr(ours, name) == getattr(given, name), name
    assert np.array_equal(ours.contributions, given.contributions) or ours.contributions is given.contributions is None


@pytest.mark.parametrize("format", ["meme", "transfac"])
@pytest.mark.parametrize("motif", [PLAIN, RICH, replace(RICH, sites=None)], ids=["plain", "rich", "no sites"])
def test_everything_comes_back_from_meme_and_transfac(format: MotifFormat, motif: Motif, tmp_path: Path) -> None:
    write_motifs([motif, PLAIN], tmp_path / "x", format=format)
    first, second = read_motifs(tmp_path / "x")
    assert_same(first, motif)
    assert_same(second, PLAIN)


def test_matrix_id_and_name_come_back_from_jaspar(tmp_path: Path) -> None:
    write_motifs([RICH, PLAIN], tmp_path / "x.jaspar")
    first, second = read_motifs(tmp_path / "x.jaspar")
    assert (first.name, first.accession, first.source) == ("filter 3", "filter_3", "x.jaspar")
    assert_same(replace(second, source="by hand"), PLAIN)


@pytest.mark.parametrize(("suffix", "theirs"), [("meme", "minimal"), ("jaspar", "jaspar"), ("transfac", "transfac")])
def test_biopython_reads_what_is_written(suffix: str, theirs: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{suffix}"
    write_motifs([PLAIN, RICH], path)
    with path.open() as handle:
        found = list(bio.parse(handle, theirs))
    assert len(found) == 2
    for record, motif in zip(found, [PLAIN, RICH], strict=True):
        counts = np.array([record.counts[base] for base in "ACGT"])
        assert np.abs(counts / counts.sum(axis=0) - motif.probabilities).max() < 1e-6


@pytest.mark.parametrize(("suffix", "theirs"), [("jaspar", "jaspar"), ("transfac", "transfac")])
def test_what_biopython_writes_is_read(suffix: str, theirs: str, tmp_path: Path) -> None:
    record = bio.Motif(counts={base: row.tolist() for base, row in zip("ACGT", COUNTS, strict=True)})
    record.name, record.matrix_id = "RUNX1", "MA0002.2"
    if theirs == "transfac":
        record = bio.transfac.Motif(counts=dict(record.counts))
        record["ID"] = "RUNX1"
    (tmp_path / f"x.{suffix}").write_text(bio.write([record], theirs))
    [motif] = read_motifs(tmp_path / f"x.{suffix}")
    assert motif.name == "RUNX1"
    assert motif.sites == 10
    assert motif.probabilities == pytest.approx(COUNTS / 10)


def test_a_transfac_file_may_have_its_columns_in_another_order(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("ID demo\nBF human\nPO\tT\tG\tC\tA\n1\t0.7\t0.1\t0.1\t0.1\n2\t0\t0\t0\t1\nXX\n//\n")
    [motif] = read_motifs(tmp_path / "x")
    assert motif.consensus == "TA"
    assert motif.sites is None


def test_rounded_probabilities_add_up_to_one_afterwards(tmp_path: Path) -> None:
    matrix = "letter-probability matrix: alength= 4 w= 1 nsites= 3 E= 0\n0.333 0.333 0.333 0.0\n"
    (tmp_path / "x").write_text(f"MEME version 5\n\nMOTIF a\n{matrix}")
    [motif] = read_motifs(tmp_path / "x")
    assert motif.probabilities.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "number", "first"),
    [
        ("motifs/JASPAR_CORE_2016_vertebrates.meme", 519, "MA0002.2 RUNX1"),
        ("motifs/CISBP_Homo_sapiens.734.meme", 734, "M0085_1.02 (TFAP2E)_(Mus_musculus)_(DBD_0.99)"),
        ("tool_outputs/tomtom_5.0.3/CTCF_DeepBind/filters_meme.txt", 9, "filter0"),
        ("tool_outputs/meme_4.12_tests/tests/common/sample.meme", 5, "V_MYOD_01"),
        ("tool_outputs/meme_4.12_tests/tests/common/motif.crp0/meme.txt", 3, "1 MEME"),
        ("tool_outputs/meme_4.12_tests/tests/common/motif.crp0/dreme.txt", 3, "TCACA DREME"),
    ],
)
def test_real_meme_files_are_read(real_data: Callable[[str], Path], file: str, number: int, first: str) -> None:
    motifs = read_motifs(real_data(file))
    assert (len(motifs), motifs[0].label) == (number, first)
    assert all(motif.sites is not None for motif in motifs)


MEME = "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF a\nletter-probability matrix: alength= 4 w= 2 nsites= 9 E= 0\n"
ROWS = "0.7 0.1 0.1 0.1\n0 0 1 0\n"
JASPAR = ">a b\nA [ 1 2 ]\nC [ 1 2 ]\nG [ 1 2 ]\nT [ 1 2 ]\n"
TRANSFAC = "AC a\nP0 A C G T\n01 1 2 3 4\nXX\n//\n"


@pytest.mark.parametrize(
    "comment",
    [
        '"places": ["zz"]',
        '"places": [3]',
        '"places": ["chr1:1-9(+)"]',
        '"start": -3',
        '"strand": "?"',
        '"sites": -4',
        '"sites": Infinity',
        '"sites": NaN',
        '"contributions": [[NaN, 1], [1, 1], [1, 1], [1, 1]]',
    ],
)
def test_a_comment_that_does_not_fit_is_refused_with_file_and_line(comment: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(MEME.replace("MOTIF a\n", f"MOTIF a\n# holdfast: {{{comment}}}\n") + ROWS)
    with pytest.raises(InputError, match=r"x line 7: .*delete the comment"):
        read_motifs(tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "x: no motifs; a MEME file begins with"),
        (MEME.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY") + ROWS, r"x line 3: the alphabet is ACDEF"),
        (MEME + "0.7 0.1 0.1 0.1\n\n", "x line 8: a row of the matrix is|1 rows after 'w= 2'"),
        (MEME + "0.7 0.1 0.1\n0 0 1 0\n", "row 1 of the matrix has 3 numbers; expected 4"),
        (MEME + "0.7 0.1 0.1 -0.1\n0 0 1 0\n", "x line 7: a row of the matrix is '0.7 0.1 0.1 -0.1'"),
        (MEME + "7 1 1 1\n0 0 1 0\n", "x line 6: row 1 adds up to 10; probabilities add up to 1"),
        (MEME.replace("MOTIF a\n", "") + ROWS, "x line 5: a matrix without a motif"),
        ("MEME version 4\n\nMOTIF a\n", "x: there is no letter-probability matrix in it"),
        (MEME.replace("MOTIF a\n", "MOTIF a\n# holdfast: {\n") + ROWS, "x line 6: the comment after 'holdfast:'"),
        (
            MEME.replace("MOTIF a\n", 'MOTIF a\n# holdfast: {"places": 3}\n') + ROWS,
            "comment of this motif does not fit",
        ),
        (JASPAR.replace("T [ 1 2 ]\n", ""), "x: its end: expected the row of T of the motif at .*x line 1"),
        (JASPAR.replace("C [", "G ["), "x line 3: expected the row of C"),
        (JASPAR.replace("T [ 1 2 ]", "T [ 1 ]"), "rows of 2, 2, 2, 1 numbers"),
        (JASPAR.replace("1 2", "0 2"), r"x line 1: position 0 \(from 0\) has no counts"),
        (TRANSFAC.replace("3 4", "x 4"), "x line 3: a row of the matrix is '1 2 x 4'"),
        (TRANSFAC.replace("P0 A C G T", "P0 A C D E"), "x line 2: the columns are 'A C D E'"),
        ("AC a\nXX\n//\n", "x: no line 'P0 A C G T'"),
    ],
)
def test_damaged_files_are_refused_with_file_and_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(InputError, match=message):
        read_motifs(tmp_path / "x")


def test_a_format_that_nothing_tells_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which format"):
        write_motifs([PLAIN], tmp_path / "x.txt")
    with pytest.raises(InputError, match="no motifs to write"):
        write_motifs([], tmp_path / "x.meme")


@given(
    seed=st.sampled_from([MEME + ROWS, JASPAR, TRANSFAC]),
    cut=st.integers(0, 200),
    piece=st.sampled_from(["\n", " ", "0", "-1", "nan", "1e400", "A", ">", "//", "P0", "# holdfast: {}", "[", "w= 9"]),
)
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_there_are_motifs_or_an_error(seed: str, cut: int, piece: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(seed[:cut] + piece + seed[cut:])
    try:
        motifs = read_motifs(tmp_path / "x")
    except HoldfastError:
        return
    assert all(np.isfinite(motif.probabilities).all() for motif in motifs)
