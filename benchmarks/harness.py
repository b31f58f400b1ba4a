"""What every benchmark shares: the machine in words, timing, and one JSON file a benchmark."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from holdfast.core.files import write_text
from holdfast.core.memory import keep_freed_memory

__all__ = ["RESULTS", "begun", "describe_machine", "timed", "timing_parser", "write_result"]

RESULTS = Path(__file__).resolve().parent / "results"


def timing_parser(*, repeats: int, threads: int) -> argparse.ArgumentParser:
    """Return a parser of where to time, how often and on how many threads."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, default=threads)
    return parser


def begun(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return what was asked for, its number of threads set; memory is kept as the command line does."""
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_freed_memory()
    return asked


def describe_machine() -> dict[str, Any]:
    """Return what a speed depends on: processor, cores, memory, load, accelerator and versions."""
    cuda = torch.cuda.is_available()
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_1min": round(os.getloadavg()[0], 2),
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
    }


def write_result(name: str, payload: Mapping[str, Any], *, device: str = "cpu") -> Path:
    """Write ``results/<name>.json`` with the payload and the machine, and return its path.

    Parameters
    ----------
    name
        The benchmark's name, without an ending.
    payload
        Anything JSON can hold; units belong in the keys (``seconds``, ``mb_per_s``).
    device
        Where it was measured; another than the processor is part of the name.
    """
    name = name if device == "cpu" else f"{name}_{device.split(':')[0]}"
    path = RESULTS / f"{name}.json"
    document = {"benchmark": name, "machine": describe_machine(), **payload}
    write_text(path, json.dumps(document, indent=2) + "\n")
    return path


def timed(function: Callable[[], object], repeats: int) -> list[float]:
    """Return the seconds of each of several calls, in order; a first call to warm up is the caller's choice."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
