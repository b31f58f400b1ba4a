"""From records to a stored set, and what is refused on the way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_sequences import make
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.errors import InputError
from holdfast.data.build import build, read_parts
from holdfast.data.dataset import SequenceDataset
from holdfast.data.describe import describe
from holdfast.data.leakage import contradictory, sequence_hashes
from holdfast.data.split import Fractions, Given, Paper
from holdfast.jobs.data import description_lines
from holdfast.jobs.train import data_facts


def write_fasta(path: Path, count: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    letters = np.array(list("ACGT"))[rng.integers(0, 4, (count, 30))]
    path.write_text("".join(f">s{i}\n{''.join(row)}\n" for i, row in enumerate(letters)))
    return path


def test_two_fasta_files_become_a_data_set(tmp_path: Path) -> None:
    files = [write_fasta(tmp_path / "pos.fa", 60, 0), write_fasta(tmp_path / "neg.fa", 40, 1)]
    data = build(read_parts(files), tmp_path / "set")
    assert (len(data), data.context) == (100, 30)
    assert int(data.labels.sum()) == 60
    assert [len(data.part(name)) for name in ("train", "validation", "test")] == [70, 10, 20]
    assert "pos.fa" in data.manifest.provenance.source


def test_files_named_for_parts_go_to_their_parts(tmp_path: Path) -> None:
    def part(name: str, seed: int) -> list[Path]:
        return [write_fasta(tmp_path / f"{name}{sign}.fa", 20, seed + sign) for sign in (0, 1)]

    records = read_parts(part("train", 0), validation=part("validation", 10), test=part("test", 20))
    data = build(records, tmp_path / "set")
    assert np.bincount(data.split).tolist() == [40, 40, 40]


def test_parts_with_positives_only_get_shuffles_and_the_others_keep_theirs(tmp_path: Path) -> None:
    labels = np.ones((100, 1), dtype=np.int8)
    labels[90:] = 0
    split = np.repeat([0, 2], [60, 40]).astype(np.uint8)
    data = build(make(labels=labels, split=split), tmp_path / "set", negatives="shuffle", seed=4)
    assert np.bincount(data.split).tolist() == [108, 12, 40]
    assert (data.part("train").labels == 1).mean() == 0.5
    assert int(data.part("test").labels.sum()) == 30
    sentence = data.manifest.provenance.negatives
    assert sentence == "one dinucleotide shuffle per positive (train), as given in the source (test)"
    assert data.manifest.provenance.seed == 4
    leaked = data.manifest.provenance.leakage
    assert leaked is not None
    assert [row.shuffled_twins for row in leaked.counts] == [0, 0, 0]


def test_shuffles_are_refused_where_negatives_are_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no part holds positives only"):
        build(make(), tmp_path / "set", negatives="shuffle")


def test_one_class_only_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"100 bound examples and no unbound .* \(negatives: shuffle\)"):
        build(make(labels=np.ones((100, 1), dtype=np.int8)), tmp_path / "set")
    with pytest.raises(InputError, match="no bound one"):
        build(make(labels=np.zeros((100, 1), dtype=np.int8)), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="9 examples; at least 10"):
        build(make(9), tmp_path / "set")


def test_the_same_file_as_both_classes_is_refused(tmp_path: Path) -> None:
    same = write_fasta(tmp_path / "pos.fa", 60, 0)
    with pytest.raises(InputError, match=r"every bound example \(60\) is also there as unbound.* one file given"):
        build(read_parts([same, same]), tmp_path / "set")
    codes = make().codes
    codes[0::2] = codes[1]  # the negatives are one sequence, which a positive has
    with pytest.raises(InputError, match=r"every unbound example \(50\) is also there as bound"):
        build(make(codes=codes), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_contradictory_labels_are_counted_and_said(tmp_path: Path) -> None:
    codes = make().codes
    codes[1] = codes[0]  # bound and unbound
    codes[4] = codes[2]  # a repeat with the same label
    data = build(make(codes=codes), tmp_path / "set")
    found = describe(data)
    assert (found.contradictory, found.repeated) == (2, 2)
    assert data.manifest.provenance.contradictory == 2
    note = "Contradictory labels: 2 examples have the sequence of another and the opposite label"
    assert any(line.startswith(note) for line in description_lines(found))
    assert any(line.startswith(note) for line in data_facts("set", data, tmp_path / "set", tmp_path).notes)
    assert data.take([0, 1]).save(tmp_path / "view").manifest.provenance.contradictory is None


def test_data_without_contradictions_are_not_said_to_have_any(tmp_path: Path) -> None:
    data = build(make(), tmp_path / "set")
    assert data.manifest.provenance.contradictory == 0
    assert not [line for line in description_lines(describe(data)) if "Contradictory" in line or "N only" in line]
    assert not [line for line in data_facts("set", data, tmp_path / "set", tmp_path).notes if "Contradictory" in line]


@given(st.integers(0, 10_000))
def test_contradictions_are_those_that_brute_force_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, (12, 3), dtype=np.uint8)
    labels = rng.integers(-1, 2, (12, 2), dtype=np.int8)
    expected = [
        [
            labels[i, t] >= 0
            and any((codes[i] == codes[j]).all() and labels[j, t] == 1 - labels[i, t] for j in range(12))
            for t in range(2)
        ]
        for i in range(12)
    ]
    rows, found = contradictory(sequence_hashes(codes), labels)
    whole = np.zeros(labels.shape, dtype=bool)
    whole[rows] = found
    assert whole.tolist() == expected


def test_rows_of_n_only_are_refused_where_a_class_has_nothing_else_and_counted_otherwise(tmp_path: Path) -> None:
    codes = make().codes
    with pytest.raises(InputError, match=r"all 100 sequences consist of N only.*masked genome"):
        build(make(codes=np.full_like(codes, 4)), tmp_path / "set")
    codes[1::2] = 4
    with pytest.raises(InputError, match="every bound example consists of N only"):
        build(make(codes=codes), tmp_path / "set")
    codes[3::2] = make(200).codes[151:200]
    data = build(make(codes=codes), tmp_path / "set")
    assert [kind.examples_all_unknown for kind in describe(data).composition] == [1, 0]
    assert "Sequences of N only: 1; they say nothing, and all are alike." in description_lines(describe(data))


def test_a_part_of_one_class_is_refused(tmp_path: Path) -> None:
    labels = np.repeat([1, 0], 50).astype(np.int8)[:, None]
    split = np.repeat([0, 2], [60, 40]).astype(np.uint8)
    with pytest.raises(InputError, match="test part would hold one class only"):
        build(make(labels=labels, split=split), tmp_path / "set", split=Given(validation=0.5))


def test_an_empty_part_is_refused_only_where_it_was_asked_for(tmp_path: Path) -> None:
    group = np.zeros(100, dtype=np.int64)
    with pytest.raises(InputError, match="would be empty"):
        build(make(group=group), tmp_path / "set", split=Fractions())
    only_test = build(make(), tmp_path / "set", split=Fractions(validation=0, test=1))
    assert len(only_test.part("test")) == 100


def test_groups_are_found_where_the_source_does_not_say_them(tmp_path: Path) -> None:
    codes = make().codes
    # Two twins by hand: AAC...A and the same dinucleotides in another order.
    codes[0, :5], codes[1, :5] = [0, 0, 1, 0, 0], [0, 1, 0, 0, 0]
    codes[1, 5:] = codes[0, 5:]
    data = build(make(codes=codes), tmp_path / "set")
    assert data.group[0] == data.group[1]
    assert "shuffled twins" in data.manifest.provenance.groups


def test_a_description_counts_what_is_there() -> None:
    codes = np.array([[0, 0, 0, 4], [1, 1, 2, 2], [3, 3, 3, 3], [3, 3, 3, 3]], dtype=np.uint8)
    data = SequenceDataset.in_memory(
        codes,
        np.array([[1], [1], [0], [-1]], dtype=np.int8),
        split=np.array([0, 0, 2, 2], dtype=np.uint8),
        group=np.array([0, 1, 1, 2]),
        core=np.array([[0, 2], [1, 4], [-1, -1], [-1, -1]], dtype=np.int32),
    )
    found = describe(data)
    bound, unbound = found.composition
    assert (bound.examples, bound.unknown_bases, bound.examples_with_unknown) == (2, 1, 1)
    assert bound.share == pytest.approx({"A": 3 / 7, "C": 2 / 7, "G": 2 / 7, "T": 0})
    assert unbound.share == {"A": 0, "C": 0, "G": 0, "T": 1}
    assert unbound.examples == 1
    assert (found.repeated, found.grouped, found.known_cores, found.core_reach_bp) == (1, 1, 2, (0, 4))
    assert found.chromosomes is None
    assert found.balance == {"bound": pytest.approx(2 / 3)}


def test_a_description_counts_chromosomes(tmp_path: Path) -> None:
    chrom = tuple("chr1" if i < 30 else "chrX" for i in range(100))
    data = build(make(chrom=chrom, start=np.arange(100)), tmp_path / "set")
    assert describe(data).chromosomes == {"chr1": 30, "chrX": 70}


@pytest.mark.real_data
def test_the_papers_set_is_described_as_the_paper_and_its_check_found_it(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    data = build(read_parts([real_data("ds/sp1_h1hesc_discovery.npz")]), tmp_path / "set", split=Paper())
    found = describe(data)
    assert found.examples == 29_560
    assert found.repeated == 0
    assert [round(share, 3) for share in (found.composition[0].share or {}).values()] == [0.219, 0.281, 0.282, 0.218]
    assert found.leakage == data.manifest.provenance.leakage


@pytest.mark.real_data
def test_deepbind_files_get_fresh_negatives_for_training_and_keep_theirs_for_testing(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    stem = "deepbind_encode/SP1_GM12878_SP1_HudsonAlpha"
    records = read_parts([real_data(f"{stem}_AC.seq.gz")], test=[real_data(f"{stem}_B.seq.gz")])
    data = build(records, tmp_path / "set", negatives="shuffle")
    assert int((data.part("test").labels == 1).sum()) == 500
    assert int((data.part("test").labels == 0).sum()) == 500
    assert data.part("train").labels.mean() == 0.5
