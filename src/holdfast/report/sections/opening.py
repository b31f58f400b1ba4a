"""The question, the headline, and the picture that goes with it."""

from __future__ import annotations

from markupsafe import Markup

from holdfast.report.dumbbell import draw_dumbbells, shared_range
from holdfast.report.headline import headline
from holdfast.report.sliding import draw_sliding
from holdfast.report.study import Study
from holdfast.report.template import fill

__all__ = ["opening"]


def opening(study: Study) -> Markup:
    """Return the top of the page."""
    boards = study.boards
    alone = boards[0] if len(boards) == 1 and boards[0].can_slide else None
    return fill(
        "opening.html.j2",
        {
            "study": study,
            "sliding": draw_sliding(study.settings[0].shift),
            "sentences": headline(study),
            "picture": draw_dumbbells(alone, *shared_range([alone])) if alone else None,
        },
    )
