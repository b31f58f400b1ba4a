"""`holdfast explain`: what a run's model learned, and whether the explanation survives a shift."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli.guard import guarded
from holdfast.core.errors import ConfigError

if TYPE_CHECKING:
    from holdfast.jobs.explain import Question
    from holdfast.runs.explanation_records import MotifsRecord, StabilityRecord
    from holdfast.runs.explanations import StoredMaps
    from holdfast.runs.files import FileKind
    from holdfast.runs.folder import Run

__all__ = ["Data", "Device", "Index", "Part", "RunFolder", "Task", "explain_app", "numbers_of", "print_files"]

explain_app = typer.Typer(
    help="Explain what a run's model learned, and whether the explanation survives a shift.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

RunFolder = Annotated[Path, typer.Argument(help="Run folder, audited.")]
Data = Annotated[Path | None, typer.Option(help="Where the run's data set lies now. [default: where it was]")]
Index = Annotated[str | None, typer.Option(metavar="N,N,...", help="Numbers of examples in the data set.")]
Part = Annotated[
    Literal["train", "validation", "test"] | None, typer.Option(help="Examples to ask about. [default: the audited]")
]
Task = Annotated[int, typer.Option(min=0, help="Whose logit, from 0.")]
Strands = Annotated[
    Literal["forward", "both"], typer.Option(help="both: mean of the maps of a window and its reverse complement.")
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the method.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N. [default: the experiment's]")]


def attributions(
    run: RunFolder,
    *,
    method: Annotated[str, typer.Option(help="See `holdfast list attributions`.")] = "ism",
    sets: Sets = None,
    examples: Annotated[int, typer.Option(min=1, help="So many most fragile and most robust bound ones.")] = 4,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    strands: Strands = "forward",
    data: Data = None,
    device: Device = None,
) -> None:
    """Say what every base contributes, for chosen examples under three windows: leftmost legal, centre and worst.

    Left to itself it takes the most fragile and the most robust bound examples that are called right at the centre. The
    maps go into the run folder and its report; asked the same again, they are read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.explain_attributions import explain_attributions

    question = _question(method, sets, strands, n=examples, index=index, part=part, task=task)
    found = explain_attributions(run, question, data=data, device=device, progress=progress_to_stderr())
    _print_maps(found.found)
    print_files(found.run, "attributions", "attribution_regions", "attribution_track", "report", reused=found.reused)


def stability(
    run: RunFolder,
    *,
    method: Annotated[str, typer.Option(help="See `holdfast list attributions`.")] = "corrected-gradient",
    sets: Sets = None,
    examples: Annotated[int, typer.Option(min=1, help="Bound ones, drawn.")] = 100,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    strands: Strands = "forward",
    edge: Annotated[int, typer.Option(min=0, help="Bases next to a window's ends that are left out.")] = 0,
    data: Data = None,
    device: Device = None,
) -> None:
    """Explain every legal window of some examples and measure whether the maps agree base by base.

    Stability is 1 where each base counts the same in every window that holds it. The table and the means go into the
    run folder and its report; asked the same again, they are read from there.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.explain_stability import explain_stability

    question = _question(method, sets, strands, n=examples, index=index, part=part, task=task)
    found = explain_stability(run, question, edge_bp=edge, data=data, device=device, progress=progress_to_stderr())
    _print_stability(found.found)
    print_files(found.run, "stability", "stability_table", "report", reused=found.reused)


def filters(
    run: RunFolder,
    *,
    part: Annotated[Literal["train", "validation", "test"], typer.Option(help="Contexts to look through.")] = "test",
    threshold: Annotated[float, typer.Option(help="Share of a filter's largest response that makes a site.")] = 0.5,
    limit: Annotated[int, typer.Option("--filters", min=1, help="Most informative ones to keep.")] = 24,
    data: Data = None,
) -> None:
    """Make motifs of the first layer's filters, in place of those that are in the run folder."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import cell, plain_table, to_stdout
    from holdfast.jobs.explain_filters import explain_filters

    found, records = explain_filters(
        run, part=part, threshold=threshold, limit=limit, data=data, progress=progress_to_stderr()
    )
    table = plain_table("filter", "consensus", "bits", "sites")
    for row in records:
        consensus = "".join("ACGT"[column.index(max(column))] for column in row.probabilities)
        table.add_row(row.name, consensus, cell(row.information_bits, 1), f"{row.n_sites:,}")
    to_stdout().print(table)
    print_files(found, "filters", "report", reused=False)


def motifs(
    run: RunFolder,
    *,
    method: Annotated[str, typer.Option(help="See `holdfast list attributions`.")] = "corrected-gradient",
    sets: Sets = None,
    examples: Annotated[int, typer.Option(min=2, help="Bound ones, drawn.")] = 500,
    index: Index = None,
    part: Part = None,
    task: Task = 0,
    strands: Strands = "forward",
    number: Annotated[int, typer.Option("--motifs", min=1, help="To look for, at most.")] = 3,
    width: Annotated[int, typer.Option(min=6, help="Bases that are cut out of each map.")] = 20,
    database: Annotated[str, typer.Option(metavar="RELEASE|FILE", help="JASPAR2014 ... or a file.")] = "JASPAR2026",
    taxon: Annotated[str | None, typer.Option(help="Of a release. [default: vertebrates]")] = None,
    data: Data = None,
    device: Device = None,
) -> None:
    """Find the motifs that the maps point at, and name them and the first filters by a data base, as Tomtom does.

    Motifs (MEME), matches (TSV) and logos go into the run folder and its report; asked the same again, they are read.
    For motifs that sequences share, without a model: holdfast motifs discover.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.explain_motifs import explain_motifs

    question = _question(method, sets, strands, n=examples, index=index, part=part, task=task)
    found = explain_motifs(
        run,
        question,
        motifs=number,
        width=width,
        database=database,
        taxon=taxon,
        data=data,
        device=device,
        progress=progress_to_stderr(),
    )
    _print_motifs(found.found)
    print_files(found.run, "motif_file", "matches", "report", reused=found.reused)


explain_app.command("attributions")(guarded(attributions))
explain_app.command("stability")(guarded(stability))
explain_app.command("filters")(guarded(filters))
explain_app.command("motifs")(guarded(motifs))


def _question(
    method: str,
    sets: list[str] | None,
    strands: str,
    *,
    n: int,
    index: str | None,
    part: str | None,
    task: int,
) -> Question:
    from holdfast.jobs.experiment import apply_sets
    from holdfast.jobs.explain import Question, parse_method

    return Question(
        method=parse_method(method, apply_sets({}, sets or []), both_strands=strands == "both"),
        task=task,
        part=part,
        n=n,
        index=numbers_of(index) if index is not None else (),
    )


def numbers_of(words: str, option: str = "--index") -> tuple[int, ...]:
    """Return whole numbers with commas between them."""
    try:
        return tuple(int(word) for word in words.split(","))
    except ValueError:
        raise ConfigError(f"{option} {words}: expected whole numbers with commas between them, such as 3,5") from None


def _print_maps(maps: StoredMaps) -> None:
    from holdfast.cli.tables import cell, plain_table, to_stdout

    console = to_stdout()
    console.print(f"{maps.method}; {maps.chosen}; logits of {maps.task}", markup=False)
    table = plain_table("example", "label", "first", "centre", "worst", "worst offset")
    label = {1: "bound", 0: "unbound", -1: "unknown"}
    for row in range(0, len(maps), 3):
        logits = [cell(float(value), 2) for value in maps.logits[row : row + 3]]
        table.add_row(str(maps.names[row]), label[int(maps.label[row])], *logits, str(maps.offset[row + 2]))
    console.print(table)
    if maps.incomplete is not None and maps.incomplete.any():
        console.print(f"{int(maps.incomplete.sum())} maps do not add up to what they explain: do not trust them")


def _print_stability(record: StabilityRecord) -> None:
    from holdfast.cli.tables import cell, plain_table, to_stdout

    console = to_stdout()
    words = f"{record.method}; {record.chosen}; {record.n_windows} windows each; logits of {record.task}"
    console.print(words, markup=False)
    table = plain_table("mean of examples", "value", "95 % interval")
    for name, value in (
        ("stability", record.score),
        ("sign stability", record.sign_score),
        ("movement to the worst window", record.movement),
        ("fleeting bases", record.fleeting),
    ):
        table.add_row(name, cell(value.value), f"{cell(value.low)} to {cell(value.high)}")
    console.print(table)
    if record.n_incomplete:
        console.print(f"{record.n_incomplete:,} maps do not add up to what they explain: do not trust them")


def _print_motifs(record: MotifsRecord) -> None:
    from holdfast.cli.tables import cell, plain_table, to_stdout

    console = to_stdout()
    console.print(f"{record.method}; {record.chosen}; {record.n_targets:,} motifs of {record.database}", markup=False)
    table = plain_table("motif", "consensus", "bits", "sites", "best match", "E")
    for row in record.motifs:
        consensus = "".join("ACGT"[column.index(max(column))] for column in row.probabilities)
        best = row.matches[0] if row.matches else None
        match = (best.name, f"{best.e_value:.1g}") if best else ("none", "")
        table.add_row(row.name, consensus, cell(row.information_bits, 1), f"{row.n_sites:,}", *match)
    console.print(table)


def print_files(run: Run, *kinds: FileKind, reused: bool) -> None:
    """Print where a run's files are; those that its data do not give are not there."""
    from holdfast.cli.tables import to_stdout

    console = to_stdout()
    if reused:
        console.print(f"read from {run.folder}, where it was already", markup=False, soft_wrap=True)
    for path in (run.path(kind) for kind in kinds if run.has(kind)):
        console.print(f"{'there' if reused else 'wrote'}   {path}", markup=False, soft_wrap=True)
