"""Class optimisation: the input that a model finds most like the bound class, found by gradient steps, as a motif."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from holdfast.core.parameters import Count, Positive, Size, check_fields
from holdfast.core.random import torch_generator
from holdfast.dna.codes import one_hot
from holdfast.interpret.asking import Asked, asking, windows_of
from holdfast.interpret.attribution.gradients import input_gradient
from holdfast.motifs.motif import Motif

__all__ = [
    "ClassOptimisation",
    "OptimisedInputs",
    "SharedSite",
    "input_motif",
    "most_informative_run",
    "relative_heights",
    "shared_site",
    "strongest_columns",
]

Objective = Literal["logprob", "prob", "logit"]
# Minimised, the penalty apart: a function of the logit.
OBJECTIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "logprob": lambda logit: -F.logsigmoid(logit),
    "prob": lambda logit: -logit.sigmoid(),
    "logit": lambda logit: -logit,
}
# Of RMSprop: the share of the running mean of squares that is kept.
ALPHA = 0.99
# Added to every entry of a scaled input before its columns are made to add up to 1.
SMOOTHING = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimisedInputs:
    """What class optimisation found from K starts.

    Parameters
    ----------
    method
        The method with its settings.
    task
        Whose class.
    inputs
        (K, 4, W) float32, relaxed, as the last step left them.
    probabilities
        (K,) float32 P+ of these inputs.
    sequence_probabilities
        (K,) float32 P+ of the sequences of each column's largest entry. Far below the others, the model was moved by
        what no sequence has, entries below 0 or in between, and the motif is not what it looks for in sequences.
    losses
        (K, steps + 1) float32: the loss before each step and after the last.
    """

    method: str
    task: int
    inputs: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    sequence_probabilities: NDArray[np.float32]
    losses: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def motifs(self) -> tuple[Motif, ...]:
        """One motif of W columns for each start."""
        return tuple(
            input_motif(f"start {number}", one, source=f"class optimisation of task {self.task}: {self.method}")
            for number, one in enumerate(self.inputs)
        )

    @property
    def best_start(self) -> int:
        """The start whose loss ended lowest."""
        return int(self.losses[:, -1].argmin())

    @property
    def best(self) -> Motif:
        """The motif of the start whose loss ended lowest."""
        return self.motifs[self.best_start]


@dataclass(frozen=True, kw_only=True)
class ClassOptimisation:
    """Minimise ``-log P+(S) + penalty * |S|^2`` over relaxed inputs S, from uniform noise, by RMSprop.

    All starts are stepped side by side; each is what it would have been alone. The model is asked in eval mode, its
    parameters get no gradients, and it is given back as it came.

    Parameters
    ----------
    objective
        ``logprob`` minimises -log P+, ``prob`` -P+, which has no slope left where the model is sure, ``logit`` minus
        the logit.
    penalty
        Lambda: of the sum of squares of the input.
    steps
        Gradient steps.
    rate
        Of RMSprop, which keeps 0.99 of its running mean of squares.
    starts
        K.
    batch_size
        Starts per batch.
    seed
        Start k is drawn from (seed, k).

    References
    ----------
    Lanchantin et al. (2016), arXiv:1605.01133, and the defaults of the same group's later public code. The poster
    writes plus ``lambda |S|^2`` under a maximum, which would reward growth; its source subtracts it: Simonyan et al.
    (2013), arXiv:1312.6034.

    Examples
    --------
    >>> from holdfast.models.demo import DeMo
    >>> found = ClassOptimisation(steps=5, starts=3)(DeMo(), window=40)
    >>> found.inputs.shape, found.losses.shape, found.best.width
    ((3, 4, 40), (3, 6), 40)
    """

    objective: Objective = "logprob"
    penalty: Annotated[float, Field(ge=0)] = 0.009
    steps: Size = 1000
    rate: Positive = 0.05
    starts: Size = 1
    batch_size: Size = 128
    seed: Count = 0

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)

    def __call__(
        self, model: nn.Module, *, window: int, task: int = 0, device: torch.device | None = None
    ) -> OptimisedInputs:
        """Return the optimised inputs of a model.

        Parameters
        ----------
        model
            Any module from (N, 4, W) to (N, T) logits that has a gradient.
        window
            W, in bp.
        task
            Whose class, from 0.
        device
            Where to compute; where the model is, if not given.

        Raises
        ------
        InputError
            If the model cannot read such a window, has no such task, or has no gradient.
        """
        windows_of(torch.zeros(1, window, dtype=torch.uint8), model, task)
        starts = torch.stack([self._noise(number, window) for number in range(self.starts)])
        with asking(model, task=task, device=device) as asked:
            # The penalty has a gradient whatever the model: without this the answer would be noise that shrinks.
            input_gradient(asked, starts[:1].to(asked.device), instead="ask it by 'importance'")
            parts = [self._descend(asked, block.to(asked.device)) for block in starts.split(self.batch_size)]
        inputs, logits, hard, losses = (torch.cat(column).float() for column in zip(*parts, strict=True))
        return OptimisedInputs(
            method=repr(self),
            task=task,
            inputs=inputs.numpy(force=True),
            probabilities=logits.sigmoid().numpy(force=True),
            sequence_probabilities=hard.sigmoid().numpy(force=True),
            losses=losses.numpy(force=True),
        )

    def _noise(self, number: int, window: int) -> Tensor:
        return torch.rand(4, window, generator=torch_generator(self.seed, "class optimisation", number))

    def _descend(self, model: Asked, start: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return inputs (K, 4, W), their logits (K,), those of their sequences, and losses (K, steps + 1)."""
        inputs = start.clone().requires_grad_()
        optimiser = torch.optim.RMSprop([inputs], lr=self.rate, alpha=ALPHA)
        losses = []
        for _ in range(self.steps):
            with torch.enable_grad():
                loss, _ = self._loss(model, inputs)
                (inputs.grad,) = torch.autograd.grad(loss.sum(), inputs)
            losses.append(loss.detach())
            optimiser.step()
        loss, logit = self._loss(model, inputs)
        hard = model(one_hot(inputs.detach().argmax(dim=1).to(torch.uint8)))
        return inputs.detach(), logit, hard, torch.stack([*losses, loss.detach()], dim=1)

    def _loss(self, model: Asked, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return (K,) losses and logits; a start's loss depends on it alone."""
        logit = model(inputs)
        return OBJECTIVES[self.objective](logit) + self.penalty * inputs.square().sum(dim=(1, 2)), logit


def input_motif(name: str, relaxed: NDArray[np.float32], *, source: str = "class optimisation") -> Motif:
    """Return a relaxed input as a motif: cut to 0..1, over its largest entry, smoothed, columns made to add up to 1.

    Parameters
    ----------
    name
        Of the motif.
    relaxed
        (4, W).
    source
        What made it.

    Examples
    --------
    >>> relaxed = np.array([[2.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    >>> input_motif("toy", relaxed).probabilities.round(3).tolist()
    [[0.971, 0.019], [0.01, 0.944], [0.01, 0.019], [0.01, 0.019]]
    """
    smooth = relative_heights(relaxed) + SMOOTHING
    return Motif(name=name, probabilities=smooth / smooth.sum(axis=0), source=source)


def relative_heights(relaxed: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return a relaxed input cut to 0..1, over its largest entry; as it is, where no entry is positive.

    Parameters
    ----------
    relaxed
        (4, W).
    """
    cut = np.clip(np.asarray(relaxed, dtype=np.float64), 0.0, 1.0)
    largest = cut.max()
    return cut / largest if largest > 0 else cut


def strongest_columns(relaxed: NDArray[np.float32]) -> tuple[int, int]:
    """Return [start, stop) of the columns on which the optimiser spent itself.

    The run whose largest entries exceed those of the mean column by most in sum. A motif's information does not tell
    them: columns are made to add up to 1 one by one, so that one of noise, which no step has raised, looks as sharp as
    one of a site.

    Parameters
    ----------
    relaxed
        (4, W).

    Examples
    --------
    >>> relaxed = np.zeros((4, 6), dtype=np.float32)
    >>> relaxed[0] = [0.05, 0.0, 0.5, 0.3, 0.4, 0.04]
    >>> strongest_columns(relaxed)
    (2, 5)
    >>> input_motif("noise looks sharp", relaxed).information().round(1).tolist()
    [0.9, 0.0, 1.8, 1.7, 1.7, 0.8]
    """
    tallest = relative_heights(relaxed).max(axis=0)
    return _heaviest_run(tallest - tallest.mean())


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedSite:
    """What the inputs of several starts have in common.

    Parameters
    ----------
    motif
        The mean of one stretch of each input.
    likeness
        (K,) cosine of each start's stretch and the best start's; 1 for that one.
    """

    motif: Motif
    likeness: NDArray[np.float64]


def shared_site(found: OptimisedInputs) -> SharedSite:
    """Return the motif that all starts share.

    The strongest columns of the best start are laid over every other start, on either strand, where they fit best; the
    mean of what lies under them is made a motif. What one start has from its noise is not at the same place in another
    and fades.

    Parameters
    ----------
    found
        Of one start or more; where starts show different sites, see their ``likeness``.

    Examples
    --------
    >>> from holdfast.models.demo import DeMo
    >>> site = shared_site(ClassOptimisation(steps=20, starts=3)(DeMo(), window=40))
    >>> site.likeness.shape, round(float(site.likeness.max()), 6)
    ((3,), 1.0)
    """
    heights = [relative_heights(one) for one in found.inputs]
    start, stop = strongest_columns(found.inputs[found.best_start])
    wanted = heights[found.best_start][:, start:stop]
    stretches, likeness = zip(*(_most_alike(one, wanted) for one in heights), strict=True)
    source = f"class optimisation of task {found.task}, mean of {len(found)} starts: {found.method}"
    return SharedSite(
        motif=input_motif("shared by starts", np.mean(stretches, axis=0), source=source), likeness=np.array(likeness)
    )


def most_informative_run(motif: Motif, *, width: int | None = None) -> Motif:
    """Return the part of a motif that carries its information.

    Parameters
    ----------
    motif
        As long as a window.
    width
        The run of so many columns with the most information. Without it, the run whose information exceeds the
        motif's mean column by most in sum, however long.

    Examples
    --------
    >>> columns = [[1, 0, 0, 0], [0.25] * 4, [0.25] * 4, [0, 0, 1, 0], [0, 0, 0, 1], [0.25] * 4]
    >>> wide = Motif(name="wide", probabilities=np.array(columns).T)
    >>> most_informative_run(wide).consensus, most_informative_run(wide, width=3).consensus
    ('GT', 'AGT')
    """
    information = motif.information()
    if width is None:
        start, stop = _heaviest_run(information - information.mean())
    else:
        width = min(width, motif.width)
        start = int(np.convolve(information, np.ones(width), mode="valid").argmax())
        stop = start + width
    return Motif(
        name=motif.name,
        probabilities=motif.probabilities[:, start:stop].copy(),
        source=f"{motif.source}, columns {start} to {stop} (from 0)",
        sites=motif.sites,
    )


def _most_alike(heights: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the stretch (4, w) of an input, on either strand, whose cosine with a wanted one is highest."""
    width = wanted.shape[1]
    both = np.stack([heights, heights[::-1, ::-1]])
    stretches = (
        np.lib.stride_tricks.sliding_window_view(both, width, axis=2).transpose(0, 2, 1, 3).reshape(-1, 4, width)
    )
    norms = np.linalg.norm(stretches, axis=(1, 2)) * np.linalg.norm(wanted)
    cosines = np.einsum("pbw,bw->p", stretches, wanted) / np.where(norms > 0, norms, np.inf)
    best = int(cosines.argmax())
    return stretches[best], float(cosines[best])


def _heaviest_run(values: NDArray[np.float64]) -> tuple[int, int]:
    """Return [start, stop) of the run of values with the greatest sum; the first and longest of several."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    gain = np.triu(total[None, 1:] - total[:-1, None])
    gain[np.tril_indices_from(gain, -1)] = -np.inf
    best = np.argwhere(gain >= gain.max() - 1e-12)
    start, last = min(best.tolist(), key=lambda run: (run[0] - run[1], run[0]))
    return start, last + 1
