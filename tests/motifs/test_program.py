"""Programs of the MEME suite, played by a script on the PATH that checks its arguments and writes their real format."""

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import encode
from holdfast.motifs.program import discover_by_program

CODES = np.stack([encode("TTGATTACATTTNNNN"), encode("CCCCTGTAATCCCCCC"), encode("GGGGGGGATTACAGGG")])

MATRIX = """ 0.000000  0.000000  1.000000  0.000000
 1.000000  0.000000  0.000000  0.000000
 0.000000  0.000000  0.000000  1.000000
 0.000000  0.000000  0.000000  1.000000
 1.000000  0.000000  0.000000  0.000000
 0.000000  1.000000  0.000000  0.000000
 0.666667  0.000000  0.333333  0.000000
"""
RULER = "-" * 80
MEME_TEXT = f"""********************************************************************************
MEME - Motif discovery tool
********************************************************************************
MEME version 4.12.0 (Release date: Tue Jun 27 02:09:01 2017 -0700)

ALPHABET= ACGT

********************************************************************************
MOTIF GATTACA MEME-1\twidth =   7  sites =   3  llr = 30  E-value = 3.4e-425
********************************************************************************
{RULER}
\tMotif GATTACA MEME-1 sites sorted by position p-value
{RULER}
Sequence name            Strand  Start   P-value              Site
-------------            ------  ----- ---------            -------
s0                           +      3  1.57e-05         TT GATTACA TTTNNNN
s1                           -      5  1.60e-05     GGGGGG GATTACA GGGG
s2                           +      7  1.60e-05     GGGGGG GATTACA GGG
{RULER}

{RULER}
\tMotif GATTACA MEME-1 position-specific scoring matrix
{RULER}
log-odds matrix: alength= 4 w= 7 n= 30 bayes= 9.5 E= 3.4e-425
{RULER}
\tMotif GATTACA MEME-1 position-specific probability matrix
{RULER}
letter-probability matrix: alength= 4 w= 7 nsites= 3 E= 3.4e-425
{MATRIX}{RULER}
"""
STREME_TEXT = f"""MEME version 5.5.0 (Release date: Wed Sep 7 14:18:26 2022 -0700)

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF 1-GATTACA STREME-1
letter-probability matrix: alength= 4 w= 7 nsites= 3 E= 1.2e-003
{MATRIX}"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts a program on the PATH, which writes what it was asked and says a text."""

    def put(name: str, text: str, *, code: int = 0, error: str = "") -> Path:
        heard = tmp_path / "heard.json"
        script = tmp_path / name
        script.write_text(
            f"#!{sys.executable}\nimport json, pathlib, sys\n"
            "words = sys.argv[1:]\n"
            "files = {w: pathlib.Path(w).read_text() for w in words if pathlib.Path(w).is_file()}\n"
            f"pathlib.Path({str(heard)!r}).write_text(json.dumps([words, files]))\n"
            f"sys.stdout.write({text!r})\nsys.stderr.write({error!r})\nsys.exit({code})\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))
        return heard

    return put


def test_meme_is_asked_in_its_own_words_and_its_text_is_read(install) -> None:
    heard = install("meme", MEME_TEXT)
    [found] = discover_by_program(CODES, "meme", motifs=2, min_width=5, max_width=9, background=(0.3, 0.2, 0.2, 0.3))
    words, files = json.loads(heard.read_text())
    sequences, rest = words[0], words[1:]
    assert files[sequences] == ">s0\nTTGATTACATTTNNNN\n>s1\nCCCCTGTAATCCCCCC\n>s2\nGGGGGGGATTACAGGG\n"
    background = rest.pop(rest.index("-bfile") + 1)
    assert files[background].split() == ["A", "0.30000000", "C", "0.20000000", "G", "0.20000000", "T", "0.30000000"]
    expected = "-dna -mod zoops -nmotifs 2 -minw 5 -maxw 9 -maxsize 49 -text -nostatus -revcomp -bfile"
    assert rest == expected.split()
    assert (found.motif.name, found.motif.accession, found.motif.consensus) == ("MEME-1", "GATTACA", "GATTACA")
    assert found.motif.source == "meme 4.12.0, MEME suite"
    assert found.motif.sites == 3
    assert found.log10_e_value == pytest.approx(np.log10(3.4) - 425)  # smaller than any float


def test_memes_sites_are_places_from_nought_with_the_letters_of_the_sequences(install) -> None:
    install("meme", MEME_TEXT)
    [found] = discover_by_program(CODES, "meme")
    table = found.sites[["sequence", "start", "strand", "site"]].to_numpy().tolist()
    assert table == [[0, 2, "+", "GATTACA"], [1, 4, "-", "GATTACA"], [2, 6, "+", "GATTACA"]]
    assert found.sites["posterior"].isna().all()


def test_one_strand_is_asked_of_meme_by_leaving_a_word_out(install) -> None:
    heard = install("meme", MEME_TEXT)
    discover_by_program(CODES, "meme", both_strands=False)
    assert "-revcomp" not in json.loads(heard.read_text())[0]


def test_streme_is_asked_in_its_own_words_and_tells_no_sites(install) -> None:
    heard = install("streme", STREME_TEXT)
    [found] = discover_by_program(CODES, "streme", motifs=1, min_width=6, max_width=8, seed=7)
    words, files = json.loads(heard.read_text())
    assert words[0] == "--p"
    assert files[words[1]].startswith(">s0\n")
    assert words[2:] == [
        "--dna",
        "--nmotifs",
        "1",
        "--minw",
        "6",
        "--maxw",
        "8",
        "--seed",
        "7",
        "--verbosity",
        "1",
        "--text",
    ]
    assert (found.motif.name, found.motif.consensus) == ("STREME-1", "GATTACA")
    assert found.log10_e_value == pytest.approx(np.log10(1.2e-3))
    assert len(found.sites) == 0


def test_a_program_that_finds_nothing_gives_no_motif(install) -> None:
    install("streme", STREME_TEXT.split("MOTIF")[0])
    assert discover_by_program(CODES, "streme") == []


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no program 'meme' on the PATH"):
        discover_by_program(CODES, "meme")


def test_a_program_that_fails_is_quoted(install) -> None:
    install("meme", "", code=3, error="noise\nDataset too large (> 49).\n")
    with pytest.raises(InputError, match=r"meme ended with exit code 3: Dataset too large"):
        discover_by_program(CODES, "meme")


def test_other_text_is_refused(install) -> None:
    install("meme", "hello")
    with pytest.raises(InputError, match="no 'MEME version'; its output begins with 'hello'"):
        discover_by_program(CODES, "meme")


def test_streme_cannot_search_one_strand() -> None:
    with pytest.raises(ConfigError, match="both strands"):
        discover_by_program(CODES, "streme", both_strands=False)


def test_memes_real_output_is_read_whole(install, real_data) -> None:
    folder = "tool_outputs/meme_4.12_tests/doc/examples/memechip_example_output_files/"
    text = real_data(folder + "meme_out/meme.txt").read_text()
    names = [
        line[1:25].strip() for line in real_data(folder + "seqs-sampled").read_text().split("\n") if line[:1] == ">"
    ]
    for number, name in enumerate(names):
        text = text.replace(f"\n{name:<24}", f"\ns{number:<23}")
    install("meme", text)
    codes = np.full((600, 100), 4, dtype=np.uint8)
    found = discover_by_program(codes, "meme")
    assert [one.motif.name for one in found] == ["MEME-1", "MEME-2", "MEME-3"]
    assert [len(one.sites) for one in found] == [225, 176, 6]
    assert [one.motif.sites for one in found] == [225, 176, 6]
    assert found[0].log10_e_value == pytest.approx(np.log10(3.4) - 225)
    assert found[2].sites.iloc[0][["start", "strand"]].tolist() == [25, "+"]
