"""Protects a learner from a progress bar that is wrong, and from a short training that logs nothing."""

import pytest

from helpers.train.steps import logging_steps, planned_steps


def test_planned_steps_count_the_smaller_last_batch():
    assert planned_steps(1000, 8, 3) == 375
    assert planned_steps(1001, 8, 3) == 378
    with pytest.raises(ValueError, match="at least one row"):
        planned_steps(0, 8, 3)


@pytest.mark.parametrize("steps", [1, 10, 375, 243_750])
def test_every_training_logs_often_enough_for_a_curve(steps):
    """With the default logging_steps=500, 375 steps show "No log" and an empty curve."""
    every = logging_steps(steps)
    assert every >= 1 and min(steps, 75) <= steps // every <= 150
