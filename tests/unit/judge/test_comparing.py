"""Protects a learner from a difference that is called real and is chance, or the other way round."""

import numpy as np
import pytest

from helpers.judge import bootstrap_difference, mcnemar, power, rows_needed, winners

RIGHT = np.array([True] * 10 + [False] * 2 + [True] * 30 + [False] * 5)
OTHER = np.array([False] * 10 + [True] * 2 + [True] * 30 + [False] * 5)


def test_mcnemar_is_the_exact_test_by_hand():
    """10 and 2 of 12 tosses: 2 · (C(12,0) + C(12,1) + C(12,2)) / 2^12 = 2 · 79 / 4096. The usual chi-squared
    form would give 0.021, which is too sure.
    """
    test = mcnemar(RIGHT, OTHER)
    assert (test.only_first, test.only_second, test.disagreement) == (10, 2, 12)
    assert test.p_value == pytest.approx(2 * 79 / 4096)


def test_rows_where_both_are_right_or_both_are_wrong_do_not_count():
    alone = mcnemar(RIGHT[:12], OTHER[:12])
    assert alone == mcnemar(RIGHT, OTHER)


def test_models_with_the_same_answers_are_no_different():
    assert mcnemar(RIGHT, RIGHT).p_value == 1
    assert bootstrap_difference(RIGHT, RIGHT) == (0, 0)


def test_the_difference_is_the_seconds_gain():
    """With the sign turned round, the worse model would be recommended."""
    low, high = bootstrap_difference(OTHER, RIGHT)
    assert 0 < low < 8 / 47 < high
    assert bootstrap_difference(RIGHT, OTHER)[1] == pytest.approx(-low, abs=0.02)


def test_the_bootstrap_covers_the_true_difference_about_as_often_as_it_says():
    """An interval that is too narrow makes chance look like a finding."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        # Both models share most answers; the second is better by 0.05
        first = random.random(400) < 0.55
        second = np.where(random.random(400) < 0.8, first, random.random(400) < 0.80)
        low, high = bootstrap_difference(first, second, draws=500)
        covered += low <= 0.2 * (0.80 - 0.55) <= high
    assert 0.91 < covered / 300 < 0.98


def test_answers_to_other_rows_are_refused():
    with pytest.raises(ValueError, match=r"same rows.*\(3,\) and \(4,\)"):
        mcnemar([1, 0, 1], [1, 0, 1, 1])


def test_rows_needed_is_connors_formula_by_hand():
    """0.02 apart, 0.2 of the rows in disagreement:
    ((1.959964 √0.2 + 0.841621 √(0.2 - 0.0004)) / 0.02)² = 3922.6
    """
    assert rows_needed(0.02, 0.2) == 3_923
    assert power(3_923, 0.02, 0.2) == pytest.approx(0.8, abs=1e-4)


def test_that_many_rows_do_find_it_in_four_of_five_comparisons():
    """The formula takes the counts as normal. The exact test finds a little less, but not much."""
    random = np.random.default_rng(1)
    rows = rows_needed(0.05, 0.2)
    found = 0
    for _ in range(400):
        kind = random.choice(3, size=rows, p=[0.125, 0.075, 0.8])  # only first, only second, both
        found += mcnemar(kind != 1, kind != 0).p_value < 0.05
    assert 0.72 < found / 400 < 0.87


@pytest.mark.parametrize(("difference", "disagreement"), [(0, 0.2), (0.3, 0.2), (0.1, 1.2), (-0.1, 0.2)])
def test_numbers_that_cannot_belong_together_are_refused(difference, disagreement):
    for compute in (rows_needed, lambda *given: power(100, *given)):
        with pytest.raises(ValueError, match="difference"):
            compute(difference, disagreement)


def test_a_winner_among_equals_falls_back_to_the_mean():
    """Of trainings that are equally good, the best on few rows was lucky, and luck does not come along."""
    right = np.random.default_rng(2).random((20, 1_000)) < 0.6
    chosen, fresh = winners(right, tries=20, rows=100)
    assert chosen.mean() > 0.66 and fresh.mean() == pytest.approx(right.mean(), abs=0.01)


def test_the_winner_is_judged_on_rows_that_did_not_choose_it():
    """Here one training is right on all rows of some, and every row is in exactly one of the two halves."""
    right = np.zeros((2, 10), dtype=bool)
    right[1] = True
    chosen, fresh = winners(right, tries=2, rows=5, draws=20)
    assert (chosen == 1).all() and (fresh == 1).all()
    one_row = np.eye(10, dtype=bool)  # each training is right on one row only: the winner never is elsewhere
    chosen, fresh = winners(one_row, tries=10, rows=5, draws=20)
    assert (chosen == 0.2).all() and (fresh == 0).all()


def test_a_choice_of_one_is_no_choice():
    right = np.random.default_rng(3).random((5, 400)) < 0.6
    chosen, fresh = winners(right, tries=1, rows=200)
    assert chosen.mean() == pytest.approx(fresh.mean(), abs=0.005)


@pytest.mark.parametrize(("tries", "rows"), [(3, 2), (1, 4), (0, 2), (1, 0)])
def test_too_many_tries_or_rows_are_refused(tries, rows):
    with pytest.raises(ValueError, match="tries"):
        winners(np.ones((2, 4)), tries, rows)
