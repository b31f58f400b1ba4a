"""What every benchmark shares: the machine in words, timing, and one JSON file a benchmark."""

from __future__ import annotations

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

__all__ = ["RESULTS", "describe_machine", "timed", "write_result"]

RESULTS = Path(__file__).resolve().parent / "results"


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


def write_result(name: str, payload: Mapping[str, Any]) -> Path:
    """Write ``results/<name>.json`` with the payload and the machine, and return its path.

    Parameters
    ----------
    name
        The benchmark's name, without an ending.
    payload
        Anything JSON can hold; units belong in the keys (``seconds``, ``mb_per_s``).
    """
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
