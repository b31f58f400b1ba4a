"""The gradient on a line, in pieces that are halved until what it says of each piece is what the logit does there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from holdfast.interpret.attribution.base import TaskLogit
from holdfast.interpret.attribution.gradients import input_gradient

__all__ = ["refined_path_gradient"]

# Pieces of a line at first, and how often a piece may be halved.
PIECES = 50
HALVINGS = 12
# A line with so many gradients is halved no more: a logit that jumps, or is rounded much, never agrees with them.
ENOUGH_GRADIENTS = 2_000
# A piece may miss this share of what the line may, times the root of its width: pieces miss in both directions, so the
# squares of what they miss add up to no more than the square of this share.
SHARE = 0.7


@dataclass(frozen=True)
class _Pieces:
    """Pieces of equal width: the (P,) numbers of their lines, where they begin, and the logits at their two ends."""

    line: Tensor
    begin: Tensor
    first: Tensor
    last: Tensor

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, rows: Tensor) -> _Pieces:
        return _Pieces(self.line[rows], self.begin[rows], self.first[rows], self.last[rows])

    def halves(self, width: float, middle: Tensor) -> _Pieces:
        """Return both halves of every piece, by the (P,) logits in their middles."""
        begin = torch.cat([self.begin, self.begin + width / 2])
        return _Pieces(self.line.repeat(2), begin, torch.cat([self.first, middle]), torch.cat([middle, self.last]))


def refined_path_gradient(
    model: TaskLogit, sequence: Tensor, reference: Tensor, *, allowed: Tensor, rows: int
) -> Tensor:
    """Return the mean gradient on the straight line from a reference to a sequence, all (N, 4, W), to a tolerance.

    The integral of the gradient over a piece of the line is known beforehand: the logit at its end less that at its
    beginning. So each piece shows what its one gradient, in its middle, misses, and only those that miss much are
    halved: the kinks of rectifiers and maxima are found, and the rest of the line costs nothing more.

    Parameters
    ----------
    model
        In eval mode.
    sequence, reference
        Ends of the lines.
    allowed
        (N,) logits that a line's gradients, times the difference of its ends, may miss of the difference of its logits.
        A logit that jumps misses more.
    rows
        Points in one pass.
    """
    difference, total = sequence - reference, torch.zeros_like(sequence)

    def points(pieces: _Pieces, shift: float) -> Tensor:
        where = (pieces.begin + shift)[:, None, None]
        return torch.lerp(reference[pieces.line], sequence[pieces.line], where)

    spent = torch.zeros(len(sequence), dtype=torch.int64, device=sequence.device)
    pieces, width = _first_pieces(model, sequence, reference), 1 / PIECES
    for halving in range(HALVINGS + 1):
        spent += torch.bincount(pieces.line, minlength=len(sequence))
        may_go_on = (spent < ENOUGH_GRADIENTS) & (halving < HALVINGS)
        halved: list[_Pieces] = []
        for number in torch.arange(len(pieces), device=sequence.device).split(rows):
            block = pieces[number]
            gradient = width * input_gradient(model, points(block, width / 2))
            missed = block.last - block.first - (gradient * difference[block.line]).sum(dim=(1, 2))
            again = (missed.abs() > SHARE * width**0.5 * allowed[block.line]) & may_go_on[block.line]
            total.index_add_(0, block.line[~again], gradient[~again])
            if again.any():
                wrong = block[again]
                halved.append(wrong.halves(width, model(points(wrong, width / 2))))
        if not halved:
            break
        pieces, width = _joined(halved), width / 2
    return total


def _first_pieces(model: TaskLogit, sequence: Tensor, reference: Tensor) -> _Pieces:
    begin = torch.arange(PIECES, device=sequence.device) / PIECES
    logits = torch.stack([model(torch.lerp(reference, sequence, step / PIECES)) for step in range(PIECES + 1)], dim=1)
    line = torch.arange(len(sequence), device=sequence.device).repeat_interleave(PIECES)
    return _Pieces(line, begin.repeat(len(sequence)), logits[:, :-1].flatten(), logits[:, 1:].flatten())


def _joined(parts: list[_Pieces]) -> _Pieces:
    fields = zip(*((part.line, part.begin, part.first, part.last) for part in parts), strict=True)
    return _Pieces(*map(torch.cat, fields))
