"""SequenceDataset: views, batches, and a stored copy that equals what was stored."""

from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import InputError
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import Leakage, Provenance
from holdfast.data.store import StoreWriter


def make(count: int = 20, context: int = 7, tasks: int = 1, seed: int = 0) -> SequenceDataset:
    rng = np.random.default_rng(seed)
    core = np.full((count, 2), -1, dtype=np.int32)
    core[::2] = [1, 4]
    return SequenceDataset.in_memory(
        rng.integers(0, 5, (count, context), dtype=np.uint8),
        rng.integers(-1, 2, (count, tasks)).astype(np.int8),
        split=(np.arange(count) % 3).astype(np.uint8),
        group=np.arange(count, dtype=np.int64) // 2,
        core=core,
        places=Places(
            names=tuple(f"n{i}" for i in range(count)),
            chrom=("chr1",) * count,
            start=np.arange(count, dtype=np.int64) * 10,
        ),
        tasks=[f"t{i}" for i in range(tasks)],
        provenance=Provenance(source="made by a test", seed=3, leakage=Leakage()),
    )


def same(left: SequenceDataset, right: SequenceDataset) -> bool:
    arrays = all(
        np.array_equal(getattr(left, name), getattr(right, name))
        for name in ("codes", "labels", "split", "group", "core")
    )
    return arrays and left.names == right.names and left.tasks == right.tasks


def test_a_stored_data_set_opens_as_it_was_saved(tmp_path: Path) -> None:
    data = make(tasks=3)
    data.save(tmp_path / "set")
    opened = SequenceDataset.open(tmp_path / "set")
    assert same(data, opened)
    assert opened.fingerprint == data.fingerprint
    assert opened.manifest.provenance == data.manifest.provenance
    assert opened.manifest.counts == data.manifest.counts
    assert opened.places.chrom == data.places.chrom
    assert np.array_equal(opened.places.start, data.places.start)


def test_nothing_but_the_folder_is_left_behind(tmp_path: Path) -> None:
    make().save(tmp_path / "set", attach={"truth.parquet": b"x"})
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert (tmp_path / "set" / "truth.parquet").read_bytes() == b"x"


def test_unknown_coordinates_stay_unknown(tmp_path: Path) -> None:
    SequenceDataset.in_memory(np.zeros((2, 3), dtype=np.uint8), np.ones((2, 1), dtype=np.int8)).save(tmp_path / "set")
    opened = SequenceDataset.open(tmp_path / "set")
    assert opened.places.chrom is None
    assert opened.places.start is None
    assert opened.names == ("0", "1")


def test_the_fingerprint_sees_every_array_and_the_tasks_but_not_the_source() -> None:
    codes, labels = np.zeros((2, 3), dtype=np.uint8), np.ones((2, 1), dtype=np.int8)
    base = SequenceDataset.in_memory(codes, labels)
    others = [
        SequenceDataset.in_memory(codes + np.uint8(1), labels),
        SequenceDataset.in_memory(codes, labels * np.int8(0)),
        SequenceDataset.in_memory(codes, labels, split=np.array([0, 1], dtype=np.uint8)),
        SequenceDataset.in_memory(codes, labels, group=np.array([0, 0])),
        SequenceDataset.in_memory(codes, labels, core=np.array([[0, 1], [-1, -1]], dtype=np.int32)),
        SequenceDataset.in_memory(codes, labels, tasks=["other"]),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 7
    renamed = SequenceDataset.in_memory(codes, labels, provenance=Provenance(source="elsewhere"))
    assert renamed.fingerprint == base.fingerprint


def test_parts_hold_their_own_examples_under_their_own_numbers() -> None:
    data = make()
    parts = [data.part(name) for name in ("train", "validation", "test")]
    assert sorted(np.concatenate([part.index for part in parts]).tolist()) == list(range(20))
    test = data.part("test")
    assert (test.split == 2).all()
    assert test.batch([0, 1]).index.tolist() == [2, 5]
    assert test.names[:2] == ("n2", "n5")


def test_a_view_of_a_view_is_a_view_of_the_whole() -> None:
    data = make()
    view = data.part("test").take([3, 1])
    assert view.index.tolist() == [11, 5]
    assert np.array_equal(view.codes, data.codes[[11, 5]])
    assert view.fingerprint != data.part("test").fingerprint
    assert view.fingerprint == data.take([11, 5]).fingerprint


def test_a_saved_view_does_not_claim_the_leakage_of_the_whole(tmp_path: Path) -> None:
    saved = make().part("test").save(tmp_path / "set")
    assert saved.manifest.provenance.leakage is None
    assert saved.manifest.examples == 6
    assert same(saved, make().part("test"))


def test_unknown_part_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(InputError, match="did you mean 'validation'"):
        make().part("validaton")


def test_unknown_labels_are_nan_under_a_false_mask() -> None:
    data = make(tasks=4)
    batch = data.batch(np.arange(20))
    labels = data.labels
    assert np.array_equal(batch.mask.numpy(), labels >= 0)
    assert np.array_equal(np.isnan(batch.labels.numpy()), labels < 0)
    assert np.array_equal(batch.labels.numpy()[labels >= 0], labels[labels >= 0].astype(np.float32))


@pytest.mark.parametrize("batch_size", [1, 7, 20, 100])
def test_batches_cover_the_order_once_whatever_their_size(batch_size: int) -> None:
    order = np.random.default_rng(1).permutation(20)
    batches = list(make().batches(batch_size, order))
    assert np.concatenate([batch.index for batch in batches]).tolist() == order.tolist()
    assert all(len(batch) == batch_size for batch in batches[:-1])


@pytest.mark.parametrize("index", [[20], [-1], [0.5], [[0]]])
def test_positions_outside_are_refused(index: list[object]) -> None:
    with pytest.raises(InputError, match="positions"):
        make().batch(index)


def test_batch_size_zero_is_refused() -> None:
    with pytest.raises(InputError, match="batch size 0"):
        list(make().batches(0))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("codes", np.full((2, 3), 5, dtype=np.uint8), "example 0 has a code above 4"),
        ("codes", np.zeros((2, 3), dtype=np.int64), "codes is int64"),
        ("labels", np.array([[1], [2]], dtype=np.int8), "example 1 has a label"),
        ("labels", np.array([1, 0], dtype=np.int8), r"labels\[:, None\]"),
        ("split", np.array([0, 3], dtype=np.uint8), "example 1 is in none of the parts"),
        ("group", np.array([0]), r"group is int64 \(1,\)"),
        ("core", np.array([[-1, -1], [2, 4]], dtype=np.int32), "example 1 has a core"),
        ("core", np.array([[2, 1], [-1, -1]], dtype=np.int32), "example 0 has a core"),
        ("tasks", ["a", "b"], "2 task names for 1 label columns"),
    ],
)
def test_wrong_arrays_are_refused_naming_what_is_wrong(name: str, value: object, message: str) -> None:
    arrays: dict[str, object] = {
        "codes": np.zeros((2, 3), dtype=np.uint8),
        "labels": np.array([[1], [0]], dtype=np.int8),
    }
    with pytest.raises(InputError, match=message):
        SequenceDataset.in_memory(**(arrays | {name: value}))


def test_blocks_written_one_by_one_equal_the_set_saved_at_once(tmp_path: Path) -> None:
    data = make(count=50)
    with StoreWriter(tmp_path / "blocks", context=7, tasks=data.tasks, provenance=data.manifest.provenance) as writer:
        for start in range(0, 50, 8):
            rows = slice(start, start + 8)
            writer.append(
                data.codes[rows],
                data.labels[rows],
                split=data.split[rows],
                group=data.group[rows],
                core=data.core[rows],
                places=data.places.take(np.arange(50)[rows]),
            )
    assert same(SequenceDataset.open(tmp_path / "blocks"), data)
    assert SequenceDataset.open(tmp_path / "blocks").fingerprint == data.fingerprint


def resident_anonymous_bytes() -> int:
    """What this process really holds; mapped pages of a file are the system's to drop."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs Linux's /proc to tell held memory from mapped pages")
    line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def test_streaming_a_large_set_reads_a_batch_at_a_time(tmp_path: Path) -> None:
    # 60 MB of codes.
    count, context = 50_000, 1200
    block = np.random.default_rng(0).integers(0, 4, (5_000, context), dtype=np.uint8)
    labels = np.ones((5_000, 1), dtype=np.int8)
    with StoreWriter(
        tmp_path / "large", context=context, tasks=("bound",), provenance=Provenance(source="noise")
    ) as writer:
        for _ in range(count // 5_000):
            writer.append(block, labels)
    stored = sum(path.stat().st_size for path in (tmp_path / "large").iterdir())
    # One byte a base and under 30 bytes an example beside: 4.4 million of them stay under 6 GB.
    assert stored < count * (context + 30)
    before = resident_anonymous_bytes()
    data = SequenceDataset.open(tmp_path / "large", verify=False)
    most = total = 0
    for batch in data.batches(500):
        total += int(batch.codes[:, 0].sum())
        most = max(most, resident_anonymous_bytes())
    assert total == 10 * int(block[:, 0].sum())
    # A batch is 0.6 MB; a copy of the whole would be 60 MB.
    assert most - before < 20e6
