"""Audit a run, or anybody's module, on a data set."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from holdfast.core.errors import ConfigError, HoldfastError, InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.jobs.experiment import AuditSettings, Experiment
from holdfast.models.base import SequenceModel
from holdfast.models.foreign import Output
from holdfast.models.stored import load_weights
from holdfast.report import write_report
from holdfast.robustness.adversaries import other_adversaries
from holdfast.robustness.audit import Audit, audit
from holdfast.robustness.ood import in_versus_out
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run

__all__ = [
    "audit_again",
    "audit_module",
    "audit_run",
    "check_auditable",
    "keep_audit",
    "load_module",
    "load_run_model",
    "open_run_data",
    "run_tasks",
]


def load_run_model(run: Run) -> SequenceModel:
    """Return a run's trained model, in eval mode on the CPU."""
    return load_weights(run.model_spec, run.path("weights"), n_tasks=len(run_tasks(run)), window=run.record.window)


def run_tasks(run: Run) -> list[str]:
    """Return the names of a run's tasks: those of its data, or of the import where it has none yet."""
    if run.record.kind == "imported" and not run.has("data"):
        return [str(task) for task in run.record.extra.get("tasks", ())]
    return run.data.tasks


def open_run_data(run: Run, experiment: Experiment, folder: Path | None = None) -> SequenceDataset:
    """Return the data set a run was trained on, known by its fingerprint.

    Parameters
    ----------
    run, experiment
        Whose data; they lie where the experiment says, or where the run remembers, so the command may be given in
        another working folder, and a project may be moved whole.
    folder
        Look here and nowhere else.

    Raises
    ------
    InputError
        If the data are in none of these places; the message names each and what is there.
    """
    facts = run.data
    places = [folder] if folder is not None else [experiment.data, *(run.folder / place for place in facts.places)]
    found: dict[Path, str] = {}
    for place in places:
        if place.resolve() in map(Path.resolve, found):
            continue
        try:
            fingerprint = SequenceDataset.open(place, verify=False).fingerprint
        except InputError as error:
            found[place] = str(error)
            continue
        if fingerprint == facts.fingerprint:
            return SequenceDataset.open(place)
        found[place] = f"{place}: not the data it was trained on (fingerprint {fingerprint[:12]})"
    raise InputError(
        f"{run.folder}: its data set (fingerprint {facts.fingerprint[:12]}) was not found. Tried: "
        f"{'. '.join(found.values())}. Say where it is with --data, or build it again"
    )


def audit_run(run: Run, model: SequenceModel, data: SequenceDataset, *, progress: Progress = SILENT) -> Audit:
    """Audit a run's model under its own threat model and keep what was found in its folder.

    Parameters
    ----------
    run
        Where to read and write.
    model, data
        The run's own.
    progress
        Whom to tell how far it is.
    """
    experiment = Experiment.parse(run.config, where=str(run.path("config")))
    found = audit_module(
        model,
        data,
        experiment.build_shift(data.context),
        settings=experiment.audit,
        device=experiment.device,
        progress=progress,
    )
    settings = experiment.audit
    if settings.out_of_distribution:
        made = in_versus_out(model, data.part(settings.part), experiment.shift.window, device=experiment.device)
        found = replace(found, record=found.record.model_copy(update={"out_of_distribution": made}))
    keep_audit(run, found, settings)
    return found


def keep_audit(run: Run, found: Audit, settings: AuditSettings) -> None:
    """Write what an audit found into a run folder."""
    run.write_audit(found.record)
    run.write_tasks(found.record)
    run.write_windows(found.window_blocks(bound_only=settings.table == "bound"))


def audit_again(
    folder: Path,
    changes: Mapping[str, object],
    *,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Audit:
    """Audit a finished run once more; what was found replaces the run's audit if nothing was asked for otherwise.

    Parameters
    ----------
    folder
        Run folder.
    changes
        Settings of the audit that differ from the experiment's, see
        :class:`~holdfast.jobs.experiment.AuditSettings`; with any, the folder stays as it is.
    data
        Where the run's data set lies now; left out, where it was.
    device
        Left out, the experiment's.
    progress
        Whom to tell how far it is.

    Raises
    ------
    InputError
        If the run is not finished, its model or data cannot be read, or the audit is to be kept and a file that its
        report needs cannot be read. Nothing is written then.
    """
    run = Run.open(folder)
    check_auditable(run)
    experiment = Experiment.parse(run.config, where=str(run.path("config")))
    model, examples = load_run_model(run), open_run_data(run, experiment, data)
    if not changes and device is None:
        _check_reportable(run)
        found = audit_run(run, model, examples, progress=progress)
        write_report([run], run.path("report"))
        return found
    return audit_module(
        model,
        examples,
        experiment.build_shift(examples.context),
        settings=AuditSettings.of(experiment.audit.model_dump() | dict(changes), "audit"),
        device=device or experiment.device,
        progress=progress,
    )


def check_auditable(run: Run) -> None:
    """Refuse a run that has no model, no data set or no threat model to go with it.

    Raises
    ------
    InputError
        Naming what is missing and what brings it.
    """
    if run.record.kind == "imported" and not run.has("weights"):
        raise InputError(
            f"{run.folder}: a module's audit, kept without its model; give --module again to audit it again"
        )
    if not run.is_done:
        raise InputError(f"{run.folder}: not a finished training run; run the same command with --resume first")
    if run.record.kind == "imported" and not run.has("data"):
        raise InputError(f"{run.folder}: imported, and never audited; run `holdfast audit {run.folder} --data DATA`")
    run.require("config", "weights", "model_spec", "data")


def _check_reportable(run: Run) -> None:
    """Read what the run's report will read beside the audit, so that a garbled file is named before all is written."""
    if run.has("history"):
        _ = run.history
    if run.has("filters"):
        _ = run.filters


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
    """Audit a module on one part of a data set, showing progress: shifts, then what else was asked for."""
    part, perturbations = data.part(settings.part), settings.build_perturbations()
    if len(part) == 0:
        raise InputError(f"the data set has no {settings.part} examples to audit on")
    with progress.task(f"scanning {shift.describe()}", len(part)) as advance:
        found = audit(
            model,
            part,
            shift,
            output=output,
            n_try=settings.n_try,
            adversary=settings.adversary,
            n_sampled=None if settings.windows == "all" else settings.windows,
            strands=settings.strands,
            bootstrap=settings.bootstrap,
            device=device,
            part=settings.part,
            progress=advance,
        )
    n_others = len(perturbations) + (settings.substitutions > 0)
    if not n_others:
        return found
    with progress.task("attacking the centre windows", n_others * len(part)) as advance:
        others = other_adversaries(
            model,
            part,
            shift,
            perturbations=perturbations,
            substitutions=settings.substitutions,
            protect=settings.protect,
            output=output,
            strands=settings.strands,
            bootstrap=settings.bootstrap,
            device=device,
            progress=advance,
        )
    return replace(found, record=found.record.model_copy(update={"adversaries": others}))


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
    # A name of its own: a user's random.py must not stand in for Python's.
    module_name = f"holdfast_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name; its neighbours are importable too.
    sys.modules[module_name] = loaded
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(loaded)
        build = getattr(loaded, name, None)
        if not callable(build):
            raise ConfigError(f"--module {reference}: {path} has no function '{name}'")
        model = build()
    except HoldfastError:
        raise
    except (Exception, SystemExit) as error:  # the user's own code may raise anything; say where it came from
        words = " ".join(str(error).split())
        raise ConfigError(f"--module {reference}: {type(error).__name__} while building: {words}") from error
    finally:
        sys.path.pop(0)
    if not isinstance(model, nn.Module):
        raise ConfigError(f"--module {reference}: returned {type(model).__name__}, expected a torch.nn.Module")
    return model if isinstance(model, SequenceModel) else _explaining(model, reference)


def _explaining(model: nn.Module, reference: str) -> nn.Module:
    """Return a module whose failures name the user's code: what a foreign ``forward`` raises is no bug of ours."""

    class Explaining(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = model

        def forward(self, sequence: Tensor) -> Tensor:
            try:
                result: Tensor = self.module(sequence)
            except HoldfastError:
                raise
            except Exception as error:  # the user's own code may raise anything; say where it came from
                words = " ".join(str(error).split())
                raise InputError(
                    f"--module {reference}: forward failed on windows of shape {tuple(sequence.shape)}: "
                    f"{type(error).__name__}: {words}"
                ) from error
            return result

    Explaining.__name__ = Explaining.__qualname__ = type(model).__name__
    return Explaining()
