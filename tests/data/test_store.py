"""A store that was cut, changed, half written or made by another version is refused with a remedy."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from holdfast.core.errors import HoldfastError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import Provenance
from holdfast.data.store import StoreWriter

FILES = ["codes.npy", "labels.npy", "split.npy", "group.npy", "core.npy", "places.parquet", "manifest.json"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (30, 12), dtype=np.uint8)
    labels = rng.integers(0, 2, (30, 1)).astype(np.int8)
    SequenceDataset.in_memory(codes, labels, provenance=Provenance(source="made by a test")).save(tmp_path / "set")
    return tmp_path / "set"


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}.*(delete the folder|build the data set again)"):
        SequenceDataset.open(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 40, -1])
def test_a_file_cut_short_is_refused(folder: Path, name: str, kept: int) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:kept].rstrip(b"}\n"))
    with pytest.raises(InputError, match="build the data set again"):
        SequenceDataset.open(folder)


@pytest.mark.parametrize("name", [name for name in FILES if name != "manifest.json"])
def test_one_changed_byte_is_noticed(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match="was changed after the data set was written"):
        SequenceDataset.open(folder)


def test_tasks_renamed_in_the_manifest_are_noticed(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tasks"] = ["other"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="tasks or fingerprint were changed"):
        SequenceDataset.open(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": 1}', "\x00\x01"])
def test_a_garbled_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="not a manifest of schema 1"):
        SequenceDataset.open(folder)


def test_a_newer_schema_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema_version"] = 2
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="schema version 2, this holdfast reads 1"):
        SequenceDataset.open(folder)


def test_a_newer_schema_with_new_keys_is_refused_as_newer(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"schema_version": 2, "new_key": 1}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="schema version 2, this holdfast reads 1"):
        SequenceDataset.open(folder)


def test_no_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holdfast data build"):
        SequenceDataset.open(tmp_path / "nothing")


def test_an_array_of_objects_is_not_unpickled(folder: Path) -> None:
    np.save(folder / "codes.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cut short or damaged"):
        SequenceDataset.open(folder)


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with StoreWriter(tmp_path / "half", context=4, tasks=("bound",), provenance=Provenance(source="x")) as writer:
            writer.append(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_block_of_another_length_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="a block of 5 bp"),
        StoreWriter(tmp_path / "set", context=4, tasks=("bound",), provenance=Provenance(source="x")) as writer,
    ):
        writer.append(np.zeros((2, 5), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_to_mend_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("holdfast.data.store.os.fsync", full)
    data = SequenceDataset.in_memory(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    with pytest.raises(InputError, match="No space left on device"):
        data.save(tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    data = SequenceDataset.in_memory(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    with pytest.raises(InputError, match="cannot be written"):
        data.save(tmp_path / "file" / "set")


def test_the_leavings_of_a_killed_writer_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f".set.{os.getpid()}.part").mkdir()
    (tmp_path / f".set.{os.getpid()}.part" / "codes.npy").write_bytes(b"half")
    data = SequenceDataset.in_memory(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    assert len(data.save(tmp_path / "set")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_existing_data_set_is_replaced_only_when_asked(folder: Path) -> None:
    data = SequenceDataset.in_memory(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    with pytest.raises(InputError, match="is there already"):
        data.save(folder)
    assert len(data.save(folder, overwrite=True)) == 2
    assert len(SequenceDataset.open(folder)) == 2


def test_a_foreign_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    data = SequenceDataset.in_memory(np.zeros((2, 4), dtype=np.uint8), np.ones((2, 1), dtype=np.int8))
    with pytest.raises(InputError, match="is not a data set"):
        data.save(tmp_path / "mine", overwrite=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(FILES), at=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=40))
@example(name="codes.npy", at=0.0, junk=b"PK\x03\x04")  # begins as a zip file does
def test_any_damage_is_refused_or_harmless_but_never_a_crash(folder: Path, name: str, at: float, junk: bytes) -> None:
    content = (folder / name).read_bytes()
    where = int(at * len(content))
    (folder / name).write_bytes(content[:where] + junk + content[where + len(junk) :])
    try:
        opened = SequenceDataset.open(folder)
        # What opens has the very contents that were written.
        assert opened.codes.shape == (30, 12)
        assert len(opened.names) == 30
    except HoldfastError:
        pass
    finally:
        (folder / name).write_bytes(content)
