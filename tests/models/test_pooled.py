"""Strided pooling: every window from shared maps equals the plain loop."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from holdfast.core.errors import ConfigError
from holdfast.models.base import loop_over_windows
from holdfast.models.pooled import PooledModel, Stage


class Stack(PooledModel):
    """Random stages; the read-out weighs every pooled position, so a misplaced one shows."""

    def __init__(self, shapes: list[tuple[int, int, int]]) -> None:
        super().__init__()
        widths = [4] + [3 + i for i in range(len(shapes))]
        self.n_tasks = 2
        self.stages = nn.ModuleList(
            Stage(nn.Sequential(nn.Conv1d(widths[i], widths[i + 1], width), nn.Tanh()), pool=pool, stride=stride)
            for i, (width, pool, stride) in enumerate(shapes)
        )

    def read_out(self, features: torch.Tensor) -> torch.Tensor:
        place = torch.arange(1, features.shape[-1] + 1)
        return torch.stack([(features * place).sum((1, 2)), features.amax((1, 2))], dim=1)


shapes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 12), st.integers(0, 40), st.integers(0, 1000))
def test_the_shared_scan_equals_the_plain_loop(
    shapes: list[tuple[int, int, int]], spare: int, slack: int, seed: int
) -> None:
    torch.manual_seed(seed)
    model = Stack(shapes).double().eval()
    window = model.shortest_window() + spare
    sequence = torch.randn(2, 4, window + slack, dtype=torch.double)
    with torch.no_grad():
        fast, slow = model.scan(sequence, window), loop_over_windows(model, sequence, window)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-12)  # float64: the same products in another order


def test_windows_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sequence = Stack([(3, 2, 2)]).eval(), torch.randn(2, 4, 60)
    whole = model.scan(sequence, 20)
    monkeypatch.setattr("holdfast.models.pooled.READ_OUT_VALUES", 1)
    torch.testing.assert_close(model.scan(sequence, 20), whole)


def test_a_stage_says_how_many_positions_it_needs_and_gives() -> None:
    stage = Stage(nn.Conv1d(4, 2, 5), pool=3, stride=2)
    for n_out in range(1, 6):
        n_in = stage.n_in(n_out)
        assert stage(torch.zeros(1, 4, n_in)).shape[-1] == n_out == stage.n_out(n_in)
        assert stage.n_out(n_in - 1) == n_out - 1


def test_a_window_too_short_for_the_stages_is_refused() -> None:
    model = Stack([(5, 4, 4), (3, 2, 2)])
    assert model.n_steps(model.shortest_window()) == 1
    with pytest.raises(ConfigError, match=f"reads at least {model.shortest_window()} bp"):
        model.n_steps(model.shortest_window() - 1)
