"""`holdfast train`: one experiment, from a file or from flags."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.guard import INTERRUPTED
from holdfast.core.errors import ConfigError

__all__ = ["train"]

# Flags are short for paths of an experiment.
_PATHS = {
    "data": "data",
    "window": "shift.window",
    "model": "model",
    "attack": "attack",
    "preset": "training.preset",
    "epochs": "training.changes.epochs",
    "seed": "seed",
    "device": "device",
}


def train(
    experiment: Annotated[Path | None, typer.Argument(help="Experiment file (YAML).", show_default=False)] = None,
    *,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Change a path of the experiment.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data set folder.")] = None,
    window: Annotated[int | None, typer.Option(help="Bases the model reads.")] = None,
    model: Annotated[str | None, typer.Option(help="See `holdfast list models`. [default: holdfast]")] = None,
    attack: Annotated[str | None, typer.Option(help="See `holdfast list attacks`. [default: centre]")] = None,
    preset: Annotated[str | None, typer.Option(help="See `holdfast list presets`. [default: fast]")] = None,
    epochs: Annotated[int | None, typer.Option(help="In place of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other weights. [default: 0]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N. [default: auto]")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes, when started by torchrun.")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard events too.")] = False,
) -> None:
    """Train a classifier, audit it, write its report: an experiment file, or --data and --window."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import print_audit, to_stdout
    from holdfast.jobs.experiment import Experiment, apply_sets, load_experiment
    from holdfast.jobs.train import assist, epochs_done
    from holdfast.jobs.train import train as carry_out

    flags = {"data": data and str(data), "window": window, "model": model, "attack": attack}
    flags |= {"preset": preset, "epochs": epochs, "seed": seed, "device": device}
    changes = [f"{_PATHS[name]}={json.dumps(value)}" for name, value in flags.items() if value is not None]
    changes += sets or []
    if experiment is not None:
        page = load_experiment(experiment, changes)
    elif data is None or window is None:
        raise ConfigError("give an experiment file, or --data and --window")
    else:
        page = Experiment.parse(apply_sets({}, changes), where="the command line")
    if devices > 1 and os.environ.get("WORLD_SIZE") != str(devices):
        raise ConfigError(
            f"--devices {devices} is for processes that torchrun started; "
            f"run: torchrun --nproc-per-node {devices} --no-python holdfast train ..."
        )
    if devices > 1 and os.environ.get("RANK", "0") != "0":  # torchrun tells each process its place
        assist(page, runs, resume=resume, devices=devices)
        return
    progress = progress_to_stderr()
    try:
        run = carry_out(page, runs, resume=resume, devices=devices, tensorboard=tensorboard, progress=progress)
    except KeyboardInterrupt:
        typer.echo(f"stopped after epoch {epochs_done(page, runs)}; go on with the same command and --resume", err=True)
        raise typer.Exit(INTERRUPTED) from None
    console = to_stdout()
    print_audit(console, run.audit)
    console.print(f"\nrun     {run.folder}", markup=False, soft_wrap=True)
    console.print(f"report  {run.path('report')}", markup=False, soft_wrap=True)
