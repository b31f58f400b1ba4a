"""Attention maps laid over the bases: where a model's attention falls, and which places attend to which."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Size, check_values
from holdfast.dna.codes import UNKNOWN, Codes, one_hot
from holdfast.interpret.asking import home_of, windows_of
from holdfast.interpret.geometry import Geometry, Layer, layer_geometry
from holdfast.models.attention import Attention
from holdfast.models.self_attention import SelfAttention

__all__ = [
    "AttentionMap",
    "AttentionPairs",
    "AttentionWindows",
    "Centre",
    "attention_maps",
    "block_boundaries",
    "clustered",
    "max_attention_windows",
    "strongest_pairs",
]

BATCH = 64
# Share of heads or channels whose attention varies most along the steps, as published for DeepGRN.
MOST_VARIED = 0.1
Centre = Literal["blocks", "field"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionMap:
    """The attention of one layer on N windows.

    Parameters
    ----------
    layer
        Its name in the model.
    codes
        (N, W) uint8.
    weights
        (N, H, Q, K) float32: how much query q takes of step k, in head or channel h. Q is 1 where attention is one
        weight a step, and K where all pairs of steps have one.
    geometry
        Which bases each of the K steps sees.
    """

    layer: str
    codes: Codes
    weights: NDArray[np.float32]
    geometry: Geometry

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def received(self) -> NDArray[np.float32]:
        """(N, H, K): what each step is given by all queries together."""
        return np.asarray(self.weights.sum(axis=2))

    @property
    def per_base(self) -> NDArray[np.float32]:
        """(N, W): at each base the mean, over heads and over the steps that see it, of what is received.

        Not-a-number where no step sees.
        """
        return self._laid(self.received.mean(axis=1))

    @property
    def varied(self) -> NDArray[np.int64]:
        """(N, M) heads or channels: the tenth, one at least, whose attention varies most along the steps."""
        spread = self.received.var(axis=2)
        most = max(1, math.ceil(MOST_VARIED * spread.shape[1]))
        return np.argsort(-spread, axis=1, kind="stable")[:, :most]

    @property
    def focus(self) -> NDArray[np.float32]:
        """(N, W): as ``per_base``, the mean over the heads or channels of ``varied`` alone."""
        return self._laid(np.take_along_axis(self.received, self.varied[:, :, None], axis=1).mean(axis=1))

    @property
    def edges(self) -> NDArray[np.float32]:
        """(K + 1,): from where to where a step is drawn, a jump wide about the middle of the bases that it sees."""
        shape = self.geometry
        first = shape.first + (shape.width - shape.jump) / 2
        return np.asarray(first + shape.jump * np.arange(shape.positions + 1), dtype=np.float32)

    def _laid(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, W), at each base the mean of what the steps that see it are given."""
        shape = self.geometry
        base = np.arange(shape.window)
        sees = (base >= shape.starts[:, None]) & (base < shape.ends[:, None])  # (K, W)
        share = sees / np.maximum(1, sees.sum(axis=0))
        return np.where(sees.any(axis=0), given @ share, np.nan).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionWindows:
    """The bases around the step that is attended to most, one window for each of N examples.

    Parameters
    ----------
    codes
        (N, width) uint8; unknown beyond the ends of what was given.
    start
        (N,) int64, the windows' first bases, from the first base of what was given; may be negative.
    step
        (N,) int64.
    head
        (N,) int64: the head or channel with the largest attention of all.
    weight
        (N,) float32, what the step receives there.
    """

    codes: Codes
    start: NDArray[np.int64]
    step: NDArray[np.int64]
    head: NDArray[np.int64]
    weight: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionPairs:
    """The M pairs of steps that interact most, for each of N examples, strongest first.

    Parameters
    ----------
    query, key
        (N, M) int64 steps: the query takes from the key.
    weight
        (N, M) float32, the mean over heads.
    query_bases, key_bases
        (N, M, 2) int64, the bases ``[start, end)`` that each step sees.
    """

    query: NDArray[np.int64]
    key: NDArray[np.int64]
    weight: NDArray[np.float32]
    query_bases: NDArray[np.int64]
    key_bases: NDArray[np.int64]


def attention_maps(
    model: nn.Module, codes: Tensor | Codes, *, device: torch.device | None = None
) -> tuple[AttentionMap, ...]:
    """Return the attention of every layer of a model that has some, on the windows as given.

    A model takes part by a method ``attention(sequence)`` that returns one weight a step, (N, K), as
    :class:`~holdfast.models.tbinet.TBiNet` does, or by layers of :mod:`holdfast.models.attention` or
    :mod:`holdfast.models.self_attention` anywhere inside. A layer that is called for both strands is shown on the
    forward one.

    Parameters
    ----------
    model
        Any module; asked in eval mode and given back as it came.
    codes
        (N, W) uint8 windows.
    device
        Where to compute; where the model is, if not given.

    Raises
    ------
    InputError
        If the model has no attention, cannot read the windows, or the steps cannot be placed on the bases.

    Examples
    --------
    >>> from holdfast.models.tbinet import TBiNet
    >>> (found,) = attention_maps(TBiNet(window=64), np.zeros((2, 64), dtype=np.uint8))
    >>> found.weights.shape, found.per_base.shape, found.geometry.jump
    ((2, 1, 1, 3), (2, 64), 13)
    """
    windows = windows_of(codes, model, 0)
    parts: dict[str, list[Tensor]] = {}
    with evaluating(model, home_of(model, device)) as asked:
        for block in windows.split(BATCH):
            for name, weights in _weights(asked, one_hot(block.to(home_of(model, device)))).items():
                parts.setdefault(name, []).append(weights.float())
    if not parts:
        raise InputError(
            f"{type(model).__name__} has no attention that can be shown: neither a method attention(sequence) nor"
            " layers of holdfast.models.attention or holdfast.models.self_attention; tbinet, deepgrn and a modular"
            " model with an attention block have some"
        )
    return tuple(
        AttentionMap(
            layer=name,
            codes=windows.numpy(),
            weights=torch.cat(found).numpy(force=True),
            geometry=_step_geometry(model, name, windows.shape[1], found[0].shape[-1]),
        )
        for name, found in parts.items()
    )


def block_boundaries(window: int, steps: int) -> NDArray[np.int64]:
    """Return (steps + 1,) boundaries that cut a window into even blocks, as the authors of DeepGRN cut signal tracks.

    Examples
    --------
    >>> block_boundaries(10, 4).tolist()
    [0, 2, 5, 7, 10]
    """
    return np.floor(np.linspace(0, window, steps + 1)).astype(np.int64)


def max_attention_windows(
    found: AttentionMap,
    *,
    width: Size = 20,
    centre: Centre = "field",
    contexts: Codes | None = None,
    offset: Count = 0,
) -> AttentionWindows:
    """Return the bases around the step of the greatest attention, ``[centre - width / 2, centre + width / 2)``.

    Parameters
    ----------
    found
        Attention of pairs counts by what a step receives from all queries.
    width
        In bp; the published width is 20.
    centre
        ``field``: in the middle of the bases that the step sees. ``blocks``: step t of K has its centre at
        round((t + 1) / K * W), as published; in a window of few steps that is far from what the step sees.
    contexts
        (N, L) uint8, to read bases beyond the window from; the windows themselves, if not given.
    offset
        Of the windows in the contexts.

    References
    ----------
    Chen et al. (2021), doi:10.1186/s12859-020-03952-1.
    """
    given = {"width": width, "centre": centre, "offset": offset}
    check_values(max_attention_windows, given, "max_attention_windows")
    received = found.received
    best = received.reshape(len(found), -1).argmax(axis=1)
    head, step = np.divmod(best, received.shape[2])
    start = _centres(found.geometry, centre)[step] - width // 2 + offset
    bases = found.codes if contexts is None else contexts
    if len(bases) != len(found):
        raise InputError(f"contexts are {len(bases)} for {len(found)} windows")
    place = start[:, None] + np.arange(width)
    inside = (place >= 0) & (place < bases.shape[1])
    there = np.take_along_axis(bases, np.clip(place, 0, bases.shape[1] - 1), axis=1)
    return AttentionWindows(
        codes=np.where(inside, there, UNKNOWN).astype(np.uint8),
        start=start,
        step=step,
        head=head,
        weight=received[np.arange(len(found)), head, step],
    )


def strongest_pairs(found: AttentionMap, *, top: Size = 10, min_distance: Count = 1) -> AttentionPairs:
    """Return the pairs of steps with the most attention, mean over heads.

    Parameters
    ----------
    found
        Attention of pairs.
    top
        M, at most the number of pairs.
    min_distance
        Steps between query and key at least; 1 leaves out only what a step takes of itself.

    Raises
    ------
    InputError
        If the attention is not one of pairs, or no two steps are so far apart.

    References
    ----------
    Ullah & Ben-Hur (2021), doi:10.1093/nar/gkab349.
    """
    check_values(strongest_pairs, {"top": top, "min_distance": min_distance}, "strongest_pairs")
    n, _, queries, steps = found.weights.shape
    if queries != steps:
        raise InputError(f"layer '{found.layer}' has one weight a step; interactions need attention between pairs")
    far = np.abs(np.arange(steps)[:, None] - np.arange(steps)) >= min_distance
    if not far.any():
        raise InputError(f"no two of {steps} steps are {min_distance} apart")
    weights = np.where(far, found.weights.mean(axis=1), -np.inf).reshape(n, -1)
    order = np.argsort(-weights, axis=1, kind="stable")[:, : min(top, int(far.sum()))]
    query, key = np.divmod(order, steps)
    bases = np.stack([found.geometry.starts, found.geometry.ends], axis=1)
    return AttentionPairs(
        query=query,
        key=key,
        weight=np.take_along_axis(weights, order, axis=1),
        query_bases=bases[query],
        key_bases=bases[key],
    )


def clustered(found: AttentionMap) -> NDArray[np.int64]:
    """Return (N, H) heads or channels with like beside like: the leaves of average linkage, as DeepGRN's are drawn."""
    given = found.received
    if given.shape[1] < 3:
        return np.tile(np.arange(given.shape[1]), (len(given), 1))
    trees = (linkage(rows, method="average", optimal_ordering=True) for rows in given.astype(np.float64))
    return np.stack([leaves_list(tree) for tree in trees]).astype(np.int64)


def _centres(geometry: Geometry, kind: str) -> NDArray[np.int64]:
    if kind == "field":
        return (geometry.starts + geometry.ends) // 2
    steps = np.arange(1, geometry.positions + 1)
    return np.round(steps / geometry.positions * geometry.window).astype(np.int64)


def _attentive(model: nn.Module) -> dict[str, nn.Module]:
    return {name: one for name, one in model.named_modules() if isinstance(one, Attention | SelfAttention)}


def _own_method(model: nn.Module) -> Callable[[Tensor], Tensor] | None:
    method: Any = getattr(model, "attention", None)
    return method if callable(method) and not isinstance(method, nn.Module) else None


def _weights(model: nn.Module, sequence: Tensor) -> dict[str, Tensor]:
    """Return (N, H, Q, K) weights by layer, of each layer's first call."""
    method = _own_method(model)
    if method is not None:
        return {"attention": method(sequence)[:, None, None]}
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if name not in seen:
                seen[name] = module.maps(inputs[0])  # type: ignore[operator]

        return look

    handles = [module.register_forward_pre_hook(keep(name)) for name, module in _attentive(model).items()]
    try:
        if handles:
            model(sequence)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _step_geometry(model: nn.Module, name: str, window: int, steps: int) -> Geometry:
    """Return where the steps look: as the last layer with so many positions does that sees no more than it must."""
    if steps == window:
        return Geometry(first=0, jump=1, width=1, positions=window, window=window)
    for candidate in reversed(_layers_before(model, name, window, steps)):
        try:
            found = layer_geometry(model, Layer(model, candidate), window)
        except InputError:
            continue
        if found.positions == steps:
            return found
    raise InputError(f"the {steps} steps of layer '{name}' cannot be placed on the window of {window} bp")


def _layers_before(model: nn.Module, name: str, window: int, steps: int) -> list[str]:
    """Return the layers, in the order of their answers, that give (N, C, steps) before some layer is called."""
    order: list[str] = []
    reached: list[bool] = []

    def note(layer: str) -> Callable[[nn.Module, object, object], None]:
        def look(module: nn.Module, inputs: object, output: object) -> None:
            if not reached and isinstance(output, Tensor) and output.ndim == 3 and output.shape[2] == steps:
                order.append(layer)

        return look

    modules = dict(model.named_modules())
    handles = [module.register_forward_hook(note(layer)) for layer, module in modules.items() if layer]
    if name in modules:
        handles.append(modules[name].register_forward_pre_hook(lambda module, inputs: reached.append(True)))
    home = home_of(model)
    try:
        with evaluating(model, home):
            model(torch.zeros(1, 4, window, device=home))
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(order))
