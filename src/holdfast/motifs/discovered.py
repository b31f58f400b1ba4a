"""What motif discovery returns: a motif, its E-value, and the sites it was made of."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from holdfast.core.errors import InputError
from holdfast.motifs.motif import Motif

__all__ = ["SITE_COLUMNS", "Discovered"]

SITE_COLUMNS = ("sequence", "start", "strand", "posterior", "score", "site")


@dataclass(frozen=True, kw_only=True, eq=False)
class Discovered:
    """A motif found in sequences.

    Parameters
    ----------
    motif
        Its probabilities; ``sites`` and ``source`` say how many sites made it, and how it was found.
    sites
        Columns :data:`SITE_COLUMNS`, best site first: the number of the sequence, the site's first base on the forward
        strand (both from 0), ``+`` or ``-``, the probability that the sequence has its site there, the
        log-likelihood ratio of the site against the background in nats, and its letters as the motif reads them. NaN
        stands for what a method does not tell.
    log10_e_value
        Logarithm of the E-value, for many are smaller than the smallest number above 0; None where a method has none.

    Raises
    ------
    InputError
        If a column is missing.
    """

    motif: Motif
    sites: pd.DataFrame
    log10_e_value: float | None = None

    def __post_init__(self) -> None:
        if tuple(self.sites.columns) != SITE_COLUMNS:
            raise InputError(f"sites have the columns {list(self.sites.columns)}; expected {list(SITE_COLUMNS)}")
