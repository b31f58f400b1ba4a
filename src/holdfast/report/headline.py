"""The headline: what the numbers say, in plain words, with the control read honestly.

A bag of k-mers has no sense of position. What a shift costs it is content that left or entered the window; a network
that loses no more than that has shown no fault of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from holdfast.report.study import Board, Row, Study
from holdfast.report.words import NARROW, NO_SHIFT, count, decimal, listed, percent, points
from holdfast.runs.records import Estimate

__all__ = ["MOSTLY_CONTENT", "headline"]

# Shares of the drop that the control shows too, from which the words change.
MOSTLY_CONTENT = 0.75
PARTLY_CONTENT = 0.4
# A drop of less than this is nothing to explain.
SMALL_DROP = 0.005
_CONTENT = "most of it is content leaving the window, not places the model clings to"
_NO_CONTROL = "No control was audited beside it, so how much of a drop is content leaving the window is not known."


def headline(study: Study) -> list[Markup]:
    """Return the headline's sentences, most important first."""
    boards = [board for board in study.boards if board.can_slide]
    if not boards:
        return [Markup("The window is the whole context: nothing can slide, so clean and worst are the same.")]
    sentences = _one_board(boards[0]) if len(boards) == 1 else _many_boards(boards)
    return [*_means(study), *sentences, *_bounds(study), *_one_answer(study)]


def _means(study: Study) -> list[Markup]:
    """Return a sentence for each run with several tasks."""
    words = Markup(
        "{}: over {} tasks the mean AUROC is <strong>{}</strong> at the centre and <strong>{}</strong> in the worst "
        "window, the mean area under the precision-recall curve {} and {}; {}."
    )
    return [
        words.format(
            study.title_of(setting, entry),
            means.n_averaged,
            *(decimal(of[name].value) for name in ("auroc", "aupr_trapezoid") for of in (means.clean, means.worst)),
            means.left_out,
        )
        for setting in study.settings
        for entry in setting.entries
        if (means := entry.audit.averages) is not None
    ]


def _bounds(study: Study) -> list[Markup]:
    """Return a warning where not every window was scored."""
    words = Markup(
        "<strong>Beware:</strong> {} windows were drawn for each sequence and scored, not all {}: the true worst "
        "window is no better than the worst that was seen."
    )
    counts = {
        (entry.audit.n_sampled, len(entry.audit.shift.offsets)) for entry in study.entries if not entry.audit.is_exact
    }
    return [words.format(*count_of) for count_of in sorted(counts, key=str)]


def _one_board(board: Board) -> list[Markup]:
    sentences = [_fall(board)]
    if len(board.models) > 1:
        sentences.append(_holder(board))
    return [*sentences, *_control(board)]


def _fall(board: Board) -> Markup:
    row, shift = board.baseline, board.shift
    reach, exact = row.result.reach_bp, row.entry.audit.is_exact
    return Markup(
        "{} calls <strong>{}</strong> of {} sequences right with the window at the centre, and <strong>{}</strong> "
        "with the worst of {} windows, at most {} bp away: a drop of {}. {} <strong>{}</strong> {}."
    ).format(
        _who(row),
        percent(row.clean),
        count(row.result.n_examples),
        percent(row.worst),
        len(shift.offsets) * (2 if shift.strands == "both" else 1) if exact else f"{row.entry.audit.n_sampled} drawn",
        reach,
        points(row.drop),
        "Every window was tried:" if exact else "Of the drawn windows,",
        percent(row.result.certified_accuracy.value),
        "are certified, right wherever the window lies" if exact else "of the sequences are right in all",
    )


def _who(row: Row) -> str:
    record = row.entry.record
    if record.is_control:
        return f"The control, {record.model_words}"
    if record.strategy == NO_SHIFT:
        return f"Trained without shifts, {record.model}"
    if record.strategy == "none":
        return f"As given, {record.model}"
    return f"Trained with {record.strategy}, {record.model}"


def _holder(board: Board) -> Markup:
    best = board.best
    rest = max((row for row in board.models if row is not best), key=lambda row: row.worst)
    apart = _are_apart(best.result.worst["accuracy"], rest.result.worst["accuracy"])
    return Markup(
        "Of {} trainings, <strong>{}</strong> holds best: {} in the worst window, at {} clean. "
        "Next is {} with {} in the worst window; {}."
    ).format(
        len(board.models),
        best.label,
        percent(best.worst),
        percent(best.clean),
        rest.label,
        percent(rest.worst),
        "their 95 % intervals are apart" if apart else "their 95 % intervals overlap, so that order is not certain",
    )


def _control(board: Board) -> list[Markup]:
    control, baseline = board.control, board.baseline
    if control is None:
        if baseline.is_control:
            return []
        return [Markup(_NO_CONTROL)]
    told = Markup("The control, {}, has no sense of position, and falls from {} to {}: {}. {}").format(
        control.entry.record.model_words,
        percent(control.clean),
        percent(control.worst),
        points(control.drop),
        _share(board),
    )
    return [told, _against_control(board.best, control)]


def _share(board: Board) -> str:
    drop, control = board.baseline.drop, board.control
    if control is None or drop < SMALL_DROP:
        return "There is hardly a drop to explain."
    share = control.drop / drop
    if share >= 1:
        return f"That is no less than the model's own drop: {_CONTENT}."
    if share >= MOSTLY_CONTENT:
        return f"That is {_rounded(share)} of the model's drop: {_CONTENT}."
    if share >= PARTLY_CONTENT:
        return f"That is {_rounded(share)} of the model's drop: so much may be content, the rest is the model's own."
    own = "most of it is the model's own sensitivity to position"
    return f"That is only {_rounded(max(share, 0))} of the model's drop: {own}."


def _rounded(share: float) -> str:
    return f"{100 * share:.0f}{NARROW}%"


def _against_control(best: Row, control: Row) -> Markup:
    gain = best.worst - control.worst
    apart = _are_apart(best.result.worst["accuracy"], control.result.worst["accuracy"])
    certainty = "" if apart else " (within the 95 % intervals)"
    if gain < 0:
        words = "In the worst window even {} stays {} <strong>below</strong> the control{}: nothing here beats it."
        return Markup(words).format(best.label, points(-gain), certainty)
    words = "In the worst window the best of them, {}, is {} above the control{}."
    return Markup(words).format(best.label, points(gain), certainty)


def _many_boards(boards: Sequence[Board]) -> list[Markup]:
    drops = [board.baseline.drop for board in boards]
    names = list(dict.fromkeys(board.baseline.label for board in boards))
    first = Markup("Across {}, {} loses <strong>{}</strong> of accuracy between the centre window and the worst one.")
    who = "training without shifts" if names == [NO_SHIFT] else f"the first row ({listed(names)})"
    sentences = [first.format(_extent(boards), who, _between(drops))]
    compared = [board for board in boards if len(board.models) > 1 and not board.best.one_answer]
    if compared:
        sentences.append(_holders(compared, len(boards)))
    return [*sentences, *_controls([board for board in boards if board.control is not None])]


def _extent(boards: Sequence[Board]) -> str:
    sets = len({board.data_name for board in boards})
    windows = sorted({board.shift.window for board in boards})
    parts = [f"{sets} data sets" if sets > 1 else boards[0].data_name]
    if len(windows) > 1:
        parts.append(f"windows of {listed([str(window) for window in windows])} bp")
    extent = " and ".join(parts)
    return extent if sets == len(boards) else f"{extent} ({len(boards)} settings)"


def _between(drops: Sequence[float]) -> str:
    low, high = 100 * min(drops), 100 * max(drops)
    return points(drops[0]) if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f} points".replace("-", "−")


def _holders(boards: Sequence[Board], total: int) -> Markup:
    """Say who holds best in the settings that have several trainings and whose best is not one answer to all."""
    best = [board.best.label for board in boards]
    most = max(dict.fromkeys(best), key=best.count)
    won = [board for board in boards if board.best.label == most]
    gains = [board.best.worst - board.baseline.worst for board in won]
    kept = [board.best.clean - board.baseline.clean for board in won]
    text = Markup("<strong>{}</strong> training holds best {}").format(most, _among(len(won), len(boards), total))
    if any(board.best is not board.baseline for board in won):
        text += Markup(": {} in the worst window, {} at the centre, against {}").format(
            _signed(gains), _signed(kept), won[0].baseline.label
        )
    others = [f"{board.best.label} ({board.title})" for board in boards if board.best.label != most]
    return text + Markup(". The others: {}.").format(listed(others)) if others else text + "."


def _where(count_of: int, total: int) -> str:
    if count_of in (0, total):
        return "in every setting" if count_of else "in no setting"
    return f"in {count_of} of {total} settings"


def _among(won: int, compared: int, total: int) -> str:
    """Return in how many of the settings that can be compared, where these are not all."""
    if compared == total:
        return _where(won, total)
    if compared == 1:
        return f"in the 1 setting of {total} where trainings can be compared"
    return f"in {won} of the {compared} settings, of {total}, where trainings can be compared"


def _signed(values: Sequence[float]) -> str:
    low, high = f"{100 * min(values):+.1f}", f"{100 * max(values):+.1f}"
    return (f"{low} points" if low == high else f"{low} to {high} points").replace("-", "−")


def _controls(boards: Sequence[Board]) -> list[Markup]:
    if not boards:
        return [
            Markup("No control was audited, so this page cannot say how much of a drop is content leaving the window.")
        ]
    controls = [board.control for board in boards if board.control is not None]
    explained = [
        board for board in boards if board.control and board.control.drop >= MOSTLY_CONTENT * board.baseline.drop
    ]
    below = [board.title for board in boards if board.control and board.best.worst < board.control.worst]
    told = Markup(
        "The control, {}, has no sense of position and loses {}. Its drop is at least three quarters of the "
        "model's {}: there most of the drop is content leaving the window, which is no fault of the model."
    ).format(
        controls[0].entry.record.model_words,
        _between([control.drop for control in controls]),
        _where(len(explained), len(boards)),
    )
    verdict = (
        Markup("In the worst window the control is ahead of every training in: {}.").format("; ".join(below))
        if below
        else Markup("In the worst window the best training is ahead of the control everywhere.")
    )
    return [told, verdict]


def _one_answer(study: Study) -> list[Markup]:
    words = Markup(
        "<strong>Beware:</strong> {} ({}) calls {} of everything bound{}; one answer to all cannot be pushed, so its "
        "numbers say nothing about shifts."
    )
    sentences = []
    for setting in (setting for setting in study.settings if len(setting.shift.offsets) > 1):
        for entry in setting.entries:
            rows = [Row(entry, result) for result in entry.audit.tasks]
            calls = [row.result.calls_positive for row in rows if row.one_answer]
            if calls:
                tasks = f" in {len(calls)} of {len(rows)} tasks" if len(rows) > 1 else ""
                sentences.append(words.format(entry.label, setting.title, _shares(calls), tasks))
    return sentences


def _shares(values: Sequence[float]) -> str:
    """Return a share, or the least and the greatest of several."""
    low, high = percent(min(values)), percent(max(values))
    return low if low == high else f"{low.removesuffix(f'{NARROW}%')} to {high}"


def _are_apart(one: Estimate, other: Estimate) -> bool:
    return one.low > other.high or other.low > one.high
