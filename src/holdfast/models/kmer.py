"""The control: a bag of canonical k-mers and a logistic regression, which has no sense of position.

What a worst-case shift costs this model is content that left the window, not a position the model clings to. Every
robustness table carries it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from holdfast.core.errors import InputError
from holdfast.core.parameters import Positive, Size, checked
from holdfast.dna.codes import UNKNOWN, Codes
from holdfast.models.base import ClosedFormModel, ModelFacts
from holdfast.models.edits import Edits, SharedStep, sum_of_edits
from holdfast.models.layers import sliding_mean

__all__ = ["KmerLogistic", "canonical_kmers"]

KmerLength = Annotated[int, Field(ge=1, le=10)]  # 4**10 is a million k-mers


def canonical_kmers(k: int) -> NDArray[np.int64]:
    """Return the smaller of each k-mer's number and its reverse complement's.

    Parameters
    ----------
    k
        Bases per k-mer.

    Returns
    -------
    ndarray
        (4**k,) int64; k-mers are numbered base 4 with A, C, G, T = 0..3, first base most significant.

    Examples
    --------
    >>> canonical_kmers(1).tolist()
    [0, 1, 1, 0]
    """
    number = np.arange(4**k)
    reverse = np.zeros_like(number)
    rest = number.copy()
    for _ in range(k):
        reverse = reverse * 4 + (3 - rest % 4)
        rest //= 4
    return np.minimum(number, reverse)


class KmerLogistic(ClosedFormModel):
    """Logistic regression on counts of canonical k-mers; a k-mer with an unknown base counts nowhere.

    Parameters
    ----------
    k
        Bases per k-mer.
    C
        Inverse strength of the L2 penalty, as scikit-learn has it.
    n_tasks
        T, one regression each.

    Examples
    --------
    >>> KmerLogistic(k=3)(torch.zeros(2, 4, 20)).shape
    torch.Size([2, 1])
    """

    facts = ModelFacts(
        paper="holdfast (control)", window=101, n_parameters=4097, strands="both, k-mers counted with their complements"
    )
    both_strands = True
    canonical: Tensor
    place: Tensor

    @checked
    def __init__(self, k: KmerLength = 6, *, C: Positive = 0.01, n_tasks: Size = 1) -> None:
        super().__init__()
        self.k, self.C, self.n_tasks, self.min_window = k, C, n_tasks, k
        self.weight = nn.Parameter(torch.zeros(4**k, n_tasks))
        self.bias = nn.Parameter(torch.zeros(n_tasks))
        self.register_buffer("canonical", torch.from_numpy(canonical_kmers(k)), persistent=False)
        self.register_buffer("place", 4 ** torch.arange(k - 1, -1, -1), persistent=False)

    def kmers(self, codes: Tensor) -> Tensor:
        """Return (N, L - k + 1) canonical k-mer numbers of (N, L) codes, -1 where a base is unknown."""
        pieces = codes.long().unfold(-1, self.k, 1)
        number = self.canonical[(pieces.clamp(max=3) * self.place).sum(dim=-1)]
        return torch.where((pieces == UNKNOWN).any(dim=-1), -1, number)

    def trunk(self, sequence: Tensor) -> tuple[Tensor, ...]:
        """Return the weight of the k-mer at each position, (N, T, L - k + 1)."""
        known = sequence.sum(dim=1) > 0
        kmer = self.kmers(torch.where(known, sequence.argmax(dim=1), UNKNOWN))
        return (torch.where((kmer >= 0)[..., None], self.weight[kmer.clamp(min=0)], 0.0).transpose(1, 2),)

    def reduce_windows(self, features: tuple[Tensor, ...], window: int) -> Tensor:
        """Return the sum of the weights in each window, (N, S, T)."""
        width = window - self.k + 1
        return (sliding_mean(features[0], width) * width).transpose(1, 2)

    def head(self, pooled: Tensor) -> Tensor:
        """Return (..., T) logits."""
        return pooled + self.bias

    def editor(self, sequence: Tensor) -> Callable[[Edits], Tensor]:
        """Return what gives the logits of edited copies of windows: the k-mers that an edit reaches are read again."""
        step = SharedStep(lambda runs: self.trunk(runs)[0], sequence, span=self.k)
        total = sum_of_edits(self.trunk(sequence)[0])
        return lambda edits: self.head(total(step(edits)))

    def fit_windows(self, codes: Codes, labels: NDArray[np.int8]) -> None:
        """Set the weights by scikit-learn's logistic regression.

        Parameters
        ----------
        codes
            (N, W) uint8 training windows.
        labels
            (N, T) int8: 1 bound, 0 unbound, -1 unknown.

        Raises
        ------
        InputError
            If a task has one class only.
        """
        counts = self._counts(codes)
        for task in range(self.n_tasks):
            known = labels[:, task] >= 0
            if len(np.unique(labels[known, task])) < 2:
                raise InputError(f"kmer: task {task} has one class only among {known.sum()} training examples")
            fitted = LogisticRegression(C=self.C, max_iter=2000).fit(counts[known], labels[known, task])
            canonical = self.canonical.cpu().numpy()
            with torch.no_grad():
                self.weight[:, task] = torch.from_numpy(fitted.coef_[0][canonical]).float()
                self.bias[task] = float(fitted.intercept_[0])

    def _counts(self, codes: Codes) -> sparse.csr_matrix:
        kmer = self.kmers(torch.from_numpy(np.ascontiguousarray(codes))).numpy()
        row, column = np.nonzero(kmer >= 0)
        ones = np.ones(len(row), dtype=np.float64)
        return sparse.csr_matrix((ones, (row, kmer[row, column])), shape=(len(codes), 4**self.k))
