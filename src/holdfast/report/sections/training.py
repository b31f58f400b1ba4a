"""How the training went, epoch by epoch."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from markupsafe import Markup

from holdfast.report.line_chart import Line, LineChart
from holdfast.report.study import Entry, Setting, Study, with_history
from holdfast.report.template import fill

__all__ = ["training"]


def training(study: Study) -> Markup | None:
    """Return charts of loss and accuracy: of a lone run in detail, of several runs beside each other."""
    trained = with_history(study.entries)
    if not trained:
        return None
    if len(trained) == 1:
        settings = [(study.settings[0].title, _one_run(trained[0]))]
    else:
        settings = [(setting.title, _many_runs(setting)) for setting in study.settings if with_history(setting.entries)]
    return fill("training.html.j2", {"settings": settings, "notes": _notes(trained)})


def _one_run(entry: Entry) -> list[Markup]:
    history = _history(entry)
    epochs, best = _epochs(history), _best_epoch(entry, history)
    stages = _stages(history, epochs)
    losses = [
        Line(label="train", y=history["train_loss"].tolist(), colour="other", dash=1, x=epochs),
        Line(label="validation", y=history["validation_loss"].tolist(), colour=entry.colour, x=epochs, mark=best),
    ]
    right = history["validation_accuracy"].tolist()
    accuracy = Line(label="validation", y=right, colour=entry.colour, x=epochs, mark=best)
    return [
        _chart("Loss by epoch", "loss", losses, stages).draw(),
        _chart("Validation accuracy by epoch", "accuracy (fraction)", [accuracy], stages).draw(),
    ]


def _many_runs(setting: Setting) -> list[Markup]:
    charts = []
    for column, name, unit in (
        ("validation_loss", "Validation loss", "validation loss"),
        ("validation_accuracy", "Validation accuracy", "validation accuracy (fraction)"),
    ):
        lines = []
        for entry in with_history(setting.entries):
            history = _history(entry)
            lines.append(
                Line(
                    label=entry.label,
                    x=_epochs(history),
                    y=history[column].tolist(),
                    colour=entry.colour,
                    dash=entry.dash,
                    mark=_best_epoch(entry, history),
                )
            )
        charts.append(_chart(f"{name} by epoch, {setting.title}", unit, lines, []).draw())
    return charts


def _chart(title: str, unit: str, lines: list[Line], stages: list[tuple[float, str]]) -> LineChart:
    return LineChart(title=title, x_label="epoch", y_label=unit, lines=lines, uprights=stages)


def _history(entry: Entry) -> pd.DataFrame:
    return entry.history if entry.history is not None else pd.DataFrame()


def _epochs(history: pd.DataFrame) -> list[float]:
    """Return the epochs, counted on through restarts where a restart begins again at the first."""
    epochs = [float(epoch) for epoch in history["epoch"]]
    ascending = all(before < after for before, after in pairwise(epochs))
    return epochs if ascending else [float(place + 1) for place in range(len(epochs))]


def _best_epoch(entry: Entry, history: pd.DataFrame) -> float | None:
    facts = entry.record.training
    if facts is None:
        return None
    found = [x for x, epoch in zip(_epochs(history), history["epoch"], strict=True) if epoch == facts.best_epoch]
    return found[-1] if found else None


def _stages(history: pd.DataFrame, epochs: list[float]) -> list[tuple[float, str]]:
    """Return where the attack's stage changes or the training starts anew."""
    marks = []
    rows = list(zip(epochs, history["stage"], history["restart"], strict=True))
    for (_, stage, restart), (x, next_stage, next_restart) in pairwise(rows):
        if next_restart != restart:
            marks.append((x, f"restart {next_restart}"))
        elif next_stage != stage:
            marks.append((x, str(next_stage)))
    return marks


def _notes(entries: list[Entry]) -> list[tuple[str, str]]:
    return [
        (entry.record.name, note)
        for entry in entries
        if entry.record.training is not None
        for note in entry.record.training.notes
    ]
