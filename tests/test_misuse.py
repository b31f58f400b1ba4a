"""The Python API called with what it cannot take: one sentence that names the argument, never a raw TypeError."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import holdfast
from holdfast.core.errors import ConfigError, HoldfastError, InputError
from holdfast.data.arrays import Places
from holdfast.data.build import build
from holdfast.data.simulate import SimulationConfig
from holdfast.io.records import LabelledSequences
from holdfast.motifs.database import jaspar_motif

CODES = np.random.default_rng(0).integers(0, 4, (40, 30), dtype=np.uint8)
LABELS = (np.arange(40) % 2).astype(np.int8)[:, None]
DATA = holdfast.SequenceDataset.in_memory(CODES, LABELS)
SHIFT = holdfast.Shift(context=30, window=24)
MODEL = holdfast.KmerLogistic(k=3)
FAST = holdfast.recipe("fast", {"epochs": 1})


def in_memory(**changes: Any) -> object:
    return holdfast.SequenceDataset.in_memory(**({"codes": CODES, "labels": LABELS} | changes))


def records(**changes: Any) -> LabelledSequences:
    fields: dict[str, Any] = {"codes": CODES, "labels": LABELS, "names": tuple(map(str, range(40))), "source": "here"}
    return LabelledSequences(**(fields | changes))


def fit(**changes: Any) -> object:
    attack = holdfast.CentreShift(shift=SHIFT)
    given: dict[str, Any] = {"model": holdfast.HoldfastNet(), "train": DATA, "validation": DATA, "attack": attack}
    return holdfast.fit(**(given | {"recipe": FAST} | changes))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: holdfast.Shift(context="30", window=20), "shift: context is '30'; expected a whole number"),
        (lambda: holdfast.Shift(context=30, window=20.5), "shift: window is 20.5; expected a whole number"),
        (lambda: holdfast.Shift(context=30, window=20, max_shift=1.5), "max_shift is 1.5; expected .* or nothing"),
        (lambda: holdfast.Shift(context=30, window=20, protect_core=1), "protect_core is 1; expected true or false"),
        (lambda: in_memory(codes=CODES.tolist()), "codes is of type list; expected a numpy array of uint8"),
        (lambda: in_memory(codes=None), "codes is of type NoneType"),
        (lambda: in_memory(labels=[1] * 40), "labels is of type list; expected a numpy array of int8"),
        (lambda: in_memory(codes=torch.from_numpy(CODES)), "codes is of type Tensor"),
        (lambda: in_memory(split=[0] * 40), "split is of type list"),
        (lambda: in_memory(codes=CODES[:, :0]), "at least one base and one task"),
        (lambda: in_memory(labels=LABELS[:, :0], tasks=()), "at least one base and one task"),
        (lambda: in_memory(tasks="bound"), "tasks is 'bound'; expected a list of different names"),
        (lambda: in_memory(tasks=(1,)), r"tasks is \(1,\)"),
        (lambda: in_memory(tasks=None), "tasks is None"),
        (lambda: in_memory(places=["a"] * 40), "places is of type list"),
        (lambda: holdfast.audit(MODEL, CODES, SHIFT), "audit: data is a.* ndarray; expected a SequenceDataset"),
        (lambda: holdfast.audit(lambda x: x, DATA, SHIFT), "audit: model is of type function; expected Module"),
        (lambda: holdfast.audit(MODEL, DATA, (30, 20)), "audit: shift is of type tuple; expected Shift"),
        (lambda: holdfast.audit(MODEL, DATA, SHIFT, n_try=1.5), "audit: n_try is 1.5"),
        (lambda: holdfast.audit(MODEL, DATA, SHIFT, n_fragile=-1), "audit: n_fragile is -1"),
        (lambda: holdfast.audit(MODEL, DATA, SHIFT, seed="a"), "audit: seed is 'a'"),
        (lambda: holdfast.audit(MODEL, DATA, SHIFT, device=3), "device is 3; expected auto, cpu"),
        (lambda: holdfast.audit(nn.LazyLinear(1), DATA, SHIFT), "LazyLinear has parameters that get their shape"),
        (lambda: holdfast.scan(MODEL, CODES, SHIFT), "scan: codes is of type ndarray; expected Tensor"),
        (lambda: holdfast.scan(MODEL, torch.zeros(2, 4, 30), SHIFT), r"float32 \(2, 4, 30\); expected torch.uint8"),
        (lambda: holdfast.WorstShift(shift=20), "WorstShift: shift is of type int; expected Shift"),
        (lambda: holdfast.WorstShift(shift=SHIFT, loss="xe"), "loss is of type str; expected ShiftLoss"),
        (lambda: holdfast.SampledWorstShift(shift=SHIFT, n_try="x"), "n_try is 'x'"),
        (lambda: fit(train=CODES), "fit: train is of type ndarray; expected SequenceDataset"),
        (lambda: fit(recipe="fast"), "fit: recipe is of type str; expected Recipe"),
        (lambda: fit(attack="worst"), "fit: attack is of type str"),
        (lambda: fit(model=nn.Linear(3, 3)), "fit: model is of type Linear; expected SequenceModel"),
        (lambda: fit(seed="a"), "fit: seed is 'a'"),
        (lambda: holdfast.recipe(None), "preset is empty; expected a word"),
        (lambda: holdfast.recipe("fast", ["epochs"]), "overrides is .*; expected a mapping or nothing"),
        (lambda: DATA.take([[1], [1, 2]]), "positions have to be"),
        (lambda: list(DATA.batches("a")), "batch size 'a': expected a whole number"),
        (lambda: list(DATA.batches(1.5)), "batch size 1.5: expected"),
        (lambda: DATA.part(0), "unknown part '0'"),
        (lambda: holdfast.simulate("SP1", jaspar_motif), "simulation: config is of type str"),
        (lambda: SimulationConfig.parse({"positives": 10**15}), "positives is 10+; expected .*to 100000000"),
        (lambda: SimulationConfig.parse({"transition": [[float("nan")] * 4] * 4}), "0.0 is nan; expected a number"),
        (lambda: records(codes=CODES.tolist()), "codes is of type list"),
        (lambda: records(group=[1] * 40), "group is of type list"),
        (lambda: records(names="a" * 40), "names is one text"),
        (lambda: build(records(), "nowhere", negatives="shufle"), "negatives is 'shufle'; expected 'given' or"),
        (lambda: build(records(), "nowhere", split="fractions"), "split is 'fractions'; expected one of its classes"),
        (lambda: build(records(), "nowhere", seed="x"), "seed is 'x'"),
        (lambda: holdfast.train("page.yaml", "nowhere"), "experiment is of type str; expected Experiment"),
        (lambda: holdfast.write_report(["runs"], "nowhere"), "'runs' is no run"),
    ],
)
def test_an_argument_that_cannot_be_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises((InputError, ConfigError), match=words) as caught:
        call()
    assert isinstance(caught.value, HoldfastError)


def test_numbers_of_numpy_are_taken_everywhere() -> None:
    shift = holdfast.Shift(context=np.int64(30), window=np.int32(24), max_shift=np.uint8(2))
    assert type(shift.window) is int
    numbers = {"n_try": np.int64(2), "bootstrap": np.int32(3), "n_fragile": np.uint8(2), "seed": np.int64(1)}
    found = holdfast.audit(MODEL, DATA, shift, output="logits", **numbers)
    plain = holdfast.audit(MODEL, DATA, shift, output="logits", n_try=2, bootstrap=3, n_fragile=2, seed=1)
    dumps = [one.record.model_dump_json(exclude={"seconds"}) for one in (found, plain)]
    assert dumps[0] == dumps[1]
    assert holdfast.SampledWorstShift(shift=shift, n_try=np.int64(3), seed=np.int16(4)).n_try == 3
    assert sum(len(batch) for batch in DATA.batches(np.int64(7))) == 40
    assert holdfast.recipe("fast", {"epochs": np.int64(3), "learning_rate": np.float32(0.5)}).learning_rate == 0.5
    assert in_memory(places=Places(names=("a",) * 40))


def test_a_torch_device_is_a_device() -> None:
    found = holdfast.audit(MODEL, DATA, SHIFT, output="logits", device=torch.device("cpu"), bootstrap=2)
    assert found.record.n_windows_scanned == 280
