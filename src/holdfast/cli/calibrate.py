"""`holdfast calibrate`: the settings of a model, searched on the training part of a data set."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.core.errors import ConfigError

__all__ = ["calibrate"]

_PATHS = {"data": "data", "window": "shift.window", "model": "model", "seed": "seed", "device": "device"}


class Select(StrEnum):
    """What a setting is judged by."""

    VALIDATION = "validation"
    TRAINING = "training"


def calibrate(
    experiment: Annotated[Path | None, typer.Argument(help="Experiment file (YAML).", show_default=False)] = None,
    *,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="Change a path of the experiment.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Data set folder.")] = None,
    window: Annotated[int | None, typer.Option(help="Bases the model reads.")] = None,
    model: Annotated[str | None, typer.Option(help="A model that has a search, such as deepbind.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, other settings. [default: 0]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N. [default: auto]")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few settings, few steps: minutes, not hours.")] = False,
    select: Annotated[Select | None, typer.Option(help="Judge by held-out or by training examples.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at a time.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of experiment.yaml and calibration.csv.")] = Path("calibrated"),
) -> None:
    """Search the settings of a model by cross-validation and write the experiment that uses the best."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import to_stdout
    from holdfast.execution.local import LocalExecutor
    from holdfast.jobs.calibrate import calibrate as carry_out
    from holdfast.jobs.calibrate import plan_of, write_calibration
    from holdfast.jobs.experiment import Experiment, apply_sets, load_experiment

    flags = {"data": data and str(data), "window": window, "model": model, "seed": seed, "device": device}
    changes = [f"{_PATHS[name]}={json.dumps(value)}" for name, value in flags.items() if value is not None]
    changes += sets or []
    if experiment is not None:
        page = load_experiment(experiment, changes)
    elif data is None or window is None or model is None:
        raise ConfigError("give an experiment file, or --data, --window and --model")
    else:
        page = Experiment.parse(apply_sets({}, changes), where="the command line")
    plan = plan_of(page, quick=quick, selection=None if select is None else select.value)
    executor = LocalExecutor(jobs) if jobs > 1 else None
    found = carry_out(page, plan, executor=executor, progress=progress_to_stderr())
    written, table = write_calibration(found, out)
    console = to_stdout()
    told = f"{plan.selection} {plan.metric}"
    console.print(f"best {told} {found.best.value:.4f}: setting {found.best.setting}, {found.best.steps} steps")
    console.print(f"table   {table}", markup=False, soft_wrap=True)
    console.print(f"next    holdfast train {written}", markup=False, soft_wrap=True)
