"""`holdfast motifs`: find motifs, name them by a data base, and find their sites in sequences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from holdfast.cli.guard import guarded
from holdfast.cli.motifs_discover import discover

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["motifs_app"]

motifs_app = typer.Typer(
    help="Find motifs, name them by a data base, and find their sites.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

Motifs = Annotated[Path, typer.Argument(help="MEME, JASPAR or TRANSFAC file.", show_default=False)]

# Matches of a motif that the terminal shows; the table has all.
_SHOWN = 3


def match(
    motifs: Motifs,
    *,
    database: Annotated[str, typer.Option(metavar="RELEASE|FILE", help="JASPAR2014 ... or a file.")] = "JASPAR2026",
    taxon: Annotated[
        str | None, typer.Option(help="Of a release: plants ..., or all. [default: vertebrates]", show_default=False)
    ] = None,
    species: Annotated[str | None, typer.Option(help="Of a release: 9606, or Homo sapiens.")] = None,
    distance: Annotated[Literal["pearson", "euclidean"], typer.Option(help="Of two columns.")] = "pearson",
    max_q: Annotated[float, typer.Option(help="Largest q value of a match.")] = 0.5,
    max_e: Annotated[float | None, typer.Option(help="Largest E value of a match.")] = None,
    out: Annotated[Path | None, typer.Option(help="Table (TSV) to write.")] = None,
) -> None:
    """Compare motifs with those of a data base, as Tomtom does: p, E and q values, offset and strand."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import plain_table, to_stdout
    from holdfast.jobs.motifs import match_files, match_table

    found = match_files(
        motifs,
        database,
        taxon=taxon,
        species=species,
        distance=distance,
        max_q=max_q,
        max_e=max_e,
        progress=progress_to_stderr(),
    )
    rows = match_table(found)
    table = plain_table("motif", "match", "name", "offset", "strand", "p", "E", "q")
    for column in (1, 2):
        table.columns[column].justify = "left"
    for row in rows.groupby("query", sort=False).head(_SHOWN).to_dict("records"):
        words = (str(row[key]) for key in ("query", "target", "target_name", "offset", "strand"))
        table.add_row(*words, *(f"{row[key]:.2g}" for key in ("p", "e", "q")))
    to_stdout().print(table, markup=False)
    typer.echo(f"{len(rows):,} matches of {rows['query'].nunique():,} motifs; the best {_SHOWN} of each are shown")
    _write(rows, out)


def scan(
    motifs: Motifs,
    sequences: Annotated[
        Path, typer.Argument(help="Data set folder, FASTA or 2bit of any lengths, table ...", show_default=False)
    ],
    *,
    max_p: Annotated[float, typer.Option(help="Largest p value of a site.")] = 1e-4,
    background: Annotated[
        Literal["sequences", "motifs", "uniform"], typer.Option(help="Whose base shares the odds are against.")
    ] = "sequences",
    one_strand: Annotated[bool, typer.Option("--one-strand", help="Leave the reverse complement out.")] = False,
    out: Annotated[Path | None, typer.Option(help="Table (TSV) to write, a row for each site.")] = None,
) -> None:
    """Find the sites of motifs in sequences, as FIMO does: score, p and q value, both strands."""
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.cli.tables import plain_table, to_stdout
    from holdfast.jobs.motifs import scan_files

    rows = scan_files(
        motifs,
        sequences,
        max_p=max_p,
        background=background,
        both_strands=not one_strand,
        progress=progress_to_stderr(),
    )
    table = plain_table("motif", "sites", "sequences", "best site", "best p", "best q")
    for motif, sites in rows.groupby("motif", sort=False):
        best = sites.iloc[0]
        counts = f"{len(sites):,}", f"{sites['sequence'].nunique():,}"
        table.add_row(str(motif), *counts, str(best["site"]), f"{best['p']:.2g}", f"{best['q']:.2g}")
    to_stdout().print(table, markup=False)
    typer.echo(f"{len(rows):,} sites of {rows['motif'].nunique():,} motifs with p below {max_p:g}")
    _write(rows, out)


def _write(rows: pd.DataFrame, out: Path | None) -> None:
    from holdfast.core.files import write_text

    if out is not None:
        write_text(out, rows.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n"))
        typer.echo(f"table   {out}")


motifs_app.command("discover")(guarded(discover))
motifs_app.command("match")(guarded(match))
motifs_app.command("scan")(guarded(scan))
