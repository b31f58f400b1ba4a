"""`holdfast audit`: a run again, or anybody's module."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from holdfast.core.errors import ConfigError

if TYPE_CHECKING:
    from holdfast.robustness.audit import Audit

__all__ = ["audit"]

Part = Literal["train", "validation", "test"]


def audit(
    run: Annotated[Path | None, typer.Argument(help="Run folder.", show_default=False)] = None,
    *,
    module: Annotated[str | None, typer.Option(metavar="FILE.PY:FUNCTION", help="Builds the module to audit.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data set folder, for --module; or where a run's lies now.")] = None,
    window: Annotated[int | None, typer.Option(help="Bases the module reads, for --module.")] = None,
    max_shift: Annotated[int | None, typer.Option(help="Farthest shift in bp, for --module. [default: any]")] = None,
    strands: Annotated[Literal["forward", "both"], typer.Option(help="For --module.")] = "forward",
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
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N.")] = None,
    save: Annotated[Path | None, typer.Option(help="Folder of runs to keep a module's audit in.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON and nothing else.")] = False,
) -> None:
    """Measure how far a shift can push a run's model, or the module that a Python function builds.

    A run is audited under its own threat model. Asked as its experiment has it, the answer replaces the one in its
    folder; asked otherwise (--part, --n-try, --bootstrap, --windows, --average, --device), it is only shown.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import print_audit, to_stdout
    from holdfast.jobs.audit import audit_again
    from holdfast.jobs.experiment import AuditSettings, ShiftSettings
    from holdfast.jobs.imported import audit_reference

    if (run is None) == (module is None):
        raise ConfigError("give either a run folder or --module file.py:function")
    changes: dict[str, object] = {"part": part, "n_try": n_try, "bootstrap": bootstrap, "strands": average}
    changes["windows"] = "all" if windows == 0 else windows
    asked = {name: value for name, value in changes.items() if value is not None}
    progress = progress_to_stderr()
    folder: Path | None = None
    found: Audit
    if run is not None:
        given = [value is not None for value in (window, max_shift, save)]
        if any([*given, strands != "forward", protect_core, output != "auto"]):
            raise ConfigError("a run is audited under its own threat model; only --module takes another one, or --save")
        found = audit_again(run, asked, data=data, device=device, progress=progress)
    elif module is not None and data is not None and window is not None:
        shift = ShiftSettings(window=window, max_shift=max_shift, protect_core=protect_core, strands=strands)
        found, folder = audit_reference(
            module,
            data,
            shift,
            settings=AuditSettings.model_validate(asked),
            output=output,
            device=device or "auto",
            save=save,
            progress=progress,
        )
    else:
        raise ConfigError("--module needs --data and --window")
    if as_json:
        typer.echo(json.dumps(_without_nan(found.record.model_dump(mode="python")), indent=2))
        return
    console = to_stdout()
    print_audit(console, found.record)
    if folder is not None:
        console.print(f"\nrun     {folder}", markup=False, soft_wrap=True)


def _without_nan(value: Any) -> Any:
    """Return plain values with null for what is no number: strict JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value
