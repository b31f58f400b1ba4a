"""Draw shift.svg: one simulated example, every window of it, and the call of a trained model in each.

    python docs/images/draw_shift.py

simulates SP1 sites, trains the default model without shifts, and takes the test example that it is surest about both
ways, right at the centre and wrong elsewhere, among those whose site lies whole in every window: what flips the call is
not the site leaving. Writes the picture beside this script; the same versions give the same picture.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import torch

from holdfast import Experiment, Run, SequenceDataset, Shift, train
from holdfast.dna.codes import decode
from holdfast.jobs.audit import load_run_model
from holdfast.jobs.data import simulate_data
from holdfast.robustness.audit import scan_dataset

BASE, LEFT, TOP, ROW = 6.4, 150, 62, 11
RIGHT = 170
# Okabe & Ito's blue and vermilion: told apart with any colour vision. The words beside the bars say it too.
RIGHT_CALL, WRONG_CALL, CORE = "#0072b2", "#d55e00", "#f0c000"
FONT = "font-family='ui-sans-serif, system-ui, sans-serif'"


def main() -> None:
    """Simulate, train, choose an example, draw."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        run, data = trained(Path(folder))
        shift = Experiment.parse(run.config).build_shift(data.context)
        logits = scan_dataset(load_run_model(run), data, shift)[..., 0]
        row = most_fragile(data, logits, shift)
        picture = drawing(decode(data.codes[row]), tuple(data.core[row].tolist()), logits[row], shift)
    Path(__file__).with_name("shift.svg").write_text(picture, encoding="utf-8")


def trained(folder: Path) -> tuple[Run, SequenceDataset]:
    """Return a finished run and its test part."""
    simulate_data({"tf": "SP1", "positives": 2000, "seed": 1}, folder / "sp1")
    page = {"data": str(folder / "sp1"), "shift": {"window": 75}, "attack": "centre", "seed": 1}
    run = train(Experiment.parse(page), folder / "runs")
    return run, SequenceDataset.open(folder / "sp1").part("test")


def most_fragile(data: SequenceDataset, logits: np.ndarray, shift: Shift) -> int:
    """Return the bound example called with most certainty both ways though no window cuts its core."""
    whole = replace(shift, protect_core=True).legal(data.core).all(axis=1) & (data.core[:, 0] >= 0)
    sureness = np.minimum(logits[:, shift.centre_choice], -logits.min(axis=1))
    return int(np.where(whole, sureness, -np.inf).argmax())


def drawing(sequence: str, core: tuple[int, int], logits: np.ndarray, shift: Shift) -> str:
    """Return the picture as SVG.

    Parameters
    ----------
    sequence
        The context, drawn on top.
    core
        Its binding site, marked.
    logits
        (S,) of its windows, smallest offset first.
    shift
        The threat model.
    """
    length, count, window = shift.context, len(logits), shift.window
    width, height = LEFT + length * BASE + RIGHT, TOP + 30 + count * ROW + 40
    start, end = core
    bottom = TOP + 30 + count * ROW
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0f} {height:.0f}' role='img' "
        f"aria-label='{count} windows of {window} bp slide over {length} bp of DNA; the call of one model in each'>",
        f"<rect width='{width:.0f}' height='{height:.0f}' rx='10' fill='#ffffff'/>",
        text(
            LEFT,
            24,
            f"One site, {count} windows: the model reads {window} of the {length} bp that are known",
            size=15,
            bold=True,
        ),
        f"<rect x='{LEFT + start * BASE:.1f}' y='{TOP - 18}' width='{(end - start) * BASE:.1f}' "
        f"height='{bottom - TOP + 22}' fill='{CORE}' opacity='0.35'/>",
        text(LEFT + (start + end) / 2 * BASE, bottom + 20, "the binding site", anchor="middle"),
        text(LEFT - 12, TOP, "context", anchor="end"),
        f"<text x='{LEFT}' y='{TOP}' font-size='9.5' font-family='ui-monospace, monospace' fill='#222' "
        f"textLength='{length * BASE:.1f}'>{escape(sequence)}</text>",
        text(LEFT + length * BASE + 12, TOP, "what the model says"),
    ]
    for offset, logit in enumerate(logits):
        parts += window_row(offset, float(logit), window, is_centre=offset == shift.centre, length=length)
    return "\n".join([*parts, "</svg>"]) + "\n"


def window_row(offset: int, logit: float, window: int, *, is_centre: bool, length: int) -> list[str]:
    """Return one window: its bar, its offset, the call."""
    y = TOP + 18 + offset * ROW
    bound = logit > 0
    colour = RIGHT_CALL if bound else WRONG_CALL
    words = f"{'bound' if bound else 'unbound'} (logit {logit:+.1f})".replace("-", "−")
    edge = " stroke='#111' stroke-width='1.6'" if is_centre else ""
    parts = [
        f"<rect x='{LEFT + offset * BASE:.1f}' y='{y}' width='{window * BASE:.1f}' height='{ROW - 3}' rx='2' "
        f"fill='{colour}' opacity='0.82'{edge}/>",
        text(LEFT + length * BASE + 12, y + ROW - 3.5, words, size=9.5, bold=is_centre, colour=colour),
    ]
    if is_centre:
        parts.append(text(LEFT - 12, y + ROW - 3.5, "centre window", size=11, bold=True, anchor="end"))
    if offset == 0:
        parts.append(text(LEFT - 12, y + ROW - 3.5, "offset 0", size=11, anchor="end"))
    if offset == length - window:
        parts.append(text(LEFT - 12, y + ROW - 3.5, f"offset {offset}", size=11, anchor="end"))
    return parts


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 12,
    bold: bool = False,
    anchor: str = "start",
    colour: str = "#222",
) -> str:
    """Return a line of text."""
    weight = " font-weight='600'" if bold else ""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' {FONT}{weight} text-anchor='{anchor}' "
        f"fill='{colour}'>{escape(words)}</text>"
    )


if __name__ == "__main__":
    main()
