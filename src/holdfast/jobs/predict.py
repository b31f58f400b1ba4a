"""Ask a run's model about sequences from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from holdfast.core.errors import InputError
from holdfast.core.progress import SILENT, Progress
from holdfast.data.dataset import SequenceDataset
from holdfast.io import read
from holdfast.jobs.audit import load_run_model, run_tasks
from holdfast.robustness.audit import scan_dataset
from holdfast.robustness.shift import Shift
from holdfast.runs.folder import Run

__all__ = ["COLUMNS", "Windows", "predict"]

Windows = Literal["centre", "all"]
COLUMNS = ("name", "start", "task", "logit", "probability")


def predict(
    folder: Path,
    files: Sequence[Path],
    *,
    windows: Windows = "centre",
    device: str = "auto",
    progress: Progress = SILENT,
) -> pd.DataFrame:
    """Return what a run's model says of every sequence.

    Parameters
    ----------
    folder
        A finished run with weights: trained or imported.
    files
        Sequences of one length, in any format that :func:`holdfast.io.read` knows; labels are not looked at.
    windows
        ``centre``: the window in the middle of each sequence; ``all``: every one.
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    progress
        Whom to tell how far it is.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`: a row for each sequence, window and task; ``start`` counts from 0 in the sequence.

    Raises
    ------
    InputError
        If the run has no weights, the files cannot be read, or the sequences are shorter than the model's window.
    """
    run = Run.open(folder)
    if not run.is_done or not run.has("weights"):
        raise InputError(f"{folder}: not a finished run with weights; only such a run can be asked")
    records, window = read(files), run.record.window
    if records.length < window:
        raise InputError(f"{files[0]}: sequences of {records.length} bp; the model of {folder} reads {window} bp")
    tasks = run_tasks(run)
    unknown = np.full((len(records), len(tasks)), -1, dtype=np.int8)
    data = SequenceDataset.in_memory(records.codes, unknown, tasks=tasks)
    shift = Shift(context=records.length, window=window, max_shift=0 if windows == "centre" else None)
    with progress.task(f"asking {run.record.model}, {shift.describe()}", len(data)) as advance:
        logits = scan_dataset(load_run_model(run), data, shift, device=device, progress=advance)
    starts = shift.offsets.tolist()
    return pd.DataFrame(
        {
            "name": np.repeat(np.array(records.names), len(starts) * len(tasks)),
            "start": np.tile(np.repeat(starts, len(tasks)), len(data)),
            "task": np.tile(np.array(tasks), len(data) * len(starts)),
            "logit": logits.ravel(),
            "probability": torch.from_numpy(logits).double().sigmoid().numpy().ravel(),
        }
    )
