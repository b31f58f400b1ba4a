"""What planting a pattern does to a run's model, on average over sequences of a null model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from holdfast.core.errors import ConfigError, InputError
from holdfast.core.parameters import Count, check_fields
from holdfast.core.progress import SILENT, Progress
from holdfast.core.random import numpy_generator
from holdfast.dna.codes import Codes
from holdfast.interpret.importance import Background, Effects, GlobalImportance, draw_background
from holdfast.jobs.explain import Question, Subject, open_subject
from holdfast.jobs.explain_answers import Answer, answered, asked_about, stored_before
from holdfast.runs.answers import Experiment, ImportanceRecord, PlantedEffect, PlantedEffects

__all__ = ["Planting", "explain_importance"]

# Places, and gaps, that are tried where none are given.
PLACES, COPIES = 20, 5
NULL_WORDS = {
    "dinucleotide": "dinucleotide shuffles",
    "shuffle": "shuffles",
    "profile": "bases drawn as often as the data have them there",
    "quartile": "the data's quarter of lowest logits",
}
# Sequences of the data that a null model is made of.
DATA = 2000


@dataclass(frozen=True, kw_only=True)
class Planting:
    """What is planted where.

    Parameters
    ----------
    experiment
        ``pattern``: once. ``position``: at each of some starts. ``number``: 1, 2, ... copies. ``spacing``: two patterns
        with some bases between them. ``kmers``: every k-mer.
    pattern
        Letters A, C, G, T; N leaves the base that is there. Not of ``kmers``.
    starts
        First bases in the window: of ``pattern``, ``spacing`` and ``kmers`` one (left out: the middle, or where both
        patterns fit), of ``position`` those to try (left out: about twenty over the window), of ``number`` those of the
        copies in their order (left out: up to five about the middle, one pattern's width between them).
    second
        Of ``spacing``: the second pattern; left out, the first again.
    gaps
        Of ``spacing``: bases between; left out, 0 to 20 as far as the window reaches.
    excess
        Of ``spacing``: take away what each of the two does alone.
    k
        Of ``kmers``.

    Raises
    ------
    ConfigError
        If a setting does not fit its experiment.
    """

    experiment: Experiment = "pattern"
    pattern: str = ""
    starts: tuple[int, ...] = ()
    second: str = ""
    gaps: tuple[int, ...] = ()
    excess: bool = False
    k: Annotated[int, Field(ge=1, le=6)] = 4

    def __post_init__(self) -> None:
        check_fields(self, type(self).__name__)
        if (self.experiment == "kmers") == bool(self.pattern):
            takes = "plants every k-mer and takes no pattern" if self.pattern else "needs a pattern, such as GGGGCGGGG"
            raise ConfigError(f"experiment '{self.experiment}' {takes}")
        for word in (self.pattern, self.second):
            _check_letters(word)
        if self.experiment != "spacing" and (self.second or self.gaps or self.excess):
            raise ConfigError(
                f"a second pattern, gaps and excess belong to experiment 'spacing', not to '{self.experiment}'"
            )
        if self.experiment not in ("position", "number") and len(self.starts) > 1:
            raise ConfigError(f"experiment '{self.experiment}' has one start; {len(self.starts)} are given")


def explain_importance(
    folder: Path,
    planting: Planting,
    question: Question,
    *,
    null: str = "dinucleotide",
    seed: Count = 0,
    data: Path | None = None,
    device: str | None = None,
    progress: Progress = SILENT,
) -> Answer[PlantedEffects]:
    """Measure what planting something does to a run's model and keep it in its folder, the last of each experiment.

    Parameters
    ----------
    folder, data, device, progress
        See :func:`~holdfast.jobs.explain_attributions.explain_attributions`.
    planting
        The experiment.
    question
        Task and part; ``n`` sequences are drawn from the null model.
    null
        Name of a null model, see :data:`~holdfast.interpret.null_models.NULL_MODELS`.
    seed
        Of the draws.

    Raises
    ------
    InputError
        If the run or its data cannot be read, or a pattern does not fit into the window.
    ConfigError
        If there is no such null model.
    """
    asked = asked_about(question, "importance", **vars(planting), null=null, n=question.n, seed=seed)
    subject = open_subject(folder, asked, data=data, device=device)
    run, settings = subject.run, subject.settings(asked, np.array([], dtype=np.int64))
    record = stored_before(run, "importance", lambda: run.page("importance", ImportanceRecord), progress)
    planted = _Planted.into(planting, subject.shift.window)

    def find() -> PlantedEffects:
        began = time.perf_counter()
        background, effects = _measured(subject, planted, null=null, n=question.n, seed=seed, progress=progress)
        words = NULL_WORDS.get(null, background.null)
        found = _effects(subject, settings, planted, words, background, effects, time.perf_counter() - began)
        others = [one for one in (record.experiments if record else []) if one.experiment != found.experiment]
        run.write_page("importance", ImportanceRecord(experiments=[*others, found]))
        return found

    return answered(
        run,
        "importance",
        settings=settings,
        read=lambda: record.of(planting.experiment) if record is not None else None,
        find=find,
        words=lambda there: f"{there.experiment} of {there.words}",
        progress=progress,
    )


def _measured(
    subject: Subject, planted: _Planted, *, null: str, n: int, seed: int, progress: Progress
) -> tuple[Background, Effects]:
    """Return a null model's sequences, and what planting does to them."""
    with progress.task(f"planting {planted.words} into {n:,} sequences", None):
        background = draw_background(
            subject.model,
            _windows(subject),
            null=null,
            n=n,
            seed=seed,
            task=subject.task,
            device=subject.device,
        )
        importance = GlobalImportance(model=subject.model, background=background, device=subject.device)
        return background, planted.measured(importance)


@dataclass(frozen=True, kw_only=True)
class _Planted:
    """A planting whose every place in a window is known."""

    asked: Planting
    starts: tuple[int, ...]
    gaps: tuple[int, ...] = ()

    @classmethod
    def into(cls, asked: Planting, window: int) -> _Planted:
        """Settle the places that were left open.

        Raises
        ------
        InputError
            If the window is too short.
        """
        wide = asked.k if asked.experiment == "kmers" else len(asked.pattern)
        both = wide + len(asked.second or asked.pattern) if asked.experiment == "spacing" else wide
        if both > window:
            raise InputError(f"{both} bp are to be planted into a window of {window} bp; give a shorter pattern")
        starts = asked.starts or _STARTS[asked.experiment](wide, window, both)
        if asked.experiment != "spacing":
            return cls(asked=asked, starts=starts)
        room = window - both - starts[0]
        return cls(asked=asked, starts=starts, gaps=asked.gaps or tuple(range(min(PLACES, max(0, room)) + 1)))

    @property
    def words(self) -> str:
        """What is planted where, in words."""
        asked, first = self.asked, self.starts[0]
        if asked.experiment == "kmers":
            return f"all {4**asked.k:,} {asked.k}-mers at base {first}"
        if asked.experiment == "spacing":
            beyond = ", beyond what each does alone" if asked.excess else ""
            return f"{asked.pattern} at base {first}, then {asked.second or asked.pattern}{beyond}"
        if asked.experiment == "number":
            return f"{asked.pattern}, up to {len(self.starts)} copies"
        return asked.pattern if asked.experiment == "position" else f"{asked.pattern} at base {first}"

    def measured(self, importance: GlobalImportance) -> Effects:
        """Return what the experiment finds."""
        asked, first = self.asked, self.starts[0]
        match asked.experiment:
            case "pattern":
                return importance.pattern(asked.pattern, first)
            case "position":
                return importance.position(asked.pattern, self.starts)
            case "number":
                return importance.number(asked.pattern, self.starts)
            case "spacing":
                second = asked.second or asked.pattern
                return importance.spacing(asked.pattern, second, self.gaps, start=first, excess=asked.excess)
            case "kmers":
                return importance.kmers(asked.k, first)


def _middle(wide: int, window: int, both: int) -> tuple[int, ...]:
    return (window // 2 - wide // 2,)


def _spread(wide: int, window: int, both: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(np.linspace(0, window - wide, PLACES + 1).round().astype(int).tolist()))


def _copies(wide: int, window: int, both: int) -> tuple[int, ...]:
    """Return starts of copies about the middle, in the order from the left, their own width between them."""
    count = min(COPIES, (window + wide) // (2 * wide))
    first = (window - (2 * count - 1) * wide) // 2
    return tuple(first + 2 * wide * copy for copy in range(count))


def _side_by_side(wide: int, window: int, both: int) -> tuple[int, ...]:
    room = window - both
    return ((room - min(PLACES, room)) // 2,)


_STARTS = {"pattern": _middle, "position": _spread, "number": _copies, "spacing": _side_by_side, "kmers": _middle}


def _windows(subject: Subject) -> Codes:
    """Return the centre windows of the part, or of some drawn from a larger one."""
    part = subject.data.part(subject.part)
    if not len(part):
        raise InputError(f"{subject.run.folder}: the data set has no {subject.part} examples; choose another --part")
    rows = numpy_generator(0, "importance").permutation(len(part))[:DATA]
    return subject.centre_windows(part.index[np.sort(rows)])


def _effects(
    subject: Subject,
    settings: dict[str, Any],
    planted: _Planted,
    null: str,
    background: Background,
    effects: Effects,
    seconds: float,
) -> PlantedEffects:
    columns = (effects.labels, effects.values, effects.mean, effects.low, effects.high)
    return PlantedEffects(
        settings=settings,
        experiment=planted.asked.experiment,
        words=planted.words,
        null=null,
        task=subject.task_name,
        part=subject.part,
        n=len(background),
        background=float(background.logits.mean()),
        effects=[
            PlantedEffect(label=label, value=float(value), mean=float(mean), low=float(low), high=float(high))
            for label, value, mean, low, high in zip(*columns, strict=True)
        ],
        seconds=seconds,
    )


def _check_letters(word: str) -> None:
    if set(word.upper()) - set("ACGTN"):
        raise ConfigError(f"pattern '{word}': expected letters A, C, G, T and N, such as GGGGCGGGG")
