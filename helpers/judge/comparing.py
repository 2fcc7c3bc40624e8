"""Compare two models on the same rows, and say how much a choice among several flatters.

Dietterich (1998, Neural Computation 10(7)) shows that McNemar's test is one of the few that do not call too
many chance differences real.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from helpers.language import _


class Comparison(NamedTuple):
    """What a paired comparison of two models gives, on the rows where exactly one of them is right."""

    only_first: int
    only_second: int
    p_value: float

    @property
    def disagreement(self) -> int:
        """The number of rows where exactly one of the two models is right."""
        return self.only_first + self.only_second


def _paired(first, second) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays of booleans, or raise ValueError if they are not answers to the same rows."""
    first = np.asarray(first)
    second = np.asarray(second)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            _(
                "Expected two arrays that say for the same rows whether the answer was right, at least one "
                "row; got the shapes {first.shape} and {second.shape}."
            ).format(first=first, second=second)
        )
    return first.astype(bool), second.astype(bool)


def mcnemar(first, second) -> Comparison:
    """Test whether two models are equally often right, by McNemar's exact test.

    `first` and `second`, shape (rows,), say for the same rows whether the answer was right. Only rows where
    exactly one model is right tell the two apart. If the models are equally good, each of these rows is a
    toss of a coin. The p-value is the probability that such tosses come out at least as uneven.
    """
    from scipy.stats import binomtest

    first, second = _paired(first, second)
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    tosses = only_first + only_second
    return Comparison(only_first, only_second, binomtest(only_first, tosses).pvalue if tosses else 1.0)


def bootstrap_difference(first, second, level: float = 0.95, draws: int = 5_000, seed: int = 42):
    """Return the low and the high end of an interval for the difference in accuracy, `second` - `first`.

    `first` and `second`, shape (rows,), say for the same rows whether the answer was right. The rows are
    drawn again with replacement, `draws` times, and both models are judged on each draw. The interval holds
    the middle `level` of these differences (Efron 1979, Annals of Statistics 7(1); the percentile method).
    """
    from scipy.stats import bootstrap

    first, second = _paired(first, second)
    gains = second.astype(float) - first
    if not gains.any():
        return 0.0, 0.0  # the models are right on the same rows, in any draw
    interval = bootstrap(
        (gains,), np.mean, confidence_level=level, n_resamples=draws, method="percentile", random_state=seed
    ).confidence_interval
    return float(interval.low), float(interval.high)


def power(rows: float, difference: float, disagreement: float) -> float:
    """Compute the probability that McNemar's test at the 5 % level finds a difference on `rows` rows.

    `difference` is the true difference in accuracy, and `disagreement` the share of rows where exactly one of
    the two models is right. The formula is Connor's (1987, Biometrics 43), which takes the counts as normal.
    Card and others (2020, EMNLP, "With Little Power Comes Great Responsibility") show how often published
    comparisons have too little power. Raises ValueError if the numbers cannot belong together.
    """
    from scipy.stats import norm

    _check_difference(difference, disagreement)
    of_chance = norm.isf(0.025) * math.sqrt(disagreement)
    return float(
        norm.cdf((difference * math.sqrt(rows) - of_chance) / math.sqrt(disagreement - difference**2))
    )


def rows_needed(difference: float, disagreement: float) -> int:
    """Compute how many rows it takes to find a difference with `power` 0.8, by the same formula.

    Raises ValueError if the numbers cannot belong together.
    """
    from scipy.stats import norm

    _check_difference(difference, disagreement)
    of_chance = norm.isf(0.025) * math.sqrt(disagreement)
    of_difference = norm.isf(0.2) * math.sqrt(disagreement - difference**2)
    return math.ceil(((of_chance + of_difference) / difference) ** 2)


def _check_difference(difference: float, disagreement: float) -> None:
    if not 0 < difference <= disagreement <= 1 or difference == 1:
        raise ValueError(
            _(
                "Expected 0 < difference <= disagreement <= 1 and a difference below 1, because two models "
                "can only differ on rows where one of them is right; got difference {difference} and "
                "disagreement {disagreement}."
            ).format(difference=difference, disagreement=disagreement)
        )


def winners(
    right, tries: int, rows: int, draws: int = 1_000, seed: int = 42
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the best of `tries` trainings on `rows` rows, again and again, and judge it on the other rows.

    `right` of shape (trainings, rows) says whether each answer was right. Each of the `draws` draws takes
    other trainings and other rows. Returns the winner's accuracy on the rows that chose it, and its accuracy
    on all other rows, each of shape (draws,). Of several best ones, the first drawn wins.
    Raises ValueError if there are fewer trainings, or if no row is left to judge.
    """
    right = np.asarray(right, dtype=float)
    if right.ndim != 2 or not 1 <= tries <= len(right) or not 1 <= rows < right.shape[1]:
        raise ValueError(
            _(
                "Expected at most as many tries as trainings, and fewer rows than there are; got {tries} "
                "tries and {rows} rows, of {right.shape} trainings and rows."
            ).format(tries=tries, rows=rows, right=right)
        )
    random = np.random.default_rng(seed)
    chosen = np.empty(draws)
    fresh = np.empty(draws)
    for draw in range(draws):
        tried = right[random.permutation(len(right))[:tries]]
        order = random.permutation(right.shape[1])
        on_rows = tried[:, order[:rows]].mean(axis=1)
        best = on_rows.argmax()
        chosen[draw] = on_rows[best]
        fresh[draw] = tried[best, order[rows:]].mean()
    return chosen, fresh
