"""The networks of Zeng et al. (2016), doi:10.1093/bioinformatics/btw255: one convolution, and its deeper relatives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, get_args

from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import ModelFacts, loop_over_windows
from holdfast.models.edits import Edits, dense_of_edits, max_of_edits
from holdfast.models.layers import dense_over_runs, keras_start, sliding_max
from holdfast.models.padded import max_over_padded_layer
from holdfast.models.pooled import Padding, PooledModel, Stage

__all__ = ["ZengCNN"]

Pooling = Literal["global", "local"]
MOST_LAYERS = 3


class ZengCNN(PooledModel):
    """One to three convolutions, a global or local maximum, dense 32; by default 24 x 128, global: 16,610 parameters.

    Each layer but the last is followed by local maxima; the last by the maximum over all positions, or by local maxima
    whose places the dense layer weighs. The paper's softmax over (unbound, bound) equals the sigmoid of the logit
    z1 - z0 returned here.

    Parameters
    ----------
    kernels
        Filters of each layer. The paper compares 1, 16, 32, 64 and 128 in one layer, and (16, 32) and (16, 32, 64).
    widths
        Of each layer's filters, in positions.
    padding
        Of the convolutions: ``same`` as the authors' code, or ``valid``, which lets windows share every layer. One
        layer of either with a global maximum scans fast.
    pooling
        After the last layer: ``global`` or ``local``.
    pool
        Positions under a local maximum.
    dropout
        Before the output; the authors searched 0.1, 0.5 and 0.75.
    window
        W; with local pooling, the dense layer is built for its number of positions.
    n_tasks
        T; each task has its own pair of outputs.

    Raises
    ------
    ConfigError
        Other than one to three layers, a width for each, positive sizes and known names; a window that is too short.

    References
    ----------
    The default: the authors' public code, trained there by AdaDelta in batches of 100. The deeper and local relatives
    are recalled from the paper, which leaves the widths behind the first layer and the local window to be chosen here.

    Examples
    --------
    >>> model = ZengCNN()
    >>> sum(p.numel() for p in model.parameters())
    16610
    >>> deeper = ZengCNN((16, 32, 64), (24, 8, 4), pooling="local", pool=2, window=101)
    >>> [stage.n_out(101) for stage in deeper.stages], deeper.n_steps(101)
    ([50, 50, 50], 12)
    """

    facts = ModelFacts(paper="Zeng et al. (2016)", doi="10.1093/bioinformatics/btw255", window=101, n_parameters=16_610)

    def __init__(
        self,
        kernels: tuple[int, ...] = (128,),
        widths: tuple[int, ...] = (24,),
        *,
        padding: Padding = "same",
        pooling: Pooling = "global",
        pool: int = 4,
        hidden: int = 32,
        dropout: float = 0.5,
        window: int = 101,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        _refuse_impossible(kernels, widths, pooling, pool, hidden)
        pools = [pool] * (len(kernels) - 1) + [pool if pooling == "local" else 1]
        shapes = zip(pairwise((4, *kernels)), widths, pools, strict=True)
        self.stages = nn.ModuleList(
            Stage(nn.Sequential(nn.Conv1d(*channels, width), nn.ReLU()), pool=pool, padding=padding)
            for channels, width, pool in shapes
        )
        self.pooling, self.n_tasks, self.min_window = pooling, n_tasks, self.shortest_window()
        self.fixed_window = window if pooling == "local" else None
        n_places = self.n_steps(window) if pooling == "local" else 1
        self.dense = nn.Linear(n_places * kernels[-1], hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, 2 * n_tasks)
        keras_start(self)

    @property
    def scans_fast(self) -> bool:
        """Whether :meth:`scan` shares work between windows: with valid padding, or one layer and a global maximum."""
        return super().scans_fast or self._is_one_padded_layer

    def over_steps(self, features: Tensor, n_steps: int) -> Tensor:
        """Return the dense layer, before its ReLU, on every run of K positions, or on their maximum."""
        if self.pooling == "global":
            return dense_over_runs(self.dense, sliding_max(features, n_steps), 1)
        return dense_over_runs(self.dense, features, n_steps)

    def over_edited_steps(self, features: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the dense layer, before its ReLU, of edited copies."""
        if self.pooling == "global":
            largest = max_of_edits(features)
            return lambda edits: self.dense(largest(edits))[..., None]
        dense = dense_of_edits(self.dense, features)
        return lambda edits: dense(edits)[..., None]

    def read_out(self, features: Tensor) -> Tensor:
        """Return (..., T) logits, bound minus unbound, of (..., H, 1) hidden features."""
        pair: Tensor = self.out(self.dropout(features[..., 0].relu()))
        return pair[..., 1::2] - pair[..., 0::2]

    def scan(self, sequence: Tensor, window: int) -> Tensor:
        """Return (N, S, T) logits of every window of (N, 4, L) contexts."""
        if not self._is_one_padded_layer:
            return super().scan(sequence, window)
        convolution = next(self._stages()[0].block.children())
        assert isinstance(convolution, nn.Conv1d)
        width = convolution.kernel_size[0]
        if width == 1 or window < width:
            return loop_over_windows(self, sequence, window)
        return self.read_out(self.dense(max_over_padded_layer(sequence, convolution, window))[..., None])

    @property
    def _is_one_padded_layer(self) -> bool:
        """Whether the padded ends of a plain convolution are all that windows do not share."""
        first = next(self._stages()[0].block.children())
        is_plain = type(first).forward is nn.Conv1d.forward
        return is_plain and len(self.stages) == 1 and self.pooling == "global" and not super().scans_fast


def _refuse_impossible(
    kernels: tuple[int, ...], widths: tuple[int, ...], pooling: Pooling, pool: int, hidden: int
) -> None:
    if not 1 <= len(kernels) <= MOST_LAYERS or len(widths) != len(kernels):
        raise ConfigError(
            f"zeng: one to {MOST_LAYERS} layers, a width for each; got kernels {list(kernels)}, widths {list(widths)}"
        )
    if min(*kernels, *widths, pool, hidden) < 1:
        sizes = f"kernels {list(kernels)}, widths {list(widths)}, pool {pool}, hidden {hidden}"
        raise ConfigError(f"zeng: sizes are positive; got {sizes}")
    if pooling not in get_args(Pooling):
        raise ConfigError(f"zeng: pooling is one of {', '.join(get_args(Pooling))}; got '{pooling}'")
