"""The run folder: what is written is read back, and what is broken is named."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from first_page import record

from holdfast.core.errors import InputError
from holdfast.core.registry import Spec
from holdfast.runs import tables as tables_module
from holdfast.runs.explanation_records import FilterRecord
from holdfast.runs.files import FILES, HISTORY_COLUMNS, WINDOW_COLUMNS, FileKind
from holdfast.runs.folder import Run
from holdfast.runs.records import SCHEMA_VERSION, DataFacts


def history() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "epoch": [1, 2],
            "train_loss": [0.1 + 0.2, float("nan")],
            "validation_loss": [1 / 3, 0.25],
            "validation_accuracy": [0.5, 0.75],
            "learning_rate": [1e-3, 1e-3],
            "seconds": [1.5, 1.25],
            "stage": ["random", "NA, worst within 3 bp"],
            "restart": [0, 1],
        }
    )


def windows() -> pd.DataFrame:
    values = [[7], ["sp1"], ["chr1:5-9"], [1], [0.1 + 0.2], [-1.5], [3], ["-"], [2], [False]]
    return pd.DataFrame(dict(zip(WINDOW_COLUMNS, values, strict=True)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, record(), config={"seed": 3, "model": {"name": "holdfast"}})


def test_a_new_run_lies_in_a_folder_named_by_name_and_hash_and_is_not_done(run: Run) -> None:
    assert run.folder.name == "sp1-worst-01234567"
    assert not run.is_done
    assert run.config == {"seed": 3, "model": {"name": "holdfast"}}
    assert list(run.config) == ["seed", "model"]


@pytest.mark.parametrize("letters", [109, 110, 111, 400])
def test_a_folder_name_is_below_120_characters_and_its_hash_tells_configurations_apart(letters: int) -> None:
    name = "x" * letters
    one, other = (Run.folder_for(Path("runs"), name=name, config_hash=digit * 16) for digit in "01")
    assert one.name == f"{name[:110]}-00000000"
    assert len(one.name) < 120
    assert one != other


def test_not_a_number_survives_the_first_page(run: Run) -> None:
    assert math.isnan(Run.open(run.folder).record.extra["gap"])


def test_finish_writes_done_and_the_time(run: Run) -> None:
    run.finish(record())
    assert run.is_done
    assert run.record.finished is not None


def test_finish_keeps_a_given_end(run: Run) -> None:
    run.finish(record().model_copy(update={"finished": "2026-01-02T04:00:00+00:00"}))
    assert run.record.finished == "2026-01-02T04:00:00+00:00"


def test_history_reads_back_to_the_bit_with_text_that_looks_missing(run: Run) -> None:
    run.write_history(history())
    back = run.history
    assert tuple(back.columns) == HISTORY_COLUMNS
    assert back["train_loss"][0] == 0.1 + 0.2
    assert math.isnan(back["train_loss"][1])
    assert back["validation_loss"][0] == 1 / 3
    assert back["stage"].tolist() == ["random", "NA, worst within 3 bp"]
    assert back["restart"].tolist() == [0, 1]


def test_windows_read_back_to_the_bit(run: Run) -> None:
    run.write_windows([windows()])
    pd.testing.assert_frame_equal(run.windows, windows(), check_exact=True)


def test_windows_are_written_and_read_in_blocks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables_module, "ROW_GROUP", 3)
    run.write_windows([windows()] * 5)
    whole = pd.concat([windows()] * 5, ignore_index=True)
    pd.testing.assert_frame_equal(run.windows, whole, check_exact=True)
    blocks = list(run.window_blocks())
    assert max(map(len, blocks)) == 3
    pd.testing.assert_frame_equal(pd.concat(blocks, ignore_index=True), whole, check_exact=True)


def test_a_block_without_a_column_leaves_no_table(run: Run) -> None:
    with pytest.raises(InputError, match="no column 'radius_bp'"):
        run.write_windows([windows(), windows().drop(columns="radius_bp")])
    assert not run.has("windows")
    with pytest.raises(InputError, match=r"windows\.parquet is missing"):
        list(run.window_blocks())


def test_filters_with_not_a_number_read_back(run: Run) -> None:
    run.write_filters(
        [FilterRecord(name="f0", probabilities=[[0.1, 0.2, 0.3, 0.4]], n_sites=0, information_bits=np.nan)]
    )
    back = run.filters
    assert back[0].probabilities == [[0.1, 0.2, 0.3, 0.4]]
    assert math.isnan(back[0].information_bits)


def test_data_and_model_spec_read_back(run: Run) -> None:
    facts = DataFacts(
        name="sp1",
        fingerprint="ab",
        source="s",
        context=12,
        tasks=["t"],
        counts={"test": {"positive": 1, "negative": 2}},
    )
    run.write_data(facts)
    run.write_model_spec(Spec(name="holdfast", params={"widths": [15, 9]}))
    assert run.data == facts
    assert run.model_spec == Spec(name="holdfast", params={"widths": [15, 9]})


def test_every_kind_of_file_has_a_name_of_its_own() -> None:
    assert len(set(FILES.values())) == len(FILES)


@pytest.mark.parametrize("kind", ["data", "history", "audit", "windows", "filters", "model_spec"])
def test_a_missing_file_is_named(run: Run, kind: FileKind) -> None:
    with pytest.raises(InputError, match=rf"{FILES[kind]} is missing"):
        getattr(run, kind)


READ = ("record", "config", "data", "history", "audit", "windows", "filters", "model_spec")
GARBLED = (b"", b"\xff\xfe\x00", b'{"name": "half', b"[3]", b"12", b"epoch,seconds\n1,x\n")


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("content", GARBLED)
def test_a_garbled_file_is_refused_by_name(run: Run, kind: FileKind, content: bytes) -> None:
    run.path(kind).write_bytes(content)
    with pytest.raises(InputError, match=FILES[kind]):
        getattr(run, kind)


def test_a_truncated_first_page_is_refused_on_opening_with_the_remedy(run: Run) -> None:
    text = run.path("record").read_text()
    run.path("record").write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match=r"run\.json.*delete the folder and run the same command again"):
        Run.open(run.folder)


def test_a_folder_without_a_first_page_is_refused_on_opening(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json is missing"):
        Run.open(tmp_path)


def test_a_folder_that_is_not_there_is_refused_on_opening(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        Run.open(tmp_path / "nowhere")


def test_a_newer_schema_is_refused_even_where_its_keys_are_unknown(run: Run) -> None:
    page = json.loads(run.path("record").read_text()) | {"schema_version": SCHEMA_VERSION + 1, "novelty": 1}
    run.path("record").write_text(json.dumps(page))
    with pytest.raises(InputError, match="upgrade holdfast"):
        Run.open(run.folder)


def test_a_wrong_field_is_named(run: Run) -> None:
    page = json.loads(run.path("record").read_text()) | {"window": "wide"}
    run.path("record").write_text(json.dumps(page))
    with pytest.raises(InputError, match="window"):
        Run.open(run.folder)


def test_an_unfinished_run_is_kept_unless_resumed(run: Run) -> None:
    run.write_history(history())
    with pytest.raises(InputError, match="--resume"):
        Run.create(run.folder.parent, record(), config={})
    again = Run.create(run.folder.parent, record(), config={"seed": 4}, resume=True)
    assert len(again.history) == 2
    assert again.config == {"seed": 4}


@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_run_is_never_overwritten(run: Run, resume: bool) -> None:
    run.finish(record())
    with pytest.raises(InputError, match="done already"):
        Run.create(run.folder.parent, record(), config={}, resume=resume)
    assert run.is_done


def test_a_full_disk_leaves_the_old_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_history(history())

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="disk is full"):
        run.write_history(history().iloc[:1])
    assert len(run.history) == 2
    assert not [path for path in run.folder.iterdir() if path.name.endswith(".part")]


def test_writing_a_table_without_a_column_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match="no column 'restart'"):
        run.write_history(history().drop(columns="restart"))


def test_the_folder_is_read_without_torch() -> None:
    code = "import sys, holdfast.runs.folder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
