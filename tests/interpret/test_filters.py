"""First-layer filters as motifs."""

import numpy as np
import torch
from torch import nn

from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import encode
from holdfast.interpret.filters import first_layer_motifs

SITE = "GATTACAG"


def dataset() -> SequenceDataset:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (400, 60), dtype=np.uint8)
    for row in range(0, 400, 2):
        start = rng.integers(0, 52)
        codes[row, start : start + 8] = encode(SITE)
    return SequenceDataset.in_memory(codes, (np.arange(400) % 2 == 0).astype(np.int8)[:, None])


def scanner(*sites: str) -> nn.Module:
    layer = nn.Conv1d(4, len(sites), 8)
    with torch.no_grad():
        for number, site in enumerate(sites):
            layer.weight[number] = nn.functional.one_hot(torch.from_numpy(encode(site)).long(), 4).T.float()
    return nn.Sequential(layer, nn.ReLU())


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


def test_a_model_without_a_convolution_over_bases_has_no_motifs() -> None:
    assert first_layer_motifs(nn.Linear(4, 1), dataset()) == []


def test_the_model_keeps_its_mode() -> None:
    model = scanner(SITE).train()
    first_layer_motifs(model, dataset())
    assert all(module.training for module in model.modules())
