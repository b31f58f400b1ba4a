"""First-layer filters as motifs: what each one was looking at when it was most active."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.motifs.motif import Motif

__all__ = ["first_layer_motifs"]

BLOCK = 128


def first_layer_motifs(
    model: nn.Module, data: SequenceDataset, *, threshold: float = 0.5, max_sites: int = 10_000
) -> list[Motif]:
    """Return each first-layer filter's motif: the mean of the windows that it responds to strongly.

    A window counts where the filter's response, above its median over the data, exceeds ``threshold`` times its
    largest such response. Filters that respond nowhere are left out.

    Parameters
    ----------
    model
        Any module; its first ``nn.Conv1d`` over 4 rows is read.
    data
        Contexts to look for sites in.
    threshold
        Share of the largest response, 0 to 1.
    max_sites
        Windows kept per filter.

    Returns
    -------
    list of Motif
        Most informative first; empty if the model has no convolution over the bases.

    References
    ----------
    Kelley et al. (2016), doi:10.1101/gr.200535.115; threshold as Koo & Eddy (2019), doi:10.1371/journal.pcbi.1007560.
    """
    layer = next((m for m in model.modules() if isinstance(m, nn.Conv1d) and m.in_channels == 4), None)
    if layer is None or len(data) == 0:
        return []
    width = layer.kernel_size[0]
    with evaluating(layer, torch.device("cpu")):
        peak, median = _response_range(layer, data)
        counts = torch.zeros(layer.out_channels, 4, width)
        sites = torch.zeros(layer.out_channels)
        for batch in data.batches(BLOCK):
            response = _response(layer, batch.codes)
            strong = response - median[:, None] >= threshold * (peak - median)[:, None]
            strong &= (sites < max_sites)[:, None]
            windows = one_hot(batch.codes).unfold(2, width, 1)  # (N, 4, P, width)
            counts += torch.einsum("nkp,nbpw->kbw", strong.float(), windows)
            sites += strong.sum(dim=(0, 2))
    motifs = [
        Motif.from_counts(f"filter {number}", counts[number].double().numpy(), pseudocount=1.0, source="first layer")
        for number in range(layer.out_channels)
        if sites[number] > 0
    ]
    return sorted(motifs, key=lambda motif: -float(motif.information().sum()))


def _response(layer: nn.Conv1d, codes: Tensor) -> Tensor:
    """Return the filters' responses at every place, (N, K, P), without padding."""
    return nn.functional.conv1d(one_hot(codes), layer.weight)


def _response_range(layer: nn.Conv1d, data: SequenceDataset) -> tuple[Tensor, Tensor]:
    """Return each filter's largest response over the data and its median over the first block."""
    peak, median = None, None
    for batch in data.batches(BLOCK):
        response = _response(layer, batch.codes)
        highest = response.amax(dim=(0, 2))
        peak = highest if peak is None else torch.maximum(peak, highest)
        median = response.transpose(0, 1).flatten(1).median(dim=1).values if median is None else median
    assert peak is not None
    assert median is not None
    return peak, median
