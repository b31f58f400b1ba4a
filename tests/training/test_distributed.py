"""Two processes under torchrun train the model that one process trains."""

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

SCRIPT = """
import gc, os, sys
import numpy as np, torch
from safetensors.torch import save_file
from holdfast.data.dataset import SequenceDataset
from holdfast.models import MODELS
from holdfast.robustness.attacks import WorstShift
from holdfast.robustness.shift import Shift
from holdfast.training.fit import fit
from holdfast.training.recipe import recipe

def parting():
    # A wrapper that outlived the group would close its connections while it holds the lock their threads wait for.
    assert not [held for held in gc.get_objects() if isinstance(held, torch.nn.parallel.DistributedDataParallel)]
    partings.append(destroy())

destroy, partings = torch.distributed.destroy_process_group, []
torch.distributed.destroy_process_group = parting
torch.set_num_threads(1)
rng = np.random.default_rng(0)
codes = rng.integers(0, 4, (96, 50), dtype=np.uint8)
labels = (np.arange(96) % 2).astype(np.int8)[:, None]
codes[::2, 20:26] = 1
held_out = np.isin(np.arange(96) % 4, (0, 1))
data = SequenceDataset.in_memory(codes, labels, split=held_out.astype(np.uint8))
torch.manual_seed(0)
model = MODELS["pap_megyeri"](padding="valid", regularised=False)
changes = {"epochs": 2, "batch_size": 24, "learning_rate": 1e-3, "curriculum": (), "mixture": 0}
changes["on_collapse"] = "report"
world = int(os.environ.get("WORLD_SIZE", 1))
fitted = fit(
    model, data.part("train"), data.part("validation"), WorstShift(shift=Shift(context=50, window=44)),
    recipe("fast", changes), device="cpu", devices=world,
)
assert len(partings) == (world > 1)
if int(os.environ.get("RANK", 0)) == 0:
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, sys.argv[1])
"""


def test_two_processes_train_the_model_that_one_trains(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    alone, both = tmp_path / "alone.safetensors", tmp_path / "both.safetensors"
    subprocess.run([sys.executable, script, alone], check=True, capture_output=True, timeout=200)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*launcher, script, both], check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = load_file(alone), load_file(both)
    for name, tensor in one.items():
        # The halves of a batch are averaged in another order; Adam turns rounding into steps of up to its rate.
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=1e-4, msg=name)
