"""DeMo, the Deep Motif network (Lanchantin et al. 2016), arXiv:1605.01133: convolutions, then highway layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.core.errors import ConfigError
from holdfast.core.space import Plan, SearchSpace
from holdfast.models.base import ModelFacts
from holdfast.models.dashboard import DROPOUT, FILTERS, UNITS, bound_minus_unbound, convolution_stages
from holdfast.models.pooled import MaximumReadModel

__all__ = ["DeMo", "Highway"]

# Of the gates: at first a layer hands on nearly all of its input.
GATE_BIAS = -2.0


class Highway(nn.Module):
    """T(x) H(x) + (1 - T(x)) x, with H rectified and T a sigmoid gate that starts almost closed.

    Parameters
    ----------
    units
        Of input and output.

    References
    ----------
    Srivastava, Greff & Schmidhuber (2015), arXiv:1505.00387.

    Examples
    --------
    >>> Highway(3)(torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.change, self.gate = nn.Linear(units, units), nn.Linear(units, units)
        nn.init.constant_(self.gate.bias, GATE_BIAS)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., U) of (..., U)."""
        return torch.lerp(x, self.change(x).relu(), self.gate(x).sigmoid())


class DeMo(MaximumReadModel):
    """Three or four convolutions of 128 filters, the global maximum, five to seven highway layers of 32 units.

    The poster gives these numbers and no others. Widths, pooling, dropout and gates are those of the same group's later
    code; the log-softmax over two classes equals the sigmoid of the logit z1 - z0 returned here. The authors chose both
    depths for each factor by training accuracy.

    Parameters
    ----------
    conv_layers
        1 to 4.
    highway_layers
        0 or more.
    filters
        Of each convolution.
    units
        Of each highway layer.
    dropout
        After each convolution.
    n_tasks
        T; each task has its own pair of outputs.

    References
    ----------
    Lanchantin et al. (2016), Deep Motif: Visualizing Genomic Sequence Classifications, arXiv:1605.01133.

    Examples
    --------
    >>> model = DeMo(conv_layers=4, highway_layers=7)
    >>> model(torch.zeros(2, 4, 101)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(
        paper="Lanchantin et al. (2016)", doi="10.48550/arXiv.1605.01133", window=101, n_parameters=150_818
    )
    search = SearchSpace(
        crossed={"conv_layers": (3, 4), "highway_layers": (5, 6, 7)},
        preset="demo",
        plan=Plan(selection="training", metric="accuracy"),
        quick=Plan(selection="training", metric="accuracy", steps=1_000),
    )

    def __init__(
        self,
        conv_layers: int = 3,
        highway_layers: int = 5,
        *,
        filters: int = FILTERS,
        units: int = UNITS,
        dropout: float = DROPOUT,
        n_tasks: int = 1,
    ) -> None:
        super().__init__()
        if highway_layers < 0 or units < 1:
            raise ConfigError(
                f"demo: {highway_layers} highway layers of {units} units; expected 0 or more, of 1 or more"
            )
        self.n_tasks = n_tasks
        self.stages = convolution_stages(conv_layers, filters, dropout)
        self.highway = nn.Sequential(nn.Linear(filters, units), *(Highway(units) for _ in range(highway_layers)))
        self.out = nn.Linear(units, 2 * n_tasks)
        self.min_window = self.shortest_window()

    def read_out(self, features: Tensor) -> Tensor:
        """Return (M, T) logits of the (M, F, 1) maxima of M windows."""
        return bound_minus_unbound(self.out(self.highway(features[..., 0])))
