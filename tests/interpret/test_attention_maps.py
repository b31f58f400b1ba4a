"""Attention is what the models use, and falls on the bases that its steps see."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.dna.codes import Codes, encode, one_hot
from holdfast.interpret.attention import (
    AttentionMap,
    attention_maps,
    block_boundaries,
    clustered,
    max_attention_windows,
    strongest_pairs,
)
from holdfast.interpret.geometry import Geometry
from holdfast.models.deepgrn import AttentionKind, DeepGRN
from holdfast.models.demo import DeMo
from holdfast.models.modular import Modular
from holdfast.models.tbinet import TBiNet

SITE = "GATTACAG"


class Watcher(nn.Module):
    """Attends to the pooled places by how well they fit a site."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(4, 1, len(SITE), bias=False)
        self.pool = nn.MaxPool1d(6)
        with torch.no_grad():
            self.conv.weight[0] = one_hot(torch.from_numpy(encode(SITE)))

    def attention(self, sequence: Tensor) -> Tensor:
        return (4 * self.pool(self.conv(sequence))[:, 0]).softmax(dim=1)

    def forward(self, sequence: Tensor) -> Tensor:
        return self.pool(self.conv(sequence)).sum(dim=2)


def windows(n: int = 3, length: int = 84, seed: int = 0) -> Codes:
    return np.random.default_rng(seed).integers(0, 4, (n, length), dtype=np.uint8)


def by_hand(weights: list[list[float]]) -> AttentionMap:
    """One example, four steps of three bases, two apart, in a window of nine."""
    geometry = Geometry(first=0, jump=2, width=3, positions=4, window=9)
    array = np.array(weights, dtype=np.float32)[None, None]
    return AttentionMap(layer="by hand", codes=windows(1, 9), weights=array, geometry=geometry)


def test_tbinets_attention_is_its_own_on_runs_of_thirteen() -> None:
    model, codes = TBiNet(window=84).train(), windows()
    (found,) = attention_maps(model, codes)
    expected = model.eval().attention(one_hot(torch.from_numpy(codes))).detach().numpy()
    np.testing.assert_allclose(found.weights[:, 0, 0], expected, atol=1e-6)
    assert (found.geometry.first, found.geometry.jump, found.geometry.width) == (0, 13, 38)
    np.testing.assert_allclose(found.received.sum(axis=2), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["single_before", "single_after", "pairwise_before", "pairwise_after", "attention1d"])
def test_deepgrns_attention_is_that_of_the_forward_strand_before_and_after_the_lstm(kind: AttentionKind) -> None:
    torch.manual_seed(0)
    model, codes = DeepGRN(window=84, attention=kind).eval(), windows()
    (found,) = attention_maps(model, codes)
    forward, _ = model.attention_weights(one_hot(torch.from_numpy(codes)))
    shown = forward[:, None] if kind.startswith("pairwise") else forward.transpose(1, 2)[:, :, None]
    np.testing.assert_allclose(found.weights, shown.detach().numpy(), atol=1e-6)
    # A convolution of 34 bases and maxima of 17 places.
    assert (found.geometry.first, found.geometry.jump, found.geometry.width) == (0, 17, 50)


def test_self_attention_of_a_modular_network_is_found_in_every_layer() -> None:
    torch.manual_seed(0)
    blocks = [{"name": "conv", "filters": 8, "width": 9}, {"name": "pool", "width": 4}, "attention", "attention"]
    model, codes = Modular(blocks), windows(length=60)
    first, second = attention_maps(model, codes)
    for found in (first, second):
        assert found.weights.shape == (3, 4, 13, 13)
        np.testing.assert_allclose(found.weights.sum(axis=3), 1, atol=1e-5)
        assert (found.geometry.first, found.geometry.jump, found.geometry.width) == (0, 4, 12)
    assert not np.allclose(first.weights, second.weights)


def test_the_weights_shown_are_those_the_self_attention_uses() -> None:
    torch.manual_seed(0)
    block = Modular(["attention"], {"pool": "mean"}).rest[0].block
    features = torch.randn(2, 4, 11)
    _, (query, key, value) = block._parts(features)
    attended = F.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(block.maps(features) @ value, attended)


def test_a_base_gets_the_mean_of_the_steps_that_see_it() -> None:
    found = by_hand([[0.1, 0.2, 0.3, 0.4]])
    expected = [0.1, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.4]
    np.testing.assert_allclose(found.per_base[0], expected, atol=1e-6)


def test_a_base_that_no_step_sees_has_no_attention_rather_than_none_of_it() -> None:
    geometry = Geometry(first=1, jump=2, width=3, positions=4, window=12)
    found = AttentionMap(
        layer="by hand", codes=windows(1, 12), weights=np.ones((1, 1, 1, 4), dtype=np.float32), geometry=geometry
    )
    expected = [np.nan] + [1.0] * 9 + [np.nan] * 2
    np.testing.assert_array_equal(found.per_base[0], expected)
    # Steps are drawn side by side, each about the middle of the three bases that it sees.
    assert found.edges.tolist() == [1.5, 3.5, 5.5, 7.5, 9.5]


def channels(*rows: list[float]) -> AttentionMap:
    """One example, a head for each row."""
    geometry = Geometry(first=0, jump=1, width=1, positions=4, window=4)
    array = np.array(rows, dtype=np.float32)[None, :, None]
    return AttentionMap(layer="by hand", codes=windows(1, 4), weights=array, geometry=geometry)


def test_the_tenth_of_the_channels_that_varies_most_along_the_steps_is_looked_at() -> None:
    flat, some, most = [0.25] * 4, [0.2, 0.3, 0.2, 0.3], [0.0, 0.0, 1.0, 0.0]
    ten = channels(*[flat] * 4, most, *[flat] * 5)
    assert ten.varied.tolist() == [[4]]
    np.testing.assert_array_equal(ten.focus, [most])
    eleven = channels(some, *[flat] * 9, most)
    assert eleven.varied.tolist() == [[10, 0]]
    np.testing.assert_allclose(eleven.focus[0], np.mean([some, most], axis=0), atol=1e-7)


def test_clustering_puts_channels_that_are_alike_beside_each_other() -> None:
    left, right = [0.9, 0.1, 0.0, 0.0], [0.0, 0.0, 0.1, 0.9]
    near = [0.8, 0.2, 0.0, 0.0]
    (order,) = clustered(channels(left, right, near, right, left)).tolist()
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert abs(order.index(1) - order.index(3)) == 1
    assert abs(order.index(0) - order.index(4)) == 1
    assert clustered(channels(left, right)).tolist() == [[0, 1]]


def test_the_windows_at_maximum_attention_hold_the_site_that_is_watched() -> None:
    codes = windows(20, 90) % 2  # A and C alone: no site by chance
    start = np.random.default_rng(1).integers(10, 70, 20)
    for row, first in zip(codes, start, strict=True):
        row[first : first + len(SITE)] = encode(SITE)
    (found,) = attention_maps(Watcher(), codes)
    chosen = max_attention_windows(found)
    for row, first, begin in zip(chosen.codes, start, chosen.start, strict=True):
        # A step sees 13 bases, so the 20 around its middle hold all of them.
        place = int(first) - int(begin)
        assert row[place : place + len(SITE)].tolist() == encode(SITE).tolist()


def test_the_published_centre_is_the_end_of_an_even_block() -> None:
    found = by_hand([[0.1, 0.2, 0.4, 0.3]])
    chosen = max_attention_windows(found, width=4, centre="blocks")
    assert (chosen.step[0], chosen.start[0], chosen.weight[0]) == (2, 7 - 2, np.float32(0.4))  # round(3 / 4 * 9) = 7
    assert chosen.codes[0].tolist() == [*found.codes[0, 5:].tolist()]


def test_bases_beyond_the_window_are_read_from_the_context_or_unknown() -> None:
    found = by_hand([[0.1, 0.2, 0.3, 0.4]])
    assert max_attention_windows(found, width=4, centre="blocks").codes[0, 2:].tolist() == [4, 4]
    context = np.concatenate([np.full((1, 5), 3, dtype=np.uint8), found.codes, np.full((1, 5), 2, np.uint8)], axis=1)
    wide = max_attention_windows(found, width=4, centre="blocks", contexts=context, offset=5)
    assert wide.codes[0].tolist() == [*found.codes[0, 7:].tolist(), 2, 2]
    assert wide.start[0] == 5 + 9 - 2


def test_attention_of_pairs_counts_by_what_a_step_receives() -> None:
    weights = [[0.7, 0.1, 0.1, 0.1], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.2, 0.2, 0.3, 0.3]]
    found = by_hand(weights)
    np.testing.assert_allclose(found.received[0, 0], np.sum(weights, axis=0), atol=1e-6)
    assert max_attention_windows(found).step[0] == 2
    pairs = strongest_pairs(found, top=2)
    assert (pairs.query[0].tolist(), pairs.key[0].tolist()) == ([1, 3], [2, 2])
    np.testing.assert_allclose(pairs.weight[0], [1.0, 0.3], atol=1e-6)
    assert pairs.key_bases[0].tolist() == [[4, 7], [4, 7]]


def test_blocks_are_those_of_the_published_linspace() -> None:
    assert block_boundaries(1002, 57)[:4].tolist() == [0, 17, 35, 52]
    assert block_boundaries(1002, 57)[-1] == 1002


def test_what_has_no_attention_or_no_pairs_is_refused() -> None:
    with pytest.raises(InputError, match="DeMo has no attention that can be shown"):
        attention_maps(DeMo(), windows())
    with pytest.raises(InputError, match="one weight a step"):
        strongest_pairs(by_hand([[0.1, 0.2, 0.3, 0.4]]))
    with pytest.raises(InputError, match="no two of 4 steps are 4 apart"):
        strongest_pairs(by_hand([[0.25] * 4] * 4), min_distance=4)
    with pytest.raises(ConfigError, match="centre is 'left'"):
        max_attention_windows(by_hand([[0.25] * 4]), centre="left")  # type: ignore[arg-type]
