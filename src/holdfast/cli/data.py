"""`holdfast data`: make, describe, simulate and fetch data sets, and extend them from a genome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli.genome import extend, genome
from holdfast.cli.guard import guarded
from holdfast.core.errors import ConfigError

if TYPE_CHECKING:
    from holdfast.data.describe import Description

__all__ = ["data_app", "print_description"]

data_app = typer.Typer(
    help="Make, describe, simulate, fetch and extend data sets.", no_args_is_help=True, rich_markup_mode="markdown"
)

Files = Annotated[list[Path] | None, typer.Option(help="Again for more files.")]


def build(
    out: Annotated[Path, typer.Argument(help="Data set folder to make.")],
    files: Annotated[list[Path] | None, typer.Argument(help="Labelled files.", show_default=False)] = None,
    *,
    positives: Annotated[Path | None, typer.Option(help="FASTA of bound sequences.")] = None,
    negatives: Annotated[
        str | None, typer.Option(metavar="FILE|shuffle", help="FASTA of unbound ones, or dinucleotide shuffles.")
    ] = None,
    validation: Files = None,
    test: Files = None,
    format: Annotated[str, typer.Option(help="See `holdfast list formats`.")] = "auto",
    unknown_letters: Annotated[
        Literal["refuse", "n"] | None, typer.Option(help="What to do with R, Y and the like. [default: refuse]")
    ] = None,
    sequence_column: Annotated[str | None, typer.Option(help="Of a table.")] = None,
    label_column: Annotated[
        list[str] | None, typer.Option(help="Of a table, or DeepSEA's by number, 125:815; again for more.")
    ] = None,
    task_names: Annotated[Path | None, typer.Option(help="DeepSEA's: a file with a name a line.")] = None,
    reverse: Annotated[
        Literal["keep", "drop"] | None, typer.Option(help="DeepSEA's reverse complements. [default: keep]")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="See `holdfast list splits`. [default: the source's, or random]")
    ] = None,
    split_param: Annotated[
        list[str] | None, typer.Option("--split-set", metavar="NAME=VALUE", help="Such as test=0.3 or test=[chr8].")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of shuffles and random parts.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set of that name.")] = False,
) -> None:
    """Store labelled sequences as a data set: files with labels, or --positives and --negatives."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.io.detect import ReadOptions
    from holdfast.jobs.data import Sources, build_data

    sources = Sources(
        train=_labelled(files, positives, negatives),
        validation=tuple(validation or ()),
        test=tuple(test or ()),
        format=format,
        options=ReadOptions(
            unknown_letters=unknown_letters,
            sequence_column=sequence_column,
            label_columns=tuple(label_column) if label_column else None,
            task_names=task_names,
            reverse=reverse,
        ),
    )
    made = build_data(
        sources,
        out,
        split=split,
        split_changes=split_param or [],
        shuffle=negatives == "shuffle",
        seed=seed,
        overwrite=overwrite,
        progress=progress_to_stderr(),
    )
    print_description(made)
    typer.echo(f"data    {out}")


def _labelled(files: list[Path] | None, positives: Path | None, negatives: str | None) -> tuple[Path, ...]:
    """Return the labelled files, or those of the bound and the unbound; to shuffle, the bound alone."""
    shuffle = negatives == "shuffle"
    pair = [positives] if positives is not None else []
    if negatives is not None and not shuffle:
        pair.append(Path(negatives))
    if bool(pair) == bool(files) or (pair and positives is None):
        raise ConfigError("give labelled files, or --positives with --negatives FILE or --negatives shuffle")
    if len(pair) == 1 and not shuffle:
        raise ConfigError("--positives alone has one class; add --negatives FILE, or --negatives shuffle to make them")
    return tuple(files or pair)


def describe(
    folder: Annotated[Path, typer.Argument(help="Data set folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Count what is in a data set: labels, bases, repeats, and leakage between the parts."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.data import describe_data

    found = describe_data(folder, progress=progress_to_stderr())
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_description(found)


def simulate(
    out: Annotated[Path, typer.Argument(help="Data set folder to make.")],
    tf: Annotated[str, typer.Option(help="JASPAR name or id of the factor.")] = "SP1",
    positives: Annotated[int, typer.Option(min=1, help="Bound examples; as many unbound ones.")] = 4000,
    context: Annotated[int, typer.Option(min=1, help="Bases per example.")] = 101,
    spread: Annotated[float, typer.Option(help="Standard deviation of the core around the centre, in bp.")] = 15.0,
    decoy: Annotated[list[str] | None, typer.Option(help="Motif planted in both classes; again for more.")] = None,
    label_noise: Annotated[float, typer.Option(help="Share of flipped labels.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Another seed, other data.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set of that name.")] = False,
) -> None:
    """Plant a JASPAR motif in random sequences, at known places; the truth is kept in the folder."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.data import simulate_data

    values: dict[str, object] = {"tf": tf, "positives": positives, "context": context, "spread_bp": spread}
    values |= {"decoys": tuple(decoy or ()), "label_noise": label_noise, "seed": seed}
    made = simulate_data(values, out, overwrite=overwrite, progress=progress_to_stderr())
    print_description(made)
    typer.echo(f"data    {out}")


def simulate_tasks(
    out: Annotated[Path, typer.Argument(help="Data set folder to make.")],
    tasks: Annotated[int, typer.Option(min=2, help="Each with a motif of its own.")] = 690,
    train: Annotated[int, typer.Option(min=2, help="Examples, both strands counted.")] = 44_000,
    validation: Annotated[int, typer.Option(min=2, help="Examples, both strands counted.")] = 80,
    test: Annotated[int, typer.Option(min=2, help="Examples, both strands counted.")] = 4_550,
    context: Annotated[int, typer.Option(min=1, help="Bases per example.")] = 1_200,
    margin: Annotated[int, typer.Option(min=0, help="Bases at either end without sites.")] = 300,
    bound: Annotated[float, typer.Option(help="Mean share of bound examples.")] = 0.015,
    absent: Annotated[int, typer.Option(min=0, help="Tasks without a bound example in the test part.")] = 5,
    seed: Annotated[int, typer.Option(help="Another seed, other data.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set of that name.")] = False,
) -> None:
    """Simulate many tasks in long contexts, of the shape of DeepSEA's data at a hundredth of its size."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.data import simulate_many

    values: dict[str, object] = {"tasks": tasks, "train": train, "validation": validation, "test": test}
    values |= {"context": context, "margin_bp": margin, "bound": bound, "absent": absent, "seed": seed}
    made = simulate_many(values, out, overwrite=overwrite, progress=progress_to_stderr())
    print_description(made)
    typer.echo(f"data    {out}")


def fetch(
    name: Annotated[str, typer.Argument(help="See `holdfast list data`.")],
    out: Annotated[Path, typer.Argument(help="Folder for the files.")],
) -> None:
    """Download a published data set; a broken transfer goes on where it stopped."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.data import fetch_data

    for path in fetch_data(name, out, progress=progress_to_stderr()):
        typer.echo(str(path))


data_app.command("build")(guarded(build))
data_app.command("describe")(guarded(describe))
data_app.command("simulate")(guarded(simulate))
data_app.command("simulate-tasks")(guarded(simulate_tasks))
data_app.command("fetch")(guarded(fetch))
data_app.command("genome")(guarded(genome))
data_app.command("extend")(guarded(extend))


def print_description(found: Description) -> None:
    """Print the table of counts and the sentences of a description."""
    from holdfast.cli.tables import plain_table, to_stdout
    from holdfast.jobs.data import count_rows, description_lines

    console = to_stdout()
    table = plain_table("part", "task", "bound", "unbound", "unknown")
    table.columns[1].justify = "left"
    for part, task, *counts in count_rows(found):
        table.add_row(part, task, *counts)
    console.print(f"{found.examples:,} examples of {found.context_length} bp; {found.source}", markup=False)
    console.print(table, markup=False)
    for line in description_lines(found):
        console.print(line, markup=False)
