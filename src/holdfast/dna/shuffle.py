"""Composition-preserving shuffles: the negatives of motif discovery, and a weaker control.

The dinucleotide shuffle is exact and uniform. A sequence is an Euler walk through a graph of four vertices whose edges
are its dinucleotides. Altschul & Erickson draw the last edge out of each vertex, keep the draw if these edges lead to
the final base, and permute the rest. With four vertices there are only 16 trees that lead to a given base, so the tree
is drawn here from its exact distribution (weight: the product of its dinucleotide counts) and nothing is ever redrawn;
a poly-A tail costs no more than a random sequence.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from holdfast.core.errors import InputError
from holdfast.dna.codes import UNKNOWN, Codes

__all__ = ["dinucleotide_shuffle", "shuffle"]

_BASES = 4
# Bases shuffled at a time: the sort keys (8 bytes a base) of one block stay within a core's cache.
_BLOCK_BASES = 1 << 18
# First and last base and the counts leave nothing to move in runs of fewer bases.
_SHORTEST_RUN = 4
# A sort key: 2 bits source, 1 bit "last edge of its source", 59 random bits, 2 bits target.
_SOURCE_SHIFT = np.uint64(62)
_LAST_EDGE = np.uint64(1 << 61)
_RANDOM_BITS = np.uint64((1 << 61) - 4)
_TARGET_BITS = np.uint64(3)


def _trees() -> NDArray[np.int64]:
    """Return (4, 16, 4) parents: for each root the 16 trees on four vertices that lead to it; a root's parent is 0."""
    trees = np.zeros((_BASES, 16, _BASES), dtype=np.int64)
    for root in range(_BASES):
        others = [vertex for vertex in range(_BASES) if vertex != root]
        found = []
        for choice in itertools.product(range(_BASES), repeat=3):
            parent = dict(zip(others, choice, strict=True)) | {root: root}
            if all(parent[parent[parent[vertex]]] == root for vertex in others):
                found.append([parent[vertex] if vertex != root else 0 for vertex in range(_BASES)])
        trees[root] = found
    return trees


_TREES = _trees()


def dinucleotide_shuffle(codes: Codes, rng: np.random.Generator) -> Codes:
    """Return each sequence shuffled with its dinucleotide counts, its first and its last base kept.

    Every sequence with these properties is equally likely. Unknown bases stay where they are, and each maximal run
    between them is shuffled on its own.

    Parameters
    ----------
    codes
        (N, L) uint8, 0..4.
    rng
        The same generator state and codes give the same result.

    Returns
    -------
    Codes
        (N, L) uint8, a new array.

    Raises
    ------
    InputError
        If ``codes`` is not (N, L) uint8 with values 0..4.

    References
    ----------
    Altschul & Erickson (1985), Mol. Biol. Evol. 2(6), doi:10.1093/oxfordjournals.molbev.a040370. Differs: the tree of
    last edges is drawn from its exact distribution in place of drawing and rejecting.

    Examples
    --------
    >>> from holdfast.dna.codes import decode, encode
    >>> copies = np.repeat(encode("ACAGANGG")[None], 100, axis=0)
    >>> sorted({decode(row) for row in dinucleotide_shuffle(copies, np.random.default_rng(0))})
    ['ACAGANGG', 'AGACANGG']
    """
    _check(codes)
    shuffled = codes.copy()
    whole = ~(codes == UNKNOWN).any(axis=1)
    _shuffle_runs(shuffled, np.flatnonzero(whole) * codes.shape[1], codes.shape[1], rng)
    start, length = _known_runs(codes, np.flatnonzero(~whole))
    for run_length in np.unique(length).tolist():
        _shuffle_runs(shuffled, start[length == run_length], run_length, rng)
    return shuffled


def shuffle(codes: Codes, rng: np.random.Generator) -> Codes:
    """Return each sequence with its bases permuted uniformly; unknown bases stay where they are.

    Parameters
    ----------
    codes, rng
        As for :func:`dinucleotide_shuffle`; so are the result and what is refused.

    Examples
    --------
    >>> shuffle(np.array([[0, 4, 0, 0]], dtype=np.uint8), np.random.default_rng(0)).tolist()
    [[0, 4, 0, 0]]
    """
    _check(codes)
    shuffled = np.empty_like(codes)
    rows = max(1, _BLOCK_BASES // max(1, codes.shape[1]))
    for first in range(0, len(codes), rows):
        shuffled[first : first + rows] = _shuffled_block(codes[first : first + rows], rng)
    return shuffled


def _check(codes: Codes) -> None:
    if codes.ndim != 2 or codes.dtype != np.uint8:
        raise InputError(f"a shuffle takes (N, L) uint8 codes; got shape {codes.shape}, type {codes.dtype}")
    if codes.size and codes.max() > UNKNOWN:
        raise InputError(f"codes must be 0..4; got {int(codes.max())}")


def _shuffled_block(codes: Codes, rng: np.random.Generator) -> Codes:
    known = codes != UNKNOWN
    keys = rng.integers(0, 1 << 64, size=codes.shape, dtype=np.uint64) & _RANDOM_BITS
    keys |= codes & np.uint8(_TARGET_BITS)
    keys[~known] = np.iinfo(np.uint64).max
    keys.sort(axis=1)
    # Sorted, the known letters come first in each row, in random order; row by row they fill the known places.
    front = np.arange(codes.shape[1]) < known.sum(axis=1)[:, None]
    shuffled = codes.copy()
    shuffled[known] = (keys[front] & _TARGET_BITS).astype(np.uint8)
    return shuffled


def _known_runs(codes: Codes, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the flat starts and the lengths of the maximal N-free runs in some rows."""
    known = np.zeros((len(rows), codes.shape[1] + 2), dtype=np.int8)
    known[:, 1:-1] = codes[rows] != UNKNOWN
    edge = np.diff(known, axis=1)
    row, begin = np.nonzero(edge == 1)
    _, end = np.nonzero(edge == -1)
    return rows[row] * codes.shape[1] + begin, end - begin


def _shuffle_runs(codes: Codes, start: NDArray[np.int64], length: int, rng: np.random.Generator) -> None:
    """Shuffle runs of one length in place, a block at a time, so that memory stays flat."""
    if length < _SHORTEST_RUN:
        return
    flat = codes.reshape(-1)
    runs = max(1, _BLOCK_BASES // length)
    for first in range(0, len(start), runs):
        place = start[first : first + runs, None] + np.arange(length)
        flat[place] = _euler_shuffle(flat[place], rng)


def _euler_shuffle(codes: Codes, rng: np.random.Generator) -> Codes:
    """Return uniform Euler walks with the edges of (R, L) codes without N."""
    runs, edges = len(codes), codes.shape[1] - 1
    source, target = codes[:, :-1], codes[:, 1:]
    row = np.arange(runs)
    pair = (row[:, None] * _BASES + source) * _BASES + target
    count = np.bincount(pair.ravel(), minlength=runs * 16).reshape(runs, _BASES, _BASES)
    parent = _drawn_trees(count, codes[:, -1], rng)

    keys = rng.integers(0, 1 << 64, size=source.shape, dtype=np.uint64) & _RANDOM_BITS
    keys |= source.astype(np.uint64) << _SOURCE_SHIFT
    keys |= target
    # Equal dinucleotides are interchangeable, so any one of them serves as the last edge: the last one written here.
    example = np.zeros(runs * 16, dtype=np.int64)
    example[pair.ravel()] = np.arange(runs * edges)
    leaves = (count.sum(axis=2) > 0) & (np.arange(_BASES) != codes[:, -1:])
    which, vertex = np.nonzero(leaves)
    keys.reshape(-1)[example[(which * _BASES + vertex) * _BASES + parent[which, vertex]]] |= _LAST_EDGE
    keys.sort(axis=1)
    degree = count.sum(axis=2)
    first_edge = np.cumsum(degree, axis=1) - degree + (row * edges)[:, None]
    return _walk((keys & _TARGET_BITS).astype(np.uint8).reshape(-1), first_edge.reshape(-1), codes[:, 0], edges)


def _drawn_trees(count: NDArray[np.int64], root: Codes, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (R, 4) parents of trees drawn with probability proportional to the product of their edges' counts."""
    rows, vertex = np.arange(len(root)), np.arange(_BASES)
    weight = count.astype(np.float64)
    # A vertex that never occurs must not veto a tree: let it hang from the root with weight 1. The root has no edge.
    absent = count.sum(axis=2) == 0
    weight[absent, root[np.nonzero(absent)[0]]] = 1.0
    weight[rows, root] = 0.0
    weight[rows, root, 0] = 1.0
    trees = _TREES[root]
    total = np.cumsum(weight[rows[:, None, None], vertex, trees].prod(axis=2), axis=1)
    drawn = (total <= (rng.random(len(root)) * total[:, -1])[:, None]).sum(axis=1)
    parents: NDArray[np.int64] = trees[rows, drawn]
    return parents


def _walk(target: Codes, next_edge: NDArray[np.int64], first: Codes, edges: int) -> Codes:
    """Return (R, edges + 1) codes: from ``first``, always along the next unused edge of the base one stands on."""
    home = np.arange(len(first)) * _BASES
    walk = np.empty((edges + 1, len(first)), dtype=np.uint8)
    walk[0] = first
    for step in range(edges):
        here = home + walk[step]
        edge = next_edge[here]
        next_edge[here] = edge + 1
        walk[step + 1] = target[edge]
    return walk.T
