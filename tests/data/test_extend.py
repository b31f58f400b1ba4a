"""Longer windows around DeepSEA's bins, on genomes and lists made here."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.build import build
from holdfast.data.contigs import AddChr
from holdfast.data.dataset import SequenceDataset
from holdfast.data.deepsea_bins import DeepseaParts
from holdfast.data.extend import ByCoordinates, ByDeepseaOrder, extended
from holdfast.data.genome_store import GenomeStore
from holdfast.data.split import Given
from holdfast.dna.bins import Bins
from holdfast.dna.codes import decode
from holdfast.dna.edit import reverse_complement
from holdfast.io.records import LabelledSequences

SIZE, BIN, CONTEXT, LENGTH = 4000, 20, 100, 120
PARTS = DeepseaParts(validation_from=1000, validation_bins=5, train_bins=40)
CHROMOSOMES = ("chr1", "chr10", "chr2", "chr7", "chr8", "chr9", "chrX")


@pytest.fixture
def store(tmp_path: Path) -> GenomeStore:
    rng = np.random.default_rng(0)
    text = "".join(f">{name}\n{decode(rng.integers(0, 4, SIZE, dtype=np.uint8))}\n" for name in CHROMOSOMES)
    (tmp_path / "g.fa").write_text(text)
    return GenomeStore.build(tmp_path / "g.fa", tmp_path / "genome")


@pytest.fixture
def bins() -> Bins:
    """Bins of every chromosome in no order."""
    rng = np.random.default_rng(1)
    chrom = np.repeat(CHROMOSOMES, 12)
    start = np.concatenate([rng.permutation(180)[:12] * BIN + 100 for _ in CHROMOSOMES])
    order = rng.permutation(len(chrom))
    return Bins.of(chrom[order], start[order], start[order] + BIN)


def deepsea_set(store: GenomeStore, bins: Bins, path: Path, *, reverse: bool = True) -> SequenceDataset:
    """Make the set that DeepSEA would have made of the bins, forward sequences first in every part."""
    rows = PARTS.rows(bins)
    order = np.concatenate(list(rows.values()))
    part = np.repeat(list(rows), [len(of) for of in rows.values()])
    codes = store.contexts(bins.take(order), CONTEXT).codes
    group = np.arange(len(order))
    labels = (np.random.default_rng(2).random((len(order), 3)) < 0.5).astype(np.int8)
    pieces = [(codes, part, group, labels)]
    pieces += [(reverse_complement(codes), part, group, labels)] if reverse else []
    codes, part, group, labels = (np.concatenate(column) for column in zip(*pieces, strict=True))
    by_part = np.argsort(part, kind="stable")
    return in_order(codes[by_part], part[by_part], group[by_part], labels[by_part], path)


def in_order(codes, part, group, labels: NDArray[np.int8], path: Path) -> SequenceDataset:
    records = LabelledSequences(
        codes=codes,
        labels=labels,
        names=tuple(f"e{row}" for row in range(len(codes))),
        source="made by a test",
        tasks=("a", "b", "c"),
        group=group,
        split=part.astype(np.uint8),
    )
    return build(records, path, split=Given(validation=0))


def test_the_parts_are_deepseas() -> None:
    start = np.array([30_508_600, 30_508_751, 30_508_951, 5, 9, 1, 1, 1, 1])
    chrom = ["chr7", "chr7", "chr7", "chr8", "chr10", "chr2", "chrX", "chrY", "chr9"]
    parts = DeepseaParts(validation_bins=1).rows(Bins.of(chrom, start, start + 200))
    # Train: by name, so chr10 before chr2 before chr7; the second late bin of chr7 is one too many for validation.
    assert parts[0].tolist() == [4, 5, 0, 2]
    assert parts[1].tolist() == [1]
    assert parts[2].tolist() == [3, 8]
    assert DeepseaParts(train_bins=2).rows(Bins.of(chrom, start, start + 200))[0].tolist() == [4, 5]
    with pytest.raises(InputError, match="no bin on chr1 to chr22"):
        DeepseaParts().rows(Bins.of(["1"], [0], [200]))


@pytest.mark.parametrize("reverse", [True, False])
def test_every_part_gets_longer_windows_whose_centre_is_the_old_sequence(
    store: GenomeStore, bins: Bins, tmp_path: Path, reverse: bool
) -> None:
    data = deepsea_set(store, bins, tmp_path / "set", reverse=reverse)
    stream = extended(data, store, length=LENGTH, placing=ByDeepseaOrder(bins, PARTS), max_different=0)
    longer = build(stream, tmp_path / "longer", split=Given(validation=0))
    assert longer.context == LENGTH
    assert np.array_equal(longer.codes[:, 10:-10], data.codes)
    for name in ("labels", "split", "group"):
        assert np.array_equal(getattr(longer, name), getattr(data, name))
    assert longer.names == data.names
    assert f"centres of 0 of {len(data)} windows differ" in longer.manifest.provenance.source
    # 40 train (of 43), 5 validation and 24 test bins; chrX has none.
    assert np.bincount(data.split).tolist() == [n * (1 + reverse) for n in (40, 5, 24)]
    if reverse:
        # The reverse complement of the longer window, which holds the flanks in turned order.
        train = longer.codes[longer.split == 0]
        assert np.array_equal(reverse_complement(train[:40]), train[40:])


def test_what_differs_is_counted_and_refused_beyond_a_share(store: GenomeStore, bins: Bins, tmp_path: Path) -> None:
    data = deepsea_set(store, bins, tmp_path / "set")
    codes = data.codes.copy()
    codes[3, 7] = (codes[3, 7] + 1) % 4
    codes[3, 8] = 4
    codes[90, 0] = (codes[90, 0] + 1) % 4
    changed = in_order(codes, data.split, data.group, data.labels, tmp_path / "changed")

    def with_share(share: float) -> list[LabelledSequences]:
        stream = extended(changed, store, length=LENGTH, placing=ByDeepseaOrder(bins, PARTS), max_different=share)
        blocks = list(stream.blocks())
        found.append(stream.sentence())
        return blocks

    found = list[str]()
    (block,) = with_share(2 / 138)
    assert "centres of 2 of 138 windows differ from the sequences there were, in 3 bases, 1 of them N" in found[0]
    # The genome wins: the new windows are one genome's.
    assert np.array_equal(block.codes[:, 10:-10], data.codes)
    with pytest.raises(InputError, match=r"2 of 138 .* such as the one at chr\d+:\d+-\d+; .* genome build"):
        with_share(1 / 138)


def test_another_list_or_another_genome_is_refused(store: GenomeStore, bins: Bins, tmp_path: Path) -> None:
    data = deepsea_set(store, bins, tmp_path / "set")
    fewer = bins.take(np.flatnonzero(bins.start < 3000))
    with pytest.raises(InputError, match=r"the train part has 80 examples, but the bins make \d+ of them"):
        extended(data, store, length=LENGTH, placing=ByDeepseaOrder(fewer, PARTS))
    shifted = Bins(names=bins.names, chrom=bins.chrom, start=bins.start + 1, end=bins.end + 1)
    stream = extended(data, store, length=LENGTH, placing=ByDeepseaOrder(shifted, PARTS))
    with pytest.raises(InputError, match="Is it the genome build"):
        stream.gather()
    with pytest.raises(InputError, match="'chr1' would be 'chrchr1'"):
        extended(data, store, length=LENGTH, placing=ByDeepseaOrder(bins, PARTS), contigs=AddChr()).gather()
    for length in (99, 121):
        with pytest.raises(ConfigError, match="choose 100 or more, by an even number"):
            extended(data, store, length=length, placing=ByDeepseaOrder(bins, PARTS))


def test_coordinates_of_the_data_set_do_as_well_on_either_strand(
    store: GenomeStore, bins: Bins, tmp_path: Path
) -> None:
    near_the_end = Bins.of(["chr1"], [0], [CONTEXT])
    start = np.concatenate([bins.start, near_the_end.start])
    chrom = (*(bins.names[one] for one in bins.chrom.tolist()), "chr1")
    codes = store.contexts(Bins.of(chrom, start, start + CONTEXT), CONTEXT).codes
    codes[::2] = reverse_complement(codes[::2])
    records = LabelledSequences(
        codes=codes,
        labels=(np.arange(len(codes)) // 2 % 2).astype(np.int8)[:, None],
        names=tuple(map(str, range(len(codes)))),
        source="made by a test",
        chrom=chrom,
        start=start,
    )
    data = build(records, tmp_path / "set")
    stream = extended(data, store, length=LENGTH, placing=ByCoordinates(), max_different=0)
    longer = stream.gather()
    assert np.array_equal(longer.codes[:, 10:-10], data.codes)
    # The last window begins 10 bp before its chromosome: N there, behind because its strand is the reverse one.
    assert longer.codes[-1, -10:].tolist() == [4] * 10
    assert (longer.codes[:-1] < 4).all()
    assert "10 bases lie beyond the end of a chromosome" in stream.sentence()
    assert longer.chrom is None
    inner = extended(data.take(np.arange(len(data) - 1)), store, length=LENGTH, placing=ByCoordinates()).gather()
    assert inner.start.tolist() == (start[:-1] - 10).tolist()


def test_a_set_without_places_is_told_to_bring_bins(store: GenomeStore, bins: Bins, tmp_path: Path) -> None:
    data = deepsea_set(store, bins, tmp_path / "set")
    with pytest.raises(InputError, match=r"does not know its coordinates; give the list of bins .*--bins"):
        extended(data, store, length=LENGTH, placing=ByCoordinates())
