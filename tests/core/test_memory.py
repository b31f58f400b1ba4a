"""Keeping freed memory."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from holdfast.core.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def churn():
    for _ in range(40):
        block = np.ones(2_000_000)  # 16 MB
        del block
churn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
churn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_temporaries_cost_no_page_faults_once_freed_memory_is_kept() -> None:
    # 16 MB are 4,096 pages; kept, the second round touches none of them anew.
    assert faults("kept") < 2_000
