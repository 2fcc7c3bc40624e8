"""Protects a learner from a wrong sentence about a training: made-up curves, noisy ones too."""

import math

import numpy as np
import pytest

from helpers.show.told import guess_record, guess_told, told_apart, what_happened
from helpers.train.runs import Run

STEPS = 375
FIVE = [200] * 5  # validation rows of each class


def a_run(losses, eval_losses=(), accuracies=None, rows=1_000, noise=0.0, seed=0, epochs=True):
    """Make a run of these training losses, with evaluations after equal parts of the steps."""
    run = Run("run 1", settings={"eval_size": rows})
    run.start()
    chance = np.random.default_rng(seed).normal(0, noise, len(losses)) if noise else np.zeros(len(losses))
    part = len(losses) // max(1, len(eval_losses))
    for step, loss in enumerate(losses + chance, 1):
        run.log(step, float(loss))
        place = step // part - 1
        if step % part == 0 and place < len(eval_losses):
            metrics = {"accuracy": accuracies[place]} if accuracies is not None else {}
            epoch = place + 1 if epochs else None
            run.log_evaluation(step, eval_losses[place], epoch=epoch, **metrics)
    run.end()
    return run


def curve(*points, steps=STEPS):
    """Draw straight lines through points (share of the steps, loss)."""
    shares, losses = zip(*points)
    return np.interp(np.linspace(0, 1, steps), shares, losses)


FLATTENED = 0.9 + 0.7 * np.exp(-np.linspace(0, 10, STEPS))
FALLING = curve((0, 1.6), (1, 1.0))
ROSE = curve((0, 1.6), (80 / STEPS, 0.9), (1, 1.7))
GUESSING = np.full(STEPS, math.log(5))
BURST = curve((0, 1.6), (0.05, 4.0), (0.2, 1.62), (1, 1.61))

VERDICTS = {
    "flattened": (FLATTENED, (1.0, 0.98, 0.98), (0.5, 0.55, 0.55), "and flattened"),
    "flattened, without an evaluation": (FLATTENED, (), None, "and flattened"),
    "still falling": (
        FALLING,
        (1.4, 1.2, 1.0),
        (0.3, 0.4, 0.5),
        "The validation loss was still falling, from 1.20 after epoch 2 to 1.00",
    ),
    "still falling, without an evaluation": (
        FALLING,
        (),
        None,
        "The loss was still falling in the last half",
    ),
    "rose": (ROSE, (1.0, 1.3, 1.7), (0.5, 0.4, 0.3), "rose after about step"),
    "overfitting": (
        FALLING,
        (1.2, 1.0, 1.3),
        (0.5, 0.55, 0.56),
        "turned up after epoch 2, from 1.00 to 1.30",
    ),
    "guessing": (GUESSING, (1.61, 1.61, 1.61), (0.2, 0.21, 0.2), "or the labels do not fit"),
    "guessing after a burst": (BURST, (1.7, 1.61, 1.61), (0.2, 0.2, 0.2), ": learning_rate is too high"),
    "learned by heart": (FALLING, (1.62, 1.61, 1.61), (0.2, 0.2, 0.2), "its training texts only"),
}


@pytest.mark.parametrize("noise", [0, 0.05, 0.25])
@pytest.mark.parametrize("name", VERDICTS)
def test_each_curve_gets_its_own_sentence(name, noise):
    """The noise of a batch of eight is about 0.25. A rule for smooth curves calls every noisy one a rise."""
    losses, eval_losses, accuracies, expected = VERDICTS[name]
    seeds = range(20 if noise else 1)
    told = [what_happened(a_run(losses, eval_losses, accuracies, noise=noise, seed=s), FIVE) for s in seeds]
    right = [text for text in told if expected in text]
    assert len(right) >= 0.95 * len(told), set(told) - set(right)


@pytest.mark.parametrize("noise", [0, 0.1])
def test_the_step_of_the_rise_is_near_the_true_one(noise):
    import re

    text = what_happened(a_run(ROSE, noise=noise), FIVE)
    assert abs(int(re.search(r"step (\d+)", text)[1]) - 80) <= 20, text


def test_the_accuracy_alone_decides_nothing():
    """The same accuracies under different losses get different sentences."""
    told = {
        what_happened(a_run(losses, eval_losses, (0.5, 0.5, 0.5)), FIVE)[:30]
        for losses, eval_losses in ((FLATTENED, (1, 1, 1)), (FALLING, (1.4, 1.2, 1.0)), (ROSE, (1, 1.3, 1.7)))
    }
    assert len(told) == 3
    over_sure = what_happened(a_run(FALLING, (1.8, 1.7, 1.7), (0.5, 0.5, 0.5)), FIVE)
    assert "guessing" not in over_sure, "a loss above guessing's, but an accuracy far above it"
    lucky = what_happened(a_run(GUESSING, (1.61, 1.61), (0.2, 0.22)), FIVE)
    assert "guessing" in lucky, "0.22 of 1,000 rows is within two errors of 0.20"


def test_a_guesser_of_unequal_classes_has_a_lower_loss():
    """With nine of ten rows in one class, a loss of 0.33 is guessing, although ln 2 is 0.69."""
    losses = curve((0, 0.69), (0.1, 0.326), (1, 0.325))
    run = a_run(losses, (0.325, 0.325), (0.9, 0.9))
    assert "no different from guessing (0.33)" in what_happened(run, [900, 100])
    assert "flattened" in what_happened(run), "without the counts, nobody can know"


def test_an_epoch_that_nobody_recorded_is_a_step():
    run = a_run(FALLING, (1.2, 1.0, 1.3), (0.5, 0.5, 0.5), epochs=False)
    assert "turned up after step 250" in what_happened(run, FIVE)


@pytest.mark.parametrize(
    ("losses", "status", "expected"),
    [
        ([1.6, 1.5, 1.4], "finished", "Only 3 losses"),
        ([1.6, 1.5], "failed", "ended with an error after 2 steps"),
    ],
)
def test_what_ended_early_is_said(losses, status, expected):
    run = a_run(np.array(losses))
    run.status = status
    assert expected in what_happened(run)


def test_a_loss_that_is_no_number_is_said():
    run = Run("run 1")
    run.start(), run.log(1, 1.6)
    with pytest.raises(ArithmeticError):
        run.log(2, math.nan)
    assert "no number any more at step 2: learning_rate is too high" in what_happened(run)


def judged(name, accuracy, rows=1_000):
    run = Run(name, settings={"eval_size": rows})
    run.start(), run.log_evaluation(1, 1.0, accuracy=accuracy)
    return run


@pytest.mark.parametrize(
    ("first", "second", "rows", "expected"),
    [
        (0.48, 0.55, 1_000, "so these two differ"),  # 0.07 against 2 × 0.0223
        (0.50, 0.54, 1_000, "these two cannot be told apart"),  # 0.04 against 2 × 0.0223
        (0.54, 0.50, 1_000, "these two cannot be told apart"),
        (0.48, 0.55, 100, "these two cannot be told apart"),  # the same on fewer rows
        (0.60, 0.32, 1_000, "so these two differ"),
        (1.0, 1.0, 10, "these two cannot be told apart"),  # both errors are 0
    ],
)
def test_two_runs_differ_from_twice_the_error_on(first, second, rows, expected):
    """One error instead of two calls a third of all equal pairs different."""
    told = told_apart(judged("run 1", first, rows), judged("run 2", second, rows))
    assert expected in told and f"a difference of {abs(first - second):.3f}" in told and "unpaired" in told


def test_equal_models_are_seldom_called_different():
    chance = np.random.default_rng(0)
    pairs = chance.binomial(1_000, 0.5, (400, 2)) / 1_000
    called = ["differ." in told_apart(judged("a", a, 1_000), judged("b", b, 1_000)) for a, b in pairs]
    assert 0.01 < np.mean(called) < 0.09


def test_without_the_number_of_rows_there_is_an_error():
    with pytest.raises(ValueError, match=r'set run.settings\["eval_size"\]'):
        told_apart(judged("run 1", 0.5, None), judged("run 2", 0.5, 1_000))


def guessed(guess, accuracy, rows=1_000):
    run = judged("run 1", accuracy, rows)
    run.settings["guess"] = guess
    return run


@pytest.mark.parametrize(
    ("guess", "accuracy", "expected"),
    [
        (0.55, 0.48, "You said 0.55, it is 0.480 ± 0.016: 0.07 too high."),
        (0.30, 0.48, "You said 0.30, it is 0.480 ± 0.016: 0.18 too low."),
        (0.50, 0.48, "You said 0.50, it is 0.480 ± 0.016: as near as these rows can tell."),
    ],
)
def test_a_guess_is_compared_with_what_it_is(guess, accuracy, expected):
    assert guess_told(guessed(guess, accuracy)) == expected


def test_a_guess_of_a_run_that_was_stopped_is_neither_right_nor_wrong():
    run = Run("run 1", settings={"guess": 0.5, "eval_size": 100})
    assert "nobody knows" in guess_told(run) and guess_record([run, run]) == ""


@pytest.mark.parametrize(
    ("guesses", "expected"),
    [
        ([0.7], ""),
        ([0.7, 0.6], "Your 2 guesses so far were off by 0.20, 0.10."),
        (
            [0.7, 0.3, 0.55, 0.52],
            "off by 0.20 on average, your 2 later ones by 0.04: they are getting better.",
        ),
        ([0.55, 0.52, 0.7, 0.3], "they are not getting better."),
        ([0.55, 0.55, 0.55, 0.54], "no clear change."),
        ([0.8, 0.2, None, 0.5, 0.5], "your 2 later ones by 0.00: they are getting better."),
    ],
)
def test_whether_the_guesses_get_better_is_said_from_the_fourth_on(guesses, expected):
    """Two guesses say nothing about a trend, and no guess is not a guess of nothing."""
    runs = [judged("run", 0.5) if guess is None else guessed(guess, 0.5) for guess in guesses]
    assert guess_record(runs).endswith(expected)
