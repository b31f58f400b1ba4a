"""Filters as motifs: what each one was looking at when it was most active, in the first layer and in deeper ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.core.device import evaluating
from holdfast.core.errors import InputError
from holdfast.core.parameters import Count, Share, Size, check_values
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import one_hot
from holdfast.dna.edit import reverse_complement
from holdfast.interpret.asking import home_of
from holdfast.interpret.geometry import Geometry, Layer, layer_geometry, named_layer
from holdfast.interpret.median import streamed_median
from holdfast.models.base import SequenceModel
from holdfast.models.deepbind import DeepBind
from holdfast.motifs.motif import Motif

__all__ = ["argmax_motifs", "first_layer_motifs", "layer_motifs"]

BLOCK = 128
# DeepBind's: a ten-thousandth for each base.
ARGMAX_PSEUDOCOUNT = 4e-4

Strand = Literal["forward", "higher"]


def first_layer_motifs(
    model: nn.Module, data: SequenceDataset, *, threshold: float = 0.5, max_sites: int = 10_000
) -> list[Motif]:
    """Return each first-layer filter's motif, as :func:`layer_motifs` does for any layer.

    Parameters
    ----------
    model
        Any module; its first ``nn.Conv1d`` over 4 rows is read.
    data, threshold, max_sites
        As of :func:`layer_motifs`.

    Returns
    -------
    list of Motif
        Most informative first; empty if the model has no convolution over the bases, or there are no data.
    """
    named = (name for name, m in model.named_modules() if isinstance(m, nn.Conv1d) and m.in_channels == 4)
    name = next(named, None)
    if name is None or len(data) == 0:
        return []
    if not name:  # the model is the convolution
        model, name = nn.Sequential(model), "0"
    return layer_motifs(model, data, layer=name, threshold=threshold, max_sites=max_sites)


def layer_motifs(
    model: nn.Module,
    data: SequenceDataset,
    *,
    layer: int | str = 0,
    threshold: Share = 0.5,
    max_sites: Size = 10_000,
    width: Size | None = None,
    window: Size | None = None,
    device: torch.device | None = None,
) -> list[Motif]:
    """Return the motif of each filter of a layer: the mean of the windows that it responds to strongly.

    A window counts where the filter's response, above its median over all places of all sequences, reaches
    ``threshold`` times its largest such response. Filters that respond nowhere are left out. The window of a response
    is its receptive field (:mod:`holdfast.interpret.geometry`): it begins at the response where the layers are not
    padded, and lies around it where they are; what it shows beyond the sequence's ends is not counted.

    Parameters
    ----------
    model
        Any module.
    data
        Contexts to look for sites in.
    layer
        The number of a convolution, from 0, or the name of a module that returns (N, C, P): a block with its
        activation, say.
    threshold
        Share of the largest response, 0 to 1.
    max_sites
        Windows kept per filter at most: the first in the order of the data.
    width
        Bases shown, in the middle of the receptive field; all of it, if not given.
    window
        Bases read in the middle of each context: all, or the model's own window where it reads no other.
    device
        Where to compute; where the model is, if not given.

    Returns
    -------
    list of Motif
        Most informative first, named by the filter's number.

    Raises
    ------
    InputError
        If there is no such layer, no data, or the layer's positions have no receptive field of their own.

    References
    ----------
    Kelley et al. (2016), doi:10.1101/gr.200535.115; threshold as Koo & Eddy (2019), doi:10.1371/journal.pcbi.1007560;
    deeper layers as Maslova et al. (2020), doi:10.1073/pnas.2011795117.
    """
    given = {"threshold": threshold, "max_sites": max_sites, "width": width, "window": window}
    check_values(layer_motifs, given, "layer_motifs")
    view = _view(model, data, layer, width, window)
    home = home_of(model, device)
    with evaluating(model, home):
        peak, median = _response_range(view, home)
        sites = _Sites(view, len(peak))
        for codes in view.blocks(home):
            above = view.layer(one_hot(codes)) - median[:, None]
            strong = (above > 0) & (above >= threshold * (peak - median)[:, None])
            sites.add(one_hot(codes), _first(strong, max_sites - sites.total.to(home)))
    return sites.motifs(pseudocount=1.0, source=f"layer {view.layer.name}, above {threshold:g} of the largest response")


def argmax_motifs(
    model: nn.Module,
    data: SequenceDataset,
    *,
    layer: int | str = 0,
    strand: Strand = "higher",
    task: Count = 0,
    width: Size | None = None,
    window: Size | None = None,
    device: torch.device | None = None,
) -> list[Motif]:
    """Return DeepBind's motif of each filter: one window a sequence, where the response is largest and above 0.

    Parameters
    ----------
    model, data, layer, width, window, device
        As of :func:`layer_motifs`. The response is the layer's own, before a rectifier.
    strand
        Look at each sequence on the ``forward`` strand, or on the one to which the model gives the ``higher`` score.
    task
        Whose score.

    Returns
    -------
    list of Motif
        Most informative first. Ends are not trimmed.

    Raises
    ------
    InputError
        As :func:`layer_motifs`.

    References
    ----------
    Alipanahi et al. (2015), doi:10.1038/nbt.3300, and the authors' code: counts start at 0.0001.
    """
    given = {"strand": strand, "task": task, "width": width, "window": window}
    check_values(argmax_motifs, given, "argmax_motifs")
    readable = getattr(model, "fixed_window", None) if strand == "higher" else None
    view = _view(model, data, layer, width, window or readable)
    sites: _Sites | None = None
    home = home_of(model, device)
    with evaluating(model, home):
        for codes in view.blocks(home):
            read = codes if strand == "forward" else _higher_strand(model, codes, task)
            response = view.layer(one_hot(read))
            sites = sites or _Sites(view, response.shape[1])
            top, place = response.max(dim=2, keepdim=True)
            strong = torch.zeros_like(response, dtype=torch.bool).scatter_(2, place, top > 0)
            sites.add(one_hot(read), strong)
    assert sites is not None
    source = f"layer {view.layer.name}, largest response of each sequence"
    return sites.motifs(pseudocount=ARGMAX_PSEUDOCOUNT, source=source)


@dataclass(frozen=True, kw_only=True)
class _View:
    """A layer, the bases of each context that it reads, and which of them each of its positions shows."""

    data: SequenceDataset
    layer: Layer
    geometry: Geometry
    width: int
    start: int

    def blocks(self, device: torch.device) -> Iterator[Tensor]:
        for batch in self.data.batches(BLOCK):
            yield batch.codes[:, self.start : self.start + self.geometry.window].to(device)

    def windows(self, sequence: Tensor) -> Tensor:
        """Return (N, 4, P, width) bases that the positions show, zeros beyond the sequence."""
        shape = self.geometry
        first = shape.first + (shape.width - self.width) // 2
        last = first + (shape.positions - 1) * shape.jump + self.width
        padded = F.pad(sequence, (max(0, -first), max(0, last - shape.window)))
        return padded[..., max(0, first) :].unfold(2, self.width, shape.jump)[:, :, : shape.positions]


class _Sites:
    """Counts of bases in the windows of each filter."""

    def __init__(self, view: _View, n_filters: int) -> None:
        self.view = view
        self.counts = torch.zeros(n_filters, 4, view.width, dtype=torch.float64)
        self.total = torch.zeros(n_filters, dtype=torch.int64)

    def add(self, sequence: Tensor, strong: Tensor) -> None:
        """Count the windows of (N, 4, W) sequences at which (N, K, P) responses are strong."""
        counted = torch.einsum("nkp,nbpw->kbw", strong.float(), self.view.windows(sequence))
        self.counts += counted.cpu()
        self.total += strong.sum(dim=(0, 2)).cpu()

    def motifs(self, *, pseudocount: float, source: str) -> list[Motif]:
        motifs = [
            Motif.from_counts(f"filter {number}", counts.numpy(), pseudocount=pseudocount, source=source)
            for number, counts in enumerate(self.counts)
            if self.total[number] > 0
        ]
        return sorted(motifs, key=lambda motif: -float(motif.information().sum()))


def _view(model: nn.Module, data: SequenceDataset, layer: int | str, width: int | None, window: int | None) -> _View:
    if len(data) == 0:
        raise InputError("there are no sequences to look for sites in")
    found = named_layer(model, layer)
    fixed = model.fixed_window if isinstance(model, SequenceModel) and not found.reads_bases else None
    length = window or fixed or data.context
    if length > data.context:
        raise InputError(f"the model reads {length} bp; the contexts have {data.context} bp")
    geometry = layer_geometry(model, found, length)
    return _View(
        data=data,
        layer=found,
        geometry=geometry,
        width=min(width or geometry.width, geometry.width),
        start=(data.context - length) // 2,
    )


def _first(strong: Tensor, room: Tensor) -> Tensor:
    """Return (N, K, P) which of the places are among the first of their filter, as many as there is (K,) room for."""
    ordered = strong.transpose(0, 1).flatten(1)
    kept = ordered & (ordered.cumsum(dim=1) <= room[:, None])
    return kept.view(ordered.shape[0], *strong.shape[::2]).transpose(0, 1)


def _response_range(view: _View, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return each filter's largest response over the data, and its median."""
    peaks: list[Tensor] = []

    def responses() -> Iterator[Tensor]:
        for codes in view.blocks(device):
            response = view.layer(one_hot(codes))
            peaks.append(response.amax(dim=(0, 2)))
            yield response.transpose(0, 1).flatten(1)

    median = streamed_median(responses)
    return torch.stack(peaks).amax(dim=0), median


def _higher_strand(model: nn.Module, codes: Tensor, task: int) -> Tensor:
    """Return each window as the strand that the model scores higher reads it; the forward strand of equal ones."""
    turned = reverse_complement(codes)
    if isinstance(model, DeepBind) and model.both_strands:
        forward, reverse = model.strand_scores(one_hot(codes))[:, task].unbind(dim=-1)
    else:
        forward, reverse = (model(one_hot(strand))[:, task] for strand in (codes, turned))
    return torch.where((reverse > forward)[:, None], turned, codes)
