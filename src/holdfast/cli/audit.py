"""`holdfast audit`: a run again, or anybody's module."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from holdfast.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.core.progress import Progress
    from holdfast.models.foreign import Output
    from holdfast.robustness.audit import Audit

__all__ = ["audit"]

Part = Literal["train", "validation", "test"]


def audit(
    run: Annotated[Path | None, typer.Argument(help="Run folder.", show_default=False)] = None,
    *,
    module: Annotated[str | None, typer.Option(metavar="FILE.PY:FUNCTION", help="Builds the module to audit.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data set folder, for --module or an imported run.")] = None,
    window: Annotated[int | None, typer.Option(help="Bases the module reads, for --module.")] = None,
    max_shift: Annotated[int | None, typer.Option(help="Farthest shift in bp, with --data. [default: any]")] = None,
    strands: Annotated[Literal["forward", "both"], typer.Option(help="With --data.")] = "forward",
    protect_core: Annotated[bool, typer.Option("--protect-core", help="Refuse windows that cut the core.")] = False,
    output: Annotated[
        Literal["auto", "logits", "probabilities", "two-class-logits", "two-class-probabilities"],
        typer.Option(help="What the module returns, for --module."),
    ] = "auto",
    part: Annotated[Part | None, typer.Option(help="Examples to audit on. [default: the run's own, or test]")] = None,
    n_try: Annotated[int | None, typer.Option(min=1, help="Windows of the worst-of-n column.")] = None,
    bootstrap: Annotated[int | None, typer.Option(min=0, help="Samples behind each interval; 0: none.")] = None,
    windows: Annotated[
        int | None, typer.Option(min=0, help="Score so many drawn windows: a bound. 0: all, exact.")
    ] = None,
    average: Annotated[
        Literal["given", "averaged", "halves"] | None,
        typer.Option(help="Mean probability of both strands: from the sequence, or of stored halves."),
    ] = None,
    perturb: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Perturb centre windows too: fgsm, pgd, noise, by commas.")
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="Largest change of an input's entry, for --perturb. [default: 0.1]")
    ] = None,
    substitutions: Annotated[
        int | None, typer.Option(min=0, help="Exchange up to so many bases of centre windows too; 0: none.")
    ] = None,
    protect: Annotated[
        str | None, typer.Option(metavar="START:END", help="Window bases not exchanged. [default: known cores]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder of runs to keep a module's audit in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON and nothing else.")] = False,
) -> None:
    """Measure how far a shift can push a run's model, or the module that a Python function builds.

    A run is audited under its own threat model. Asked as its experiment has it, the answer replaces the one in its
    folder; asked otherwise (--part, --n-try, --bootstrap, --windows, --average, --perturb, --substitutions, --protect,
    --device), it is only shown. A run of a model that was imported is audited on --data and keeps what was found.
    """
    from holdfast.cli.progress import progress_to_stderr

    if (run is None) == (module is None):
        raise ConfigError("give either a run folder or --module file.py:function")
    changes: dict[str, object] = {"part": part, "n_try": n_try, "bootstrap": bootstrap, "strands": average}
    changes["windows"] = "all" if windows == 0 else windows
    changes |= {"perturbations": _perturbations(perturb, epsilon), "substitutions": substitutions}
    changes["protect"] = _stretch(protect, substitutions)
    asked = {name: value for name, value in changes.items() if value is not None}
    threat: dict[str, object] = {"max_shift": max_shift, "protect_core": protect_core, "strands": strands}
    progress = progress_to_stderr()
    folder: Path | None = None
    if run is not None:
        if window is not None or save is not None or output != "auto":
            raise ConfigError("a run has its own window, output and folder; leave --window, --output and --save out")
        found = _audit_run(run, data, threat, changes=asked, device=device, progress=progress)
    else:
        assert module is not None
        whole = {**threat, "window": window}
        found, folder = _audit_module(
            module, data, whole, asked, output=output, device=device, save=save, progress=progress
        )
    _show(found, folder, as_json=as_json)


def _show(found: Audit, folder: Path | None, *, as_json: bool) -> None:
    from holdfast.cli.tables import print_audit, to_stdout

    if as_json:
        typer.echo(json.dumps(_without_nan(found.record.model_dump(mode="python")), indent=2))
        return
    console = to_stdout()
    print_audit(console, found.record)
    if folder is not None:
        console.print(f"\nrun     {folder}", markup=False, soft_wrap=True)


def _audit_run(
    run: Path,
    data: Path | None,
    threat: Mapping[str, object],
    *,
    changes: Mapping[str, object],
    device: str | None,
    progress: Progress,
) -> Audit:
    from holdfast.jobs.audit import audit_again
    from holdfast.jobs.import_model import audit_import, is_import

    if data is not None and is_import(run):
        return audit_import(run, data, threat, changes=changes, device=device, progress=progress)
    if threat != {"max_shift": None, "protect_core": False, "strands": "forward"}:
        raise ConfigError("a run is audited under its own threat model; only a module or an import takes another")
    return audit_again(run, changes, data=data, device=device, progress=progress)


def _audit_module(
    module: str,
    data: Path | None,
    threat: Mapping[str, object],
    asked: Mapping[str, object],
    *,
    output: Output,
    device: str | None,
    save: Path | None,
    progress: Progress,
) -> tuple[Audit, Path | None]:
    from holdfast.jobs.experiment import AuditSettings, ShiftSettings
    from holdfast.jobs.imported import audit_reference

    if data is None or threat["window"] is None:
        raise ConfigError("--module needs --data and --window")
    return audit_reference(
        module,
        data,
        ShiftSettings.of(threat, "--module"),
        settings=AuditSettings.of(asked, "audit"),
        output=output,
        device=device or "auto",
        save=save,
        progress=progress,
    )


def _perturbations(names: str | None, epsilon: float | None) -> list[dict[str, object]] | None:
    if names is None:
        if epsilon is not None:
            raise ConfigError("--epsilon says how far --perturb may go; give --perturb too")
        return None
    params = {} if epsilon is None else {"epsilon": epsilon}
    return [{"name": name.strip(), "params": params} for name in names.split(",")]


def _stretch(words: str | None, substitutions: int | None) -> tuple[int, int] | None:
    if words is None:
        return None
    if not substitutions:
        raise ConfigError("--protect says what --substitutions may not exchange; give --substitutions too")
    start, colon, end = words.partition(":")
    if not (colon and start.isdecimal() and end.isdecimal()):
        raise ConfigError(f"--protect {words}: expected START:END in bases of the window, such as 30:45")
    return int(start), int(end)


def _without_nan(value: Any) -> Any:
    """Return plain values with null for what is no number: strict JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value
