"""A model that an experiment file puts together from blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.core.registry import Registry, Spec
from holdfast.models.base import ModelFacts, loop_over_windows
from holdfast.models.block import Block, check_counts, check_share
from holdfast.models.blocks import BLOCKS
from holdfast.models.layers import sliding_logsum, sliding_max, sliding_mean
from holdfast.models.pooled import READ_OUT_VALUES, PooledModel, Stage

__all__ = ["Head", "Modular"]

DEFAULT_BLOCKS: tuple[Mapping[str, object], ...] = (
    {"name": "conv", "filters": 64, "width": 15, "activation": "exponential"},
    {"name": "pool", "width": 4},
    {"name": "conv", "filters": 64, "width": 5},
)
# Known only once the blocks before are built.
GIVEN = ("in_channels", "channels", "positions", "n_tasks")
SLIDING: dict[str, Callable[[Tensor, int], Tensor]] = {
    "max": sliding_max,
    "mean": sliding_mean,
    "logsum": sliding_logsum,
}


class Head(nn.Module):
    """Pooling over the positions of a window, and dense layers.

    Parameters
    ----------
    channels
        Features per position.
    positions
        Of a window; read by ``flatten`` only.
    n_tasks
        T.
    pool
        ``max``, ``mean``, ``logsum`` (the logarithm of the sum of exponentials) or ``flatten``, which pools nothing.
    hidden
        Units of a dense layer before the last; 0 for none.
    dropout
        Before each dense layer.
    """

    def __init__(
        self,
        *,
        channels: int,
        positions: int,
        n_tasks: int,
        pool: Literal["max", "mean", "logsum", "flatten"] = "max",
        hidden: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if pool != "flatten" and pool not in SLIDING:
            raise ConfigError(f"modular: the head's pool is {', '.join(SLIDING)} or flatten, got {pool!r}")
        if hidden != 0:
            check_counts("head", hidden=hidden)
        check_share("head", dropout)
        self.slide = SLIDING.get(pool)
        width = channels if self.slide else channels * positions
        dense: list[nn.Module] = [nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU()] if hidden else []
        self.dense = nn.Sequential(*dense, nn.Dropout(dropout), nn.Linear(hidden or width, n_tasks))

    def forward(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, F, K)."""
        pooled = self.slide(features, features.shape[-1]) if self.slide else features
        logits: Tensor = self.dense(pooled.flatten(1))
        return logits


PARTS: Registry[nn.Module] = Registry("part", {"head": Head})


class Modular(PooledModel):
    """Blocks in a row and a head, as an experiment file lists them.

    Blocks up to the first attention or recurrent layer are evaluated once for all windows of a context; what follows is
    asked about each window.

    Parameters
    ----------
    blocks
        Each a name of :data:`~holdfast.models.blocks.BLOCKS`, or ``{name: ..., parameter: value, ...}``.
    head
        Parameters of :class:`Head`.
    n_tasks
        T.
    window
        Bases of a window; only a head that flattens needs it.

    Raises
    ------
    ConfigError
        Unknown block or parameter, an impossible value, or blocks that leave nothing of the window.

    References
    ----------
    Collected in the review by Koo & Ploenzke (2020), doi:10.1016/j.coisb.2020.04.001; each block names its own.

    Examples
    --------
    >>> model = Modular([{"name": "conv", "filters": 16, "width": 11}, "dilated_residual"], {"pool": "mean"})
    >>> model(torch.zeros(2, 4, 60)).shape, model.min_window, model.scans_fast
    (torch.Size([2, 1]), 41, True)
    >>> Modular(["covn"])
    Traceback (most recent call last):
    ...
    holdfast.core.errors.ConfigError: unknown block 'covn': did you mean 'conv'?
    """

    facts = ModelFacts(
        paper="Koo & Ploenzke (2020)", doi="10.1016/j.coisb.2020.04.001", window=101, n_parameters=28_929
    )

    def __init__(
        self,
        blocks: Sequence[str | Mapping[str, object]] = DEFAULT_BLOCKS,
        head: Mapping[str, object] | None = None,
        *,
        n_tasks: int = 1,
        window: int | None = None,
    ) -> None:
        super().__init__()
        self.n_tasks = n_tasks
        made, channels = _built(blocks)
        alone = next((place for place, block in enumerate(made) if not block.shared), len(made))
        stages = [Stage(block, pool=block.pool, stride=block.stride) for block in made]
        self.stages, self.rest = nn.ModuleList(stages[:alone]), nn.ModuleList(stages[alone:])
        self.min_window = self.shortest_window()
        self.widest = max((block.out_channels for block in made[alone:]), default=0)
        if window is not None and window < self.min_window:
            raise ConfigError(f"modular: these blocks read at least {self.min_window} bp, the window is {window} bp")
        asked = _head_spec(head)
        if asked.params.get("pool") == "flatten":
            if window is None:
                raise ConfigError("modular: a head that flattens needs to know the window; give window")
            self.fixed_window = window
        positions = self._positions(window) if window is not None else 0
        self.head = PARTS.build(asked, channels=channels, positions=positions, n_tasks=n_tasks)

    @staticmethod
    def resolved_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters with the defaults of blocks and head written out."""
        blocks = [BLOCKS.resolve(spec) for spec in _block_specs(params["blocks"])]
        head = PARTS.resolve(_head_spec(params["head"])).params
        return {**params, "blocks": [{"name": spec.name, **spec.params} for spec in blocks], "head": head}

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows: unless the first block sees a window as a whole."""
        return len(self.stages) > 0

    def shortest_window(self) -> int:
        """Return the shortest window, in bp, of which the last block leaves one position."""
        n = 1
        for stage in reversed(self._all_stages()):
            n = stage.n_in(n)
        return n

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window of (N, 4, L) contexts, in eval mode, shared blocks evaluated once."""
        return super().scan(sequence, window) if self.scans_fast else loop_over_windows(self, sequence, window)

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of the features (M, F, K) of M windows."""
        # Blocks of the rest may hold many more values than their input: the gates of a recurrent layer, say.
        rows = max(1, READ_OUT_VALUES // (8 * max(1, self.widest) * features.shape[-1]))
        if self.training or len(features) <= rows:
            return self._read_rows(features)
        return torch.cat([self._read_rows(part) for part in features.split(rows)])

    def _read_rows(self, features: Tensor) -> Tensor:
        for stage in self.rest:
            features = stage(features)
        logits: Tensor = self.head(features)
        return logits

    def _read(self, maps: Tensor, row: Tensor, position: Tensor, n_steps: int) -> Tensor:
        """Return the logits of windows in shared maps; a head that pools slides over them instead of copying each."""
        assert isinstance(self.head, Head)
        if len(self.rest) or self.head.slide is None:
            return super()._read(maps, row, position, n_steps)
        pooled = self.head.slide(maps, n_steps).transpose(2, 3)[:, row, position]  # (N, S, F)
        logits: Tensor = self.head.dense(pooled)
        return logits

    def _positions(self, window: int) -> int:
        for stage in self._all_stages():
            window = stage.n_out(window)
        return window

    def _all_stages(self) -> list[Stage]:
        return [stage for stage in (*self.stages, *self.rest) if isinstance(stage, Stage)]


def _built(blocks: Sequence[str | Mapping[str, object]]) -> tuple[list[Block], int]:
    """Return the blocks, each reading what the one before gives, and the features of the last."""
    made: list[Block] = []
    channels = 4
    for spec in _block_specs(blocks):
        made.append(BLOCKS.build(spec, in_channels=channels))
        channels = made[-1].out_channels
    return made, channels


def _block_specs(blocks: Sequence[str | Mapping[str, object]]) -> list[Spec]:
    if isinstance(blocks, str | Mapping) or not blocks:
        raise ConfigError(f"modular: blocks is a list of one block or more, got {blocks!r}")
    return [_block_spec(block) for block in blocks]


def _block_spec(block: object) -> Spec:
    if isinstance(block, str):
        return Spec(name=block)
    if not isinstance(block, Mapping) or not isinstance(block.get("name"), str):
        raise ConfigError(f"modular: a block is a name, or {{name: ..., parameter: value}}; got {block!r}")
    params = {str(key): value for key, value in block.items() if key != "name"}
    return _without_given(Spec(name=block["name"], params=params), f"block '{block['name']}'")


def _head_spec(head: object) -> Spec:
    if head is not None and not isinstance(head, Mapping):
        raise ConfigError(f"modular: head is a mapping such as {{pool: max, hidden: 64}}, got {head!r}")
    return _without_given(Spec(name="head", params={str(key): value for key, value in (head or {}).items()}), "head")


def _without_given(spec: Spec, words: str) -> Spec:
    for key in GIVEN:
        if key in spec.params:
            raise ConfigError(f"modular: {words} is told '{key}' by what comes before it; leave it out")
    return spec
