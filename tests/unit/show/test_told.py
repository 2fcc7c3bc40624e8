"""Protects a learner from a wrong sentence about a training: made-up curves, noisy ones too."""

import math

import numpy as np
import pytest

from helpers.show.told import guess_record, guess_told, told_apart, what_happened
from helpers.train.runs import Run

STEPS = 375
FIVE = [200] * 5  # validation rows of each class


def a_run(losses, eval_losses=(), accuracies=None, rows=1_000, noise=0.0, seed=0, epochs=True, rates=None):
    """Make a run of these training losses, with evaluations after equal parts of the steps.

    `rates` are the learning rate at the start and at the end; between them it falls in a straight line.
    """
    run = Run("run 1", settings={"eval_size": rows})
    run.start()
    chance = np.random.default_rng(seed).normal(0, noise, len(losses)) if noise else np.zeros(len(losses))
    part = len(losses) // max(1, len(eval_losses))
    for step, loss in enumerate(losses + chance, 1):
        rate = None if rates is None else float(np.interp(step, (1, len(losses)), rates))
        run.log(step, float(loss), learning_rate=rate)
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


TO_ZERO = (1e-4, 0.0)


def test_a_loss_near_guessing_has_not_flattened():
    """25 steps that hardly moved the loss got "more steps would change little"; four epochs had 0.456."""
    run = a_run(curve((0, 1.63), (1, 1.59), steps=25), (1.6,), (0.272,), noise=0.02, rates=TO_ZERO)
    told = what_happened(run, FIVE)
    assert "hardly begun to fall" in told and "more steps or a higher" in told.lower(), told
    assert "guessing has 1.61" in told and "flattened" not in told


@pytest.mark.parametrize(("start", "end"), [(1.63, 1.12), (1.58, 0.92)])
def test_a_loss_whose_noise_hides_its_fall_has_not_flattened(start, end):
    """A hundred noisy steps down to the last one were called flat, because no fall was certain."""
    losses = curve((0, start), (1, end), steps=100)
    runs = [a_run(losses, (end,), (0.5,), noise=0.25, seed=seed, rates=TO_ZERO) for seed in range(20)]
    told = [what_happened(run, FIVE) for run in runs]
    right = ["still falling" in text and "change little" not in text for text in told]
    assert np.mean(right) >= 0.9, told


@pytest.mark.parametrize(
    ("eval_losses", "rates", "expected"),
    [
        ((), (1e-4, 1e-4), "and flattened: more steps would change little"),
        ((1.0,), TO_ZERO, "as the learning rate went to zero: a longer training may still help"),
        ((1.0, 0.98), TO_ZERO, "as the learning rate went to zero: a longer training may still help"),
        ((1.2, 1.1, 0.98, 0.98, 0.98), TO_ZERO, "as the learning rate went to zero"),
        ((0.98, 0.98, 0.98), TO_ZERO, "and flattened: more steps would change little"),
    ],
)
def test_a_loss_that_flattens_with_its_rate_says_little_about_more_steps(eval_losses, rates, expected):
    """At a rate of zero every loss is flat. Only validation losses from before that say more."""
    accuracies = (0.5,) * len(eval_losses)
    assert expected in what_happened(a_run(FLATTENED, eval_losses, accuracies, noise=0.02, rates=rates), FIVE)


def test_a_training_loss_below_guessing_is_not_called_guessing():
    """1.44 was called "no different from guessing (1.61)", because the noise of a few steps is wide."""
    losses = curve((0, 1.62), (1, 1.4), steps=25)
    told = what_happened(a_run(losses, (1.7, 1.82), (0.2, 0.216), noise=0.25, seed=3), FIVE)
    assert "training loss fell to 1.4" in told and "no different from guessing (1.61)" not in told
    assert "the accuracy on the validation rows (0.216) is no different from guessing" in told
    assert "Its noise hides whether" in what_happened(a_run(losses, noise=0.25, seed=3), FIVE)


def test_a_loss_far_above_guessing_is_not_called_guessing():
    losses = curve((0, 5.7), (0.2, 5.0), (1, 4.0), steps=100)
    told = what_happened(a_run(losses, (4.2,), (0.2,), noise=0.05), FIVE)
    assert "worse than guessing (1.61): learning_rate is too high" in told and "no different" not in told


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


def test_the_limit_is_not_given_as_the_standard_error():
    """ "Twice its standard error (0.045)" reads as if 0.045 were the standard error."""
    told = told_apart(judged("run 1", 0.5), judged("run 2", 0.6))
    assert "more than 0.044, twice its standard error (unpaired)" in told


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
