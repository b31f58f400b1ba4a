"""`holdfast data genome` and `holdfast data extend`: a stored genome, and longer windows cut from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["extend", "genome"]


def genome(
    source: Annotated[Path, typer.Argument(metavar="GENOME", help="FASTA, gz or not, or 2bit.")],
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a stored genome of that name.")] = False,
) -> None:
    """Store a genome as memory-mapped codes, for windows of any length around any bins."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.genome import genome_lines, store_genome

    for line in genome_lines(store_genome(source, out, overwrite=overwrite, progress=progress_to_stderr())):
        typer.echo(line)
    typer.echo(f"genome  {out}")


def extend(
    data: Annotated[Path, typer.Argument(help="Data set folder.")],
    out: Annotated[Path, typer.Argument(help="Data set folder to make.")],
    *,
    genome: Annotated[Path, typer.Option(help="Genome store.")],
    length: Annotated[int, typer.Option(help="Bases of the new windows.")],
    bins: Annotated[Path | None, typer.Option(help="BED of a DeepSEA set's bins. [default: its coordinates]")] = None,
    contigs: Annotated[
        str, typer.Option(metavar="RULE|FILE", help="exact, add-chr, strip-chr, or a file of names.")
    ] = "exact",
    max_different: Annotated[float, typer.Option(help="Share of examples that may differ from the genome.")] = 0.001,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set of that name.")] = False,
) -> None:
    """Cut longer windows around the examples of a data set from a genome, and compare their centres."""
    from holdfast.cli.data import print_description
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.jobs.genome import extend_data

    made = extend_data(
        data,
        out,
        genome=genome,
        length=length,
        bins=bins,
        contigs=contigs,
        max_different=max_different,
        overwrite=overwrite,
        progress=progress_to_stderr(),
    )
    print_description(made)
    typer.echo(f"data    {out}")
