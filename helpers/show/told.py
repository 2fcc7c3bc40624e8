"""Say in one plain sentence what a training did, whether two differ, and how far off a guess was."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from helpers.judge.metrics import standard_error
from helpers.language import _
from helpers.train.runs import Run

_FEWEST_POINTS = 10  # losses; a curve of fewer has no shape that could be told from chance
_FLAT_SHARE = 0.15  # of the whole fall: what a loss that flattened may still fall in its last half


def what_happened(run: Run, class_counts: Sequence[int] | None = None) -> str:
    """Say in one sentence how the losses of `run` went, and what to do about it.

    `class_counts`, shape (classes,), says how many validation rows each class has. A model that only guesses
    by these shares has their entropy as its loss. Without the counts, the loss at the start stands for it: a
    new classifier guesses. Each comparison allows for the noise, which the jumps from one loss to the next
    show. The accuracy alone decides nothing.
    """
    # What ended early
    steps, losses = run.series("loss")
    if steps and not math.isfinite(losses[-1]):
        text = _("The loss was no number any more at step {step}: learning_rate is too high.")
        return text.format(step=steps[-1])
    if run.status == "failed":
        return _("The training ended with an error after {steps} steps.").format(steps=run.step)
    if len(steps) < _FEWEST_POINTS:
        text = _("Only {count} losses were recorded: too few to say how the curve goes.")
        return text.format(count=len(steps))

    # The findings, the most serious first
    curve = _Curve(steps, losses)
    guessing = curve.start if class_counts is None else guessing_loss(class_counts)
    return (
        _rose(curve)
        or _worse_than_guessing(curve, guessing)
        or _guesses(curve, run, guessing, class_counts)
        or _turned_up(curve, run)
        or _still_falls(curve, run)
        or _hardly_fell(curve, guessing)
        or _flattened(curve, run)
    )


def guessing_loss(class_counts: Sequence[int]) -> float:
    """Return the cross-entropy of a model that answers with the shares of the classes, in nats."""
    shares = np.asarray(class_counts, dtype=float) / sum(class_counts)
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def told_apart(first: Run, second: Run) -> str:
    """Say whether the last accuracies of two runs differ by more than twice the difference's standard error.

    The error is the unpaired one, √(e₁² + e₂²), as if each run had answered rows of its own. It is too large
    for runs that answered the same rows; a paired test (`helpers.judge.mcnemar`) finds smaller differences,
    but needs each answer. It counts the chance of the rows only, and not that of the seeds.
    Raises ValueError if a run has no accuracy, or no "eval_size" (the number of rows) in its settings.
    """
    for run in (first, second):
        if not run.series("accuracy")[1] or not run.settings.get("eval_size"):
            text = _(
                "Expected an accuracy of {name!r} and the number of its validation rows. Let the run end an "
                'evaluation, and set run.settings["eval_size"].'
            )
            raise ValueError(text.format(name=run.name))
    one, other = (run.series("accuracy")[1][-1] for run in (first, second))
    error = math.hypot(_error(first), _error(second))
    difference = abs(one - other)
    text = (
        _(
            "{first} has {one:.3f} and {second} has {other:.3f}, a difference of {difference:.3f}: more than "
            "{limit:.3f}, twice its standard error (unpaired), so these two differ. Other seeds may still "
            "say otherwise."
        )
        if difference > 2 * error
        else _(
            "{first} has {one:.3f} and {second} has {other:.3f}, a difference of {difference:.3f}: no more "
            "than {limit:.3f}, twice its standard error (unpaired), so these two cannot be told apart."
        )
    )
    return text.format(
        first=first.name, one=one, second=second.name, other=other, difference=difference, limit=2 * error
    )


def guess_told(run: Run) -> str:
    """Say how far settings["guess"], the accuracy that somebody expected of `run`, was off."""
    guess = run.settings["guess"]
    accuracies = run.series("accuracy")[1]
    if not accuracies:
        text = _("You said {guess:.2f}. The run ended before an evaluation, so nobody knows.")
        return text.format(guess=guess)
    off = guess - accuracies[-1]
    if run.settings.get("eval_size") and abs(off) <= 2 * _error(run):
        text = _("You said {guess:.2f}, it is {accuracy}: as near as these rows can tell.")
    elif off > 0:
        text = _("You said {guess:.2f}, it is {accuracy}: {off:.2f} too high.")
    else:
        text = _("You said {guess:.2f}, it is {accuracy}: {off:.2f} too low.")
    return text.format(guess=guess, accuracy=accuracy_text(run), off=abs(off))


def guess_record(runs: Sequence[Run]) -> str:
    """Say how far off the guesses of all `runs` were, and from the fourth on whether they get better.

    They do if the mean distance of the later half is smaller than that of the earlier half by more than one
    standard error of an accuracy: nobody can aim closer.
    """
    # The distances, in the order of the runs
    guessed = [run for run in runs if run.settings.get("guess") is not None and run.series("accuracy")[1]]
    off = [abs(run.settings["guess"] - run.series("accuracy")[1][-1]) for run in guessed]
    if len(off) < 2:
        return ""
    if len(off) < 4:
        text = _("Your {count} guesses so far were off by {distances}.")
        return text.format(count=len(off), distances=", ".join(f"{value:.2f}" for value in off))

    # The earlier and the later half
    half = len(off) // 2
    earlier, later = float(np.mean(off[:half])), float(np.mean(off[half:]))
    aim = max((_error(run) for run in guessed if run.settings.get("eval_size")), default=0.0)
    if abs(later - earlier) <= aim:
        change = _("no clear change")
    else:
        change = _("they are getting better") if later < earlier else _("they are not getting better")
    return _(
        "Your first {half} guesses were off by {earlier:.2f} on average, your {rest} later ones by "
        "{later:.2f}: {change}."
    ).format(half=half, earlier=earlier, rest=len(off) - half, later=later, change=change)


def accuracy_text(run: Run) -> str:
    """Write the last accuracy, ± its standard error if "eval_size", the number of rows, is known."""
    accuracy = run.series("accuracy")[1][-1]
    return f"{accuracy:.3f} ± {_error(run):.3f}" if run.settings.get("eval_size") else f"{accuracy:.3f}"


def _error(run: Run) -> float:
    return standard_error(run.series("accuracy")[1][-1], run.settings["eval_size"])


class _Curve:
    """The training losses: their levels, their noise, and how far they fall in the last half."""

    def __init__(self, steps: Sequence[int], losses: Sequence[float]):
        self.steps = np.asarray(steps)
        self.losses = np.asarray(losses, dtype=float)
        self.width = max(3, len(losses) // 10)  # points whose mean is a level

        # The noise of one loss: a trend hardly shows in the difference of two neighbours
        self.noise = float(np.diff(self.losses).std() / math.sqrt(2))

        # The levels
        self.means = np.convolve(self.losses, np.full(self.width, 1 / self.width), "valid")
        self.start, self.end = float(self.means[0]), float(self.means[-1])
        self.lowest = float(self.means.min())

        # A straight line through the last half: its level, and how far it falls, with the standard error
        count = len(self.losses) // 2
        line = np.polyfit(np.linspace(-0.5, 0.5, count), self.losses[-count:], 1)
        self.fall, self.middle = float(-line[0]), float(line[1])
        self.fall_error = self.noise * math.sqrt(12 / count)

    def error(self, count: int) -> float:
        """Return the standard error of the difference of two means of `count` losses each."""
        return self.noise * math.sqrt(2 / count)


def _rose(curve: _Curve) -> str:
    """Say that the training loss rose again, if its last level lies clearly above its lowest."""
    rise = curve.end - curve.lowest
    place = int(curve.means.argmin())
    # Four errors, because the lowest of many levels is low by chance, too
    if rise <= max(4 * curve.error(curve.width), 0.1 * curve.lowest):
        return ""
    step = curve.steps[place + curve.width // 2] if place else curve.steps[0]
    return _(
        "The loss rose after about step {step}, from {lowest:.2f} to {end:.2f}: learning_rate is too high."
    ).format(step=step, lowest=curve.lowest, end=curve.end)


def _worse_than_guessing(curve: _Curve, guessing: float) -> str:
    """Say that the training loss ended clearly above that of a model that guesses."""
    if curve.end <= 1.1 * guessing + 2 * curve.error(curve.width):
        return ""
    return _(
        "The loss was as high as {highest:.2f} and ended at {end:.2f}, worse than guessing ({guessing:.2f}): "
        "learning_rate is too high."
    ).format(highest=curve.means.max(), end=curve.end, guessing=guessing)


def _guesses(curve: _Curve, run: Run, guessing: float, class_counts: Sequence[int] | None) -> str:
    """Say that the run is no different from guessing, if neither its losses nor its accuracy are better."""
    clearly = 0.03 * guessing + 2 * curve.error(curve.width)
    fell = curve.end < guessing - clearly
    if (fell and not run.evaluations) or (run.evaluations and _validation_beats(guessing, run, class_counts)):
        return ""

    # What the model learned holds for the training texts only, or perhaps not even for these
    low = curve.end < 0.95 * guessing
    if low and run.evaluations:
        why = _("what it learned holds for its training texts only")
        if not fell:
            why = _(
                "the steps are too few, learning_rate does not fit, or it learned its training texts only"
            )
        return _fell_in_training_only(curve, run, why)
    if low:
        return _(
            "The loss ended at {end:.2f}. Its noise hides whether that is better than guessing "
            "({guessing:.2f}): train longer, or evaluate."
        ).format(end=curve.end, guessing=guessing)

    # Not even the training loss fell
    first = float(curve.losses[:3].mean())  # the level at the start may hold a part of a burst
    if curve.means.max() > max(first, guessing) + clearly + 0.1 * guessing + 2 * curve.error(3):
        text = _(
            "The loss ended at {end:.2f}, no different from guessing ({guessing:.2f}), after it had risen to "
            "{highest:.2f}: learning_rate is too high."
        )
    else:
        text = _(
            "The loss ended at {end:.2f}, no different from guessing ({guessing:.2f}): learning_rate is too "
            "low or too high, the steps are too few, or the labels do not fit."
        )
    return text.format(end=curve.end, guessing=guessing, highest=curve.means.max())


def _fell_in_training_only(curve: _Curve, run: Run, why: str) -> str:
    """Say that the training loss fell, and that the validation rows tell nothing better than guessing."""
    accuracies = run.series("accuracy")[1]
    text = (
        _(
            "The training loss fell to {end:.2f}, but the accuracy on the validation rows ({value:.3f}) is "
            "no different from guessing: {why}."
        )
        if accuracies
        else _(
            "The training loss fell to {end:.2f}, but the loss on the validation rows ({value:.3f}) is no "
            "different from guessing: {why}."
        )
    )
    value = (accuracies or run.series("eval_loss")[1])[-1]
    return text.format(end=curve.end, value=value, why=why)


def _validation_beats(guessing: float, run: Run, class_counts: Sequence[int] | None) -> bool:
    """Say whether the validation loss or the accuracy is better than that of a model that guesses."""
    better = min(run.series("eval_loss")[1]) < 0.97 * guessing
    accuracies = run.series("accuracy")[1]
    if accuracies and class_counts is not None:
        rows = run.settings.get("eval_size") or int(sum(class_counts))
        commonest = max(class_counts) / sum(class_counts)
        better |= accuracies[-1] > commonest + 2 * standard_error(commonest, rows)
    return better


def _turned_up(curve: _Curve, run: Run) -> str:
    """Say that the run overfits, if the validation loss rose while the training loss went on falling."""
    steps, losses = run.series("eval_loss")
    lowest = int(np.argmin(losses)) if losses else 0
    if len(losses) < 2 or losses[-1] - losses[lowest] <= _margin(run, losses[lowest]):
        return ""
    before = curve.losses[curve.steps <= steps[lowest]][-curve.width :]
    if not len(before) or curve.end >= before.mean():
        return ""
    return _(
        "The validation loss turned up after {moment}, from {lowest:.2f} to {last:.2f}, while the training "
        "loss went on falling: overfitting."
    ).format(moment=_moment(run, lowest), lowest=losses[lowest], last=losses[-1])


def _still_falls(curve: _Curve, run: Run) -> str:
    """Say that the loss still falls: the validation loss of the last two evaluations, else the training's."""
    evaluated = run.series("eval_loss")[1]
    if len(evaluated) >= 2:
        if evaluated[-2] - evaluated[-1] <= _margin(run, evaluated[-1]):
            return ""
        place = len(run.evaluations) - 2
        return _(
            "The validation loss was still falling, from {before:.2f} after {moment} to {last:.2f} at the "
            "end: more steps would help."
        ).format(before=evaluated[-2], moment=_moment(run, place), last=evaluated[-1])

    # The training loss, where its fall in the last half is clear
    if curve.fall <= max(2.5 * curve.fall_error, _FLAT_SHARE * (curve.start - curve.end)):
        return ""
    text = _(
        "The loss was still falling in the last half, from {first:.2f} to {last:.2f}: more steps would help."
    )
    return text.format(first=curve.middle + curve.fall / 2, last=curve.middle - curve.fall / 2)


def _hardly_fell(curve: _Curve, guessing: float) -> str:
    """Say that the training has hardly begun, if the training loss is still near that of guessing."""
    if curve.end < 0.9 * guessing:
        return ""
    return _(
        "The loss has hardly begun to fall: it went from {start:.2f} to {end:.2f}, and guessing has "
        "{guessing:.2f}. More steps or a higher learning_rate would help."
    ).format(start=curve.start, end=curve.end, guessing=guessing)


def _flattened(curve: _Curve, run: Run) -> str:
    """Say that the loss flattened, where that is clear, and whether the schedule was the cause."""
    rates = run.series("learning_rate")[1]
    to_zero = bool(rates) and rates[-1] < 0.1 * max(rates)
    flat = _FLAT_SHARE * (curve.start - curve.end)
    if _validation_is_flat(run) or (not to_zero and curve.fall + 2 * curve.fall_error <= flat):
        text = _("The loss fell from {start:.2f} to {end:.2f} and flattened: more steps would change little.")
    elif curve.fall <= flat and to_zero:
        text = _(
            "The loss fell from {start:.2f} to {end:.2f} and flattened as the learning rate went to zero: a "
            "longer training may still help."
        )
    else:
        text = _(
            "The loss fell from {start:.2f} to {end:.2f}. Its noise hides whether it was still falling at "
            "the end: a longer training would tell."
        )
    return text.format(start=curve.start, end=curve.end)


def _validation_is_flat(run: Run) -> bool:
    """Say whether the last three validation losses, or more, are equal, and the rate was high at the first.

    At a rate near zero, every loss is flat.
    """
    steps, losses = run.series("eval_loss")
    equal = [abs(loss - losses[-1]) <= _margin(run, losses[-1]) for loss in losses]
    first = len(equal) - equal[::-1].index(False) if False in equal else 0
    at, rates = run.series("learning_rate")
    high = not rates or np.interp(steps[first] if steps else 0, at, rates) >= 0.5 * max(rates)
    return len(losses) - first >= 3 and bool(high)


def _margin(run: Run, loss: float) -> float:
    """Return how much two validation losses may differ by chance.

    The losses of single rows spread about as widely as their mean is large, so that this is one standard
    error of the mean. Two evaluations of the same rows differ by less.
    """
    return loss / math.sqrt(run.settings.get("eval_size") or 1_000)


def _moment(run: Run, evaluation: int) -> str:
    point = run.evaluations[evaluation]
    text = _("step {step}") if point.get("epoch") is None else _("epoch {epoch:.3g}")
    return text.format(**point)
