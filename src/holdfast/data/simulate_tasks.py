"""A simulated data set of many tasks, of the shape of DeepSEA's: long contexts, sparse labels, stored both strands.

Each task has a motif; an example bound in it carries a site of that motif in the middle of its context. The second half
of every part is the reverse complement of the first. Memory does not grow with the number of examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from holdfast.core.errors import InputError
from holdfast.core.parameters import read_page
from holdfast.core.random import numpy_generator
from holdfast.data.arrays import Places
from holdfast.data.background import background_sequences, transitions
from holdfast.data.dataset import SequenceDataset
from holdfast.data.manifest import Provenance
from holdfast.data.parts import PARTS
from holdfast.data.planting import place_anywhere, plant
from holdfast.data.simulate import Site
from holdfast.data.store import StoreWriter
from holdfast.dna.codes import Codes
from holdfast.dna.edit import reverse_complement

__all__ = ["ManyTasksConfig", "simulate_tasks"]

# Examples made at a time.
BLOCK = 4_096
# Tasks differ in how often they bind by up to this factor.
SPREAD = 8.0


class ManyTasksConfig(BaseModel):
    """What to simulate. The defaults are a hundredth of DeepSEA's 4.4 million examples.

    Parameters
    ----------
    tasks
        Each with a motif of its own.
    train, validation, test
        Examples of each part, both strands counted: even numbers.
    context
        Bases per example.
    margin_bp
        Bases at either end of a context that carry no site. With 300 of 1,200, every window of 900 or more holds all
        sites.
    bound
        Mean share of bound examples over the tasks; single tasks have up to 8 times another's.
    absent
        Tasks without a bound example in the test part; fewer than there are.
    gc
        Share of G and C in the background.
    seed
        Another seed, other data.

    Examples
    --------
    >>> ManyTasksConfig(tasks=30, train=100).absent
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: int = Field(default=690, ge=2)
    train: int = Field(default=44_000, ge=2)
    validation: int = Field(default=80, ge=2)
    test: int = Field(default=4_550, ge=2)
    context: int = Field(default=1_200, ge=1)
    margin_bp: int = Field(default=300, ge=0)
    bound: float = Field(default=0.015, gt=0, le=0.1)
    absent: int = Field(default=5, ge=0)
    gc: float = Field(default=0.45, gt=0, lt=1)
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> ManyTasksConfig:
        for part in PARTS:
            if getattr(self, part) % 2:
                raise ValueError(f"{part} has to be even: its second half is the reverse complement of the first")
        if 2 * self.margin_bp >= self.context:
            raise ValueError(f"two margins of {self.margin_bp} bp leave nothing of a context of {self.context} bp")
        if self.absent >= self.tasks:
            raise ValueError(f"{self.absent} of {self.tasks} tasks absent from test leave none; choose fewer (absent)")
        return self

    @classmethod
    def parse(cls, values: dict[str, object]) -> ManyTasksConfig:
        """Return a configuration from plain values.

        Raises
        ------
        ConfigError
            Naming the value that is wrong.
        """
        return read_page(cls, values, where="simulation")


def simulate_tasks(
    config: ManyTasksConfig, motifs: Sequence[Site], path: Path, *, overwrite: bool = False
) -> SequenceDataset:
    """Draw examples of many tasks and store them as a data set.

    Parameters
    ----------
    config
        What to simulate.
    motifs
        One for each task at least, of different names; the first ones are taken.
    path
        The folder to make.
    overwrite
        Replace a data set of that name.

    Raises
    ------
    InputError
        If there are fewer motifs than tasks, one does not fit between the margins, or the folder cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> from holdfast.motifs.database import jaspar_motif
    >>> config = ManyTasksConfig(tasks=2, train=8, validation=4, test=4, context=60, margin_bp=10, absent=1)
    >>> folder = Path(tempfile.mkdtemp()) / "tasks"
    >>> data = simulate_tasks(config, [jaspar_motif("SP1"), jaspar_motif("MAFK")], folder)
    >>> len(data), data.tasks, data.part("test").labels.sum(axis=0).min().item()
    (16, ('SP1', 'MAFK'), 0)
    """
    chosen = list(motifs[: config.tasks])
    if len(chosen) < config.tasks:
        raise InputError(f"{len(chosen)} motifs for {config.tasks} tasks; ask for fewer tasks")
    free = config.context - 2 * config.margin_bp
    for motif in chosen:
        if motif.width > free:
            raise InputError(
                f"motif '{motif.name}' of {motif.width} bp does not fit into the {free} bp between margins"
            )
    provenance = Provenance(
        source=f"simulated: {config.tasks} motifs planted in a first-order background, seed {config.seed}",
        negatives="examples of other tasks",
        groups="an example and its reverse complement",
        split="simulated apart; the second half of a part is the reverse complement of the first",
        seed=config.seed,
    )
    tasks = [motif.name for motif in chosen]
    with StoreWriter(path, context=config.context, tasks=tasks, provenance=provenance, overwrite=overwrite) as writer:
        first = 0
        for number, part in enumerate(PARTS):
            half = getattr(config, part) // 2
            for reverse in (False, True):
                for start, codes, labels in _blocks(config, chosen, part, half):
                    rows = np.arange(start, start + len(codes))
                    writer.append(
                        reverse_complement(codes) if reverse else codes,
                        labels,
                        split=np.full(len(codes), number, dtype=np.uint8),
                        group=(first + rows).astype(np.int64),
                        places=Places(names=tuple(f"{part}_{row}{'_rc' if reverse else ''}" for row in rows)),
                    )
            first += half
    return SequenceDataset.open(path, verify=False)


def _blocks(
    config: ManyTasksConfig, motifs: Sequence[Site], part: str, half: int
) -> Iterator[tuple[int, Codes, NDArray[np.int8]]]:
    """Yield (first row, codes, labels) of a part's forward half; asked again, the same ones."""
    share = _shares(config)
    if part == "test":
        absent = numpy_generator(config.seed, "absent").permutation(config.tasks)[: config.absent]
        share[absent] = 0.0
    for start in range(0, half, BLOCK):
        rng = numpy_generator(config.seed, "many tasks", part, start)
        count = min(BLOCK, half - start)
        codes = background_sequences(transitions(config.gc), count, config.context, rng)
        labels = (rng.random((count, config.tasks)) < share).astype(np.int8)
        _plant(config, motifs, codes, labels, rng)
        yield start, codes, labels


def _shares(config: ManyTasksConfig) -> NDArray[np.float64]:
    """Return (T,) shares of bound examples, log-uniform, of the mean that was asked for."""
    share = SPREAD ** numpy_generator(config.seed, "shares").random(config.tasks)
    return np.asarray(share * (config.bound / share.mean()))


def _plant(
    config: ManyTasksConfig,
    motifs: Sequence[Site],
    codes: Codes,
    labels: NDArray[np.int8],
    rng: np.random.Generator,
) -> None:
    """Write a site for every label, in place; where none fits any more, the example is not bound."""
    middle = codes[:, config.margin_bp : config.context - config.margin_bp]
    taken = np.zeros(middle.shape, dtype=bool)
    for task, motif in enumerate(motifs):
        rows = np.flatnonzero(labels[:, task])
        if not len(rows):
            continue
        held, full = middle[rows], taken[rows]
        start = place_anywhere(full, motif.width, rng)
        plant(held, motif.sample(rng, len(rows)), start, full, rng)
        middle[rows], taken[rows] = held, full
        labels[rows[start < 0], task] = 0
