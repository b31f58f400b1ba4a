"""The run folder: what is written is read back, and what is broken is named with its remedy.

A file is whole or absent (written under another name, then renamed) and ``status: done`` is written last, so a run that
was killed is seen as unfinished, never as a wrong number. Properties read the disk each time: what another process
wrote is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from holdfast.core.errors import InputError
from holdfast.core.files import write_text
from holdfast.core.registry import Spec
from holdfast.runs.explanation_records import FilterRecord, MotifsRecord, StabilityRecord
from holdfast.runs.files import EXPLAINED_BY, FILES, HISTORY_COLUMNS, WINDOW_COLUMNS, FileKind
from holdfast.runs.records import SCHEMA_VERSION, AuditRecord, DataFacts, RunRecord
from holdfast.runs.tables import read_blocks, task_table, write_blocks

__all__ = ["Run"]

_HISTORY_TYPES = {"epoch": "int64", "restart": "int64", "stage": "str"}
_ANEW = "delete the folder and run the same command again"
# With the hash a folder's name stays below 120 characters: a line of a terminal, and room in a path.
_NAME_CHARACTERS = 110
_FILTERS = TypeAdapter(list[FilterRecord])

RecordType = TypeVar("RecordType", bound=BaseModel)


class Run:
    """One folder, one experiment.

    Parameters
    ----------
    folder
        The run folder. Use :meth:`create` or :meth:`open`, which check it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @staticmethod
    def folder_for(root: Path, *, name: str, config_hash: str) -> Path:
        """Return where a run of this name and configuration is stored, whether or not it is there.

        A long name is cut; the hash still tells its configuration from others.

        Examples
        --------
        >>> Run.folder_for(Path("runs"), name="sp1 worst/75", config_hash="0123456789abcdef").as_posix()
        'runs/sp1-worst-75-01234567'
        """
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:_NAME_CHARACTERS].strip(".-") or "run"
        return root / f"{plain}-{config_hash[:8]}"

    @classmethod
    def create(cls, root: Path, record: RunRecord, *, config: Mapping[str, Any], resume: bool = False) -> Run:
        """Start a run: make its folder, write the configuration and the record with status ``running``.

        Parameters
        ----------
        root
            Folder of run folders.
        record
            First page; its name and ``config_hash`` name the folder.
        config
            The resolved configuration, plain YAML types.
        resume
            Go on in the folder of an unfinished run, with what it holds.

        Raises
        ------
        InputError
            If the run is there already: finished, or unfinished without ``resume``.
        """
        run = cls(cls.folder_for(root, name=record.name, config_hash=record.config_hash))
        if run.has("record"):
            run._check_reusable(resume)
        run.write_config(config)
        run.write_record(record.model_copy(update={"status": "running", "finished": None}))
        return run

    def _check_reusable(self, resume: bool) -> None:
        if resume and not Run.open(self.folder).is_done:
            return
        if resume or Run.open(self.folder).is_done:
            raise InputError(f"{self.folder}: this run is done already; open it, or delete the folder to run it anew")
        raise InputError(f"{self.folder}: an unfinished run is here; go on with --resume, or delete the folder")

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Open a run folder and check its first page.

        Raises
        ------
        InputError
            If there is no run, its first page is garbled, or a newer holdfast wrote it.
        """
        run = cls(Path(folder))
        if not run.folder.is_dir():
            raise InputError(f"{run.folder}: no such run folder; `holdfast list` shows the runs there are")
        if not run.has("record"):
            raise InputError(f"{run.folder}: {FILES['record']} is missing, so this is {run._without_first_page()}")
        _ = run.record
        return run

    def _without_first_page(self) -> str:
        if any(self.has(kind) for kind in FILES):
            return "a half-written run; run the same command again"
        return "no run; give a run folder, or a folder of run folders"

    def path(self, kind: FileKind) -> Path:
        """Return where a file of this run is, whether or not it is there.

        Examples
        --------
        >>> Run(Path("runs/a-01234567")).path("weights").as_posix()
        'runs/a-01234567/model.safetensors'
        """
        return self.folder / FILES[kind]

    def has(self, kind: FileKind) -> bool:
        """Return whether a file of this run is there."""
        return self.path(kind).exists()

    def require(self, *kinds: FileKind) -> None:
        """Check that files of this run are there.

        Raises
        ------
        InputError
            If one is missing; the message names it and what brings it back.
        """
        for kind in kinds:
            if not self.has(kind):
                raise InputError(f"{self.folder}: {FILES[kind]} is missing; {self._remedy(kind)}")

    @property
    def is_done(self) -> bool:
        """Whether the run came to its end."""
        return self.record.status == "done"

    @property
    def record(self) -> RunRecord:
        """First page."""
        return self.page("record", RunRecord)

    @property
    def config(self) -> dict[str, Any]:
        """Resolved configuration."""
        text = self._text("config")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise self._garbled("config", _words(error)) from error
        if not isinstance(value, dict):
            raise self._garbled("config", f"a {type(value).__name__} where a mapping was expected")
        return value

    @property
    def data(self) -> DataFacts:
        """Facts of the data set."""
        return self.page("data", DataFacts)

    @property
    def audit(self) -> AuditRecord:
        """Every aggregate number of the audit."""
        return self.page("audit", AuditRecord)

    @property
    def model_spec(self) -> Spec:
        """Name and parameters that build the model."""
        return self.page("model_spec", Spec)

    @property
    def filters(self) -> list[FilterRecord]:
        """First-layer filters as motifs."""
        text = self._text("filters")
        try:
            return _FILTERS.validate_json(text)
        except ValidationError as error:
            raise self._garbled("filters", _first_error(error)) from error

    @property
    def stability(self) -> StabilityRecord:
        """Whether explanations survive a shift."""
        return self.page("stability", StabilityRecord)

    @property
    def motifs(self) -> MotifsRecord:
        """Motifs that the model shows, and what they resemble."""
        return self.page("motifs", MotifsRecord)

    @property
    def history(self) -> pd.DataFrame:
        """One row per epoch, columns :data:`HISTORY_COLUMNS`."""
        self.require("history")
        # Read as text and turned into numbers here: pandas' own parsing of floats is not exact in every release.
        try:
            table = pd.read_csv(self.path("history"), dtype=str, keep_default_na=False)
            table = self._with_columns("history", table, HISTORY_COLUMNS)
            return table.astype({column: _HISTORY_TYPES.get(column, "float64") for column in HISTORY_COLUMNS})
        except InputError:
            raise
        except (ValueError, OSError) as error:
            raise self._garbled("history", _words(error)) from error

    @property
    def windows(self) -> pd.DataFrame:
        """One row per example and task, columns :data:`WINDOW_COLUMNS`."""
        self.require("windows")
        try:
            table = pd.read_parquet(self.path("windows"))
        except (pyarrow.ArrowException, ValueError, OSError) as error:
            raise self._garbled("windows", _words(error)) from error
        return self._with_columns("windows", table, WINDOW_COLUMNS)

    def window_blocks(self) -> Iterator[pd.DataFrame]:
        """Yield the rows of :attr:`windows` a bounded number at a time."""
        self.require("windows")
        try:
            for block in read_blocks(self.path("windows")):
                yield self._with_columns("windows", block, WINDOW_COLUMNS)
        except (pyarrow.ArrowException, ValueError, OSError) as error:
            raise self._garbled("windows", _words(error)) from error

    def write_record(self, record: RunRecord) -> None:
        """Write the first page."""
        self.write_page("record", record)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write the resolved configuration."""
        write_text(self.path("config"), yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))

    def write_data(self, data: DataFacts) -> None:
        """Write the facts of the data set."""
        self.write_page("data", data)

    def write_audit(self, audit: AuditRecord) -> None:
        """Write the audit's aggregates."""
        self.write_page("audit", audit)

    def write_tasks(self, audit: AuditRecord) -> None:
        """Write the metrics of each task as a table."""
        write_text(self.path("tasks"), task_table(audit.tasks).to_csv(index=False, na_rep="nan", lineterminator="\n"))

    def write_model_spec(self, spec: Spec) -> None:
        """Write the name and the parameters that build the model; the weights are written beside it."""
        self.write_page("model_spec", spec)

    def write_filters(self, filters: Iterable[FilterRecord]) -> None:
        """Write first-layer filters."""
        rows = [json.loads(row.model_dump_json()) for row in filters]
        write_text(self.path("filters"), json.dumps(rows) + "\n")

    def write_motifs(self, record: MotifsRecord) -> None:
        """Write the motifs that the model shows, and what they resemble."""
        self.write_page("motifs", record)

    def write_stability(self, record: StabilityRecord) -> None:
        """Write whether explanations survive a shift."""
        self.write_page("stability", record)

    def write_history(self, history: pd.DataFrame) -> None:
        """Write the whole history, one row per epoch; it is small, so each epoch writes it anew.

        Raises
        ------
        InputError
            If a column of :data:`HISTORY_COLUMNS` is missing.
        """
        table = self._with_columns("history", history, HISTORY_COLUMNS)
        write_text(self.path("history"), table.to_csv(index=False, na_rep="nan", lineterminator="\n"))

    def write_windows(self, blocks: Iterable[pd.DataFrame]) -> None:
        """Write the table of examples, given in one block or more; only some of them are held.

        Raises
        ------
        InputError
            If a column of :data:`WINDOW_COLUMNS` is missing.
        """
        write_blocks(self.path("windows"), (self._with_columns("windows", block, WINDOW_COLUMNS) for block in blocks))

    def finish(self, record: RunRecord) -> None:
        """Write the first page with status ``done``; call it after every other file.

        A record without an end gets the present time (UTC).
        """
        finished = record.finished or datetime.now(UTC).isoformat(timespec="seconds")
        self.write_record(record.model_copy(update={"status": "done", "finished": finished}))

    def write_page(self, kind: FileKind, record: BaseModel) -> None:
        """Write a record as its file."""
        write_text(self.path(kind), record.model_dump_json(indent=2) + "\n")

    def page(self, kind: FileKind, schema: type[RecordType]) -> RecordType:
        """Return a file as the record it holds; refused with its remedy where it is missing or garbled."""
        text = self._text(kind)
        try:
            page = json.loads(text)
        except ValueError as error:
            raise self._garbled(kind, str(error)) from error
        # Before the schema, which would only say that it does not know a newer release's keys.
        version = page.get("schema_version") if isinstance(page, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise InputError(
                f"{self.path(kind)}: schema version {version} is newer than the {SCHEMA_VERSION} this holdfast reads; "
                "upgrade holdfast"
            )
        try:
            return schema.model_validate_json(text)
        except ValidationError as error:
            raise self._garbled(kind, _first_error(error)) from error

    def _text(self, kind: FileKind) -> str:
        self.require(kind)
        try:
            return self.path(kind).read_text(encoding="utf-8")
        except (ValueError, OSError) as error:
            raise self._garbled(kind, str(error)) from error

    def _garbled(self, kind: FileKind, reason: str) -> InputError:
        return InputError(f"{self.path(kind)}: cannot be read ({reason}); {self._remedy(kind)}")

    def _remedy(self, kind: FileKind) -> str:
        """Return what brings a lost file back, which depends on how far the run came."""
        try:
            record = self.record if kind != "record" else None
        except InputError:
            record = None
        if record is None:
            return _ANEW
        if record.status != "done":
            return "run the same command with --resume"
        if kind in EXPLAINED_BY:
            return f"run `holdfast explain {EXPLAINED_BY[kind]} {self.folder}`"
        if record.kind == "imported" and self.has("weights"):
            return f"run `holdfast audit {self.folder} --data DATA`"
        if record.kind == "imported":
            return "run the same `holdfast audit --module ... --save` again"
        if kind in ("audit", "windows"):
            return f"run `holdfast audit {self.folder}`"
        return f"the run is done, so --resume does not apply: put the file back, or {_ANEW}"

    def _with_columns(self, kind: FileKind, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        missing = [column for column in columns if column not in table]
        if missing:
            raise InputError(
                f"{self.path(kind)}: no column '{missing[0]}'; expected {', '.join(columns)}; {self._remedy(kind)}"
            )
        return table[list(columns)]


def _first_error(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the whole file"
    return f"{where}: {first['msg']}"


def _words(error: Exception) -> str:
    return " ".join(str(error).split())
