"""Logits → accuracy, within-one-star, confusion matrix, the worst mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def _checked(logits, labels) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        raise ValueError(
            f"Expected logits of shape (rows, classes) and one label per row, at least one row; "
            f"got logits {logits.shape} and labels {labels.shape}."
        )
    if not np.isfinite(logits).all():
        raise ValueError("The logits hold NaN or infinity: the training diverged. Lower learning_rate, load the model anew and train again.")
    return logits, labels


def probabilities(logits) -> np.ndarray:
    """Softmax over the last axis; same shape as `logits`."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def within_one(logits, labels) -> float:
    """Share of rows whose predicted class is at most one away from the label: "4 stars" for "5 stars" counts."""
    logits, labels = _checked(logits, labels)
    return float((np.abs(logits.argmax(axis=-1) - labels) <= 1).mean())


def standard_error(accuracy: float, rows: int) -> float:
    """Standard error of an accuracy measured on `rows` independent rows: sqrt(p (1 - p) / n)."""
    if rows < 1 or not 0 <= accuracy <= 1:
        raise ValueError(f"Expected an accuracy from 0 to 1 and at least one row, got {accuracy} and {rows}.")
    return math.sqrt(accuracy * (1 - accuracy) / rows)


def confusion_matrix(logits, labels) -> np.ndarray:
    """Counts of shape (classes, classes): row = true class, column = predicted class."""
    from sklearn.metrics import confusion_matrix as count

    logits, labels = _checked(logits, labels)
    return count(labels, logits.argmax(axis=-1), labels=range(logits.shape[1]))


def worst_mistakes(texts: Sequence[str], logits, labels, label_names: Sequence[str], count: int = 5):
    """The `count` worst mistakes as a pandas DataFrame: label, predicted, probability of that answer, text.

    Classes are taken as ordered, like stars: the furthest off comes first, then the one the model was surest of.
    """
    import pandas as pd

    logits, labels = _checked(logits, labels)
    chances = probabilities(logits)
    predicted = chances.argmax(axis=-1)
    wrong = np.flatnonzero(predicted != labels)
    distance, sureness = np.abs(predicted - labels)[wrong], chances[wrong, predicted[wrong]]
    wrong = wrong[np.lexsort((-sureness, -distance))][:count].tolist()  # a datasets column takes no numpy integer
    return pd.DataFrame(
        {
            "label": [label_names[labels[i]] for i in wrong],
            "predicted": [label_names[predicted[i]] for i in wrong],
            "probability": [float(chances[i, predicted[i]]) for i in wrong],
            "text": [texts[i] for i in wrong],
        }
    )
