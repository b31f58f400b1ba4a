"""Audit a run, or anybody's module, on a data set."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from torch import nn

from holdfast.core.errors import ConfigError, HoldfastError, InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.experiment import AuditSettings, Experiment
from holdfast.models.base import SequenceModel
from holdfast.models.foreign import Output
from holdfast.models.stored import load_weights
from holdfast.robustness.audit import Audit, audit
from holdfast.robustness.ood import in_versus_out
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run

__all__ = ["audit_module", "audit_run", "load_module", "load_run_model"]


def load_run_model(run: Run) -> SequenceModel:
    """Return a run's trained model, in eval mode on the CPU."""
    return load_weights(run.model_spec, run.path("weights"), n_tasks=len(run.data.tasks))


def audit_run(
    run: Run,
    model: SequenceModel | None = None,
    data: SequenceDataset | None = None,
    *,
    settings: AuditSettings | None = None,
    progress: Progress = SILENT,
) -> Audit:
    """Audit a run's model under its own threat model and keep what was found in its folder.

    Parameters
    ----------
    run
        Where to read and write.
    model, data
        Left out, the run's own.
    settings
        Left out, those of the run's experiment.
    progress
        Whom to tell how far it is.
    """
    experiment = Experiment.parse(run.config, where=str(run.path("config")))
    model = model if model is not None else load_run_model(run)
    data = data if data is not None else SequenceDataset.open(experiment.data)
    asked = settings or experiment.audit
    found = audit_module(
        model,
        data,
        experiment.build_shift(data.context),
        settings=asked,
        device=experiment.device,
        progress=progress,
    )
    made = in_versus_out(model, data.part(asked.part), experiment.shift.window, device=experiment.device)
    found = Audit(found.record.model_copy(update={"out_of_distribution": made}), found.windows)
    run.write_audit(found.record)
    run.write_windows(found.windows)
    return found


def audit_module(
    model: nn.Module,
    data: SequenceDataset,
    shift: Shift,
    *,
    settings: AuditSettings,
    output: Output = "auto",
    device: str = "auto",
    progress: Progress = SILENT,
) -> Audit:
    """Audit a module on one part of a data set, showing progress."""
    part = data.part(settings.part)
    if len(part) == 0:
        raise InputError(f"the data set has no {settings.part} examples to audit on")
    with progress.task(f"scanning {shift.describe()}", len(part)) as advance:
        return audit(
            model,
            part,
            shift,
            output=output,
            n_try=settings.n_try,
            adversary=settings.adversary,
            bootstrap=settings.bootstrap,
            device=device,
            part=settings.part,
            progress=advance,
        )


def load_module(reference: str) -> nn.Module:
    """Return the module that ``file.py:function`` builds.

    Parameters
    ----------
    reference
        A Python file and a function without arguments that returns an ``nn.Module``. The file is executed.

    Raises
    ------
    ConfigError
        If the reference is not of that form, the file or the function is missing, or no module comes back.
    """
    file, colon, name = reference.rpartition(":")
    path = Path(file)
    if not colon or not name.isidentifier() or path.suffix != ".py":
        raise ConfigError(f"--module {reference}: expected file.py:function")
    if not path.is_file():
        raise ConfigError(f"--module {reference}: there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    # A module that pickles or dataclasses need to find is looked up by name; its neighbours are importable too.
    sys.modules[path.stem] = loaded
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(loaded)
        build = getattr(loaded, name, None)
        if not callable(build):
            raise ConfigError(f"--module {reference}: {path} has no function '{name}'")
        model = build()
    except HoldfastError:
        raise
    except Exception as error:  # the user's own code may raise anything; say where it came from
        raise ConfigError(f"--module {reference}: {type(error).__name__} while building: {error}") from error
    finally:
        sys.path.pop(0)
    if not isinstance(model, nn.Module):
        raise ConfigError(f"--module {reference}: returned {type(model).__name__}, expected a torch.nn.Module")
    return model
