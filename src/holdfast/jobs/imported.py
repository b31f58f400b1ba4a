"""Audit anybody's module, and keep what was found as a run that reports can show beside trained ones."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.core.files import sha256_of
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.audit import audit_module, keep_audit, load_module
from holdfast.jobs.experiment import AuditSettings, ShiftSettings
from holdfast.jobs.train import data_facts, versions
from holdfast.models.foreign import Output
from holdfast.robustness.audit import Audit
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run
from holdfast.runs.records import RunRecord

__all__ = ["audit_reference"]


def audit_reference(
    reference: str,
    data: Path,
    threat: ShiftSettings,
    *,
    settings: AuditSettings,
    output: Output = "auto",
    device: str = "auto",
    save: Path | None = None,
    progress: Progress = SILENT,
) -> tuple[Audit, Path | None]:
    """Audit the module that ``file.py:function`` builds.

    Parameters
    ----------
    reference
        See :func:`~holdfast.jobs.audit.load_module`.
    data
        Data set folder.
    threat
        Which windows the adversary may pick.
    settings
        How to measure.
    output
        What the module returns.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    save
        Folder of run folders to keep the audit in; None keeps nothing.
    progress
        Whom to tell how far it is.

    Returns
    -------
    tuple[Audit, Path | None]
        What was found, and the run folder where one was asked for.

    Raises
    ------
    ConfigError
        If the reference, the shift or the output is impossible.
    InputError
        If the data set cannot be opened or the module's outputs do not fit it.
    """
    examples = SequenceDataset.open(data)
    shift = Shift(context=examples.context, **threat.model_dump())
    torch.manual_seed(0)  # a module whose weights are drawn when it is built is the same one each time
    model = load_module(reference)
    found = audit_module(model, examples, shift, settings=settings, output=output, device=device, progress=progress)
    if save is None:
        return found, None
    config = {
        "module": reference,
        "data": str(data),
        "shift": threat.model_dump(mode="json"),
        "audit": settings.plain(),
        "output": output,
    }
    identity = _identity(config, reference, examples.fingerprint)
    return found, _keep(found, model, examples, config, identity, data_name=data.name, settings=settings, root=save)


def _identity(config: dict[str, Any], reference: str, fingerprint: str) -> str:
    page = {**config, "data": fingerprint, "code": sha256_of(Path(reference.rpartition(":")[0]))}
    return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def _keep(
    found: Audit,
    model: nn.Module,
    examples: SequenceDataset,
    config: dict[str, Any],
    identity: str,
    *,
    data_name: str,
    settings: AuditSettings,
    root: Path,
) -> Path:
    """Write the audit as a run; the same audit again writes the same folder again."""
    name = type(model).__name__
    shift = found.record.shift
    record = RunRecord(
        name=f"{data_name}-{name}-{shift.window}",
        status="running",
        kind="imported",
        model=name,
        model_words=f"{name} ({config['module']})",
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        strategy="none",
        window=shift.window,
        context=shift.context,
        seed=0,
        data_name=data_name,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device="cpu",
        config_hash=identity,
    )
    run = Run(Run.folder_for(root, name=record.name, config_hash=identity))
    if run.folder.exists() and not run.has("record"):
        raise ConfigError(f"{run.folder} is there and is no run; choose another folder with --save")
    run.write_config(config)
    run.write_record(record)
    run.write_data(data_facts(data_name, examples, Path(config["data"]), run.folder))
    keep_audit(run, found, settings)
    run.finish(record)
    return run.folder
