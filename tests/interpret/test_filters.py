"""First-layer filters as motifs."""

import numpy as np
import pytest
import torch
from torch import nn

from holdfast.core.errors import ConfigError, InputError
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import encode
from holdfast.dna.edit import reverse_complement
from holdfast.interpret import filters
from holdfast.interpret.filters import argmax_motifs, first_layer_motifs, layer_motifs
from holdfast.models.deepbind import DeepBind
from holdfast.models.pap_megyeri import PapMegyeriCNN
from holdfast.models.tbinet import TBiNet

SITE = "GATTACAG"


def dataset() -> SequenceDataset:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (400, 60), dtype=np.uint8)
    for row in range(0, 400, 2):
        start = rng.integers(0, 52)
        codes[row, start : start + 8] = encode(SITE)
    return SequenceDataset.in_memory(codes, (np.arange(400) % 2 == 0).astype(np.int8)[:, None])


def scanner(*sites: str) -> nn.Module:
    return nn.Sequential(short_scanner(*sites), nn.ReLU())


def test_a_filter_that_scans_for_a_site_is_shown_as_that_site() -> None:
    (motif,) = first_layer_motifs(scanner(SITE), dataset(), threshold=0.99)
    assert motif.consensus == SITE
    # Only whole sites reach the largest response: 200 planted ones, and few by chance (4**-8 a place).
    assert motif.probabilities.max(axis=0).min() > 0.98
    assert 200 <= (motif.sites or 0) < 210


def test_a_lower_threshold_lets_weaker_sites_in() -> None:
    strict, loose = (first_layer_motifs(scanner(SITE), dataset(), threshold=t)[0] for t in (0.99, 0.6))
    assert (loose.sites or 0) > (strict.sites or 0)
    assert loose.information().sum() < strict.information().sum()


def test_motifs_come_most_informative_first_and_keep_their_filters_number() -> None:
    motifs = first_layer_motifs(scanner("AAAAAAAA", SITE), dataset(), threshold=0.7)
    information = [float(motif.information().sum()) for motif in motifs]
    assert information == sorted(information, reverse=True)
    assert {motif.name for motif in motifs} == {"filter 0", "filter 1"}


@pytest.mark.parametrize("block", [1, 7, 128, 1000])
def test_the_answer_does_not_depend_on_the_batch_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Sites come first, so the first block's median is above that of the data.
    data = dataset()
    ordered = data.take(np.argsort(-data.labels[:, 0], kind="stable"))
    model = scanner("AAAAAAAA", SITE)
    expected = layer_motifs(model, ordered, threshold=0.4, max_sites=300)
    monkeypatch.setattr(filters, "BLOCK", block)
    found = layer_motifs(model, ordered, threshold=0.4, max_sites=300)
    for one, other in zip(found, expected, strict=True):
        assert (one.name, one.sites) == (other.name, other.sites)
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


@pytest.mark.parametrize("block", [1, 128])
def test_the_median_is_that_of_all_data(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Responses 4, 4, 1, 0, 0, 0: their median is 0, that of the first two would be 4, above which there is nothing.
    codes = np.array([[0] * 4, [0] * 4, [0, 1, 1, 1], [1] * 4, [1] * 4, [1] * 4], dtype=np.uint8)
    data = SequenceDataset.in_memory(codes, np.ones((6, 1), dtype=np.int8))
    monkeypatch.setattr(filters, "BLOCK", block)
    (motif,) = layer_motifs(scanner("AAAA"), data, threshold=0.15)
    assert motif.sites == 3


@pytest.mark.parametrize("block", [1, 30, 128])
def test_no_more_sites_than_asked_for_are_kept_the_first_ones(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dataset()
    monkeypatch.setattr(filters, "BLOCK", block)
    (motif,) = layer_motifs(scanner(SITE), data, threshold=0.99, max_sites=37)
    (first,) = layer_motifs(scanner(SITE), data.take(np.arange(74)), threshold=0.99)  # every other one has a site
    assert motif.sites == first.sites == 37
    np.testing.assert_array_equal(motif.probabilities, first.probabilities)


def test_a_model_without_a_convolution_over_bases_has_no_motifs() -> None:
    assert first_layer_motifs(nn.Linear(4, 1), dataset()) == []


def test_the_model_keeps_its_mode() -> None:
    model = scanner(SITE).train()
    first_layer_motifs(model, dataset())
    assert all(module.training for module in model.modules())


def short_scanner(*sites: str) -> nn.Conv1d:
    layer = nn.Conv1d(4, len(sites), len(sites[0]))
    with torch.no_grad():
        for number, site in enumerate(sites):
            layer.weight[number] = nn.functional.one_hot(torch.from_numpy(encode(site)).long(), 4).T.float()
    return layer


@pytest.mark.parametrize("padding", [0, 2])
def test_a_filter_of_the_second_layer_is_shown_on_its_receptive_field(padding: int) -> None:
    (motif,) = layer_motifs(deep(padding=padding), dataset(), layer=1, threshold=0.99)
    assert motif.consensus == SITE
    assert motif.probabilities.max(axis=0).min() > 0.98
    assert 200 <= (motif.sites or 0) < 210


def deep(*, padding: int) -> nn.Module:
    """Two layers: the first looks for the halves of the site, the second for the one four bases behind the other."""
    first, second = short_scanner(SITE[:4], SITE[4:]), nn.Conv1d(2, 1, 5, bias=False)
    first.padding = (padding,)
    assert first.bias is not None
    with torch.no_grad():
        first.bias.fill_(-3.0)
        second.weight.zero_()
        second.weight[0, 0, 0] = second.weight[0, 1, 4] = 1.0
    return nn.Sequential(first, nn.ReLU(), second)


def test_pooling_moves_the_windows_by_its_stride() -> None:
    codes = np.zeros((50, 40), dtype=np.uint8)
    codes[:, 12:20] = encode(SITE)
    data = SequenceDataset.in_memory(codes, np.ones((50, 1), dtype=np.int8))
    layer = short_scanner(SITE)
    model = nn.Sequential(layer, nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(1, 1, 1))
    with torch.no_grad():
        model[3].weight.fill_(1.0)
    (motif,) = layer_motifs(model, data, layer=1, threshold=0.99)
    # The maximum of places 12 to 15 answers for the bases 12 to 22.
    assert motif.consensus == SITE + "AAA"
    assert motif.sites == 50
    (middle,) = layer_motifs(model, data, layer=1, threshold=0.99, width=8)
    assert middle.consensus == (SITE + "AAA")[1:9]


def test_bases_beyond_the_ends_are_not_counted() -> None:
    codes = np.zeros((20, 12), dtype=np.uint8)
    codes[:, :6] = encode(SITE[2:])  # the site, its first two bases cut off
    data = SequenceDataset.in_memory(codes, np.ones((20, 1), dtype=np.int8))
    layer = short_scanner(SITE)
    layer.padding = (4,)
    (motif,) = layer_motifs(nn.Sequential(layer), data, threshold=0.99)
    assert motif.consensus[2:] == SITE[2:]
    np.testing.assert_allclose(motif.probabilities[:, :2], 0.25)


def test_deepbinds_form_takes_one_window_a_sequence_where_the_response_is_above_nothing() -> None:
    layer = short_scanner(SITE)
    assert layer.bias is not None
    with torch.no_grad():
        layer.bias.fill_(-7.5)
    (motif,) = argmax_motifs(nn.Sequential(layer), dataset(), strand="forward")
    # Only a whole site is above 0: the 200 planted ones, and few by chance; one window a sequence.
    assert motif.consensus == SITE
    assert 200 <= (motif.sites or 0) < 210
    expected = (motif.sites or 0) / ((motif.sites or 0) + 4e-4)
    assert motif.probabilities.max() == pytest.approx(expected + 1e-4 / ((motif.sites or 0) + 4e-4))


def test_deepbinds_form_reads_the_strand_that_the_model_prefers() -> None:
    data = dataset()
    turned = SequenceDataset.in_memory(reverse_complement(data.codes), data.labels)
    model = nn.Sequential(short_scanner(SITE), nn.AdaptiveMaxPool1d(1), nn.Flatten())
    assert model[0].bias is not None
    with torch.no_grad():
        model[0].bias.fill_(-7.5)
    forward, higher = (argmax_motifs(model, turned, strand=strand) for strand in ("forward", "higher"))
    assert higher[0].consensus == SITE
    assert higher[0].sites is not None
    assert higher[0].sites >= 200
    assert sum(motif.sites or 0 for motif in forward) < 10


@pytest.mark.parametrize("model", [DeepBind(), PapMegyeriCNN(), TBiNet(window=51)], ids=lambda m: type(m).__name__)
def test_networks_of_the_field_show_their_filters(model: nn.Module) -> None:
    data = SequenceDataset.in_memory(dataset().codes[:30], dataset().labels[:30])
    assert layer_motifs(model, data)
    found = argmax_motifs(model, data)
    assert all((motif.sites or 0) <= 30 for motif in found)


def test_a_deep_layer_of_a_model_of_one_window_reads_the_middle_of_the_context() -> None:
    model = TBiNet(window=51)
    data = SequenceDataset.in_memory(dataset().codes[:30], dataset().labels[:30])
    motifs = layer_motifs(model, data, layer="stages.0")
    assert motifs[0].width == 38
    with pytest.raises(InputError, match="reads 80 bp; the contexts have 60 bp"):
        layer_motifs(model, data, layer="stages.0", window=80)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="threshold is 2; expected a number from 0 to 1"):
        layer_motifs(scanner(SITE), dataset(), threshold=2)
    with pytest.raises(ConfigError, match="strand is 'other'"):
        argmax_motifs(scanner(SITE), dataset(), strand="other")  # type: ignore[arg-type]


def test_a_filter_that_never_fires_behind_a_rectifier_has_no_motif() -> None:
    convolution = nn.Conv1d(4, 2, 5)
    with torch.no_grad():
        convolution.bias[0] = -100.0
    codes = np.random.default_rng(0).integers(0, 4, (40, 20), dtype=np.uint8)
    data = SequenceDataset.in_memory(codes, np.ones((40, 1), dtype=np.int8))
    for threshold in (0.0, 0.5):
        found = layer_motifs(nn.Sequential(convolution, nn.ReLU()), data, layer="1", threshold=threshold)
        assert [motif.name for motif in found] == ["filter 1"]
