"""Simulated binding data: a known matrix planted in a known place of a first-order background, and the truth kept.

Motifs are handed in (``simulate(config, jaspar_motif)``), so that this module needs no data base.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from holdfast.core.errors import InputError
from holdfast.core.parameters import check_values, read_page
from holdfast.core.random import numpy_generator
from holdfast.data.background import background_sequences, transitions
from holdfast.data.planting import place_anywhere, place_near_centre, plant
from holdfast.dna.codes import Codes
from holdfast.dna.shuffle import dinucleotide_shuffle
from holdfast.io.records import LabelledSequences

__all__ = ["TRUTH", "Simulation", "SimulationConfig", "Site", "read_truth", "simulate"]

TRUTH = "truth.parquet"
_TRUTH_COLUMNS = ("example", "motif", "source", "role", "start", "end", "strand", "weak")


class Site(Protocol):
    """What a simulation asks of a motif; :class:`holdfast.motifs.motif.Motif` is one."""

    @property
    def name(self) -> str:
        """Of the factor."""

    @property
    def source(self) -> str:
        """Where the matrix comes from."""

    @property
    def width(self) -> int:
        """Positions."""

    def sample(self, rng: np.random.Generator, count: int) -> Codes:
        """Return (count, W) uint8 sites."""

    def flattened(self, power: float) -> Site:
        """Return a motif of weaker sites."""


class SimulationConfig(BaseModel):
    """What to simulate; one transcription factor.

    Parameters
    ----------
    tf
        Name or id of the factor's motif.
    positives
        Bound examples; there are as many unbound ones.
    context
        Bases per example.
    spread_bp
        Standard deviation of the core's middle around the middle of the context; cores stay inside. With
        15 of 101 bp and a window of 75, four cores in five lie in every window and one in thirty is cut by the
        central one.
    gc
        Share of G and C in the background.
    transition
        (4, 4) first-order transition probabilities of the background, rows and columns A, C, G, T, in place of ``gc``.
    weak_fraction
        Share of positives whose sites are drawn from the matrix to the power ``weak_power``.
    weak_power
        1 is as strong as the others, 0 has no information.
    sites
        Sites per positive: the core, and others anywhere else.
    decoys
        Motifs planted anywhere in examples of both classes.
    decoy_rate
        Share of examples that carry a given decoy.
    label_noise
        Share of examples whose label is flipped; the truth still tells where the sites are.
    negatives
        ``shuffle``: each positive, dinucleotides shuffled, before decoys are planted; ``background``: new background.
    seed
        Another seed, other data.

    Examples
    --------
    >>> SimulationConfig(positives=100).context
    101
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tf: str = "SP1"
    positives: int = Field(default=4000, ge=1, le=100_000_000)
    context: int = Field(default=101, ge=1, le=1_000_000)
    spread_bp: float = Field(default=15.0, gt=0)
    gc: float = Field(default=0.45, gt=0, lt=1)
    transition: tuple[tuple[float, ...], ...] | None = None
    weak_fraction: float = Field(default=0.2, ge=0, le=1)
    weak_power: float = Field(default=0.5, ge=0, le=1)
    sites: int = Field(default=1, ge=1, le=1000)
    decoys: tuple[str, ...] = ()
    decoy_rate: float = Field(default=0.5, ge=0, le=1)
    label_noise: float = Field(default=0.0, ge=0, lt=0.5)
    negatives: Literal["shuffle", "background"] = "shuffle"
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> SimulationConfig:
        if self.transition is not None:
            rows = np.array([row for row in self.transition if len(row) == 4], dtype=np.float64)
            if rows.shape != (4, 4) or (rows < 0).any() or np.abs(rows.sum(axis=1) - 1).max() > 1e-6:
                raise ValueError("transition has to be 4 rows of 4 probabilities that add up to 1")
        return self

    @classmethod
    def parse(cls, values: dict[str, object]) -> SimulationConfig:
        """Return a configuration from plain values.

        Raises
        ------
        ConfigError
            Naming the value that is wrong.
        """
        return read_page(cls, values, where="simulation")


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """Simulated examples and the truth about them.

    Parameters
    ----------
    records
        Positives first, then negatives; a positive and its own shuffle share a group.
    core
        (N, 2) int32, the core of each positive; -1, -1 for negatives.
    truth
        One row per planted site: example, motif, source, role (``core``, ``site``, ``decoy``), start, end, strand,
        weak.
    config
        What was asked for.
    """

    records: LabelledSequences
    core: NDArray[np.int32]
    truth: pd.DataFrame
    config: SimulationConfig

    def truth_bytes(self) -> bytes:
        """Return the truth as a Parquet file, to be kept in the data set's folder."""
        buffer = io.BytesIO()
        self.truth.to_parquet(buffer, index=False)
        return buffer.getvalue()


def simulate(config: SimulationConfig, motif_of: Callable[[str], Site]) -> Simulation:
    """Draw bound and unbound examples.

    Parameters
    ----------
    config
        What to simulate.
    motif_of
        Gives the motif of a name, such as ``holdfast.motifs.database.jaspar_motif``.

    Raises
    ------
    InputError
        If a motif is unknown or does not fit into the context.

    Examples
    --------
    >>> from holdfast.motifs.database import jaspar_motif
    >>> data = simulate(SimulationConfig(tf="MAFK", positives=3), jaspar_motif)
    >>> data.records.names
    ('MAFK_0', 'MAFK_1', 'MAFK_2', 'MAFK_0_shuf', 'MAFK_1_shuf', 'MAFK_2_shuf')
    """
    check_values(simulate, {"config": config}, "simulation")
    motif, decoys = motif_of(config.tf), [motif_of(name) for name in config.decoys]
    for one in (motif, *decoys):
        if one.width > config.context:
            raise InputError(f"motif '{one.name}' of {one.width} bp does not fit into a context of {config.context} bp")
    count = config.positives
    positives = _background(config, "positives")
    taken = np.zeros((2 * count, config.context), dtype=bool)
    truth, core = _plant_sites(config, motif, positives, taken[:count])
    if config.negatives == "shuffle":
        negatives = dinucleotide_shuffle(positives, numpy_generator(config.seed, "negatives"))
    else:
        negatives = _background(config, "negatives")
    codes = np.concatenate([positives, negatives])
    truth += [_plant_decoys(config, decoy, codes, taken) for decoy in decoys]
    return Simulation(
        records=_records(config, motif, codes),
        core=np.concatenate([core, np.full_like(core, -1)]),
        truth=pd.concat(truth, ignore_index=True),
        config=config,
    )


def read_truth(folder: Path) -> pd.DataFrame:
    """Return the truth kept in the folder of a simulated data set.

    Raises
    ------
    InputError
        If the data set was not simulated.
    """
    path = Path(folder) / TRUTH
    if not path.is_file():
        raise InputError(f"{path} is not there: {folder} was not made by `holdfast data simulate`")
    return pd.read_parquet(path)


def _background(config: SimulationConfig, purpose: str) -> Codes:
    matrix = transitions(config.gc) if config.transition is None else np.array(config.transition)
    rng = numpy_generator(config.seed, "background", purpose)
    return background_sequences(matrix, config.positives, config.context, rng)


def _plant_sites(
    config: SimulationConfig, motif: Site, codes: Codes, taken: NDArray[np.bool_]
) -> tuple[list[pd.DataFrame], NDArray[np.int32]]:
    rng = numpy_generator(config.seed, "sites")
    count = len(codes)
    weak = rng.random(count) < config.weak_fraction
    flattened = motif.flattened(config.weak_power)
    truth, core = [], np.full((count, 2), -1, dtype=np.int32)
    for number in range(config.sites):
        if number == 0:
            start = place_near_centre(config.context, motif.width, config.spread_bp, rng.random(count))
            core[:] = start[:, None] + np.array([0, motif.width])
        else:
            start = place_anywhere(taken, motif.width, rng)
        sites = np.where(weak[:, None], flattened.sample(rng, count), motif.sample(rng, count))
        strand = plant(codes, sites, start, taken, rng)
        role = "core" if number == 0 else "site"
        truth.append(_truth_rows(motif, role, start, strand, weak))
    return truth, core


def _plant_decoys(config: SimulationConfig, decoy: Site, codes: Codes, taken: NDArray[np.bool_]) -> pd.DataFrame:
    rng = numpy_generator(config.seed, "decoys", decoy.name)
    start = place_anywhere(taken, decoy.width, rng)
    start[rng.random(len(codes)) >= config.decoy_rate] = -1
    strand = plant(codes, decoy.sample(rng, len(codes)), start, taken, rng)
    return _truth_rows(decoy, "decoy", start, strand, np.zeros(len(codes), dtype=bool))


def _truth_rows(
    motif: Site, role: str, start: NDArray[np.int64], strand: NDArray[np.bool_], weak: NDArray[np.bool_]
) -> pd.DataFrame:
    planted = np.flatnonzero(start >= 0)
    columns = (
        planted,
        motif.name,
        motif.source,
        role,
        start[planted],
        start[planted] + motif.width,
        np.where(strand[planted], "-", "+"),
        weak[planted],
    )
    return pd.DataFrame(dict(zip(_TRUTH_COLUMNS, columns, strict=True)))


def _records(config: SimulationConfig, motif: Site, codes: Codes) -> LabelledSequences:
    count = config.positives
    flipped = numpy_generator(config.seed, "label noise").random(2 * count) < config.label_noise
    bound = np.repeat([True, False], count) ^ flipped
    ending = "_shuf" if config.negatives == "shuffle" else "_background"
    names = [f"{motif.name}_{i}" for i in range(count)]
    own = np.arange(count, dtype=np.int64)
    return LabelledSequences(
        codes=codes,
        labels=bound.astype(np.int8)[:, None],
        names=(*names, *(name + ending for name in names)),
        source=f"simulated: {motif.source} ({motif.name}) planted in a first-order background, seed {config.seed}",
        tasks=(motif.name,),
        group=np.concatenate([own, own if config.negatives == "shuffle" else own + count]),
    )
