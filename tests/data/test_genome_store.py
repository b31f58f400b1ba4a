"""Windows of a stored genome against slices of strings and against another reader."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyfaidx import Fasta

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.contigs import AddChr, Listed, StripChr, contig_rule
from holdfast.data.genome_store import GenomeStore
from holdfast.dna.bins import Bins
from holdfast.dna.codes import decode, encode

GENOME = {"chr1": "ACGTTGCAAC", "chr2": "GGGTTTNNAC", "chrM": "TTA"}


@pytest.fixture
def store(tmp_path: Path) -> GenomeStore:
    (tmp_path / "g.fa").write_text("".join(f">{name}\n{letters}\n" for name, letters in GENOME.items()))
    return GenomeStore.build(tmp_path / "g.fa", tmp_path / "store")


@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), length=st.integers(1, 45))
def test_a_window_is_the_slice_of_the_chromosome_with_n_beyond_its_ends(
    store: GenomeStore, data: st.DataObject, length: int
) -> None:
    names = data.draw(st.lists(st.sampled_from(list(GENOME)), min_size=1, max_size=6))
    starts = [data.draw(st.integers(0, len(GENOME[name]) - 1)) for name in names]
    ends = [data.draw(st.integers(start + 1, len(GENOME[name]))) for name, start in zip(names, starts, strict=True)]
    found = store.contexts(Bins.of(names, starts, ends), length)
    for row, (name, start, end) in enumerate(zip(names, starts, ends, strict=True)):
        padded = "N" * 50 + GENOME[name] + "N" * 50
        first = 50 + start - (length - (end - start)) // 2
        assert decode(found.codes[row]) == padded[first : first + length]
        inside = range(max(50, first), min(50 + len(GENOME[name]), first + length))
        assert found.outside[row] == length - len(inside)


def test_what_is_stored_is_told(store: GenomeStore) -> None:
    assert store.lengths == {"chr1": 10, "chr2": 10, "chrM": 3}
    assert [one.unknown for one in store.manifest.chromosomes] == [0, 2, 0]
    assert decode(store.chromosome("chr2")) == GENOME["chr2"]
    with pytest.raises(InputError, match="did you mean 'chr"):
        store.chromosome("chr3")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["chr8_hg19_11496144_11627216", "chrX_hg19_100113344_103113344.hardmasked"])
def test_real_slices_are_as_another_reader_has_them(
    real_data: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    packed = real_data(f"genome/{name}.fa.gz")
    (tmp_path / "plain.fa").write_bytes(gzip.decompress(packed.read_bytes()))
    other = Fasta(str(tmp_path / "plain.fa"), as_raw=True, sequence_always_upper=True)
    store = GenomeStore.build(packed, tmp_path / "store")
    assert list(store.lengths) == list(other.keys())
    (chrom,) = other.keys()
    assert np.array_equal(store.chromosome(chrom), encode(other[chrom][:]))
    size = store.lengths[chrom]
    start = np.random.default_rng(0).integers(600, size - 800, 50)
    found = store.contexts(Bins.of([chrom] * 50, start, start + 200), 1200)
    assert [decode(codes) for codes in found.codes] == [other[chrom][s - 500 : s + 700] for s in start.tolist()]
    assert found.outside.sum() == 0


def test_names_are_matched_by_rule_only(store: GenomeStore, tmp_path: Path) -> None:
    plain, prefixed = Bins.of(["1"], [0], [4]), Bins.of(["chr1"], [0], [4])
    with pytest.raises(InputError, match=r"'1' would be '1' .* none of that name .* exact.* rules: exact, add-chr"):
        store.contexts(plain, 4)
    assert decode(store.contexts(plain, 4, contigs=AddChr()).codes[0]) == "ACGT"
    with pytest.raises(InputError, match=r"'chr1' would be 'chrchr1' .*did you mean 'chr1'.* add-chr"):
        store.contexts(prefixed, 4, contigs=AddChr())
    with pytest.raises(InputError, match=r"'chr1' would be '1'"):
        store.contexts(prefixed, 4, contigs=StripChr())
    (tmp_path / "names.tsv").write_text("MT\tchrM\n1\tchr1\n")
    found = store.contexts(Bins.of(["MT", "1"], [0, 0], [3, 3]), 3, contigs=contig_rule(str(tmp_path / "names.tsv")))
    assert [decode(codes) for codes in found.codes] == ["TTA", "ACG"]
    with pytest.raises(InputError, match=r"names\.tsv: no line for 'chr1'"):
        store.contexts(prefixed, 3, contigs=Listed(tmp_path / "names.tsv"))


@pytest.mark.parametrize("text", ["a\n", "a\tb\tc\n", "a\tb\na\tc\n", "\tb\n"])
def test_a_file_of_names_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.tsv").write_text(text)
    with pytest.raises(InputError, match=r"names\.tsv line"):
        contig_rule(str(tmp_path / "names.tsv"))
    with pytest.raises(ConfigError, match="did you mean 'add-chr'"):
        contig_rule("addchr")


def test_a_bin_beyond_its_chromosome_is_another_build(store: GenomeStore) -> None:
    with pytest.raises(InputError, match=r"chrM:2-5 reaches beyond the chromosome's 3 bases .* another genome build"):
        store.contexts(Bins.of(["chr1", "chrM"], [0, 2], [4, 5]), 4)
    with pytest.raises(ConfigError, match="expected 1 or more"):
        store.contexts(Bins.of(["chr1"], [0], [4]), 0)


def test_no_bins_give_no_windows(store: GenomeStore) -> None:
    assert store.contexts(Bins.of([], [], []), 4).codes.shape == (0, 4)


def test_a_store_that_was_changed_cut_or_half_written_is_refused(store: GenomeStore) -> None:
    raw = (store.path / "genome.npy").read_bytes()
    (store.path / "genome.npy").write_bytes(raw[:-1] + b"\x03")
    with pytest.raises(InputError, match="was changed"):
        GenomeStore.open(store.path)
    (store.path / "genome.npy").write_bytes(raw[:-1])
    with pytest.raises(InputError, match="data genome"):
        GenomeStore.open(store.path)
    (store.path / "genome.npy").write_bytes(raw)
    manifest = json.loads((store.path / "genome.json").read_text())
    (store.path / "genome.json").write_text(json.dumps(manifest | {"schema_version": 2}))
    with pytest.raises(InputError, match="schema version 2"):
        GenomeStore.open(store.path)
    (store.path / "genome.json").write_text("{")
    with pytest.raises(InputError, match="not a manifest"):
        GenomeStore.open(store.path)
    (store.path / "genome.json").unlink()
    with pytest.raises(InputError, match="not a finished genome store"):
        GenomeStore.open(store.path)
    with pytest.raises(InputError, match="no such genome store"):
        GenomeStore.open(store.path / "nothing")


def test_a_refused_genome_leaves_nothing_and_a_store_is_replaced_only_when_asked(
    store: GenomeStore, tmp_path: Path
) -> None:
    for text, message in (
        (">a\nAC\n>a\nAC\n", "'a' occurs twice"),
        (">a\nA?\n", "no base"),
        (">a\n", "no base in any"),
    ):
        (tmp_path / "bad.fa").write_text(text)
        with pytest.raises(InputError, match=message):
            GenomeStore.build(tmp_path / "bad.fa", tmp_path / "bad")
        assert not (tmp_path / "bad").exists()
        with pytest.raises(InputError, match=message):
            GenomeStore.build(tmp_path / "bad.fa", store.path, overwrite=True)
        assert GenomeStore.open(store.path).lengths == store.lengths
    (tmp_path / "new.fa").write_text(">z\nACGT\n")
    with pytest.raises(InputError, match="is there already"):
        GenomeStore.build(tmp_path / "new.fa", store.path)
    assert GenomeStore.build(tmp_path / "new.fa", store.path, overwrite=True).lengths == {"z": 4}
    with pytest.raises(InputError, match="is not a stored genome"):
        GenomeStore.build(tmp_path / "new.fa", tmp_path, overwrite=True)
