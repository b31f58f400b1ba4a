"""Put finished runs together: an ensemble is a run too, audited and reported like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdfast.core.device import resolve_device
from holdfast.core.errors import InputError
from holdfast.core.files import sha256_of
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.audit import audit_run, load_run_model, open_run_data
from holdfast.jobs.experiment import Experiment
from holdfast.jobs.logbook import Logbook
from holdfast.jobs.train import N_FILTERS, filter_records, versions
from holdfast.models.ensemble import Ensemble
from holdfast.models.merging import Scale
from holdfast.models.stored import n_parameters, save_weights
from holdfast.report import write_report
from holdfast.runs.explanation_records import FilterRecord
from holdfast.runs.folder import Run
from holdfast.runs.records import RunRecord

__all__ = ["ensemble_filters", "ensemble_of"]


def ensemble_of(
    folders: Sequence[Path],
    root: Path,
    *,
    mean: Scale = "logits",
    name: str | None = None,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Run:
    """Make one run of several: their weights copied, their answers averaged, audited as each of them was.

    Parameters
    ----------
    folders
        Finished runs on one data set with one threat model; models, seeds and strategies may differ.
    root
        Folder of run folders.
    mean
        Of ``logits`` or of ``probabilities``.
    name
        Of the run; left out, one made of the data, the members' number and the window.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If a run is not finished or has no weights, is named twice, differs in data, threat model or audit from the
        first, or if this ensemble is there already.
    """
    members = [_member(Path(folder)) for folder in folders]
    pages = [Experiment.parse(run.config, where=str(run.path("config"))) for run in members]
    _check_alike(members, pages)
    data = open_run_data(members[0], pages[0])
    model = Ensemble([load_run_model(run) for run in members], mean).eval()
    config = _config(members, pages[0], mean, name=name, device=device)
    record = _first_page(members, model, config)
    run = _started(root, record, config)
    progress = Logbook(progress, run.path("log"))
    run.write_data(members[0].data)
    save_weights(model, run.path("weights"))
    run.write_model_spec(Experiment.parse(config).resolved_model)
    audit_run(run, model, data, progress=progress)
    run.write_filters(ensemble_filters(model, data))
    run.finish(record)
    write_report([run], run.path("report"))
    return run


def _member(folder: Path) -> Run:
    run = Run.open(folder)
    if not run.is_done or not run.has("weights"):
        raise InputError(f"{folder}: not a finished training run; an ensemble is made of runs that have weights")
    if not run.has("audit"):
        raise InputError(f"{folder}: imported, and never audited; run `holdfast audit {folder} --data DATA` first")
    return run


def _check_alike(members: Sequence[Run], pages: Sequence[Experiment]) -> None:
    """Refuse members that cannot be audited as one model: the first says how, and each has to agree."""
    seen = [run.folder.resolve() for run in members]
    if len(set(seen)) < len(seen):
        raise InputError(f"{members[0].folder}: a run is named twice; each member counts once")
    first = members[0]
    for run, page in zip(members, pages, strict=True):
        facts = {
            "tasks": (run.data.tasks, first.data.tasks),
            "data (fingerprint)": (run.data.fingerprint[:12], first.data.fingerprint[:12]),
            "threat model": (page.shift.model_dump(), pages[0].shift.model_dump()),
            "audit": (page.audit.model_dump(), pages[0].audit.model_dump()),
        }
        for fact, (its, expected) in facts.items():
            if its != expected:
                raise InputError(f"{run.folder}: its {fact} is {its}, that of {first.folder.name} is {expected}")


def _config(members: Sequence[Run], page: Experiment, mean: Scale, *, name: str | None, device: str) -> dict[str, Any]:
    """Return what an audit needs to know; no attack and no training, for each member had its own."""
    spec = {"members": [run.model_spec.model_dump(mode="json") for run in members], "mean": mean}
    plain = page.plain()
    return {
        "data": plain["data"],
        "shift": plain["shift"],
        "model": {"name": "ensemble", "params": spec},
        "audit": plain["audit"],
        "device": device,
        "name": name or f"{page.data.name}-ensemble{len(members)}-{page.shift.window}",
    }


def _first_page(members: Sequence[Run], model: Ensemble, config: dict[str, Any]) -> RunRecord:
    records = [run.record for run in members]
    first, names = records[0], [run.folder.name for run in members]
    strategies = {record.strategy for record in records}
    return RunRecord(
        name=config["name"],
        status="running",
        kind="ensemble",
        model="ensemble",
        model_words=f"ensemble, mean of the {model.mean} of {', '.join(names)}",
        n_parameters=n_parameters(model),
        strategy=first.strategy if len(strategies) == 1 else "none",
        window=first.window,
        context=first.context,
        seed=0,
        data_name=first.data_name,
        is_control=all(record.is_control for record in records),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device=str(resolve_device(config["device"])),
        config_hash=_identity(members, config),
        extra={"members": names, "mean": model.mean},
    )


def _identity(members: Sequence[Run], config: dict[str, Any]) -> str:
    """Return a hash of what decides the numbers: the members' weights and how they are averaged and audited."""
    page = {key: config[key] for key in ("shift", "model", "audit")}
    page["weights"] = [sha256_of(run.path("weights")) for run in members]
    page["data"] = members[0].data.fingerprint
    return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def _started(root: Path, record: RunRecord, config: dict[str, Any]) -> Run:
    """Return a run folder to write into; what an interrupted call left there is written over."""
    there = Run(Run.folder_for(root, name=record.name, config_hash=record.config_hash))
    unfinished = there.has("record") and not there.is_done
    return Run.create(root, record, config=config, resume=unfinished)


def ensemble_filters(
    model: Ensemble,
    data: SequenceDataset,
    *,
    part: str = "test",
    threshold: float = 0.5,
    limit: int = N_FILTERS,
) -> list[FilterRecord]:
    """Return the most informative first-layer filters of all members, as motifs of a part of the data."""
    rows = [
        row.model_copy(update={"name": f"member {number} {row.name}"})
        for number, member in enumerate(model.list_members(), start=1)
        for row in filter_records(member, data, part=part, threshold=threshold, limit=limit)
    ]
    return sorted(rows, key=lambda row: -row.information_bits)[:limit]
