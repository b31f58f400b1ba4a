"""`holdfast explain class-optimisation` and `importance`: what a model looks for, asked by made sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli.explain import Data, Device, Part, RunFolder, Task, numbers_of, print_files

if TYPE_CHECKING:
    from holdfast.runs.answers import ClassOptimisationRecord, PlantedEffects

__all__ = ["class_optimisation", "importance"]

Seed = Annotated[int, typer.Option(min=0, help="Another seed, other draws.")]
# Rows of a table on the terminal; the run folder has all of them.
ROWS = 24


def class_optimisation(
    run: RunFolder,
    *,
    starts: Annotated[int, typer.Option(min=1, help="Inputs optimised side by side, from uniform noise.")] = 20,
    steps: Annotated[int, typer.Option(min=1, help="Gradient steps.")] = 1000,
    objective: Annotated[
        Literal["logprob", "prob", "logit"], typer.Option(help="What is made as large as can be.")
    ] = "logprob",
    task: Task = 0,
    seed: Seed = 0,
    data: Data = None,
    device: Device = None,
) -> None:
    """Find the inputs that the model takes for bound most surely, and show them as motifs.

    The best ones go into the run folder and its report, each with its strongest columns; asked the same again, they
    are read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.interpret.class_optimisation import ClassOptimisation
    from holdfast.jobs.explain_class_optimisation import explain_class_optimisation

    method = ClassOptimisation(objective=objective, steps=steps, starts=starts, seed=seed)
    found = explain_class_optimisation(run, method, task=task, data=data, device=device, progress=progress_to_stderr())
    _print_optimised(found.found)
    print_files(found.run, "class_optimisation", "report", reused=found.reused)


def importance(
    run: RunFolder,
    *,
    pattern: Annotated[str, typer.Option(help="Letters to plant; N leaves the base that is there.")] = "",
    experiment: Annotated[
        Literal["pattern", "position", "number", "spacing", "kmers"], typer.Option(help="What is varied.")
    ] = "pattern",
    at: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="First bases in the window, from 0. [default: see the guide]")
    ] = None,
    second: Annotated[str, typer.Option("--with", metavar="PATTERN", help="Of spacing. [default: the same]")] = "",
    gaps: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Of spacing, bases between. [default: 0 to 20]")
    ] = None,
    excess: Annotated[
        bool, typer.Option("--excess", help="Of spacing: beyond what each of the two does alone.")
    ] = False,
    k: Annotated[int, typer.Option("--k", min=1, max=6, help="Of kmers.")] = 4,
    null: Annotated[
        Literal["dinucleotide", "shuffle", "profile", "quartile"], typer.Option(help="Sequences planted into.")
    ] = "dinucleotide",
    n: Annotated[int, typer.Option("--n", min=2, help="So many of them.")] = 1000,
    part: Part = None,
    task: Task = 0,
    seed: Seed = 0,
    data: Data = None,
    device: Device = None,
) -> None:
    """Measure what planting a pattern does to the logit, on average over sequences of a null model.

    Every number is a mean of paired differences with its 95 % interval. The last experiment of each kind is in the run
    folder and its report; asked the same again, it is read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.explain import Question
    from holdfast.jobs.explain_importance import Planting, explain_importance

    planting = Planting(
        experiment=experiment,
        pattern=pattern,
        starts=numbers_of(at, "--at") if at is not None else (),
        second=second,
        gaps=numbers_of(gaps, "--gaps") if gaps is not None else (),
        excess=excess,
        k=k,
    )
    question = Question(task=task, part=part, n=n)
    found = explain_importance(
        run, planting, question, null=null, seed=seed, data=data, device=device, progress=progress_to_stderr()
    )
    _print_effects(found.found)
    print_files(found.run, "importance", "report", reused=found.reused)


def _print_optimised(record: ClassOptimisationRecord) -> None:
    from holdfast.cli.tables import cell, plain_table, to_stdout

    console = to_stdout()
    console.print(f"best {len(record.best)} of {record.n_starts} starts; {record.method}; {record.task}", markup=False)
    table = plain_table("start", "P+", "as sequence", "loss", "bits", "strongest columns")
    for row in record.best:
        bits = cell(row.information_bits, 1)
        of_sequence = "–" if row.bound_as_sequence is None else cell(row.bound_as_sequence)
        table.add_row(str(row.start), cell(row.bound), of_sequence, cell(row.loss), bits, row.consensus)
    console.print(table)
    if record.shared is not None:
        likeness = cell(record.shared.median_likeness)
        console.print(f"shared by all starts: {record.shared.consensus}, median likeness {likeness}", markup=False)


def _print_effects(found: PlantedEffects) -> None:
    from holdfast.cli.tables import cell, plain_table, to_stdout

    console = to_stdout()
    console.print(f"{found.words}; {found.n:,} sequences, {found.null}; logits of {found.task}", markup=False)
    table = plain_table(found.experiment, "effect", "95 % interval")
    for row in found.effects[:ROWS]:
        table.add_row(row.label, cell(row.mean), f"{cell(row.low)} to {cell(row.high)}")
    console.print(table)
    if len(found.effects) > ROWS:
        console.print(f"and {len(found.effects) - ROWS:,} more in the run folder")
