"""`holdfast motifs discover`: motifs that sequences share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.motifs.discovered import Discovered

__all__ = ["discover"]


def discover(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="SEQUENCES...", help="Data set folder, or files of one length.", show_default=False),
    ],
    *,
    out: Annotated[Path, typer.Option(help="MEME file to write; sites go beside it.")] = Path("motifs.meme"),
    method: Annotated[
        Literal["zoops", "meme", "streme", "modisco"],
        typer.Option(help="Our own search, a program on the PATH, or TF-MoDISco."),
    ] = "zoops",
    motifs: Annotated[int, typer.Option(help="How many at most.")] = 3,
    min_width: Annotated[int, typer.Option(help="Of a motif.")] = 6,
    max_width: Annotated[int, typer.Option(help="Of a motif.")] = 20,
    max_e: Annotated[float, typer.Option(help="Largest E-value, for zoops.")] = 0.05,
    one_strand: Annotated[bool, typer.Option("--one-strand", help="Leave the reverse complement out.")] = False,
    contributions: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Hypothetical contributions (N, 4, L), for modisco.")
    ] = None,
    unknown_letters: Annotated[
        Literal["refuse", "n"] | None, typer.Option(help="What to do with R, Y and the like. [default: refuse]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sample that many sequences are searched by.")] = 0,
    device: Annotated[str, typer.Option(help="For zoops: auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Find motifs that occur once or not at all in each sequence, on either strand.

    For the motifs that a run's model learned: holdfast explain motifs RUN.
    """
    from holdfast.cli.progress import progress_to_stderr
    from holdfast.interpret.zoops import Zoops
    from holdfast.io.detect import ReadOptions
    from holdfast.jobs.discover import discover_in_files

    settings = Zoops(
        motifs=motifs,
        min_width=min_width,
        max_width=max_width,
        both_strands=not one_strand,
        max_e_value=max_e,
        seed=seed,
    )
    found, sites = discover_in_files(
        files,
        out,
        method=method,
        settings=settings,
        contributions=contributions,
        options=ReadOptions(unknown_letters=unknown_letters),
        device=device,
        progress=progress_to_stderr(),
    )
    if sites is None:
        typer.echo("no motif found; nothing was written")
        return
    _show(found, out, sites)


def _show(found: Sequence[Discovered], out: Path, sites: Path) -> None:
    from holdfast.cli.tables import plain_table, to_stdout

    table = plain_table("motif", "consensus", "width", "sites", "log10 E")
    for one in found:
        e_value = "" if one.log10_e_value is None else f"{one.log10_e_value:.1f}"
        shown = one.motif.sites or len(one.sites)
        table.add_row(one.motif.name, one.motif.consensus, str(one.motif.width), f"{shown:.0f}", e_value)
    console = to_stdout()
    console.print(table)
    console.print(f"\nmotifs  {out}", markup=False, soft_wrap=True)
    console.print(f"sites   {sites}", markup=False, soft_wrap=True)
