"""Bring a published model in as a run: audit, explain and predict then work on it as on a trained one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.files import sha256_of
from holdfast.core.progress import SILENT, Progress
from holdfast.core.registry import Spec
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.audit import audit_run, load_run_model, run_tasks
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.train import data_facts, filter_records, versions
from holdfast.models import MODELS, keras, published_deepbind
from holdfast.models.base import SequenceModel
from holdfast.models.published import Published, Wanted
from holdfast.models.stored import n_parameters, save_weights
from holdfast.report import write_report
from holdfast.robustness.audit import Audit
from holdfast.runs.folder import Run
from holdfast.runs.records import RunRecord

__all__ = ["IMPORTERS", "Importer", "audit_import", "import_model", "is_import"]

# File names that say nothing; the folders above them do.
_NAMELESS = frozenset({"model", "final_model", "best_model", "weights"})


@dataclass(frozen=True, kw_only=True)
class Importer:
    """A kind of published file.

    Parameters
    ----------
    words
        What it is, for messages.
    recognises
        Whether a file may be one, told by how it begins.
    load
        Turns it into a model of ours.
    """

    words: str
    recognises: Callable[[Path], bool]
    load: Callable[[Path, Wanted], Published]


IMPORTERS = (
    Importer(words="a Keras 1 or 2 model (HDF5)", recognises=keras.recognise, load=keras.load),
    Importer(
        words="DeepBind's parameters (text)", recognises=published_deepbind.recognise, load=published_deepbind.load
    ),
)


def import_model(path: Path, root: Path, *, name: str | None = None, wanted: Wanted | None = None) -> Run:
    """Write a published model as a finished run without data.

    Parameters
    ----------
    path
        The published file.
    root
        Folder of run folders.
    name
        Of the run; left out, the file's.
    wanted
        What the file does not say.

    Raises
    ------
    InputError
        If the file cannot be read as any known model, or the same import is there already.
    ConfigError
        If it is not said how many bases the model reads, or something is assumed that it does not read.
    """
    if not path.is_file():
        raise InputError(f"{path}: a folder; give the model file in it" if path.is_dir() else f"{path}: no such file")
    importer = next((one for one in IMPORTERS if one.recognises(path)), None)
    if importer is None:
        raise InputError(f"{path}: not a file that can be imported; known: {', '.join(one.words for one in IMPORTERS)}")
    published = importer.load(path, wanted or Wanted())
    if published.window is None:
        raise ConfigError(f"{path}: the model reads windows of any length; say how many bases with --window")
    model = _built(path, published)
    spec = MODELS.resolve(published.spec, without=("n_tasks", "window"))
    record = _first_page(path, published, spec, model, name or _name_of(path))
    run = Run.create(root, record, config={"model": spec.model_dump(mode="json"), "window": published.window})
    save_weights(model, run.path("weights"))
    run.write_model_spec(spec)
    run.finish(record)
    return run


def is_import(folder: Path) -> bool:
    """Return whether a run folder holds an imported model with its weights."""
    run = Run.open(folder)
    return run.record.kind == "imported" and run.has("weights")


def audit_import(
    folder: Path,
    data: Path,
    threat: Mapping[str, object],
    *,
    changes: Mapping[str, object],
    device: str | None = None,
    progress: Progress = SILENT,
) -> Audit:
    """Audit an imported model on a data set and keep both in its run, in place of what was there.

    From then on the run has a data set and a threat model, as a trained one has.

    Parameters
    ----------
    folder
        Run folder.
    data
        Data set folder.
    threat
        Which windows the adversary may pick, see :class:`~holdfast.jobs.experiment.ShiftSettings`; their length is the
        run's.
    changes
        Settings of the audit, see :class:`~holdfast.jobs.experiment.AuditSettings`.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the run was not imported with weights, or its tasks are not as many as the data set's.
    ConfigError
        If the threat model is impossible for the data.
    """
    run = Run.open(folder)
    if not is_import(folder):
        raise InputError(f"{folder}: only an imported model is audited on data of your choice; leave --data out")
    examples, tasks = SequenceDataset.open(data), run_tasks(run)
    if len(examples.tasks) != len(tasks):
        raise InputError(f"{data} has {len(examples.tasks)} tasks, {run.folder.name} has {len(tasks)}")
    page = Experiment.parse(
        {
            "data": str(data),
            "shift": {**threat, "window": run.record.window},
            "model": run.model_spec.model_dump(mode="json"),
            "audit": dict(changes),
            "device": device or "auto",
            "name": run.record.name,
        },
        where="the command line",
    )
    page.build_shift(examples.context)  # refuses the impossible before anything is written
    model = load_run_model(run)
    run.write_config(page.plain())
    run.write_data(data_facts(data.name, examples, data, run.folder))
    found = audit_run(run, model, examples, progress=progress)
    run.write_filters(filter_records(model, examples))
    run.finish(run.record.model_copy(update={"context": examples.context, "data_name": data.name}))
    write_report([run], run.path("report"))
    return found


def _built(path: Path, published: Published) -> SequenceModel:
    model = MODELS.build(published.spec, n_tasks=published.n_tasks, window=published.window)
    assert published.window is not None
    if published.window < model.min_window:
        raise ConfigError(f"{path}: the model reads at least {model.min_window} bp; --window is {published.window}")
    model.load_state_dict(published.weights)
    return model.eval()


def _first_page(path: Path, published: Published, spec: Spec, model: SequenceModel, name: str) -> RunRecord:
    assert published.window is not None
    source = {"file": path.name, "sha256": sha256_of(path), "words": published.words, "notes": list(published.notes)}
    tasks = ["bound"] if published.n_tasks == 1 else [f"task {number}" for number in range(1, published.n_tasks + 1)]
    identity = {"spec": spec.model_dump(mode="json"), "window": published.window, "sha256": source["sha256"]}
    return RunRecord(
        name=name,
        status="running",
        kind="imported",
        model=spec.name,
        model_words=published.words,
        n_parameters=n_parameters(model),
        strategy="none",
        window=published.window,
        context=published.window,
        seed=0,
        data_name="",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device="cpu",
        config_hash=hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(),
        extra={"source": source, "tasks": tasks},
    )


def _name_of(path: Path) -> str:
    if path.stem not in _NAMELESS:
        return path.stem
    return "-".join([*path.resolve().parent.parts[-2:], path.stem])
