"""DeepSEA: three convolutions and two poolings (Zhou & Troyanskaya 2015, doi:10.1038/nmeth.3547)."""

from __future__ import annotations

from torch import Tensor, nn

from holdfast.models.base import ModelFacts
from holdfast.models.pooled import DenselyReadModel, Stage

__all__ = ["DeepSEA"]

FILTERS = (320, 480, 960)
WIDTH = 8
POOL = 4
HIDDEN = 925


class DeepSEA(DenselyReadModel):
    """Convolutions 8 x 320, 480 and 960, maxima of 4 after the first two, dense 925: 52,843,119 parameters.

    Parameters
    ----------
    window
        W; the first dense layer is built for its number of positions.
    n_tasks
        T.

    Raises
    ------
    ConfigError
        If the window gives no position.

    References
    ----------
    Zhou & Troyanskaya (2015), doi:10.1038/nmeth.3547, supplementary note. Recalled, not compared with the authors'
    code: dropout 0.2, 0.2 and 0.5 after the three layers. Their L2 (5e-7), L1 on the hidden layer (1e-8) and maximum
    norm (0.9) belong to their training and are not in the model. Features are flattened position by position, where
    the authors' Torch flattened channel by channel.

    Examples
    --------
    >>> import torch
    >>> model = DeepSEA(window=180, n_tasks=2)
    >>> model(torch.zeros(3, 4, 180)).shape, model.n_steps(180)
    (torch.Size([3, 2]), 2)
    """

    facts = ModelFacts(
        paper="Zhou & Troyanskaya (2015)",
        doi="10.1038/nmeth.3547",
        window=1000,
        n_tasks=919,
        n_parameters=52_843_119,
        short_window=163,
    )

    def __init__(self, window: int = 1000, *, n_tasks: int = 1) -> None:
        super().__init__()
        widths = zip((4, *FILTERS), FILTERS, strict=False)
        blocks = [nn.Sequential(nn.Conv1d(n_in, n_out, WIDTH), nn.ReLU()) for n_in, n_out in widths]
        shape = zip(blocks, (POOL, POOL, 1), (0.2, 0.2, 0.5), strict=True)
        self.stages = nn.ModuleList(Stage(block, pool=pool, dropout=dropout) for block, pool, dropout in shape)
        self.n_tasks, self.fixed_window, self.min_window = n_tasks, window, self.shortest_window()
        self.dense = nn.Linear(self.n_steps(window) * FILTERS[-1], HIDDEN)
        self.out = nn.Linear(HIDDEN, n_tasks)

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of (M, 925, 1) hidden features."""
        logits: Tensor = self.out(features[..., 0].relu())
        return logits
