"""Ask whether a model is as sure as it should be, and make it so with one number, the temperature.

A model is calibrated if, of the answers that it gives with probability 0.8, eight in ten are right (Guo and
others 2017, ICML, "On Calibration of Modern Neural Networks").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.judge.metrics import checked, probabilities


class Reliability(NamedTuple):
    """Answers in bins of equal width by their confidence. The arrays have the shape (bins with a row,)."""

    confidence: np.ndarray
    accuracy: np.ndarray
    rows: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy over all rows."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.rows))


def reliability(logits, labels, bins: int = 10) -> Reliability:
    """Compare how sure the model is with how often it is right. The confidence is the largest probability.

    `logits` has the shape (rows, classes), `labels` the shape (rows,).
    """
    logits, labels = checked(logits, labels)
    confidence = probabilities(logits).max(axis=-1)
    right = logits.argmax(axis=-1) == labels

    # A confidence of exactly 0.8 belongs to the bin that ends there
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = np.bincount(number, minlength=bins)
    held = rows > 0
    return Reliability(
        np.bincount(number, confidence, minlength=bins)[held] / rows[held],
        np.bincount(number, right, minlength=bins)[held] / rows[held],
        rows[held],
    )


def error_by_chance(logits, draws: int = 200, seed: int = 42) -> float:
    """Return the calibration error that a perfectly calibrated model would show on as many rows.

    `logits` has the shape (rows, classes). In each draw, an answer is right with the probability that the
    model gives it. On few rows the error is never 0, since each bin holds few answers.
    """
    chances = probabilities(np.asarray(logits, dtype=np.float64))
    confidence = chances.max(axis=-1)
    random = np.random.default_rng(seed)
    answers = chances.argmax(axis=-1)
    others = (answers + 1) % chances.shape[1]
    drawn = (np.where(random.random(len(answers)) < confidence, answers, others) for _ in range(draws))
    return float(np.mean([reliability(logits, labels).error for labels in drawn]))


def fit_temperature(logits, labels) -> float:
    """Return the temperature that makes the labels most probable, when the logits are divided by it.

    Above 1, the model was too sure; below 1, not sure enough. Dividing does not change which logit is the
    largest, so no answer changes. Fit it on rows that the model did not train on. The search goes from 0.05
    to 20. `logits` has the shape (rows, classes), `labels` the shape (rows,).
    """
    from scipy.optimize import minimize_scalar

    logits, labels = checked(logits, labels)

    def mean_loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled = scaled - scaled.max(axis=-1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=-1)) - scaled[np.arange(len(labels)), labels]))

    return float(np.exp(minimize_scalar(mean_loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def coverage_curve(logits, labels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Let the model answer only where it is sure: return coverage, accuracy and the lowest confidence.

    The rows come in the order of their confidence, the surest first. Entry i of each array, shape (rows,), is
    for the i + 1 surest rows: their share of all rows, the share of right answers among them, and the
    confidence of the last of them.
    """
    logits, labels = checked(logits, labels)
    confidence = probabilities(logits).max(axis=-1)
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(labels) + 1)
    right = (logits.argmax(axis=-1) == labels)[order]
    return answered / len(labels), right.cumsum() / answered, confidence[order]
